"""How many lines a second a room has: its newest numbers over the last moments. Pure."""

from collections import deque
from typing import Final

WINDOW: Final = 10.0  # seconds; rooms tell at most once a second, so a shorter one would jump
LEAST: Final = 1.0  # seconds; two numbers closer together say little


class Meter:
    """Numbers of newest lines with the moments at which they were told."""

    __slots__ = ("_told",)

    def __init__(self) -> None:
        self._told: deque[tuple[float, int]] = deque()

    def note(self, mono: float, lines: int) -> None:
        self._told.append((mono, lines))
        self._forget(mono)

    def rate(self, mono: float) -> float:
        """Lines a second in the last WINDOW seconds, or since the first number where that is less."""
        self._forget(mono)
        if not self._told or mono - self._told[-1][0] >= WINDOW:
            return 0.0
        since, first = self._told[0]
        return (self._told[-1][1] - first) / min(WINDOW, max(LEAST, mono - since))

    def _forget(self, mono: float) -> None:
        """Keep what is in the window, and the last number before it: what came after that came in the window."""
        while len(self._told) > 1 and self._told[1][0] <= mono - WINDOW:
            self._told.popleft()
