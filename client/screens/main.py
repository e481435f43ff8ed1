"""The screen one lives in: the way about at the left, a page or a room beside it, one quiet row below."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widgets import ContentSwitcher

from client import show
from client.link import read_clock
from client.screens.account import AccountPage
from client.screens.admin import AdminPage
from client.screens.guest import NoInbox
from client.screens.help import HelpPage
from client.screens.inbox import InboxPage
from client.screens.keys import KEYS, short
from client.screens.people import PeoplePage
from client.screens.roompane import RoomPane
from client.screens.rooms import RoomsPage
from client.screens.sidebar import Sidebar
from client.screens.steady import Steady
from client.visit import Visit

NARROW = 64  # columns below which the list at the left is hidden


class Main(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "home", "Back to typing", show=False, priority=True)  # before the next key, however fast
    ]

    def __init__(self, visit: Visit) -> None:
        super().__init__()
        self.visit = visit
        self.page = "rooms"
        self._ready = False  # whether there is something to draw on

    def compose(self) -> ComposeResult:
        with Horizontal(id="whole"):
            yield Sidebar(self.visit)
            with ContentSwitcher(initial="rooms", id="pages"):
                yield RoomsPage(self.visit)
                yield RoomPane(self.visit)
        yield Steady(id="bar")

    def on_mount(self) -> None:
        self._ready = True
        self.tick()
        self.set_interval(1.0, self.tick)

    def on_resize(self) -> None:
        self.query_one(Sidebar).display = self.size.width >= NARROW

    @property
    def room(self) -> RoomPane:
        return self.query_one(RoomPane)

    def action_home(self) -> None:
        """To where one types; from there to the list at the left, where digits choose a room."""
        if self.page == "room" and not self.room.composer.has_focus:
            self.set_focus(self.room.composer)
        else:
            self.set_focus(self.query_one(Sidebar))

    async def show_page(self, page: str, **more: int | str) -> None:
        """Bring a page up; those not needed so far are made now."""
        makers = {
            "inbox": NoInbox if self.visit.guest else InboxPage,
            "people": PeoplePage,
            "account": AccountPage,
            "admin": AdminPage,
            "help": HelpPage,
        }
        pages = self.query_one("#pages", ContentSwitcher)
        if page == "inbox":  # who logs in again may be no guest any more
            for other in pages.query("#inbox"):
                if not isinstance(other, makers["inbox"]):
                    await other.remove()
        if page in makers and not pages.query(f"#{page}"):
            await pages.add_content(makers[page](self.visit))
        self.page = page
        pages.current = page
        shown_page = pages.query_one(f"#{page}")
        self.visit.floor.look_at("")
        shown_page.opened(**more)  # type: ignore[attr-defined]
        self.tick()

    def show_room(self, room: str) -> None:
        self.page = "room"
        self.visit.floor.look_at(room)
        self.query_one("#pages", ContentSwitcher).current = "room"
        self.room.open()
        self.tick()

    def tick(self) -> None:
        """Draw what has changed, wherever."""
        if not self._ready or not self.is_attached:
            return
        self.query_one(Sidebar).tick(self.page)
        if self.page == "room":
            self.room.tick()
        else:
            self.query_one(f"#{self.page}").tick()  # type: ignore[attr-defined]
        self._draw_bar()

    def _draw_bar(self) -> None:
        bar = self.query_one("#bar", Steady)
        trouble = self._trouble()
        bar.set_class(bool(trouble), "trouble")
        if trouble:
            bar.say(Content(f" {trouble}"))
            return
        parts: list[Content] = []
        keys = self.visit.settings.keys
        for key in KEYS:
            if key.footer:
                word = (f" {short(keys.get(key.id, key.keys))} ", "bold"), (f"{key.footer} ", "$quiet")
                parts.append(Content.assemble(*word).stylize(Style.from_meta({"@click": f"app.{key.action}"})))
        bar.say(Content.assemble(*parts))

    def _trouble(self) -> str:
        """What is the matter with the connections, in one sentence, or nothing."""
        floor, session = self.visit.floor, self.visit.client.session
        lost = [table for table in floor.tables.values() if table.lost]
        if not lost and not floor.lobby_lost:
            return ""
        moments = [
            session.rooms[key].again_at for key, table in floor.tables.items() if table.lost and key in session.rooms
        ]
        moments += [session.lobby.again_at] if floor.lobby_lost else []
        known = [moment for moment in moments if moment is not None]
        seconds = max(0, round(min(known) - read_clock().mono)) if known else 0
        when = f"trying again in {seconds} s" if seconds else "trying again …"
        waiting = session.unacknowledged()
        kept = f"  ·  {show.count(waiting, 'line')} kept, sent again by itself" if waiting else ""
        one = f"connection to {show.word(lost[0].name)} lost" if len(lost) == 1 else ""
        what = one if one and not floor.lobby_lost else "connection lost"
        return f"{what}, {when}{kept}"

    @on(Sidebar.Go)
    async def _go(self, event: Sidebar.Go) -> None:
        if event.page == "room":
            self.app.action_room(event.room)  # type: ignore[attr-defined]
        else:
            await self.app.action_page(event.page)  # type: ignore[attr-defined]
