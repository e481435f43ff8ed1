"""The lobby's page: every room one may see, found as one types, entered by Enter, made when there is none."""

from typing import Final

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from client import show
from client.answers import Refusal
from client.link import read_clock
from client.screens.field import Field
from client.visit import Visit
from wire.errors import Refused
from wire.messages import Create, RoomRow
from wire.names import check_name, fold

from client.screens import roomrow  # isort: skip
from client.screens.dialogs import NewRoom  # isort: skip

EVERY: Final = 15.0  # seconds after which the list is asked for again, while somebody may look at it
HINT: Final = " Enter goes in  ·  ↑ ↓ choose  ·  Ctrl+O makes a new room"
REFRESH: Final = 5.0  # seconds, while rooms have not told yet who is in them
PARTIAL: Final = "  the lobby has just started: not every room has told who is in it"


class RoomsPage(Vertical):
    def __init__(self, visit: Visit) -> None:
        super().__init__(id="rooms")
        self.visit = visit
        self.rows: list[RoomRow] = []
        self._shown: list[RoomRow] = []
        self._asked_at = 0.0  # for the list, monotonic
        self._invited: list[str] = []  # into which rooms, when the list was asked for

    def compose(self) -> ComposeResult:
        yield Static(" Rooms", classes="heading", id="rooms-heading")
        motd = Static(Content(self.visit.motd), id="motd", classes="hint")
        motd.display = bool(self.visit.motd)
        yield motd
        yield Static("", id="announced", markup=False)
        yield Static("", id="unread-mail")
        yield Field(placeholder="Type to find a room; Enter goes in, or makes it", id="find-room", compact=True)
        yield Static("", id="room-head")
        yield OptionList(id="room-list", markup=False)
        yield Static(HINT, classes="hint", id="rooms-hint", markup=False)

    def opened(self) -> None:
        self.query_one("#find-room", Input).focus()
        self.refresh_rows()

    def tick(self) -> None:
        """What is unread, also at the login, invitations, and what the operator said last; else rooms change but by
        asking, which is done now and then."""
        if list(self.visit.floor.invitations) != self._invited:
            self.refresh_rows()
        elif read_clock().mono >= self._asked_at + EVERY and not self.visit.floor.lobby_lost:
            self.refresh_rows(quietly=True)
        announced = self.query_one("#announced", Static)
        announced.display = bool(self.visit.floor.announced)
        announced.update(f"The server's operator says: {self.visit.floor.announced}")
        unread = self.visit.client.session.lobby.unread
        note = self.query_one("#unread-mail", Static)
        note.display = bool(unread)
        note.update(f" You have {show.count(unread, 'unread mail')}: F3 opens your inbox")

    @work(exclusive=True, group="rooms")
    async def refresh_rows(self, *, quietly: bool = False) -> None:
        self._asked_at = read_clock().mono
        self._invited = list(self.visit.floor.invitations)
        try:
            self.rows = await self.visit.client.rooms()
        except Refusal as why:
            if not quietly:
                self.notify(show.word(why.text), severity="warning")
            return
        self.visit.rooms_known = {fold(row.name): row for row in self.rows}
        self._draw()
        if self.visit.client.partial:
            self.set_timer(REFRESH, self._again)

    def _again(self) -> None:
        if self.is_on_screen:
            self.refresh_rows()

    def _draw(self, *, anew: bool = False) -> None:
        """`anew`: something else is typed, and the best of what is found is chosen."""
        typed = fold(self.query_one("#find-room", Input).value.strip())
        rows = [row for row in self.rows if typed in fold(row.name) or typed in row.topic.lower()]
        rows.sort(key=lambda row: (not fold(row.name).startswith(typed), -row.members, fold(row.name)))
        listed = self.query_one("#room-list", OptionList)
        before = self._shown[listed.highlighted].name if listed.highlighted is not None and self._shown else ""
        self._shown = rows
        head, contents = roomrow.options(rows, self.visit.floor, max(20, self.size.width - 4))
        self.query_one("#room-head", Static).update(head if rows else "")
        listed.set_options(
            [Option(each, id=f"room-{fold(row.name)}") for row, each in zip(rows, contents, strict=True)]
        )
        if rows:
            listed.highlighted = next((n for n, row in enumerate(rows) if row.name == before and not anew), 0)
        makes = f" There is no such room: Enter makes {show.word(typed, 32)}" if typed and not rows else HINT
        self.query_one("#rooms-hint", Static).update(makes)
        count = show.count(len(self.rows), "room")
        partial = (PARTIAL if self.visit.client.partial else "", "$warning")
        self.query_one("#rooms-heading", Static).update(Content.assemble(" Rooms  ", (count, "$quiet"), partial))

    @on(Input.Changed, "#find-room")
    def _typed(self) -> None:
        self._draw(anew=True)

    @on(Input.Submitted, "#find-room")
    def _submitted(self) -> None:
        listed = self.query_one("#room-list", OptionList)
        typed = self.query_one("#find-room", Input).value.strip()
        if listed.highlighted is not None and self._shown:
            self.enter(self._shown[listed.highlighted].name)
        elif typed:
            self.enter(typed, or_make=True)

    def on_key(self, event: Key) -> None:
        """Arrows move in the list while one types."""
        key = event.key
        listed = self.query_one("#room-list", OptionList)
        if self.query_one("#find-room", Input).has_focus and key in ("up", "down", "pageup", "pagedown"):
            acts = {"up": "cursor_up", "down": "cursor_down", "pageup": "page_up", "pagedown": "page_down"}
            getattr(listed, f"action_{acts[key]}")()
            event.stop()
        elif key == "ctrl+o":
            self.make(self.query_one("#find-room", Input).value.strip())
            event.stop()

    @on(OptionList.OptionSelected, "#room-list")
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.enter(self._shown[event.option_index].name)

    @work
    async def enter(self, name: str, *, or_make: bool = False) -> None:
        """`or_make`: the list has no such room, which may not be all of it yet."""
        try:
            await self.visit.enter(name, create=False)
        except Refusal as why:
            if or_make and why.code in ("no_such_room", "bad_name"):
                self.make(name)
                return
            self.notify(show.word(why.text), severity="error")
        self.query_one("#find-room", Input).value = ""

    @work
    async def make(self, name: str = "") -> None:
        """Make a room and go in."""
        wanted = await self.app.push_screen_wait(NewRoom(name))
        if wanted is None:
            return
        name, topic, private = wanted
        try:
            check_name(name, what="room's name")
            await self.visit.client.ask(Create(room=name, topic=topic, access="private" if private else "public"))
            await self.visit.enter(name, create=False)
        except (Refused, Refusal) as why:
            self.notify(show.word(why.text), severity="error")
