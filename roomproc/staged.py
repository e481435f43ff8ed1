"""Plain records between the room's core and its file: what a round has staged, and what was there at the start."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from wire.control import RoomSettings
from wire.messages import Entry
from wire.names import fold

if TYPE_CHECKING:
    from roomproc.people import Remembered, Stream


DIGITS: Final = 18  # of a number that surely has place in a file's integer


class Sent(Struct, gc=False):
    """The durable keys of `count` lines of one sender: ids that count up from `id`, numbers that do so from `seq`."""

    stream: "Stream"
    id: str
    seq: int
    count: int = 1

    def each(self) -> Iterator[tuple[int, str]]:
        """Each line's number and id."""
        if self.count == 1:
            yield self.seq, self.id
        else:
            yield from enumerate(ids_from(*counted(self.id), self.count), start=self.seq)


def counted(message_id: str) -> tuple[str, int]:
    """An id as clients make them that count their messages: what stands before the count, and the count.

    Of any id, so that two ids are the same when both are; an id that ends in no digit has the count -1."""
    digits = len(message_id) - len(message_id.rstrip("0123456789"))
    if not digits:
        return message_id, -1
    number = int(message_id[-min(digits, DIGITS) :])
    return message_id[: -len(str(number))], number


def ids_from(before: str, number: int, count: int) -> list[str]:
    """So many ids, counting up."""
    numbers = map(repr, range(number, number + count))  # of an int the same as str, for two thirds of its time
    return [before + one for one in numbers] if before else [*numbers]


def counts_up(ids: list[str]) -> bool:
    """Whether ids count up from the first, and each is found between the first and the last by what it counts."""
    before, number = counted(ids[0])
    return number >= 0 and ids == ids_from(before, number, len(ids)) and counted(ids[-1])[0] == before


class StoredWhisper(Struct, kw_only=True, gc=False):
    number: int  # rises; a client that comes back says the last it has
    at: int
    sender: str
    recipient: str
    text: str
    stream: "Stream | None" = None
    id: str | None = None


class Standing(Struct, frozen=True, kw_only=True):
    """What moderation says of a name: `what` is ban, mute or op; `until` epoch ms, None for ever, 0 for lifted."""

    what: str
    name: str
    until: int | None
    at: int = 0  # when it was said, epoch ms; 0: before that was kept

    @property
    def key(self) -> str:
        return fold(self.name)


class Opened(Struct):
    """What the file said when it was opened."""

    seq: int
    first: int
    at: int  # of the newest entry
    epoch: int
    incarnation: int
    settings: RoomSettings | None
    topic: str
    slow: int
    revoked_to: int
    stamp: int  # the newest that was seen (wire.stamps)
    whisper: int
    spent: dict[str, int]
    revoked: dict[str, int]
    standing: list[Standing]
    members: "list[Remembered]"


class Work:
    """All that one commit stores."""

    __slots__ = ("came", "entries", "facts", "revoked", "sent", "spent", "standing", "streams", "went", "whispers")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.sent: list[Sent] = []  # keys of those of the entries that have one
        self.whispers: list[StoredWhisper] = []
        self.streams: list[Stream] = []
        self.spent: list[tuple[str, int]] = []
        self.revoked: list[tuple[str, int]] = []
        self.standing: list[Standing] = []
        self.facts: dict[str, object] = {}
        self.came: list[Remembered] = []
        self.went: list[str] = []

    def add(self, entry: Entry, stream: "Stream | None" = None, message_id: str | None = None) -> None:
        """A numbered entry, under its sender's durable key where the line has an id."""
        self.entries.append(entry)
        if stream is not None and message_id is not None:
            self.sent.append(Sent(stream, message_id, entry.seq))

    @property
    def more_than_said(self) -> bool:
        """Whether there is something beside what members said, which is nearly all that rooms store."""
        return bool(self.spent or self.revoked or self.standing or self.facts or self.came or self.went)

    @property
    def one_entry(self) -> bool:
        """Whether it is an entry and nothing else, as when people talk."""
        return len(self.entries) == 1 and not (self.streams or self.whispers or self.more_than_said)

    @property
    def at(self) -> int:
        """The time of what was said last, 0 when nothing was."""
        line = self.entries[-1].at if self.entries else 0
        return max(line, self.whispers[-1].at if self.whispers else 0)

    def __bool__(self) -> bool:
        return bool(self.entries or self.whispers) or self.more_than_said
