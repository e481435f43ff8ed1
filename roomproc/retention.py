"""How long a room keeps its lines: by age, by count, or for ever.

Law: a number is never used again, and the newest entry is always kept, so that the next process knows where the
numbers stand. First the search index forgets, then the log, a bounded number at a time.
"""

from collections.abc import Callable, Mapping
from typing import Final

from roomproc.history import History
from roomproc.keeper import Keeper
from wire.clock import Now

EVERY: Final = 30.0  # seconds between two looks
CHUNK: Final = 1_000  # entries deleted in one round: a few milliseconds
DAY: Final = 86_400_000  # ms


class Retention:
    """Drops the oldest entries of one room. `kept` is told the oldest number that is left."""

    def __init__(
        self, rules: Callable[[], Mapping[str, int]], history: History, keeper: Keeper, kept: Callable[[int], None]
    ) -> None:
        self._rules = rules  # keep_lines and keep_days, as they are now; 0 is no limit
        self._history = history
        self._keeper = keeper
        self._kept = kept
        self._next = 0.0
        self._before = 0  # entries below are being dropped
        self._ready = False  # the index has forgotten them

    def look(self, now: Now) -> None:
        """Go on dropping, or see whether there is something to drop. Called about once a second."""
        if self._ready:
            first = self._history.drop_before(self._before, CHUNK)
            self._kept(first)
            if first >= self._before:
                self._ready, self._before = False, 0
        elif now.mono >= self._next and not self._before:
            self._next = now.mono + EVERY
            self._begin(now)

    def _begin(self, now: Now) -> None:
        first, newest = self._history.extent()
        before = self.cut(first, newest, now.wall)
        if before > first:
            self._before = before
            self._keeper.forget(before, self._forgotten)

    def cut(self, first: int, newest: int, wall: int) -> int:
        """The oldest number to keep, of those from `first` to `newest`."""
        before, rules = first, self._rules()
        if rules["keep_lines"]:
            before = max(before, newest - rules["keep_lines"] + 1)
        if rules["keep_days"] and newest:
            before = max(before, self._history.first_at(wall - rules["keep_days"] * DAY, first, newest))
        return min(before, newest)

    def _forgotten(self, worked: bool) -> None:
        self._ready = worked
        if not worked:
            self._before = 0  # the next look tries again
