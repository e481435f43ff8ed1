"""What stands in a room before anything was said there: what kind of room it is, how others come in, what one can do.

Law: it is gone once something was said.
"""

from textual.content import Content
from textual.widgets import Static

from client import show
from client.floor import DIRECT, Table
from client.screens.keys import KEYS, shown
from client.transcript import numbered
from client.visit import Visit
from wire.messages import Direct, Line, RoomRow, Whispered
from wire.names import fold

Styled = tuple[str, str] | str


class EmptyRoom(Static):
    def __init__(self, visit: Visit) -> None:
        super().__init__("", id="empty-room", markup=False)
        self.visit = visit
        self._said: list[list[Styled]] = []

    def tick(self, table: Table) -> bool:
        """Draw it where it belongs; whether it is about a room of which nothing is known yet."""
        empty = not _said(table, self.visit)
        self.display = empty
        if not empty:
            return False
        row = self.visit.rooms_known.get(fold(table.name))
        words = self._words(table.name, row)
        if words != self._said:
            self._said = words
            self.update(Content("\n").join(Content.assemble(*line) for line in words))
        return row is None and not table.name.startswith(DIRECT)

    def _words(self, name: str, row: RoomRow | None) -> list[list[Styled]]:
        if name.startswith(DIRECT):
            who = show.word(name.removeprefix(DIRECT))
            return [[f"Nothing yet. What you write reaches {who} in any room, and waits while they are away."]]
        mine = row is not None and fold(row.owner) == fold(self.visit.me)
        lines: list[list[Styled]] = [[("This is ", ""), (show.word(name), "bold $primary"), _kind(row, mine=mine)]]
        private = row is not None and row.access == "private"
        if private:
            lines.append([("/invite NAME", "bold"), " lets somebody in."] if mine else ["Who is invited may come in."])
        elif mine:
            lines.append(["Everybody may come in. ", ("/invite NAME", "bold"), " tells somebody of it."])
        if mine:
            lines.append([("/topic TEXT", "bold"), " says what it is about."])
        keys = {key.id: shown(self.visit.settings.keys.get(key.id, key.keys)) for key in KEYS}
        lines.append(["Type below; Enter says it."])
        lines.append(
            [("/help", "bold"), " lists the commands, ", (keys["help"], "bold"), " the keys, ",
             (keys["members"], "bold"), " who is here."]
        )  # fmt: skip
        return lines


def _kind(row: RoomRow | None, *, mine: bool) -> str:
    if row is None:
        return ". Nobody has said anything here yet."
    whose = " of yours" if mine else f" of {show.word(row.owner)}'s" if row.owner else ""
    return f", a {row.access if row.access in ('public', 'private') else ''} room{whose}. Nothing was said here yet."


def _said(table: Table, visit: Visit) -> bool:
    """Whether something was, also what has not been fetched."""
    transcript = table.transcript
    if transcript.pending or any(isinstance(item, Line | Whispered | Direct) for item in transcript.items):
        return True
    if table.name.startswith(DIRECT):
        return False
    side = visit.client.session.rooms.get(fold(table.name))
    return side is not None and (side.seen.seq or 0) > sum(numbered(item) is not None for item in transcript.items)
