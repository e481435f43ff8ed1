"""Members of a room: who is here, who is away for a moment, and the one presence frame of a round. Pure."""

from bisect import bisect_right
from typing import Final

from msgspec import UNSET

from roomproc.door import Person
from roomproc.people import Connection, Member, Remembered
from wire.control import Present
from wire.messages import Presence
from wire.names import fold

FRAME: Final = 1_000  # names in one presence frame: of the longest they fill half a line


class Roster:
    """The members by folded name, and what changed since the last frame."""

    def __init__(self, grace: float) -> None:
        self._grace = grace  # seconds a broken connection keeps its member
        self._members: dict[str, Member] = {}
        self._order: list[str] | None = None  # folded names, sorted; None when it has to be made again
        # Folded name → what the others know of them (see `_state`), and the member that was meant.
        self._changed: dict[str, tuple[str, Member]] = {}
        self._told: dict[str, tuple[str, Member]] = {}
        self._away: dict[str, float] = {}  # folded name → moment (mono) at which they have left

    def __len__(self) -> int:
        return len(self._members)

    def get(self, name: str) -> Member | None:
        return self._members.get(fold(name))

    def remember(self, member: Remembered, now: float) -> None:
        """Somebody who was here before the room was started again: they have the grace to come back, unannounced."""
        self._members[fold(member.name)] = found = Member(Person(member.name, member.guest, ()))
        self._set_away(found, now)
        self._order = None

    def join(self, person: Person) -> Member:
        """The member for `person`, made when they are new."""
        key = fold(person.name)
        member = self._members.get(key)
        if member is None:
            member = Member(person)
            self._touch(member)
            self._members[key] = member
            self._order = None
        elif member.away_until is not None:
            self._touch(member)
            member.away_until = None
            del self._away[key]
        member.name, member.roles, member.since = person.name, person.roles, person.since
        return member

    def broken(self, connection: Connection, now: float) -> None:
        """A connection was lost without a word: its member is away once it was the last."""
        member = connection.member
        member.connections.pop(connection.id, None)
        if not member.connections and self._members.get(member.key) is member:
            self._touch(member)
            self._set_away(member, now)

    def leave(self, member: Member) -> None:
        """They have left, all connections of theirs."""
        if self._members.get(member.key) is not member:
            return
        self._touch(member)
        del self._members[member.key]
        self._away.pop(member.key, None)
        self._order = None

    def next_deadline(self) -> float | None:
        return next(iter(self._away.values()), None)  # one grace for all: the oldest comes first

    def expired(self, now: float) -> list[Member]:
        """Members whose grace has run out; the caller lets them leave."""
        return [self._members[key] for key, until in self._away.items() if until <= now]

    def frames(self) -> tuple[list[Presence], list[Present], list[str]]:
        """What changed since the last call: the frames for members, mostly one, and who came and went for the lobby."""
        self._told, self._changed = self._changed, {}
        if not self._told:
            return [], [], []
        differences = (self._difference(key, *known) for key, known in self._told.items())
        changes = [(member, what) for member, what in differences if what]
        came = [Present(member.name, member.guest) for member, what in changes if "joined" in what]
        went = [member.name for member, what in changes if "left" in what]
        return [_frame(changes[at : at + FRAME]) for at in range(0, len(changes), FRAME)], came, went

    def untell(self, newcomers: list[Connection], now: float) -> None:
        """The last frame was not told, and these newcomers did not come: it is all to be told again but them."""
        self._changed, self._told = self._told, {}
        for connection in newcomers:
            member = connection.member
            known, _member = self._changed.get(member.key, ("here", None))
            new = not known and len(member.connections) == 1
            self.broken(connection, now)
            if new:
                self.leave(member)

    def page(self, after: str, limit: int) -> tuple[list[str], bool]:
        """Names after `after` in folded order, and whether there are more."""
        order = self._sorted()
        start = bisect_right(order, fold(after)) if after else 0
        return [self._members[key].name for key in order[start : start + limit]], start + limit < len(order)

    def everybody(self) -> list[Present]:
        return [Present(member.name, member.guest) for member in self._members.values()]

    def _sorted(self) -> list[str]:
        if self._order is None:
            self._order = sorted(self._members)
        return self._order

    def _set_away(self, member: Member, now: float) -> None:
        member.away_until = now + self._grace
        self._away[member.key] = member.away_until

    def _touch(self, member: Member) -> None:
        """Something is about to change about them: remember what the others know. What cancels out is not told."""
        self._changed.setdefault(member.key, (self._state(member.key), member))

    def _state(self, key: str) -> str:
        member = self._members.get(key)
        return "" if member is None else "here" if member.away_until is None else "away"

    def _difference(self, key: str, before: str, member: Member) -> tuple[Member, frozenset[str]]:
        """What is to be told of somebody who was `before` when it was told last."""
        now = self._state(key)
        what = {"joined"} if now and not before else {"left"} if before and not now else set()
        if now == "away" != before:
            what.add("away")
        elif before == "away" and now == "here":
            what.add("back")
        return self._members.get(key, member), frozenset(what)


def _frame(changes: list[tuple[Member, frozenset[str]]]) -> Presence:
    def named(kind: str) -> list[str]:
        return [member.name for member, what in changes if kind in what]

    return Presence(
        joined=named("joined"), left=named("left"), away=named("away") or UNSET, back=named("back") or UNSET
    )
