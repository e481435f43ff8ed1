"""What guests see where an account is needed: that it is, what it gives, and the way to one.

Law: nothing is offered that a guest cannot do.
"""

from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Button, Static

from client.visit import Visit

NO_MAIL: Final = "Guests have no mail."
GIVES: Final = "An account keeps your name, your mail, and what people tell you while you are away."
ASK: Final = "The operator of this server gives accounts to whom they know: ask for one."


class WayToAnAccount(Vertical):
    """What an account gives, and a button for it where one may be had."""

    def __init__(self, visit: Visit, begins: str = "") -> None:
        super().__init__(classes="way")
        self.visit = visit
        self._begins = begins

    def compose(self) -> ComposeResult:
        greeted = self.visit.client.greeted
        free = greeted is not None and greeted.registration
        yield Static(" ".join(filter(None, (self._begins, GIVES, "" if free else ASK))))
        if free:
            yield Button("Create an account", classes="get-account", variant="primary", compact=True)

    @on(Button.Pressed)
    async def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        await self.app.run_action("app.get_account")


class NoInbox(Vertical):
    """In the place of the inbox."""

    def __init__(self, visit: Visit) -> None:
        super().__init__(id="inbox")
        self.visit = visit

    def compose(self) -> ComposeResult:
        yield Static(" Inbox", classes="heading")
        yield WayToAnAccount(self.visit, NO_MAIL)

    def opened(self, **_more: int | str) -> None:
        for button in self.query(Button):
            button.focus()

    def tick(self) -> None:
        """Nothing comes here."""
