"""Rooms in the admin's page: each with its process, live, with the last minutes of its traffic and load."""

from collections import deque
from typing import Final

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Sparkline, Static

from client import show, tables
from client.answers import Refusal
from client.screens.dialogs import Choose, Confirm
from client.screens.grid import Grid
from client.visit import Visit
from wire.messages import AdminRoom, AdminRoomRow, CloseRoom
from wire.names import fold

EVERY: Final = 2.0  # seconds between two looks
LOOKS: Final = 90  # of each room that are drawn: three minutes
DEEDS: Final = {"restart": "Restart in a new process", "drain": "Let nobody new in, stop when empty", "stop": "Stop",
                "start": "Start again"}  # fmt: skip
CHOICES: Final = {"enter": "Go in", **DEEDS, "close": "Close the room for good, lines and all"}
BARS: Final = "▁▂▃▄▅▆▇█"
COLUMNS: Final = ("room", "state", "people", "lines/s", "", "cpu %", " ", "private", "pid", "port", "up", "again")


class AdminRooms(Vertical):
    def __init__(self, visit: Visit) -> None:
        super().__init__()
        self.visit = visit
        self._rows: list[AdminRoomRow] = []
        self._traffic: dict[str, deque[float]] = {}
        self._load: dict[str, deque[float]] = {}

    def compose(self) -> ComposeResult:
        yield Static("", classes="hint", id="admin-heading")
        yield Grid(id="admin-table", cursor_type="row", zebra_stripes=False)
        with Vertical(id="detail"):
            yield Static("", id="detail-text", markup=False)
            with Horizontal(id="graphs"):
                with Vertical():
                    yield Static("lines a second", classes="hint")
                    yield Sparkline([], id="traffic")
                with Vertical():
                    yield Static("% of a core", classes="hint")
                    yield Sparkline([], id="load")
        yield Static(" Enter: what can be done with a room  ·  a: announce", classes="hint")

    def on_mount(self) -> None:
        table = self.query_one(Grid)
        for column in COLUMNS:
            table.add_column(column, key=column)
        self.set_interval(EVERY, self._look_if_seen)

    def opened(self) -> None:
        self.query_one(Grid).focus()
        self.look()

    def _look_if_seen(self) -> None:
        if self.display and self.visit.admin and self.is_on_screen:
            self.look()

    @work(exclusive=True, group="admin")
    async def look(self) -> None:
        try:
            self._rows = await self.visit.client.admin_rooms()
        except Refusal as why:
            self.notify(show.word(why.text), severity="warning")
            return
        for row in self._rows:
            self._traffic.setdefault(row.name, deque(maxlen=LOOKS)).append(row.lines_per_second)
            self._load.setdefault(row.name, deque(maxlen=LOOKS)).append(row.cpu)
        for gone in set(self._traffic) - {row.name for row in self._rows}:
            del self._traffic[gone], self._load[gone]
        self._draw()

    def _draw(self) -> None:
        table = self.query_one(Grid)
        known = {key.value for key in table.rows}
        for row in self._rows:
            cells = self._cells(row)
            if row.name not in known:
                table.add_row(*cells, key=row.name)
                continue
            known.discard(row.name)
            for column, cell in zip(COLUMNS, cells, strict=True):
                table.update_cell(row.name, column, cell, update_width=True)
        for gone in known - {row.name for row in self._rows}:
            table.remove_row(str(gone))
        running = sum(row.pid != 0 for row in self._rows)
        cpu, private = sum(row.cpu for row in self._rows), sum(row.uss for row in self._rows)
        rooms = f"{show.count(len(self._rows), 'room')}, {running} running"
        notice = self.visit.client.notice
        told = f"{rooms}, {cpu:.1f} % of a core, {tables.size(private)} private"
        self.query_one("#admin-heading", Static).update(
            Content.assemble(f" {told}", (f"\n {show.word(notice, 300)}", "$error") if notice else "")
        )
        self._draw_detail()

    def _cells(self, row: AdminRoomRow) -> list[Text]:
        colours = self.app.theme_variables
        tone = {"running": "success", "failed": "error", "starting": "warning"}.get(row.state, "quiet")
        bars_of = [bars(self._traffic[row.name]), bars(self._load[row.name])]
        load = [f"{row.lines_per_second:.1f}", bars_of[0], f"{row.cpu:.1f}", bars_of[1]]
        live = ["–"] * 4
        if row.pid:
            live = [tables.size(row.uss), str(row.pid), str(row.port), tables.uptime(row.uptime)]
        name, state = show.word(row.name, 20), show.word(row.state, 10)
        head = [Text(name, "bold"), Text(state, colours[tone]), Text(str(row.members))]
        return [
            *head,
            *(Text(text, colours["primary"] if text in bars_of else "") for text in (*load, *live, str(row.restarts))),
        ]

    @property
    def chosen(self) -> AdminRoomRow | None:
        table = self.query_one(Grid)
        if not table.row_count:
            return None
        key = table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value
        return next((row for row in self._rows if row.name == key), None)

    @on(Grid.RowHighlighted)
    def _draw_detail(self) -> None:
        row = self.chosen
        if row is None:
            return
        owner = show.word(row.owner) or "the server"
        about = f"{show.word(row.name)}: {row.access}, of {owner}, {show.count(row.lines, 'line')}"
        if row.pid:
            about += f", {tables.size(row.rss)} with what it shares"
        if row.reason:
            about += f"\n{show.word(row.reason)}"
        self.query_one("#detail-text", Static).update(about)
        self.query_one("#traffic", Sparkline).data = _whole(self._traffic[row.name])
        self.query_one("#load", Sparkline).data = _whole(self._load[row.name])

    async def _sure(self, question: str) -> bool:
        sure = await self.app.push_screen_wait(Confirm(question, "Yes, do it"))
        return bool(sure)

    @staticmethod
    def _question(what: str, row: AdminRoomRow) -> str:
        if what == "close":
            return f"Close {show.word(row.name)} and delete its {show.count(row.lines, 'line')} for good?"
        return f"{DEEDS[what]}: {show.word(row.name)}, with {show.count(row.members, 'person', 'people')} in it?"

    @on(Grid.RowSelected)
    @work
    async def _act(self) -> None:
        row = self.chosen
        if row is None:
            return
        what = await self.app.push_screen_wait(Choose(show.word(row.name), list(CHOICES.items()), detail(row)))
        try:
            if what == "enter":
                await self.visit.enter(row.name, create=False)
            elif what is not None:
                if not await self._sure(self._question(what, row)):
                    return
                await self.visit.client.ask(_request(what, row.name))
                self.notify(f"{show.word(row.name)}: done.")
                if what == "close":
                    self.visit.floor.tables.pop(fold(row.name), None)
        except Refusal as why:
            self.notify(show.word(why.text), severity="error")
        self.look()


