"""Clients' connections: their states, who may say what in which, how fast, and how long they may be silent. Pure.

Law: a state changes in `Sessions.to` and nowhere else, along TRANSITIONS. What a client may say is a table, (state,
message) → Rule, put together from the features in `lobby.requests`; what is missing there is refused by `refusal`.
"""

import heapq
import itertools
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from base.config import Limits
from lobby.attempts import Attempts, network
from lobby.people import People, Person
from wire.clock import Now
from wire.errors import Refused
from wire.messages import Guest, Hello, Login, Recover, Register, Request, Resume
from wire.pace import Pace
from wire.tickets import Keyring, SessionToken, sign

if TYPE_CHECKING:
    from lobby.desk import Desk

SESSION_SECONDS: Final = 14 * 24 * 3_600  # a laptop may sleep over a holiday; a session is in the ledger, to be ended
HELD_MAX: Final = 100  # requests that wait while a password is being verified
BAD_MAX: Final = 20  # lines that are no message, on one connection: whoever sends more is no client of ours

log = logging.getLogger(__name__)


class State(Enum):
    NEW = "new"  # connected, has not said hello
    GREETED = "greeted"  # speaks our protocol, is nobody yet
    BUSY = "busy"  # a password is being verified or hashed; what comes meanwhile is held
    IN = "in"  # logged in
    OVER = "over"  # ended; nothing it says counts


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    State.NEW: frozenset({State.GREETED, State.OVER}),
    State.GREETED: frozenset({State.BUSY, State.IN, State.OVER}),
    State.BUSY: frozenset({State.GREETED, State.IN, State.OVER}),
    State.IN: frozenset({State.BUSY, State.OVER}),
    State.OVER: frozenset(),
}


class Connection:
    """One client's connection. `channel` is the server's; `person` is set while it is logged in."""

    __slots__ = (
        "address", "bad", "channel", "due", "held", "kind", "login", "number", "pace", "person", "seen", "session",
        "session_from", "state", "stream",
    )  # fmt: skip

    def __init__(self, number: int, address: str, pace: Pace, seen: float) -> None:
        self.number = number  # for the log
        self.address = address
        self.pace = pace
        self.seen = seen  # monotonic seconds of the last line; of the connecting, until hello
        self.due: float | None = None  # when its silence is looked at
        self.state = State.NEW
        self.person: Person | None = None
        self.session = ""  # its id, in the ledger
        self.session_from = 0  # when its person logged in, epoch ms
        self.login = 0  # the number of the session, for its owner and for tickets
        self.kind = ""  # the program that it says it is
        self.stream = ""  # under which its mails exist once
        self.bad = 0
        self.held: deque[Request] = deque()
        self.channel: Any = None

    @property
    def who(self) -> Person:
        """The person, where the table has made sure that there is one."""
        assert self.person is not None
        return self.person

    def __repr__(self) -> str:
        return f"connection {self.number} from {self.address}"


