"""Who may do what to whom in a room: operators, bans, mutes, slow mode. Pure.

Law: everything here is a numbered entry of the log and takes effect with its commit. Somebody can only be moderated
by a higher rank than their own: member, operator, owner, admin.
"""

from typing import Final

from roomproc.door import Person
from roomproc.staged import Standing
from wire.errors import Refused
from wire.names import fold

MEMBER, OPERATOR, OWNER, ADMIN = range(4)
FOR_EVER: Final = None


class Moderation:
    """The standing orders of one room. `owner` is folded."""

    def __init__(self, owner: str, slow: int, standing: list[Standing]) -> None:
        self.owner = owner
        self.slow = slow  # seconds between two lines of one member
        self._standing: dict[tuple[str, str], int | None] = {}
        self._said: dict[tuple[str, str], int] = {}  # when each of them was
        for order in standing:
            self.apply(order)

    def apply(self, order: Standing) -> None:
        if order.until == 0:
            self._standing.pop((order.key, order.what), None)
        else:
            self._standing[order.key, order.what] = order.until
            self._said[order.key, order.what] = order.at

    @property
    def strict(self) -> bool:
        """Whether a line has to be checked at all."""
        return bool(self.slow or self._standing)

    def rank(self, name: str, roles: tuple[str, ...] = ()) -> int:
        key = fold(name)
        if "admin" in roles or "operator" in roles:
            return ADMIN
        if self.owner and key == self.owner:
            return OWNER
        return OPERATOR if (key, "op") in self._standing else MEMBER

    def meet(self, person: Person) -> None:
        """What was said of an earlier bearer of the name does not concern who has it now."""
        for what in ("ban", "mute", "op"):
            key = (fold(person.name), what)
            if key in self._standing and 0 < self._said[key] < person.since:
                del self._standing[key]

    def check_entry(self, person: Person, wall: int) -> None:
        """Raises Refused(banned)."""
        self.meet(person)
        if self.rank(person.name, person.roles) < OWNER and self._holds(person.name, "ban", wall):
            until = self._standing[fold(person.name), "ban"]
            wait = None if until is FOR_EVER else max(1, (until - wall) // 1_000)
            raise Refused("banned", f"you are banned from this room{_for(wait)}", retry_after=wait, fatal=True)

    def check_speech(self, person_name: str, roles: tuple[str, ...], said: float, now_mono: float, wall: int) -> None:
        """Raises Refused(muted), or Refused(too_fast) in slow mode. `said`: the member's last line, mono seconds."""
        if self._holds(person_name, "mute", wall):
            until = self._standing[fold(person_name), "mute"]
            wait = None if until is FOR_EVER else max(1, (until - wall) // 1_000)
            raise Refused("muted", f"you are muted in this room{_for(wait)}", retry_after=wait)
        if self.slow and now_mono - said < self.slow and self.rank(person_name, roles) < OPERATOR:
            pause = round(self.slow - (now_mono - said), 1)
            raise Refused("too_fast", f"slow mode: again in {pause:g} s", retry_after=pause)

    def check_over(self, actor: str, actor_roles: tuple[str, ...], target: str, target_roles: tuple[str, ...]) -> None:
        """Raises Refused(not_allowed) unless the actor is an operator and outranks the target."""
        rank = self.rank(actor, actor_roles)
        if rank < OPERATOR:
            raise Refused("not_allowed", "only operators of the room may do this")
        if rank <= self.rank(target, target_roles) and fold(actor) != fold(target):
            raise Refused("not_allowed", f"{target} is of your rank or above")

    def _holds(self, name: str, what: str, wall: int) -> bool:
        key = (fold(name), what)
        if key not in self._standing:
            return False
        until = self._standing[key]
        return until is FOR_EVER or until > wall


def _for(wait: int | None) -> str:
    if wait is None:
        return ""
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if wait >= 2 * size:
            return f" for {round(wait / size)} {unit} more"
    return f" for {wait} s more"
