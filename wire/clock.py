"""The time as pure cores are given it. Only `wire.loop` (and the client's link) read a clock."""

from typing import Final, NamedTuple

SLACK: Final = 60_000  # ms; by so much a clock that is being set right may differ between two looks


class Now(NamedTuple):
    """One instant, read once a round.

    `mono` are monotonic seconds, for deadlines: they never go backwards and stand still while a machine is
    suspended. `wall` are UTC epoch milliseconds, for stamps and expiries: they follow the machine's clock.
    """

    mono: float
    wall: int


class Passed:
    """The time that passed here: the wall clock, but for its jumps ahead (it was set, or the machine was suspended),
    which count only once they have stood for `trust` seconds. Who counts by it forgets nothing too early."""

    def __init__(self, now: Now, trust: float) -> None:
        self._from = now
        self._trust = trust
        self._jumped: float | None = None  # since when the wall clock is ahead (mono)

    def at(self, now: Now) -> int:
        """Epoch ms, at `now`; to be asked every minute or so."""
        here = self._from.wall + int((now.mono - self._from.mono) * 1_000)
        if now.wall > here + SLACK:
            self._jumped = now.mono if self._jumped is None else self._jumped
            if now.mono - self._jumped < self._trust:
                return here
        self._from, self._jumped = now, None
        return now.wall
