"""The ledger: sessions, leases, last logins and revocations, each until its time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from base.paths import Paths
from lobby.ledger import Ledger
from lobby.store import Store
from wire.control import Revocation
from wire.loop import read_clock

DAY = 86_400_000


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    store = Store(Paths(tmp_path), "off")
    yield store.ledger
    store.close()


def test_a_session_is_valid_until_it_expires_or_ends(ledger: Ledger) -> None:
    ledger.open_session("s1", "Ann", guest=False, expires=100)
    assert ledger.session_valid("s1", 99)
    assert not ledger.session_valid("s1", 100)
    assert not ledger.session_valid("s2", 99)
    ledger.open_session("s1", "Ann", guest=False, expires=200)
    assert ledger.session_valid("s1", 199)
    ledger.end_session("s1")
    assert not ledger.session_valid("s1", 99)


def test_all_sessions_of_a_name_end_but_one(ledger: Ledger) -> None:
    for session, name in (("s1", "Ann"), ("s2", "ann"), ("s3", "bob")):
        ledger.open_session(session, name, guest=False, expires=100)
    ledger.end_sessions("ANN", except_id="s2")
    assert [ledger.session_valid(session, 1) for session in ("s1", "s2", "s3")] == [False, True, True]
    ledger.end_sessions("ann")
    assert [ledger.session_valid(session, 1) for session in ("s2", "s3")] == [False, True]


def test_a_lease_is_its_sessions_until_then(ledger: Ledger) -> None:
    assert ledger.leased("joy", 1) is None
    ledger.lease("Joy", 100, "s1")
    assert ledger.leased("JOY", 99) == "s1"
    assert ledger.leased("joy", 100) is None
    ledger.open_session("s8", "joy", guest=True, expires=500)
    ledger.open_session("s9", "joy", guest=True, expires=500)
    ledger.lease("joy", 300)
    assert ledger.leased("joy", 200) == "s9"
    ledger.release("JOY")
    assert ledger.leased("joy", 99) is None


def test_last_logins(ledger: Ledger) -> None:
    assert ledger.last_login("ann") is None
    ledger.set_last_login("Ann", 5)
    ledger.set_last_login("ann", 7)
    assert ledger.last_login("ANN") == 7


def test_revocations_are_numbered_on_for_ever(ledger: Ledger) -> None:
    assert ledger.revoke("Ann", 1_000) == Revocation(number=1, name="ann", before=1_000)
    ledger.revoke("bob", 2_000)
    assert [revocation.number for revocation in ledger.revocations(1)] == [2]
    assert len(ledger.revocations()) == 2
    ledger.tidy(1_000 + DAY)
    assert [revocation.name for revocation in ledger.revocations(0)] == ["bob"]
    ledger.tidy(2_000 + DAY)
    assert ledger.revocations(0) == []
    assert ledger.revoke("cy", 3_000).number == 3


def test_stamps_of_tickets_are_noted_some_at_a_time(ledger: Ledger) -> None:
    ledger.stamp(1_000)
    noted = ledger.stamped()
    assert noted > 1_000
    ledger._db.commit()
    ledger.stamp(noted)
    assert (ledger.stamped(), ledger._db.dirty) == (noted, False)
    ledger.stamp(noted + 1)
    assert ledger.stamped() > noted + 1


def test_what_has_expired_is_gone_after_a_restart(tmp_path: Path) -> None:
    now = read_clock().wall
    store = Store(Paths(tmp_path), "full")
    store.ledger.open_session("old", "ann", guest=False, expires=now - 1)
    store.ledger.open_session("new", "ann", guest=False, expires=now + DAY)
    store.ledger.lease("joy", now - 1, "old")
    store.ledger.lease("jay", now + DAY, "new")
    store.ledger.revoke("ann", now - DAY - 1)
    store.ledger.revoke("ann", now)
    store.commit()
    store.close()
    store = Store(Paths(tmp_path), "full")
    assert not store.dirty
    assert not store.ledger.session_valid("old", 0)
    assert store.ledger.session_valid("new", now)
    assert (store.ledger.leased("joy", 0), store.ledger.leased("jay", now)) == (None, "new")
    assert [revocation.number for revocation in store.ledger.revocations(0)] == [2]
    store.close()
