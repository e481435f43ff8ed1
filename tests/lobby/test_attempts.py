"""Wrong passwords: who waits, how long, and who does not."""

import pytest

from lobby import attempts
from lobby.attempts import FREE, PAUSES, Attempts, network
from wire.errors import Refused


def wait(found: Attempts, address: str, key: str, mono: float) -> float:
    """Seconds until the address may try the account; 0 when it may."""
    try:
        found.check(address, key, mono)
    except Refused as why:
        return (why.retry_after or 0.0) if why.code == "too_fast" else -1.0
    return 0.0


def test_pauses_grow_for_one_account_from_one_address() -> None:
    found, mono, waits = Attempts(60), 0.0, []
    for _ in range(FREE + len(PAUSES) + 2):
        waits.append(pause := wait(found, "a", "ann", mono))
        mono += pause
        assert wait(found, "a", "ann", mono) == 0
        found.failed("a", "ann", mono)
    assert waits == [0.0] * (FREE + 1) + [*PAUSES, PAUSES[-1]]


def test_the_owner_gets_in_from_elsewhere_and_the_guesser_at_other_accounts() -> None:
    found = Attempts(60)
    for _ in range(10):
        found.failed("a", "ann", 0)
    assert wait(found, "a", "ann", 0) > 0
    assert wait(found, "b", "ann", 0) == 0
    assert wait(found, "a", "ben", 0) == 0


def test_the_right_password_forgives() -> None:
    found = Attempts(60)
    for _ in range(FREE + 1):
        found.failed("a", "ann", 0)
    found.succeeded("a", "ann")
    assert wait(found, "a", "ann", 0) == 0


def test_an_old_failure_is_forgotten() -> None:
    found = Attempts(60)
    for _ in range(20):
        found.failed("a", "ann", 0)
    found.failed("a", "ann", attempts.FORGOTTEN + 1)
    assert wait(found, "a", "ann", attempts.FORGOTTEN + 1) == 0


def test_an_address_has_a_number_a_minute() -> None:
    found = Attempts(6)
    for number in range(6):
        assert wait(found, "a", f"name{number}", 0) == 0
        found.failed("a", f"name{number}", 0)
    assert wait(found, "a", "another", 0) == 10.0
    assert wait(found, "b", "another", 0) == 0
    assert wait(found, "a", "another", 10) == 0


def test_many_at_once_are_paid_back() -> None:
    found = Attempts(60)
    for number in range(200):  # all were under way when the first was found wrong
        found.failed("a", f"name{number}", 0)
    assert wait(found, "a", "another", 0) == pytest.approx(141)


def test_zero_is_no_limit() -> None:
    found = Attempts(0)
    for _ in range(1_000):
        found.failed("a", "ann", 0)
    assert wait(found, "a", "ann", 0) == 0


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST", 10)
    found = Attempts(60)
    for number in range(100):
        found.failed(f"a{number}", "x" * 10_000 + str(number), 0)
    assert len(found._failures) == len(found._spent) == 10
    assert all(len(key) <= 64 for _, key in found._failures)


def test_networks() -> None:
    assert network("10.1.2.3") == "10.1.2.3"
    assert network("::ffff:10.1.2.3") == "10.1.2.3"
    assert network("2001:db8:1:2:3:4:5:6") == network("2001:db8:1:2::") != network("2001:db8:1:3::")
    assert network("fe80::1%eth0") == network("fe80::2")
    assert network("no address") == "no address"