def _request(what: str, room: str) -> CloseRoom | AdminRoom:
    match what:
        case "stop" | "restart" | "drain" | "start":
            return AdminRoom(room=room, do=what)
        case _:
            return CloseRoom(room=room)


def detail(row: AdminRoomRow) -> str:
    """All there is to know of one room."""
    owner = f"of {show.word(row.owner)}" if row.owner else "nobody's"
    people, said = show.count(row.members, "person", "people"), show.count(row.lines, "line")
    told = [
        f"{show.word(row.state)}, {row.access}, {owner}",
        f"{people}, {said}, {row.lines_per_second:.1f} a second",
    ]
    if row.pid:
        again = f"started again {show.count(row.restarts, 'time')}"
        told.append(f"pid {row.pid}, port {row.port}, up {tables.uptime(row.uptime)}")
        told.append(f"{again}, {row.cpu:.1f} % of a core")
        told.append(f"{tables.size(row.uss)} of its own, {tables.size(row.rss)} with what it shares")
    if row.reason:
        told.append(show.word(row.reason))
    return "\n".join(told)


def _whole(values: deque[float]) -> list[float]:
    """As many values as are drawn; before the first look there is nothing."""
    return [0.0] * (LOOKS - len(values)) + list(values)


def bars(values: deque[float], width: int = 8) -> str:
    """The last values as bars, the highest of all that is known as a whole one."""
    top = max(1.0, *values)
    return "".join(
        BARS[min(len(BARS) - 1, int(value / top * (len(BARS) - 1) + 0.5))] for value in list(values)[-width:]
    )
