"""What is known of one room's lines: a window of its log, with whispers, notes and our own lines on their way. Pure.

Law: an entry is in it once, in order; it holds at most `MOST` items, whatever is said; what was dropped at either end
can be fetched again, as `first` and `last` tell where.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from client.show import Spans
from wire.messages import Direct, Entry, Line, Moderated, Topic, Whispered

MOST: Final = 10_000  # items in memory; what is beyond comes from the room's history as one scrolls
SLACK: Final = 500  # dropped at once, so that a busy room does not move the list for every line


@dataclass(frozen=True, slots=True, eq=False)
class Note:
    """A word of the client's own."""

    at: int
    spans: Spans


@dataclass(slots=True, eq=False)
class Pending:
    """A line of ours that is not acknowledged; `refused` says why it never will be."""

    id: str
    at: int
    text: str
    kind: str = "text"
    to: str = ""  # of a whisper
    refused: str = ""


Item = Line | Topic | Moderated | Whispered | Direct | Note


@dataclass
class Transcript:
    """`items` are oldest first. `shift` counts items put in or dropped at the front, for who remembers a place."""

    items: list[Item] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    more_before: bool = True  # older entries may be fetched
    more_after: bool = False  # we look at the past: newer ones are not in the window
    new_from: int = 0  # the first number not seen at the last visit; 0: all were
    new_to: int = 0  # the newest number when we came
    shift: int = 0

    @property
    def first(self) -> int | None:
        """The lowest number in the window."""
        return next((number for item in self.items if (number := numbered(item)) is not None), None)

    @property
    def last(self) -> int | None:
        return next((number for item in reversed(self.items) if (number := numbered(item)) is not None), None)

    def append(self, item: Item) -> bool:
        """Something new; False when it is not shown now, as the window is in the past, or was there already."""
        if (number := numbered(item)) is not None:
            last = self.last
            if self.more_after or (last is not None and number <= last):
                return False
        self.items.append(item)
        if len(self.items) > MOST + SLACK:
            self._drop_front(len(self.items) - MOST)
        return True

    def put_before(self, entries: Sequence[Entry | Direct], *, more: bool) -> int:
        """A page older than all we have; how many came in."""
        first = self.first
        fresh = [entry for entry in entries if first is None or (numbered(entry) or 0) < first]
        self.items[:0] = fresh
        self.shift += len(fresh)
        self.more_before = more
        if len(self.items) > MOST + SLACK:  # we are far back: what is newest goes
            del self.items[MOST:]
            self.more_after = True
        return len(fresh)

    def put_after(self, entries: Sequence[Entry], *, more: bool) -> int:
        """A page that follows the window when it is in the past."""
        last = self.last or 0
        fresh = [entry for entry in entries if entry.seq > last]
        self.items.extend(fresh)
        self.more_after = more
        if len(self.items) > MOST + SLACK:
            self._drop_front(len(self.items) - MOST)
        return len(fresh)

    def said_by_us(self, seq: int) -> None:
        """The entry `seq` is our own: of what was there when we came, nothing up to it is new. We said it at another
        terminal, and had what came before it in sight."""
        if self.new_from and self.new_from <= seq <= self.new_to:
            self.new_from = seq + 1

    def replace(self, entries: Iterable[Entry], *, more_before: bool, more_after: bool) -> None:
        """Another window altogether: a found line and what is around it, or the newest again."""
        self.items = list(entries)
        self.more_before, self.more_after = more_before, more_after
        self.shift = 0

    def place_of(self, seq: int) -> int | None:
        """Where the entry `seq` is in `items`."""
        for place, item in enumerate(self.items):
            if numbered(item) == seq:
                return place
        return None

    def entry_before(self, place: int) -> Item | None:
        """The last of the log that stands before `place`: notes and whispers are passed over."""
        before = (self.items[at] for at in range(place - 1, -1, -1))
        return next((item for item in before if numbered(item) is not None), None)

    def _drop_front(self, number: int) -> None:
        del self.items[:number]
        self.shift -= number
        self.more_before = True


def numbered(item: Item) -> int | None:
    """The number of what the server keeps in order; None of what only this client knows."""
    match item:
        case Line() | Topic() | Moderated():
            return item.seq
        case Direct():
            return item.number
    return None
