"""What a round has staged: the work for its one commit. Plain records between the room's core and its file."""

from typing import TYPE_CHECKING

from msgspec import Struct

from wire.messages import Entry
from wire.names import fold

if TYPE_CHECKING:
    from roomproc.people import Remembered, Stream


class Told(Struct, gc=False):
    """One numbered entry, with the durable key of the line's sender where it has one."""

    entry: Entry
    stream: "Stream | None" = None
    id: str | None = None


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


class Work:
    """All that one commit stores."""

    __slots__ = ("came", "entries", "facts", "revoked", "spent", "standing", "streams", "went", "whispers")

    def __init__(self) -> None:
        self.entries: list[Told] = []
        self.whispers: list[StoredWhisper] = []
        self.streams: list[Stream] = []
        self.spent: list[tuple[str, int]] = []
        self.revoked: list[tuple[str, int]] = []
        self.standing: list[Standing] = []
        self.facts: dict[str, object] = {}
        self.came: list[Remembered] = []
        self.went: list[str] = []

    @property
    def more_than_said(self) -> bool:
        """Whether there is something beside what members said, which is nearly all that rooms store."""
        return bool(self.spent or self.revoked or self.standing or self.facts or self.came or self.went)

    @property
    def at(self) -> int:
        """The time of what was said last, 0 when nothing was."""
        line = self.entries[-1].entry.at if self.entries else 0
        return max(line, self.whispers[-1].at if self.whispers else 0)

    def __bool__(self) -> bool:
        return bool(self.entries or self.whispers) or self.more_than_said
