"""Who is in a room: members, their connections, and the streams they speak under. Plain records of the room's core."""

from typing import Final

from msgspec import Struct

from roomproc.door import Person
from wire.names import fold
from wire.pace import Pace

REMEMBERED: Final = 4_096  # ids of one stream kept in memory, at least; older ones are looked up in the file


class Stream:
    """One client's sequence of sends: the ids under which its lines were stored.

    A new line must cost no look-up in the file. It needs none while every id the stream ever used is in memory, nor
    while its ids only rise, as a client that counts them makes them.
    """

    __slots__ = ("_all_here", "_older", "_recent", "_rising", "_top", "account", "name", "number")

    def __init__(self, account: str, name: str, number: int | None) -> None:
        self.account = account  # folded
        self.name = name
        self.number = number  # in the file; None until the first line is said under it
        self._all_here = self._rising = number is None
        self._top = (0, "")
        # Two generations: dropping the older one whole is cheaper than dropping the oldest id at each new one.
        self._recent: dict[str, int] = {}
        self._older: dict[str, int] = {}

    def forget(self, message_id: str) -> None:
        """What was remembered under this id was not stored."""
        self._recent.pop(message_id, None)
        self._older.pop(message_id, None)

    def rises(self, message_id: str) -> bool:
        """Whether an id is above all that were ever used: then it is new, and nothing has to be looked up."""
        return self._rising and (len(message_id), message_id) > self._top

    @property
    def all_here(self) -> bool:
        """Whether an id that `seq_of` does not know cannot be in the file either."""
        return self._all_here

    def seq_of(self, message_id: str) -> int | None:
        """The number that went with an id, 0 for a whisper; None when it is not in memory."""
        seq = self._recent.get(message_id)
        return seq if seq is not None else self._older.get(message_id)

    def remember(self, message_id: str, seq: int) -> None:
        self._recent[message_id] = seq
        order = (len(message_id), message_id)  # as numbers are ordered
        if order > self._top:
            self._top = order
        else:
            self._rising = False
        if len(self._recent) >= REMEMBERED:
            self._all_here = self._all_here and not self._older
            self._recent, self._older = {}, self._recent


class Connection:
    """One entered connection of a member."""

    __slots__ = ("id", "member", "pace", "requests", "session", "stream", "typed")

    def __init__(
        self, number: int, member: "Member", stream: Stream, pace: Pace, requests: Pace, session: str = ""
    ) -> None:
        self.id = number
        self.member = member
        self.stream = stream
        self.pace = pace
        self.requests = requests
        self.session = session  # the login at the lobby that it belongs to
        self.typed = float("-inf")  # when it last said that it types


class Member:
    """One person in the room, however many connections they have."""

    __slots__ = ("away_until", "connections", "guest", "key", "name", "roles", "said")

    def __init__(self, person: Person) -> None:
        self.name = person.name
        self.key = fold(person.name)
        self.guest = person.guest
        self.roles = person.roles
        self.connections: dict[int, Connection] = {}
        self.away_until: float | None = None  # set while every connection is broken
        self.said = float("-inf")  # for slow mode


class Remembered(Struct, frozen=True):
    """A member as the room's file remembers them over a restart."""

    name: str
    guest: bool
