"""A lobby that has just started waits a moment for its rooms: until they have said who is in them, lists are wrong.

Law: a listing waits at most GATHER_SECONDS, and says then that it is not whole. Once all that runs has told of
itself this is over for good: what goes later is not there. What runs is what the nursery says, and every process that
holds the lock of its room: the nursery may have begun anew as well, and knows of none.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from base.locks import held
from lobby.registry import Registry
from lobby.sessions import Connection
from wire.clock import Now
from wire.messages import Request

if TYPE_CHECKING:
    from lobby.desk import Desk

GATHER_SECONDS: Final = 3.0  # rooms try to reach a lobby at least once a second


class Gathering:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.partial = False  # what is listed now is not whole
        self._until: float | None = None
        self._unheard: dict[str, Path] = {}  # id → lock of rooms whose processes live, and which are not here yet
        self._waiting: list[tuple[Connection, Request]] = []

    def begin(self, now: Now, locks: Iterable[Path]) -> None:
        """This lobby has just started: rooms may run, and have not told of themselves. `locks`: of all rooms."""
        self.partial, self._until = True, now.mono + GATHER_SECONDS
        self._unheard = {lock.parent.name: lock for lock in locks if held(lock)}

    def waits(self, connection: Connection, message: Request, now: Now) -> bool:
        """Whether the listing is answered later, by `go_on`."""
        if self._worth_it(now):
            self._waiting.append((connection, message))
            return True
        return False

    def go_on(self, desk: "Desk") -> None:
        """Answer the listings that waited, unless it is too early still."""
        if self._waiting and not self._worth_it(desk.now):
            waiting, self._waiting = self._waiting, []
            for connection, message in waiting:
                desk.handle(connection, message)

    def next_deadline(self) -> float | None:
        return self._until if self._waiting else None

    def _worth_it(self, now: Now) -> bool:
        self.partial = self.partial and not self._all_here()
        return self.partial and self._until is not None and now.mono < self._until

    def _all_here(self) -> bool:
        registry = self._registry
        if registry.all_here():
            unheard = self._unheard.items()
            self._unheard = {room: lock for room, lock in unheard if not registry.runs(room) and held(lock)}
            return not self._unheard
        return False
