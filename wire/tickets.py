"""Signed tokens: tickets into rooms, resume tokens of rooms, session tokens of the lobby. Pure.

Law: a token is valid for one purpose and under one key. A room knows only the keys derived for it, so it can forge
nothing for another room or for the lobby. Form: `generation.payload.mac`, base64url without padding; the mac is
HMAC-SHA256 over purpose, generation and payload. Keys come from the master key by HKDF (RFC 5869).
"""

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from wire.errors import Refused
from wire.names import fold

TICKET_SECONDS: Final = 30  # a client connects at once; the time is for one that waits in a restarting room's backlog
TOKEN_SECONDS: Final = 24 * 3_600  # the longest a revocation has to be remembered

Keyring = Mapping[int, bytes]  # generation → key; the highest signs, all verify
T = TypeVar("T", bound=msgspec.Struct)


class Ticket(msgspec.Struct, frozen=True, tag="ticket"):
    """Lets `name` into the room with the id `room`, once, until `expires` (epoch ms)."""

    room: str
    name: str
    guest: bool
    roles: list[str]
    issued: int
    expires: int
    number: str  # unique; the room remembers those that were used
    session: str = ""  # the number of the login it was given to
    since: int = 0  # since when its bearer has the name, epoch ms; 0: not known, or a guest's


class ResumeToken(msgspec.Struct, frozen=True, tag="resume"):
    """Lets a member come back to the room, as often as needed, until `expires` (epoch ms)."""

    room: str
    name: str
    guest: bool
    roles: list[str]
    stream: str
    epoch: int
    issued: int
    expires: int
    session: str = ""
    since: int = 0


class SessionToken(msgspec.Struct, frozen=True, tag="session"):
    """Lets a client go on with session `session` of `name` at the lobby until `expires` (epoch ms)."""

    session: str
    name: str
    guest: bool
    issued: int
    expires: int


def one_session(name: str, session: str) -> str:
    """What is said of `name` and concerns one of their sessions only: `name#session`."""
    return f"{fold(name)}#{session}"


def other_sessions(name: str, session: str) -> str:
    """What concerns every session of theirs but that one: `name!session`."""
    return f"{fold(name)}!{session}"


def whose(scope: str) -> str:
    """The folded name in what `one_session` or `other_sessions` made, or in a name alone."""
    return fold(scope.partition("#")[0].partition("!")[0])


def concerns(scope: str, session: str) -> bool:
    """Whether it concerns this session of that person; a name alone concerns all of them."""
    if "#" in scope:
        return scope.partition("#")[2] == session
    return "!" not in scope or scope.partition("!")[2] != session


def derive(master: bytes, *info: str) -> bytes:
    """A 32-byte key for one use, from the master key: HKDF-SHA256 (RFC 5869) with no salt and one output block."""
    prk = hmac.digest(bytes(hashlib.sha256().digest_size), master, "sha256")
    return hmac.digest(prk, "\0".join(info).encode() + b"\x01", "sha256")


def derive_ring(masters: Keyring, *info: str) -> dict[int, bytes]:
    """The keyring for one use, a key for each generation of the master key."""
    return {generation: derive(master, *info, str(generation)) for generation, master in masters.items()}


def sign(ring: Keyring, token: msgspec.Struct) -> str:
    """`token` as text, signed with the newest key of `ring`."""
    generation = max(ring)
    payload = _text(msgspec.json.encode(token))
    return f"{generation}.{payload}.{_mac(ring[generation], generation, payload)}"


def verify(ring: Keyring, token: str, kind: type[T], *, wall: int, code: str) -> T:
    """The token in `token`, if a key of `ring` signed it as a `kind` and it has not expired at `wall` (epoch ms).

    Raises Refused(code) with one text for every way of being wrong: a forger learns nothing from it.
    """
    wrong = Refused(code, "this ticket is not valid here: ask the lobby for another", fatal=True)
    if code == "bad_session":
        wrong = Refused(code, "this session has ended: log in again")
    try:
        number, payload, mac = token.split(".")
        generation = int(number)
        if not hmac.compare_digest(mac.encode(), _mac(ring[generation], generation, payload).encode()):
            raise wrong
        found = msgspec.json.decode(_bytes(payload), type=kind)
    except (ValueError, KeyError, msgspec.MsgspecError, binascii.Error):
        raise wrong from None
    if found.expires <= wall:  # type: ignore[attr-defined]
        raise wrong
    return found


def _mac(key: bytes, generation: int, payload: str) -> str:
    return _text(hmac.digest(key, f"{generation}.{payload}".encode(), "sha256"))


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
