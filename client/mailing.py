"""Mail in the line mode: folders in pages, reading, threads, search, writing with drafts, as dialogs and by commands.

Law: what was written is not lost: a mail that is refused, or not finished, is kept as a draft.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from client import show
from client.answers import Refusal
from client.maildeeds import FOLDERS, STARRED, MailDeeds, all_of, number, subject_of_reply
from client.terminal import Cancelled
from wire.errors import Refused
from wire.messages import Mail, MailPage, MailRow

if TYPE_CHECKING:
    from client.plain import LineMode

PAGE: Final = 10
Pages = Callable[[int | None], Awaitable[MailPage]]  # the page before a number
KEYS: Final = {"s": "star", "u": "unread", "v": "archive", "d": "delete", "b": "restore"}


class Mailing(MailDeeds):
    def __init__(self, mode: "LineMode") -> None:
        super().__init__(mode.client, mode.teller)
        self._mode = mode

    # -- lists

    def _folder(self, folder: str) -> Pages:
        async def page(before: int | None) -> MailPage:
            if folder == STARRED:
                return await self._client.mails(before=before, limit=PAGE, starred=True)
            return await self._client.mails(FOLDERS[folder], before=before, limit=PAGE)

        return page

    async def _show(self, pages: Pages, what: str, before: int | None = None, *, folders: bool = False) -> MailPage:
        """One page of a list. `folders`: its mails lie in several."""
        page = await pages(before)
        if not page.mails:
            self._teller.say("-- no more mail" if before else f"-- {what} is empty")
            return page
        rows = [_cells(row, folders=folders) for row in page.mails]
        heads = ["number", "", "to" if what in ("sent", "drafts") else "from", "when", "subject"]
        self._mode.table(rows, [*heads, "in"] if folders else heads)
        more = ", more are older" if page.more else ""
        self._teller.say(f"-- {page.unread} unread; /read NUMBER reads one{more}")
        return page

    async def show_inbox(self, before: int | None = None) -> MailPage:
        """The newest mails, or those before one."""
        page = await self._show(self._folder("inbox"), "your inbox", before)
        if not page.mails and before is None:
            self._teller.say("-- /mail NAME writes to somebody, /folder shows your other folders")
        return page

    async def show_folder(self, folder: str) -> None:
        if folder:
            await self._show(self._folder(folder), folder, folders=folder == STARRED)
            return
        page = await self._client.folders()
        self._mode.table(
            [[row.folder, row.mails, row.unread or "", _size(row.bytes)] for row in page.folders],
            ["folder", "mails", "unread", "size"],
        )
        if isinstance(page.most_mails, int):
            kept = sum(row.mails for row in page.folders)
            self._teller.say(f"-- {kept:,} of at most {page.most_mails:,} mails; /folder NAME shows one of them")

    async def find(self, words: str) -> None:
        await self._show(lambda before: self._client.find_mail(words, before=before, limit=PAGE), "what was found",
                         folders=True)  # fmt: skip

    async def show_thread(self, mail: Mail) -> None:
        thread = mail.thread if isinstance(mail.thread, int) else mail.mail
        await self._show(lambda before: self._client.mails(before=before, limit=PAGE, thread=thread), "the thread",
                         folders=True)  # fmt: skip

    # -- dialogs

    async def browse(self) -> None:
        """The inbox as a dialog, from the menu."""
        pages, what = self._folder("inbox"), "your inbox"
        page = await self._show(pages, what)
        while True:
            more = "m for older ones, " if page.more else ""
            typed = (await self._mode.ask(f"Number to read, {more}f folders, s search, Enter to go back: ")).strip()
            match typed.lower():
                case "":
                    return
                case "m" if page.more:
                    page = await self._show(pages, what, page.mails[-1].mail)
                case "f":
                    pages, what = await self._choose_folder()
                    page = await self._show(pages, what, folders=what == STARRED)
                case "s":
                    words = (await self._mode.ask("Words to find: ")).strip()
                    pages, what = _finding(self, words), "what was found"
                    page = await self._show(pages, what, folders=True)
                case _:
                    with self._mode.telling():
                        await self._after(await self._read(number(typed)))

    async def _choose_folder(self) -> tuple[Pages, str]:
        await self.show_folder("")
        typed = (await self._mode.ask("Folder (its first letters, or starred) [Enter: inbox]: ")).strip().lower()
        found = next((name for name in (*FOLDERS, STARRED) if name.startswith(typed)), "inbox") if typed else "inbox"
        return self._folder(found), found

    async def read(self, typed: str) -> Mail | None:
        try:
            return await self._read(number(typed))
        except (Refused, Refusal) as why:
            self._teller.say(f"-- {show.word(why.text)}", "error")
            return None

    async def _read(self, mail: int) -> Mail:
        found = await self._client.mail(mail)
        for spans in show.mail(found):
            self._mode.terminal.write(spans)
        return found

    async def _after(self, mail: Mail) -> None:
        if mail.folder == "drafts":
            choices = "e to go on writing, d to delete it"
        else:
            back = "b to bring it back, d to delete it for good" if mail.folder == "trash" else "d to delete"
            star = "s to take its star" if mail.starred is True else "s star"
            choices = f"r to reply, a to all, t thread, {star}, u unread, v archive, {back}"
        typed = (await self._mode.ask(f"{choices}, Enter to go back: ")).strip().lower()
        match typed:
            case "r" | "a":
                await self.reply(mail, to_all=typed == "a")
            case "e" if mail.folder == "drafts":
                await self.go_on(mail)
            case "t":
                await self.show_thread(mail)
            case _ if typed in KEYS:
                verb = "unstar" if typed == "s" and mail.starred is True else KEYS[typed]
                self._teller.say(f"-- {await self.do(verb, mail.mail)}", "good")

    # -- writing

    async def reply(self, mail: Mail, *, to_all: bool = False) -> None:
        names = all_of(mail, self._teller.me) if to_all else [mail.sender]
        await self.write(" ".join(names), subject_of_reply(mail), mail.mail)

    async def go_on(self, mail: Mail) -> None:
        for spans in show.mail(mail):
            self._mode.terminal.write(spans)
        to = " ".join(mail.to) or await self._mode.ask("To (names, by commas): ")
        subject = mail.subject or (await self._mode.ask("Subject: ")).strip()
        self._teller.say("-- what you type now goes after what is there")
        answers = mail.answers if isinstance(mail.answers, int) else None
        await self._write(to.replace(",", " ").split(), subject, mail.body, answers, mail.mail)

    async def write(self, to: str = "", subject: str = "", answers: int | None = None) -> None:
        """Ask for what is missing, and send."""
        names = (to or await self._mode.ask("To (names, by commas): ")).replace(",", " ").split()
        if names:
            subject = subject or (await self._mode.ask("Subject: ")).strip()
            await self._write(names, subject, "", answers, None)

    async def _write(self, names: list[str], subject: str, begun: str, answers: int | None, draft: int | None) -> None:
        self._teller.say(
            f"-- to {show.names(names)}; end with a line that has only a dot; /later keeps it, /drop drops it"
        )
        lines = [begun] if begun else []

        async def keep(why: str) -> None:
            kept = await self._client.keep_draft(names, subject, "\n".join(lines).rstrip(), answers, draft)
            self._teller.say(f"-- {why}: it is kept as draft {kept} (/edit {kept} goes on with it)", "notice")

        try:
            while (line := (await self._mode.ask("")).rstrip("\r")) != ".":
                if line.strip() in ("/drop", "/later"):
                    await (keep("not sent") if line.strip() == "/later" else self._drop())
                    return
                lines.append(line)
        except Cancelled:
            if not any(lines):
                raise
            await keep("not sent")
            return
        except EOFError:
            if any(lines):
                await keep("the mail was not sent, a line with only a dot would have ended it")
            raise
        try:
            sent = await self._client.send_mail(names, subject, "\n".join(lines).rstrip(), answers, draft)
        except Refusal as why:
            if any(lines) and not self._client.session.over:
                await keep(show.word(why.text))
                return
            raise
        self._teller.say(f"-- mail {sent} is sent to {show.names(names)}" if sent else "-- sent", "good")

    async def _drop(self) -> None:
        self._teller.say("-- dropped")


def _finding(mailing: Mailing, words: str) -> Pages:
    return lambda before: mailing._client.find_mail(words, before=before, limit=PAGE)


def _cells(row: MailRow, *, folders: bool) -> list[object]:
    marks = ("" if row.read else "new") + ("*" if row.starred is True else "")
    who = "to " + show.names(row.to) if isinstance(row.to, list) and folders else (
        show.names(row.to) if isinstance(row.to, list) else show.word(row.sender))  # fmt: skip
    cells: list[object] = [row.mail, marks, who, show.stamp(row.at), show.word(row.subject, 40) or "(none)"]
    return [*cells, row.folder or ""] if folders else cells


def _size(size: int) -> str:
    return f"{size / 1_000:,.0f} kB" if size else ""
