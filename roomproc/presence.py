"""Members of a room: who is here, who is away for a moment, and the one presence frame of a round. Pure."""

from bisect import bisect_right

from msgspec import UNSET

from roomproc.door import Person
from roomproc.people import Connection, Member, Remembered
from wire.control import Present
from wire.messages import Presence
from wire.names import fold


class Roster:
    """The members by folded name, and what changed since the last frame."""

    def __init__(self, grace: float) -> None:
        self._grace = grace  # seconds a broken connection keeps its member
        self._members: dict[str, Member] = {}
        self._order: list[str] | None = None  # folded names, sorted; None when it has to be made again
        self._changes: dict[str, tuple[str, Member]] = {}
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
            member = self._members[key] = Member(person)
            self._order = None
            self._change(member, "joined")
        elif member.away_until is not None:
            member.away_until = None
            del self._away[key]
            self._change(member, "back")
        member.name, member.roles = person.name, person.roles
        return member

    def broken(self, connection: Connection, now: float) -> None:
        """A connection was lost without a word: its member is away once it was the last."""
        member = connection.member
        member.connections.pop(connection.id, None)
        if not member.connections and self._members.get(member.key) is member:
            self._set_away(member, now)
            self._change(member, "away")

    def leave(self, member: Member) -> None:
        """They have left, all connections of theirs."""
        if self._members.get(member.key) is not member:
            return
        del self._members[member.key]
        self._away.pop(member.key, None)
        self._order = None
        self._change(member, "left")

    def next_deadline(self) -> float | None:
        return next(iter(self._away.values()), None)  # one grace for all: the oldest comes first

    def expired(self, now: float) -> list[Member]:
        """Members whose grace has run out; the caller lets them leave."""
        return [self._members[key] for key, until in self._away.items() if until <= now]

    def frame(self) -> tuple[Presence | None, list[Present], list[str]]:
        """What changed since the last call: the frame for members, and who came and went for the lobby."""
        changes, self._changes = self._changes, {}
        self._told = changes
        if not changes:
            return None, [], []
        names: dict[str, list[str]] = {"joined": [], "left": [], "away": [], "back": []}
        for what, member in changes.values():
            names[what].append(member.name)
        came = [Present(member.name, member.guest) for what, member in changes.values() if what == "joined"]
        presence = Presence(
            joined=names["joined"],
            left=names["left"],
            away=names["away"] or UNSET,
            back=names["back"] or UNSET,
        )
        return presence, came, names["left"]

    def untell(self, newcomers: list[Connection], now: float) -> None:
        """The last frame was not told, and these newcomers did not come: it is all to be told again but them."""
        self._changes, self._told = self._told, {}
        for connection in newcomers:
            member = connection.member
            new = self._changes.get(member.key, ("", None))[0] == "joined" and len(member.connections) == 1
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

    def _change(self, member: Member, what: str) -> None:
        """Fold this change with one of the same round: what cancels out is not told."""
        before = self._changes.pop(member.key, None)
        if before is None:
            self._changes[member.key] = (what, member)
            return
        merged = _MERGED.get((before[0], what), what)
        if merged:
            self._changes[member.key] = (merged, member)


_MERGED = {
    ("joined", "left"): "",
    ("joined", "away"): "joined",
    ("joined", "back"): "joined",
    ("left", "joined"): "",
    ("away", "back"): "",
    ("back", "away"): "",
    ("away", "left"): "left",
    ("back", "left"): "left",
}
