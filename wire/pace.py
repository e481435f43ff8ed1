"""Token buckets: so many a second on average, so many at once. Pure."""

from typing import Final

from wire.errors import Refused

LEAST_WAIT: Final = 0.05  # seconds; telling somebody to come back sooner would only make them come back twice
REMEMBERED: Final = 10_000  # people whose pace is


class Pace:
    """Allows `rate` events a second with bursts of `burst`; a rate of 0 allows all."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = float(max(1, burst))
        self._left = self._burst
        self._at = 0.0

    def take(self, mono: float) -> None:
        """Use one token; raises Refused(too_fast) with the seconds until there is one."""
        if self._rate <= 0:
            return
        left = min(self._burst, self._left + (mono - self._at) * self._rate)
        self._at = mono
        if left < 1.0:
            self._left = left
            wait = max(LEAST_WAIT, round((1.0 - left) / self._rate, 2))
            raise Refused("too_fast", f"slow down: again in {wait:g} s", retry_after=wait)
        self._left = left - 1.0

    def take_all(self, count: int, mono: float) -> bool:
        """Use so many tokens at once, where there are; whether there were."""
        if self._rate <= 0:
            return True
        left = min(self._burst, self._left + (mono - self._at) * self._rate)
        if left < count:
            return False
        self._at, self._left = mono, left - count
        return True


class Paces:
    """The paces of people, by their keys. Kept over logins, or logging in again would be a way around them."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._paces: dict[str, Pace] = {}

    def take(self, key: str, per_minute: int, mono: float) -> None:
        """Use one of somebody's `per_minute`, 0 for any number; raises Refused(too_fast)."""
        pace = self._paces.pop(key, None) or Pace(per_minute / 60, per_minute)
        self._paces[key] = pace
        if len(self._paces) > self._most:
            del self._paces[next(iter(self._paces))]
        pace.take(mono)
