"""One's own account: who one is, what can be done with it, a new password, and notices."""

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Checkbox, Input, Label, Static

from client import show
from client.answers import Refusal
from client.screens.field import Field
from client.screens.guest import WayToAnAccount
from client.screens.keys import FIELDS
from client.screens.ownaccount import OwnAccount
from client.screens.tick import Tick
from client.settings import NOTICES, save
from client.visit import Visit
from wire.messages import Passwd

WORDS = {"bell": "Ring the bell", "title": "Show counts in the window's title", "desktop": "Notices on the desktop",
         "mention": "… when my name falls", "whisper": "… for what is said to me in private",
         "mail": "… for mail"}  # fmt: skip


DOINGS = {"sessions": "Sessions", "blocks": "Block list", "spelling": "Capitals",
          "save": "Save my data", "delete": "Delete account"}  # fmt: skip


class AccountPage(VerticalScroll):
    BINDINGS: ClassVar[list[BindingType]] = [*FIELDS]

    def __init__(self, visit: Visit) -> None:
        super().__init__(id="account", can_focus=False)
        self.visit = visit

    def compose(self) -> ComposeResult:
        yield Static(" Account", classes="heading")
        yield Static("", id="account-about")
        yield WayToAnAccount(self.visit, "You are here as a guest.")
        with Horizontal(id="account-doings"):
            for verb, words in DOINGS.items():
                yield Button(words, id=f"do-{verb}", variant="error" if verb == "delete" else "default", compact=True)
        with Vertical(id="password"):
            yield Label("Change the password", classes="title")
            yield Field(placeholder="The password now", password=True, id="old", compact=True)
            yield Field(placeholder="The new one", password=True, id="new", compact=True)
            yield Field(placeholder="The new one again", password=True, id="again", compact=True)
            yield Button("Change it", id="change", variant="primary", compact=True)
        yield Label("", id="account-told", markup=False)
        yield Label("Notices", classes="title")
        for name in NOTICES:
            yield Tick(WORDS[name], getattr(self.visit.settings.notices, name), id=f"notice-{name}", compact=True)

    def opened(self) -> None:
        self._about()
        guest = self.visit.guest
        self.query_one(WayToAnAccount).display = guest
        for verb in ("spelling", "delete"):
            self.query_one(f"#do-{verb}", Button).display = not guest
        self.query_one("#password").display = not guest
        self.query_one("#do-sessions" if guest else "#old").focus()

    def _about(self) -> None:
        lobby = self.visit.client.session.lobby
        roles = "guest" if lobby.guest else ", ".join(lobby.roles) or "user"
        where = (f"  ({show.word(roles)}) at {self.visit.address}", "$quiet")
        about = Content.assemble(" You are ", (show.word(self.visit.me), "bold"), where)
        self.query_one("#account-about", Static).update(about)

    @on(Button.Pressed, "#account-doings Button")
    @work(exclusive=True)
    async def _do(self, event: Button.Pressed) -> None:
        await OwnAccount(self.app, self.visit, self._tell).do((event.button.id or "").removeprefix("do-"))
        self._about()

    def tick(self) -> None:
        """Nothing here changes by itself."""

    @on(Input.Submitted)
    @on(Button.Pressed, "#change")
    @work(exclusive=True)
    async def _change(self) -> None:
        old, new, again = (self.query_one(f"#{name}", Input).value for name in ("old", "new", "again"))
        if not old or not new:
            self._tell("Fill in both, the one now and the new one.")
            return
        if new != again:
            self._tell("The new ones are not the same.")
            return
        try:
            await self.visit.client.ask(Passwd(old=old, new=new))
        except Refusal as why:
            self._tell(why.text)
            return
        for name in ("old", "new", "again"):
            self.query_one(f"#{name}", Input).value = ""
        self._tell("Your password is changed; other sessions of your account have ended.")

    def _tell(self, text: str) -> None:
        self.query_one("#account-told", Label).update(Content(show.word(text)))

    @on(Checkbox.Changed)
    def _notice(self, event: Checkbox.Changed) -> None:
        name = (event.checkbox.id or "").removeprefix("notice-")
        if getattr(self.visit.settings.notices, name) != event.value:
            setattr(self.visit.settings.notices, name, event.value)
            if complaint := save(self.visit.settings):
                self.notify(complaint, severity="warning")
