"""Waiting: growing pauses between attempts, spread out so that thousands of clients do not come back at once, and the
pulse of a connection. Pure.
"""

import random
from typing import Final

from wire.clock import Now

FIRST: Final = 0.3  # seconds at most before the first attempt: members are back within a second
BASE: Final = 0.5
LONGEST: Final = 15.0
STEADY: Final = 10.0  # seconds a connection has to last before the pauses begin anew

QUIET: Final = 30.0  # seconds of silence after which we ping; servers close after 90
DEAD: Final = 20.0  # seconds in which a ping is answered, or the connection is dead (a machine that slept)


class Pauses:
    """How long to wait before the next attempt, in seconds."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._tries = 0
        self._since: float | None = None

    def next(self) -> float:
        self._tries += 1
        if self._tries == 1:
            return self._rng.uniform(0.0, FIRST)
        longest = min(LONGEST, BASE * 2.0 ** min(self._tries - 1, 10))
        return self._rng.uniform(longest / 2, longest)

    def succeeded(self, now: Now) -> None:
        self._since = now.mono

    def broke(self, now: Now) -> None:
        """A connection that lasted starts from the beginning; one that broke at once goes on waiting longer."""
        if self._since is not None and now.mono - self._since >= STEADY:
            self._tries = 0
        self._since = None


class Pulse:
    """Whether a connection lives."""

    def __init__(self) -> None:
        self._heard = 0.0
        self._asked: float | None = None

    def heard(self, now: Now) -> None:
        self._heard = now.mono
        self._asked = None

    def next_deadline(self) -> float:
        return self._heard + QUIET if self._asked is None else self._asked + DEAD

    def dead(self, now: Now) -> bool:
        return self._asked is not None and now.mono >= self._asked + DEAD

    def wants_ping(self, now: Now) -> bool:
        """True once for each silence; the caller pings then."""
        if self._asked is None and now.mono >= self._heard + QUIET:
            self._asked = now.mono
            return True
        return False
