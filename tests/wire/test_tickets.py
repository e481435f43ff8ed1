"""Tokens: valid for one purpose, under one key, until they expire, and not with a byte changed."""

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64encode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import Refused
from wire.tickets import ResumeToken, SessionToken, Ticket, derive, derive_ring, sign, verify

MASTERS = {1: b"m" * 32}
RING = derive_ring(MASTERS, "room", "0123456789abcdef")
WALL = 1_800_000_000_000
TICKET = Ticket(
    room="0123456789abcdef", name="joy", guest=False, roles=["user"], issued=WALL, expires=WALL + 30_000, number="n1"
)
RESUME = ResumeToken(
    room="0123456789abcdef", name="joy", guest=False, roles=["user"], stream="s" * 16, epoch=1, issued=WALL,
    expires=WALL + 30_000,
)  # fmt: skip


def opened(token: str, ring=RING, kind=Ticket, wall: int = WALL) -> msgspec.Struct:
    return verify(ring, token, kind, wall=wall, code="bad_ticket")


def refused(token: str, **changes) -> None:
    with pytest.raises(Refused) as caught:
        opened(token, **changes)
    assert (caught.value.code, caught.value.fatal) == ("bad_ticket", True)
    assert caught.value.text == "this ticket is not valid here: ask the lobby for another"


def test_what_was_signed_comes_out() -> None:
    assert opened(sign(RING, TICKET)) == TICKET
    assert opened(sign(RING, RESUME), kind=ResumeToken) == RESUME


def test_another_rooms_key_does_not_open_it() -> None:
    refused(sign(derive_ring(MASTERS, "room", "fedcba9876543210"), TICKET))


def test_another_master_does_not_open_it() -> None:
    refused(sign(derive_ring({1: b"x" * 32}, "room", "0123456789abcdef"), TICKET))


def test_one_purpose_is_not_another() -> None:
    refused(sign(RING, RESUME))
    refused(sign(RING, TICKET), kind=ResumeToken)
    refused(sign(RING, TICKET), kind=SessionToken)


def test_it_expires() -> None:
    token = sign(RING, TICKET)
    assert opened(token, wall=TICKET.expires - 1)
    refused(token, wall=TICKET.expires)


def test_the_newest_generation_signs_and_older_ones_verify() -> None:
    both = derive_ring({1: b"m" * 32, 2: b"k" * 32}, "room", "0123456789abcdef")
    assert sign(both, TICKET).startswith("2.")
    assert opened(sign(RING, TICKET), ring=both) == TICKET
    refused(sign(both, TICKET))  # a generation that is not known here


def test_no_truncation_opens() -> None:
    token = sign(RING, TICKET)
    for end in range(len(token)):
        refused(token[:end])
    for start in range(1, len(token)):
        refused(token[start:])


def test_no_changed_character_opens() -> None:
    token = sign(RING, TICKET)
    for at, was in enumerate(token):
        refused(token[:at] + ("A" if was != "A" else "B") + token[at + 1 :])


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "1..", "1.e30.", "x.y.z", "9" * 5_000 + ".a.b", "1.\ud800.\ud800", "1.é.é", "-1.a.b"],
)
def test_forgeries_are_refused(token: str) -> None:
    refused(token)


@given(st.text(max_size=60))
def test_any_text_is_refused(token: str) -> None:
    refused(token)


def test_a_token_that_is_signed_but_no_token_is_refused() -> None:
    payload = urlsafe_b64encode(b'{"type":"ticket"}').rstrip(b"=").decode()
    mac = hmac.digest(RING[1], f"1.{payload}".encode(), "sha256")
    refused(f"1.{payload}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}")


def test_a_session_that_ended_says_so_and_is_not_fatal() -> None:
    with pytest.raises(Refused, match="log in again") as caught:
        verify(RING, "x", SessionToken, wall=WALL, code="bad_session")
    assert (caught.value.code, caught.value.fatal) == ("bad_session", False)


def test_keys_are_hkdf_sha256() -> None:
    """RFC 5869, appendix A.3 is SHA-256 with no salt and no info; one block of it is what derive() gives."""
    ikm = b"\x0b" * 22
    prk = hmac.digest(bytes(32), ikm, hashlib.sha256)
    assert binascii.hexlify(prk) == b"19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04"
    assert derive(ikm).hex() == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"


def test_every_use_has_a_key_of_its_own() -> None:
    uses = [("session", "1"), ("room", "a", "1"), ("room", "b", "1"), ("room", "a", "2"), ("rooma", "1")]
    assert len({derive(b"m" * 32, *use) for use in uses}) == len(uses)
    assert derive_ring({1: b"m" * 32}, "session") == {1: derive(b"m" * 32, "session", "1")}
