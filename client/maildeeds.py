"""Commands about mail that mean the same in the line mode and on the screens; what shows something is each one's own.

Law: what is done to a mail is said in one line; a refusal is the caller's to tell.
"""

from pathlib import Path
from typing import Final

from client import mailfiles, show
from client.api import Client
from client.commands import Command
from client.teller import Teller
from wire.errors import Refused
from wire.letters import LettersError
from wire.messages import Folder, Mail

FOLDERS: Final[dict[str, Folder]] = {
    "inbox": "inbox", "sent": "sent", "drafts": "drafts", "draft": "drafts", "archive": "archive", "trash": "trash",
}  # fmt: skip
STARRED: Final = "starred"
NO_MAIL: Final = "guests have no mail: 7 in the menu (/menu) says how to have an account"


class MailDeeds:
    def __init__(self, client: Client, teller: Teller) -> None:
        self._client = client
        self._teller = teller

    # -- what shows something

    async def show_folder(self, folder: str) -> None:
        """What is in a folder, or starred; empty: which folders there are."""
        raise NotImplementedError

    async def find(self, words: str) -> None:
        raise NotImplementedError

    async def show_thread(self, mail: Mail) -> None:
        raise NotImplementedError

    async def go_on(self, mail: Mail) -> None:
        """Go on writing a draft."""
        raise NotImplementedError

    async def reply(self, mail: Mail, *, to_all: bool = False) -> None:
        raise NotImplementedError

    async def show_inbox(self, before: int | None = None) -> object:
        raise NotImplementedError

    async def read(self, typed: str) -> object:
        raise NotImplementedError

    async def write(self, to: str = "", subject: str = "", answers: int | None = None) -> None:
        raise NotImplementedError

    # -- what does

    async def command(self, command: Command) -> None:
        """Raises Refused, Refusal."""
        text = " ".join(command.args).strip()
        match command.verb:
            case "mail":
                await (self.write(text) if text else self.show_inbox())
            case "read":
                await self.read(text)
            case "folder":
                wanted = text.lower()
                if wanted and wanted != STARRED and wanted not in FOLDERS:
                    raise Refused("bad_text", f"there is no folder {show.word(text)}: {', '.join(FOLDERS)}, {STARRED}")
                await self.show_folder(STARRED if wanted == STARRED else FOLDERS.get(wanted, ""))
            case "findmail":
                await self.find(text)
            case "reply" | "thread" | "edit":
                await self._with_mail(command)
            case "emptytrash":
                await self._client.empty_trash()
                self._teller.say("-- the trash is empty", "good")
            case "exportmail" | "importmail":
                await self._files(command.verb, text)
            case _:
                self._teller.say(f"-- {await self.do(command.verb, number(command.args[0]))}", "good")

    async def do(self, verb: str, mail: int) -> str:
        """One deed on one mail; what was done, in words."""
        match verb:
            case "star" | "unstar":
                await self._client.mark_mail(mail, starred=verb == "star")
                return f"mail {mail} has {'a' if verb == 'star' else 'no'} star"
            case "unread":
                await self._client.mark_mail(mail, read=False)
                return f"mail {mail} is unread again"
            case "archive":
                await self._client.move_mail(mail, "archive")
                return f"mail {mail} is in the archive"
            case "restore":
                await self._client.move_mail(mail)
                return f"mail {mail} is back where it was"
            case _:
                await self._client.delete_mail(mail)
                return f"mail {mail} is deleted (from the trash /restore {mail} brings it back)"

    async def _with_mail(self, command: Command) -> None:
        mail = await self._client.mail(number(command.args[0]))
        if command.verb == "reply":
            await self.reply(mail, to_all=command.args[1:] == ("all",))
        elif command.verb == "thread":
            await self.show_thread(mail)
        elif mail.folder != "drafts":
            raise Refused("no_such_mail", f"mail {mail.mail} is no draft: /reply {mail.mail} answers it")
        else:
            await self.go_on(mail)

    async def _files(self, verb: str, text: str) -> None:
        told = 0

        def progress(done: int, of: int) -> None:
            nonlocal told
            if done < of and done - told >= 1_000:
                told = done
                self._teller.say(f"-- {done:,} of {of:,} mails")

        try:
            if verb == "exportmail":
                form, path = mailfiles.where(text)
                count = await mailfiles.export(self._client, path, form, progress)
                self._teller.say(f"-- {show.count(count, 'mail')} in {show.word(str(path))}", "good")
            else:
                fresh, known = await mailfiles.load(self._client, Path(text).expanduser(), progress)
                there = f"; {known:,} {'was' if known == 1 else 'were'} there already" if known else ""
                self._teller.say(
                    f"-- {show.count(fresh, 'mail')} of {show.word(text)} came into your mailbox{there}", "good"
                )
        except LettersError as why:
            raise Refused("bad_text", str(why)) from None
        except OSError as why:
            raise Refused("bad_text", f"{why.filename or text}: {why.strerror}") from None


def number(typed: str) -> int:
    """Of a mail, as it was typed. Raises Refused."""
    digits = typed.strip().lstrip("#")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 15:
        raise Refused("no_such_mail", f"{show.word(typed)} is no number of a mail: /mail lists them")
    return int(digits)


def subject_of_reply(mail: Mail) -> str:
    subject = show.word(mail.subject)  # it comes to stand in a field, as if one had typed it
    return (subject if subject.lower().startswith("re:") else f"Re: {subject}")[:200]


def quoted(mail: Mail) -> str:
    """The text of a mail, as a reply repeats it."""
    return "".join(f"> {line}\n" if line else ">\n" for line in mail.body.split("\n"))


def all_of(mail: Mail, me: str) -> list[str]:
    """Whom a reply to all goes to: its sender and its recipients, but oneself."""
    names = {name.lower(): name for name in reversed([mail.sender, *mail.to])}
    names.pop(me.lower(), None)
    return list(reversed(names.values())) or [mail.sender]