class Who(Enum):
    """Whom a rule lets through, beyond the state; the text is said to the others."""

    ANYONE = ""
    ACCOUNTS = "this needs an account: guests have no mail and no password"
    ADMINS = "this is for admins"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done about a message, in which states, and who may send it."""

    handler: "Callable[[Desk, Connection, Any], None]"
    who: Who = Who.ANYONE
    states: frozenset[State] = frozenset({State.IN})

    def check(self, connection: Connection) -> None:
        """Raises Refused(not_allowed)."""
        if self.who is Who.ANYONE:
            return
        person = connection.who
        if person.guest or (self.who is Who.ADMINS and not person.is_admin):
            raise Refused("not_allowed", self.who.value)


Table = Mapping[tuple[State, type[Request]], Rule]


def table(*features: Mapping[type[Request], Rule]) -> Table:
    """The rules of all features, by state and message."""
    return {(state, kind): rule for rules in features for kind, rule in rules.items() for state in rule.states}


def refusal(state: State, kind: type[Request]) -> Refused:
    """Why there is no rule for a message in this state."""
    if state is State.NEW:
        return Refused("not_logged_in", "say hello first")
    if kind is Hello or (state is State.IN and kind in {Login, Register, Guest, Resume, Recover}):
        return Refused("already", "this was done on this connection before")
    return Refused("not_logged_in", "log in first")


def token(ring: Keyring, connection: Connection, wall: int) -> str:
    """The session token of a connection that is logged in."""
    return sign(
        ring,
        SessionToken(
            session=connection.session,
            name=connection.who.name,
            guest=connection.who.guest,
            issued=connection.session_from,
            expires=wall + SESSION_SECONDS * 1_000,
        ),
    )


class Sessions:
    """All connections, the people behind them, and when which has been silent for too long."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.people = People()
        self.attempts = Attempts(limits.logins_per_address)
        self.connections: dict[Connection, None] = {}
        self._addresses: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._due: list[tuple[float, int, Connection]] = []  # a heap; looked at again when a moment has come

    def open(self, address: str, now: Now) -> Connection:
        """A client connected. Raises Refused(too_many), fatal."""
        limits, place = self._limits, network(address)
        here = self._addresses.get(place, 0)
        if limits.connections and len(self.connections) >= limits.connections:
            raise Refused("too_many", "the server has no place for another connection", fatal=True)
        if limits.connections_per_address and here >= limits.connections_per_address:
            raise Refused("too_many", "too many connections from your address", fatal=True)
        pace = Pace(limits.requests_per_second, limits.requests_burst)
        connection = Connection(next(self._numbers), place, pace, now.mono)
        self.connections[connection] = None
        self._addresses[place] = here + 1
        self._watch(connection)
        return connection

    def to(self, connection: Connection, state: State) -> None:
        """Change its state; ValueError where there is no such way."""
        if state not in TRANSITIONS[connection.state]:
            raise ValueError(f"{connection}: no way from {connection.state.value} to {state.value}")
        log.debug("%s: %s -> %s", connection, connection.state.value, state.value)
        connection.state = state

    def over(self, connection: Connection) -> bool:
        """It ended or is to be ended; True when its person went with it. Harmless the second time."""
        if connection.state is State.OVER:
            return False
        self.to(connection, State.OVER)
        connection.held.clear()
        del self.connections[connection]
        left = self._addresses[connection.address] - 1
        if left:
            self._addresses[connection.address] = left
        else:
            del self._addresses[connection.address]
        return self.people.leave(connection)

    def hold(self, connection: Connection, message: Request) -> None:
        """Keep a request until the password is verified. Raises Refused(too_fast)."""
        if len(connection.held) >= HELD_MAX:
            raise Refused("too_fast", "too many requests before the login is through", retry_after=1.0)
        connection.held.append(message)

    # -- time

    def next_deadline(self) -> float | None:
        return self._due[0][0] if self._due else None

    def silent(self, now: Now) -> list[Connection]:
        """Those that have been silent for too long at `now`; each is told once, so end them."""
        found = []
        while self._due and self._due[0][0] <= now.mono:
            due, _, connection = heapq.heappop(self._due)
            if connection.state is State.OVER or connection.due != due:
                continue
            deadline = self._deadline(connection)
            if deadline is not None and deadline <= now.mono:
                found.append(connection)
            else:
                self._watch(connection)
        return found

    def greeted(self, connection: Connection, now: Now) -> None:
        """It said hello in time."""
        self.to(connection, State.GREETED)
        connection.seen = now.mono
        self._watch(connection)

    def _watch(self, connection: Connection) -> None:
        connection.due = due = self._deadline(connection)
        if due is not None:
            heapq.heappush(self._due, (due, connection.number, connection))

    def _deadline(self, connection: Connection) -> float | None:
        limits = self._limits
        seconds = limits.hello_seconds if connection.state is State.NEW else limits.ping_seconds
        return connection.seen + seconds if seconds else None
