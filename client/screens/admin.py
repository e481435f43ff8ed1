"""The admin's page: rooms and their processes, accounts, what admins did, and a word to everybody."""

from typing import ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import TabbedContent, TabPane

from client import show
from client.answers import Refusal
from client.screens.accounts import AdminAccounts
from client.screens.adminrooms import AdminRooms
from client.screens.audit import AuditLog
from client.screens.dialogs import Announcing
from client.visit import Visit
from wire.errors import Refused
from wire.names import check_text

TABS: Final = {"o": "rooms", "u": "accounts", "g": "audit"}  # a letter each, also in their titles


class AdminPage(Vertical):
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"tab('{name}')", name, show=False) for key, name in TABS.items()),
        Binding("slash", "find", "Find", show=False),
        Binding("a", "announce", "Announce", show=False),
    ]

    def __init__(self, visit: Visit) -> None:
        super().__init__(id="admin")
        self.visit = visit

    def compose(self) -> ComposeResult:
        with TabbedContent(id="admin-tabs"):
            with TabPane("Rooms (o)", id="admin-rooms"):
                yield AdminRooms(self.visit)
            with TabPane("Accounts (u)", id="admin-accounts"):
                yield AdminAccounts(self.visit)
            with TabPane("Audit log (g)", id="admin-audit"):
                yield AuditLog(self.visit)

    def opened(self) -> None:
        self.on_tabbed_content_tab_activated()

    def tick(self) -> None:
        """Each tab has a clock of its own."""

    def action_tab(self, name: str) -> None:
        self.query_one("#admin-tabs", TabbedContent).active = f"admin-{name}"

    def on_tabbed_content_tab_activated(self) -> None:
        """Look anew at what is shown, and let keys go there."""
        pane = self.query_one("#admin-tabs", TabbedContent).active_pane
        if pane is not None and self.visit.admin:
            pane.children[0].opened()  # type: ignore[attr-defined]

    def action_find(self) -> None:
        self.action_tab("accounts")
        self.query_one("#find-account").focus()

    @work
    async def action_announce(self) -> None:
        """Ask what, and to whom; then say it."""
        row = self.query_one(AdminRooms).chosen
        asked = await self.app.push_screen_wait(Announcing(row.name if row is not None and row.pid else ""))
        if asked is None:
            return
        text, room = asked
        try:
            await self.visit.client.announce(check_text(text), room)
        except (Refusal, Refused) as why:
            self.notify(show.word(why.text), severity="error")
            return
        self.notify(f"Announced to {show.word(room) if room else 'everybody who is here'}.")
        self.query_one(AuditLog).refetch()
