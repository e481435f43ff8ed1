"""The first screen: which server, and who one is."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Input, Label, Static

from client import address, show
from client.address import Address, BadAddress
from client.answers import Refusal
from client.events import Greeted
from client.screens.dialogs import Recovering
from client.screens.field import Field
from client.screens.keys import FIELDS
from wire.errors import Refused
from wire.names import check_person

Connect = Callable[[Address], Awaitable[Greeted]]
LogIn = Callable[..., Awaitable[object]]  # how, name, password; for "recover" also the code


class Welcome(Screen[None]):
    AUTO_FOCUS = "#name"
    BINDINGS: ClassVar[list[BindingType]] = [
        *FIELDS,
        Binding("enter", "named", show=False, priority=True),  # before the next key, as Tab does
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(
        self, connect: Connect, log_in: LogIn, server: str, name: str, *, known: bool, makes: bool = False
    ) -> None:
        """`known`: the name is one's own, and a password comes next; `makes`: that of an account that is to be made."""
        super().__init__()
        self._makes = makes
        self._connect = connect
        self._log_in = log_in
        self._server = server
        self._name_known = name
        self._known = known
        self._greeted: Greeted | None = None
        self._greeted_at = ""  # what was written where it came from
        self._greeting = asyncio.Lock()
        self._asked_again = ""  # a new account's password, to be typed a second time

    def compose(self) -> ComposeResult:
        with Vertical(id="door"):
            yield Static("P a r l o u r", id="sign")
            yield Static("rooms to talk in", id="motto")
            yield Label("Server")
            yield Field(self._server, id="server", compact=True)
            yield Label("Name")
            yield Field(self._name_known, placeholder="letters, digits, - _ .", id="name", max_length=32, compact=True)
            yield Label("Password")
            yield Field(placeholder="none for a guest", password=True, id="password", compact=True)
            yield Label("", id="told", markup=False)
            with Horizontal(id="doors"):
                yield Button("Log in", id="login", variant="default" if self._makes else "primary", compact=True)
                yield Button(
                    "Create account", id="register", variant="primary" if self._makes else "default", compact=True
                )
                yield Button("Guest", id="guest", compact=True)
            yield Button("I have a one-time code", id="code-door", compact=True)
            yield Static("Enter goes in · Tab moves · Ctrl+Q leaves", classes="hint")

    def on_mount(self) -> None:
        if self._known and self._name_known:
            self.query_one("#password").focus()
        self._greet()

    @work(exclusive=True, group="greet")
    async def _greet(self) -> None:
        await self._greeted_there()

    async def _greeted_there(self) -> bool:
        """Whether the server that is written above has greeted us: no other is told a name and a password."""
        async with self._greeting:
            wanted = self.query_one("#server", Input).value.strip()
            if self._greeted is not None and wanted == self._greeted_at:
                return True
            self._greeted = None
            self._tell("Looking for the server …", "quiet")
            try:
                self._greeted = await self._connect(address.parse(wanted))
            except (BadAddress, Refusal) as why:
                self._tell(getattr(why, "text", str(why)), "error")
                return False
            self._greeted_at = wanted
            self.query_one("#guest", Button).display = self._greeted.guests
            self.query_one("#register", Button).display = self._greeted.registration
            self._tell(f"{show.word(self._greeted.server, 40)} is there.", "quiet")
            return True

    def _tell(self, text: str, tone: str) -> None:
        told = self.query_one("#told", Label)
        told.update(Content(show.word(text, 300)))
        told.set_class(tone == "error", "error")

    @on(Input.Submitted, "#server")
    def _another_server(self) -> None:
        self._greeted = None  # to look once more is what Enter means
        self._greet()
        self.query_one("#name").focus()

    @on(Input.Blurred, "#server")
    def _left_server(self) -> None:
        if self.query_one("#server", Input).value.strip() != self._greeted_at:
            self._greet()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Enter is another key's elsewhere."""
        return action != "named" or (self.focused is not None and self.focused.id == "name")

    def action_named(self) -> None:
        self.set_focus(self.query_one("#password"))

    @on(Input.Submitted, "#password")
    def _submitted(self) -> None:
        has_password = self.query_one("#password", Input).value
        if has_password and (self._makes or self._asked_again):
            self._go("register")
            return
        guests = self._greeted is not None and self._greeted.guests
        self._go("login" if has_password or not guests else "guest")

    @on(Button.Pressed, "#code-door")
    @work(exclusive=True, group="login")
    async def _with_code(self, event: Button.Pressed) -> None:
        event.stop()
        name = self.query_one("#name", Input).value.strip()
        try:
            check_person(name)
            answer = await self.app.push_screen_wait(Recovering())
            if answer is not None and await self._greeted_there():
                await self._log_in("recover", name, answer[1], answer[0])
        except (Refused, Refusal) as why:
            self._tell(why.text, "error")

    @on(Button.Pressed, "#doors Button")
    def _pressed(self, event: Button.Pressed) -> None:
        self._go(event.button.id or "login")

    @work(exclusive=True, group="login")
    async def _go(self, how: str) -> None:
        name, field = self.query_one("#name", Input).value.strip(), self.query_one("#password", Input)
        password = field.value
        try:
            check_person(name)
            if how != "guest" and not password:
                self._tell("A password is missing.", "error")
                field.focus()
                return
            if how == "register" and not self._typed_twice(field):
                return
            if await self._greeted_there():
                await self._log_in(how, name, "" if how == "guest" else password)
        except Refused as why:
            self._tell(why.text, "error")
        except Refusal as why:
            field.value = ""
            new = why.code == "wrong_password" and self._greeted is not None and self._greeted.registration
            self._tell(why.text + (". Create account makes a new one." if new else ""), "error")
            if why.code == "no_server":
                self._greeted = None
                self._greet()

    def _typed_twice(self, field: Input) -> bool:
        """Whether a new account's password is there for the second time, and the same."""
        first, again = self._asked_again, field.value
        if first and first == again:
            self._asked_again = ""
            return True
        self._asked_again, field.value = ("", "") if first else (again, "")
        what = (
            "The two are not the same: choose a password." if first else "Type the password once more, and press Enter."
        )
        self._tell(what, "error" if first else "quiet")
        field.focus()
        return False
