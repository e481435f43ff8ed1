"""Passwords: argon2id hashes of them, the rules for new ones, and the threads that verify.

Law: a hash takes tens of milliseconds on purpose, so the loop never makes or verifies one; `Workers` do. A wrong name
costs as long as a wrong password, so that timing tells nobody who has an account.
"""

import functools
import hmac
import logging
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import argon2
import argon2.exceptions

from base.config import Accounts
from lobby.userdb import ARGON2ID, PLAIN
from wire.errors import Refused
from wire.names import fold

PENDING_MAX: Final = 1_000  # beyond it waiting would take longer than people do
SALT_BYTES: Final = 16
HASH_BYTES: Final = 32

log = logging.getLogger(__name__)
T = TypeVar("T")


def make(plain: str, config: Accounts) -> str:
    """The secret for the user db that a password makes."""
    return ARGON2ID + _hasher(config.hash_time, config.hash_memory_kib).hash(_prepared(plain))


def verify(secret: str | None, plain: str, config: Accounts, *, renew: bool = True) -> tuple[bool, str | None]:
    """Whether the password is right, and the secret to put in place of one in clear or of outdated strength.

    `secret` None is for a name that nobody has. Without `renew` (test accounts, whose lines stay as they are) there is
    no second value, and no time spent on it.
    """
    hasher = _hasher(config.hash_time, config.hash_memory_kib)
    if secret is not None and secret.startswith(ARGON2ID):
        hashed = secret.removeprefix(ARGON2ID)
        right = _matches(hasher, hashed, plain)
        outdated = right and renew and hasher.check_needs_rehash(hashed)
    else:
        _matches(hasher, _nobodys(config.hash_time, config.hash_memory_kib), plain)
        right = outdated = secret is not None and secret.startswith(PLAIN) and _same(secret[len(PLAIN) :], plain)
    return right, make(plain, config) if outdated and renew else None


def check_rules(plain: str, name: str, minimum: int) -> None:
    """Raises Refused(bad_password) with the reason when a new password of `name` breaks a rule."""
    if len(plain) < minimum:
        raise Refused("bad_password", f"a password has at least {minimum} characters")
    if plain.isspace():
        raise Refused("bad_password", "a password is more than blanks")
    if not all(char.isprintable() for char in plain):
        raise Refused("bad_password", "a password has no control characters: they could not be typed again")
    if fold(plain) == fold(name):
        raise Refused("bad_password", "a password is not the name")


class Workers:
    """Threads for slow work. `loop_post` is the loop's `post`, by which results come back to it."""

    def __init__(self, loop_post: Callable[[Callable[[], None]], None], threads: int) -> None:
        self._post = loop_post
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="password")
        self._pending = 0  # changed on the loop's thread only
        self._closed = False

    def submit(self, work: Callable[[], T], done: Callable[[T | Exception], None]) -> None:
        """Do `work` in a thread and call `done` on the loop with what it returned or raised. Raises Refused(busy)."""
        if self._closed or self._pending >= PENDING_MAX:
            raise Refused("busy", "too many people are logging in just now: try again", retry_after=2.0)
        self._pending += 1

        def finish(outcome: T | Exception) -> None:
            self._pending -= 1
            if not self._closed:
                done(outcome)

        def run() -> None:
            outcome: T | Exception
            try:
                outcome = work()
            except Exception as why:  # noqa: BLE001 - it is handed on
                outcome = why
            self._post(lambda: finish(outcome))

        self._threads.submit(run)

    @property
    def pending(self) -> int:
        return self._pending

    def close(self) -> None:
        """Start nothing more, and call nobody back."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)


@functools.cache
def _hasher(time: int, memory_kib: int) -> argon2.PasswordHasher:
    return argon2.PasswordHasher(time, memory_kib, 1, HASH_BYTES, SALT_BYTES)


@functools.cache
def _nobodys(time: int, memory_kib: int) -> str:
    """A hash that no password has, as slow to verify as a real one."""
    salt, rest = "A" * 22, "A" * 43  # base64 of 16 and of 32 bytes
    return f"$argon2id$v=19$m={memory_kib},t={time},p=1${salt}${rest}"


def _matches(hasher: argon2.PasswordHasher, hashed: str, plain: str) -> bool:
    try:
        return hasher.verify(hashed, _prepared(plain))
    except argon2.exceptions.VerifyMismatchError:
        return False
    except (argon2.exceptions.Argon2Error, argon2.exceptions.InvalidHashError) as why:
        log.warning("a hash of the user db cannot be verified: %s", why)  # its parameters are out of range
        return False


def _same(there: str, plain: str) -> bool:
    return hmac.compare_digest(_prepared(there), _prepared(plain))


def _prepared(plain: str) -> bytes:
    """The bytes that are hashed: composed (RFC 8265, OpaqueString), for one keyboard's é is another's e and ´."""
    return unicodedata.normalize("NFC", plain).encode("utf-8", "surrogatepass")
