"""The inbox: mails in a list, the one under the cursor beside or below it, written and answered in a window."""

from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from client import show
from client.answers import Refusal
from client.screens.dialogs import Confirm
from client.visit import Visit
from wire.messages import Mail, MailMark, MailRow

PAGE: Final = 50
MORE: Final = "more"


class InboxPage(Vertical):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "write", "New"),
        Binding("r", "reply", "Reply"),
        Binding("d,delete", "delete", "Delete"),
        Binding("u", "unread", "Mark unread"),
        Binding("slash", "find", "Find"),
    ]

    def __init__(self, visit: Visit) -> None:
        super().__init__(id="inbox")
        self.visit = visit
        self._rows: list[MailRow] = []
        self._more = False
        self._mail: Mail | None = None
        self._unread = -1
        self._wanted = 0

    def compose(self) -> ComposeResult:
        yield Static(" Inbox", classes="heading", id="inbox-heading")
        yield Input(placeholder="Find in sender and subject", id="find-mail", compact=True)
        with Horizontal(id="mails"):
            yield OptionList(id="mail-list", markup=False)
            with VerticalScroll(id="mail-pane"):
                yield Static("", id="mail", markup=False)
        yield Static(" Enter reads  ·  n new  ·  r reply  ·  d delete  ·  u unread  ·  / find", classes="hint")

    def on_mount(self) -> None:
        self.query_one("#find-mail").display = False

    def opened(self, number: int = 0) -> None:
        self._wanted = number
        self.query_one("#mail-list", OptionList).focus()
        self.refresh_rows()

    def tick(self) -> None:
        """A mail came, or was read elsewhere."""
        unread = self.visit.client.session.lobby.unread
        if unread != self._unread:
            self._unread = unread
            self.refresh_rows()

    def on_resize(self) -> None:
        self.set_class(self.size.width < 76, "narrow")

    @work(exclusive=True, group="inbox")
    async def refresh_rows(self, *, more: bool = False) -> None:
        try:
            page = await self.visit.client.inbox(self._rows[-1].mail if more and self._rows else None, PAGE)
        except Refusal as why:
            self.notify(show.word(why.text), severity="warning")
            return
        self._rows = [*self._rows, *page.mails] if more else page.mails
        self._more = page.more
        self._unread = page.unread
        self._draw()
        if self._wanted:
            number, self._wanted = self._wanted, 0
            self.read(number)

    def _draw(self) -> None:
        typed = self.query_one("#find-mail", Input).value.strip().lower()
        rows = [row for row in self._rows if typed in f"{row.sender} {row.subject}".lower()]
        listed = self.query_one("#mail-list", OptionList)
        at = listed.highlighted or 0
        options = [Option(self._option(row), id=str(row.mail)) for row in rows]
        if self._more:
            options.append(Option("   … older mail", id=MORE))
        listed.set_options(options)
        if options:
            listed.highlighted = min(at, len(options) - 1)
        unread = f"{self._unread} unread" if self._unread else "all read"
        what = unread if self._rows else "empty: n writes to somebody"
        self.query_one("#inbox-heading", Static).update(Content.assemble(" Inbox  ", (what, "$quiet")))

    @staticmethod
    def _option(row: MailRow) -> Content:
        style = "" if row.read else "bold"
        mark = ("  ", "") if row.read else ("● ", "$primary")
        head = (f"{show.word(row.sender, 20)}", style or "$quiet")
        subject = show.word(row.subject, 60) or "(no subject)"
        return Content.assemble(mark, head, ("  " + show.stamp(row.at)[5:], "$quiet"), "\n  ", (subject, style))

    @on(OptionList.OptionSelected, "#mail-list")
    def _selected(self, event: OptionList.OptionSelected) -> None:
        if event.option.id == MORE:
            self.refresh_rows(more=True)
        else:
            self.read(int(event.option.id or "0"))

    @on(Input.Changed, "#find-mail")
    def _typed(self) -> None:
        self._draw()

    @on(Input.Submitted, "#find-mail")
    def _found(self) -> None:
        self.query_one("#mail-list").focus()

    @work(exclusive=True, group="mail")
    async def read(self, number: int) -> None:
        try:
            self._mail = await self.visit.client.mail(number)
        except Refusal as why:
            self.notify(show.word(why.text), severity="error")
            return
        rows = show.mail(self._mail)
        styles = {"time": "$quiet", "name": "bold", "text": ""}
        lines = [Content.assemble(*((text, styles.get(role, "")) for role, text in spans)) for spans in rows]
        self.query_one("#mail", Static).update(Content("\n").join(lines))
        self.query_one("#mail-pane").scroll_home(animate=False)
        for row in self._rows:
            if row.mail == number:
                row.read = True
        self._unread = self.visit.client.session.lobby.unread
        self._draw()
        self.refresh_rows()

    def action_write(self) -> None:
        self.visit.front.write_mail("")

    def action_find(self) -> None:
        self.query_one("#find-mail").display = True
        self.query_one("#find-mail").focus()

    def action_reply(self) -> None:
        mail = self._mail
        if mail is not None:
            subject = mail.subject if mail.subject.lower().startswith("re:") else f"Re: {mail.subject}"
            self.visit.front.write_mail(mail.sender, subject[:200], mail.mail)

    def _chosen(self) -> int:
        listed = self.query_one("#mail-list", OptionList)
        option = listed.highlighted_option
        number = (option.id or "") if option is not None else ""
        return int(number) if number.isdigit() else 0

    @work
    async def action_unread(self) -> None:
        if number := self._chosen():
            await self.visit.client.ask(MailMark(mail=number, read=False))
            self.refresh_rows()

    @work
    async def action_delete(self) -> None:
        number = self._chosen()
        sure = await self.app.push_screen_wait(Confirm("Delete this mail for good?", "Delete")) if number else False
        if sure:
            try:
                await self.visit.client.delete_mail(number)
            except Refusal as why:
                self.notify(show.word(why.text), severity="error")
            if self._mail is not None and self._mail.mail == number:
                self._mail = None
                self.query_one("#mail", Static).update("")
            self.refresh_rows()
