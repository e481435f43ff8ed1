"""Who is in a room: members, their connections, and the streams they speak under. Plain records of the room's core."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec import Struct

from roomproc.door import Person
from roomproc.staged import counted
from wire.names import fold
from wire.pace import Pace

STREAMS: Final = 10_000  # streams kept in memory of those whose connections are gone
REMEMBERED: Final = 4_096  # ids of one stream kept in memory, at least; older ones are looked up in the file
RUNS: Final = 128  # and runs of ids


class Stream:
    """One client's sequence of sends: the ids under which its lines were stored.

    A new line must cost no look-up in the file. It needs none while every id the stream ever used is in memory, nor
    while its ids rise, as a client that counts them makes them.
    """

    __slots__ = (
        "_all_here", "_older", "_recent", "_runs", "_top", "_tops_file", "account", "compared", "name", "noted",
        "number",
    )  # fmt: skip

    def __init__(self, account: str, name: str, number: int | None) -> None:
        self.account = account  # folded
        self.name = name
        self.number = number  # in the file; None until the first line is said under it
        self.noted = False  # the file has it as in use of late
        self._all_here = self._tops_file = number is None
        self.compared = number is None  # it was asked what the file's highest id is
        self._top = (0, "")  # the highest id that was used here, as numbers are ordered
        # Two generations: dropping the older one whole is cheaper than dropping the oldest id at each new one.
        self._recent: dict[str, int] = {}
        self._older: dict[str, int] = {}
        # Of each what stands before the counts, first, last, the first's number.
        self._runs: list[tuple[str, int, int, int]] = []

    def forget(self, message_id: str, count: int = 1) -> None:
        """What was remembered under this id, and those that count up from it, was not stored."""
        if count > 1:
            self._runs = [run for run in self._runs if run[:2] != counted(message_id)]
        self._recent.pop(message_id, None)
        self._older.pop(message_id, None)

    def rises(self, message_id: str) -> bool:
        """Whether an id is above all that were ever used: then it is new, and nothing has to be looked up."""
        return self._tops_file and (len(message_id), message_id) > self._top

    def compare(self, highest: str | None) -> None:
        """With the highest id that the file has of an earlier process; None: it has too many to say it soon."""
        self.compared = True
        if highest is not None:
            self._tops_file, self._top = True, max(self._top, (len(highest), highest))

    @property
    def all_here(self) -> bool:
        """Whether an id that `seq_of` does not know cannot be in the file either."""
        return self._all_here

    def seq_of(self, message_id: str) -> int | None:
        """The number that went with an id, 0 for a whisper; None when it is not in memory."""
        seq = self._recent.get(message_id)
        if seq is None:
            seq = self._older.get(message_id)
        return self._seq_in_run(*counted(message_id)) if seq is None and self._runs else seq

    def _seq_in_run(self, before: str, number: int) -> int | None:
        for same, first, last, seq in self._runs:
            if first <= number <= last and before == same:
                return seq + number - first
        return None

    def remember(self, message_id: str, seq: int) -> None:
        self._recent[message_id] = seq
        self._top = max(self._top, (len(message_id), message_id))

    def remember_run(self, first_id: str, count: int, seq: int) -> None:
        """As `remember` for ids that rise and count up from the first, as their numbers do from `seq`."""
        before, first = counted(first_id)
        last = first + count - 1
        self._runs.append((before, first, last, seq))
        top = f"{before}{last}"
        self._top = (len(top), top)

    def rest(self) -> None:
        """After a commit: of very many ids the oldest are looked up in the file from now on, which has them."""
        if len(self._recent) >= REMEMBERED:
            self._all_here = self._all_here and not self._older
            self._recent, self._older = {}, self._recent
        if len(self._runs) >= 2 * RUNS:
            self._all_here, self._runs = False, self._runs[-RUNS:]


class Connection:
    """One entered connection of a member."""

    __slots__ = ("id", "issued", "member", "pace", "requests", "session", "stream", "typed")

    def __init__(
        self,
        number: int,
        member: "Member",
        stream: Stream,
        pace: Pace,
        requests: Pace,
        session: str = "",
        issued: int = 0,
    ) -> None:
        self.id = number
        self.issued = issued  # the stamp of the ticket that it came in by
        self.member = member
        self.stream = stream
        self.pace = pace
        self.requests = requests
        self.session = session  # the login at the lobby that it belongs to
        self.typed = float("-inf")  # when it last said that it types


class Streams:
    """The streams of a room that are in memory; `stored` looks one up in the file, by folded name and its own."""

    def __init__(self, stored: Callable[[str, str], int | None]) -> None:
        self._stored = stored
        self._known: dict[tuple[str, str], Stream] = {}
        self._in_use = 0  # of them, when some were let go last

    def get(self, account: str, name: str) -> Stream:
        """The one of that name."""
        found = self._known.get((account, name))
        if found is None:
            found = self._known[account, name] = Stream(account, name, self._stored(account, name))
        return found

    def let_go(self, connections: Mapping[int, Connection], spoke: Iterable[Stream]) -> None:
        """Of too many, those that none of `connections` speaks under; `spoke`: those that something was stored under.
        Between two rounds: the file knows nothing of what is staged, and who forgot it would stage it again."""
        for stream in spoke:
            stream.rest()
        if len(self._known) > max(STREAMS, 2 * self._in_use):
            used = {id(connection.stream) for connection in connections.values()}
            self._known = {key: stream for key, stream in self._known.items() if id(stream) in used}
            self._in_use = len(self._known)

    def note(self) -> None:
        """What is said next under each of them notes in the file that it is in use; from time to time."""
        for stream in self._known.values():
            stream.noted = False


class Member:
    """One person in the room, however many connections they have."""

    __slots__ = ("away_until", "connections", "guest", "key", "name", "roles", "said", "since")

    def __init__(self, person: Person) -> None:
        self.name = person.name
        self.key = fold(person.name)
        self.guest = person.guest
        self.roles = person.roles
        self.since = person.since
        self.connections: dict[int, Connection] = {}
        self.away_until: float | None = None  # set while every connection is broken
        self.said = float("-inf")  # for slow mode


class Remembered(Struct, frozen=True):
    """A member as the room's file remembers them over a restart."""

    name: str
    guest: bool
