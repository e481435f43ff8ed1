"""The way about: pages and open rooms with what is unread in each, always in sight on a wide screen."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from client import show
from client.floor import Table
from client.visit import Visit
from wire.names import fold

PAGES = {"rooms": "Rooms", "inbox": "Inbox", "people": "People", "account": "Account", "admin": "Admin", "help": "Help"}


class Sidebar(OptionList):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(str(n), f"app.room_number({n})", f"room {n}", show=False) for n in range(1, 10)
    ]

    class Go(Message):
        """Somebody wants to see a page, or the room of that name."""

        def __init__(self, page: str, room: str = "") -> None:
            self.page = page
            self.room = room
            super().__init__()

    def __init__(self, visit: Visit) -> None:
        super().__init__(id="sidebar", markup=False, compact=True)
        self.visit = visit
        self._drawn: object = None

    def tick(self, page: str) -> None:
        """Draw what has changed; `page` is the one on the screen."""
        floor = self.visit.floor
        unread = self.visit.client.session.lobby.unread
        state = [(t.name, t.unread, t.mentions, t.lost) for t in floor.tables.values()]
        counts = {"inbox": unread, "rooms": len(floor.invitations)}
        now = (self.visit.me, page, floor.shown, counts, state, self.visit.admin)
        if now == self._drawn:
            return
        self._drawn = now
        options = [Option(Content.styled(f" {show.word(self.visit.me, 18)}", "$quiet"), id="me", disabled=True)]
        options += [self._page(name, counts.get(name, 0)) for name in self._pages()]
        options.append(Option("", id="gap", disabled=True))
        options += [self._room(number, table) for number, table in enumerate(floor.tables.values(), 1)]
        with self.prevent(OptionList.OptionHighlighted, OptionList.OptionSelected):
            self.set_options(options)
            here = f"room-{floor.shown}" if page == "room" else f"page-{page}"
            self.highlighted = next((n for n, option in enumerate(options) if option.id == here), None)

    def _pages(self) -> list[str]:
        hidden = {"admin"} if not self.visit.admin else set()
        return [name for name in PAGES if name not in hidden]

    def _page(self, name: str, count: int) -> Option:
        """`count`: unread mails, or invitations."""
        counted = (f" {count}" if count else "", "bold $warning")
        return Option(Content.assemble(f" {PAGES[name]}", counted), id=f"page-{name}")

    def _room(self, number: int, table: Table) -> Option:
        key = f"{number}" if number < 10 else " "
        name = (show.word(table.name, 13), "bold" if table.unread else "")
        parts: list[tuple[str, str]] = [(f" {key} ", "$quiet"), name]
        if table.lost:
            parts.append((" …", "$warning"))
        if table.mentions:
            parts.append((f" @{table.mentions}", "bold $warning"))
        elif table.unread:
            parts.append((f" {min(table.unread, 999)}", "$quiet"))
        return Option(Content.assemble(*parts), id=f"room-{fold(table.name)}")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        kind, _, name = (event.option.id or "").partition("-")
        self.post_message(self.Go("room", name) if kind == "room" else self.Go(name))
