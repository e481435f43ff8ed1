"""Failed logins: how often an address may be wrong, and how long it waits before it tries one account again. Pure.

Law: who guesses at an account slows down their own address only; its owner, coming from elsewhere, gets in with the
right password at once. `per_minute` 0 is no limit at all.
"""

import ipaddress
from typing import Final, TypeVar

from wire.errors import Refused

FREE: Final = 4  # wrong passwords for one account from one address without a pause: people mistype
PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)  # seconds after each one more
FORGOTTEN: Final = 900.0  # seconds without a failure after which an account's count begins anew
MOST: Final = 50_000  # entries of each kind that are remembered; beyond that the oldest go
K = TypeVar("K")
V = TypeVar("V")
_KEY_MAX: Final = 64  # characters of a name that distinguish it: what is longer is no account's


def network(address: str) -> str:
    """What counts as one address: of IPv6 the /64, which is one subscriber's."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.IPv6Network((int(ip) >> 64 << 64, 64)))
    return address


class Attempts:
    """`per_minute`: wrong passwords of one address, as a rate with a burst of the same size."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._spent: dict[str, tuple[float, float]] = {}  # address → failures not yet worked off, as of when
        self._failures: dict[tuple[str, str], tuple[int, float]] = {}  # (address, account) → how many, the last when

    def check(self, address: str, key: str, mono: float) -> None:
        """Raises Refused(too_fast) when `address` may not try the account `key` (folded) now."""
        if not self._per_minute:
            return
        spent = self._owed(address, mono)
        if spent > self._per_minute - 1:
            self._refuse((spent - self._per_minute + 1) * 60 / self._per_minute)
        count, last = self._failures.get((address, key[:_KEY_MAX]), (0, 0.0))
        if count > FREE:
            free_at = last + PAUSES[min(count - FREE, len(PAUSES)) - 1]
            if mono < free_at:
                self._refuse(free_at - mono)

    def failed(self, address: str, key: str, mono: float) -> None:
        if not self._per_minute:
            return
        _put(self._spent, address, (self._owed(address, mono) + 1, mono))
        pair = (address, key[:_KEY_MAX])
        count, last = self._failures.get(pair, (0, 0.0))
        _put(self._failures, pair, (1 if mono - last > FORGOTTEN else count + 1, mono))

    def succeeded(self, address: str, key: str) -> None:
        self._failures.pop((address, key[:_KEY_MAX]), None)

    def _owed(self, address: str, mono: float) -> float:
        spent, at = self._spent.get(address, (0.0, mono))
        return max(0.0, spent - (mono - at) * self._per_minute / 60)

    @staticmethod
    def _refuse(seconds: float) -> None:
        wait = round(max(0.1, seconds), 1)
        raise Refused("too_fast", f"too many wrong passwords: again in {wait:g} s", retry_after=wait)


def _put(entries: dict[K, V], key: K, value: V) -> None:
    entries.pop(key, None)  # so that the order is that of the last change
    entries[key] = value
    if len(entries) > MOST:
        del entries[next(iter(entries))]
