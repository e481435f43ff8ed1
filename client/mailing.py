"""Mail in the line mode: the inbox in pages, reading, answering, deleting, writing."""

from typing import TYPE_CHECKING, Final

from client import show
from client.answers import Refusal
from wire.messages import Mail, MailPage

if TYPE_CHECKING:
    from client.plain import LineMode

PAGE: Final = 10


class Mailing:
    def __init__(self, mode: "LineMode") -> None:
        self._mode = mode
        self._client = mode.client
        self._teller = mode.teller

    async def show_inbox(self, before: int | None = None) -> MailPage:
        """The newest mails, or those before one."""
        page = await self._client.inbox(before, PAGE)
        if not page.mails:
            self._teller.say("-- no more mail" if before else "-- your inbox is empty; /mail NAME writes to somebody")
            return page
        rows: list[list[object]] = [
            [
                row.mail,
                "" if row.read else "new",
                show.word(row.sender),
                show.stamp(row.at),
                show.word(row.subject, 40) or "(none)",
            ]
            for row in page.mails
        ]
        self._mode.table(rows, ["number", "", "from", "when", "subject"])
        self._teller.say(f"-- {page.unread} unread; /read NUMBER reads one" + (", more are older" if page.more else ""))
        return page

    async def browse(self) -> None:
        """The inbox as a dialog, from the menu."""
        page = await self.show_inbox()
        while page.mails:
            more = ", m for older ones" if page.more else ""
            typed = (await self._mode.ask(f"Number to read{more}, Enter to go back: ")).strip().lower()
            if typed == "m" and page.more:
                page = await self.show_inbox(page.mails[-1].mail)
            elif not typed:
                return
            elif (mail := await self.read(typed)) is not None:
                await self._after(mail)

    async def read(self, typed: str) -> Mail | None:
        number = typed.lstrip("#")
        if not number.isdigit() or len(number) > 15:
            self._teller.say(f"-- {show.word(typed)} is no number of a mail: /mail lists them", "error")
            return None
        try:
            mail = await self._client.mail(int(number))
        except Refusal as why:
            self._teller.say(f"-- {show.word(why.text)}", "error")
            return None
        for spans in show.mail(mail):
            self._mode.terminal.write(spans)
        return mail

    async def _after(self, mail: Mail) -> None:
        typed = (await self._mode.ask("r to reply, d to delete, Enter to go back: ")).strip().lower()
        if typed == "r":
            subject = mail.subject if mail.subject.lower().startswith("re:") else f"Re: {mail.subject}"
            await self.write(mail.sender, subject[:200], mail.mail)
        elif typed == "d":
            await self._client.delete_mail(mail.mail)
            self._teller.say("-- deleted")

    async def write(self, to: str = "", subject: str = "", answers: int | None = None) -> None:
        """Ask for what is missing, and send."""
        names = (to or await self._mode.ask("To (names, by commas): ")).replace(",", " ").split()
        if not names:
            return
        subject = subject or (await self._mode.ask("Subject: ")).strip()
        self._teller.say(f"-- to {show.names(names)}; end with a line that has only a dot, or drop it with /drop")
        lines: list[str] = []
        try:
            while (line := (await self._mode.ask("")).rstrip("\r")) != ".":
                if line.strip() == "/drop":
                    self._teller.say("-- dropped")
                    return
                lines.append(line)
        except EOFError:
            self._teller.say("-- the mail was not sent: a line with only a dot would have ended it", "error")
            raise
        number = await self._client.send_mail(names, subject, "\n".join(lines).rstrip(), answers)
        self._teller.say(f"-- mail {number} is sent to {show.names(names)}" if number else "-- sent", "good")
