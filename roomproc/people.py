"""Who is in a room: members, their connections, and the streams they speak under. Plain records of the room's core."""

from typing import Final

from msgspec import Struct

from roomproc.door import Person
from wire.names import fold
from wire.pace import Pace

REMEMBERED: Final = 4_096  # ids of one stream kept in memory; older ones are looked up in the file


class Stream:
    """One client's sequence of sends: the ids under which its lines were stored.

    `fresh`: all ids it ever used are in memory, so that a new line costs no look-up.
    """

    __slots__ = ("account", "fresh", "name", "number", "recent")

    def __init__(self, account: str, name: str, number: int | None) -> None:
        self.account = account  # folded
        self.name = name
        self.number = number  # in the file; None until the first line is said under it
        self.fresh = number is None
        self.recent: dict[str, int] = {}

    def remember(self, message_id: str, seq: int) -> None:
        self.recent[message_id] = seq
        if len(self.recent) > REMEMBERED:
            self.fresh = False
            del self.recent[next(iter(self.recent))]


class Connection:
    """One entered connection of a member."""

    __slots__ = ("id", "member", "pace", "requests", "stream", "typed")

    def __init__(self, number: int, member: "Member", stream: Stream, pace: Pace, requests: Pace) -> None:
        self.id = number
        self.member = member
        self.stream = stream
        self.pace = pace
        self.requests = requests
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
