"""Passwords: hashed, verified, renewed, and worked on beside the loop."""

import queue
import threading
from collections.abc import Callable
from typing import Any

import pytest

from base.config import Accounts
from lobby import passwords
from lobby.passwords import Workers, check_rules, make, verify
from lobby.userdb import Account, format_line, read_line
from wire.errors import Refused

FAST = Accounts(hash_memory_kib=8, hash_time=1)
STRONGER = Accounts(hash_memory_kib=16, hash_time=2)


@pytest.mark.parametrize("plain", ["correct horse", "a:b$c,d", "пароль", "\ud800", "x" * 512])
def test_a_password_is_verified_against_its_hash(plain: str) -> None:
    secret = make(plain, FAST)
    assert secret.startswith("{ARGON2ID}$argon2id$v=19$m=8,t=1,p=1$")
    assert verify(secret, plain, FAST) == (True, None)
    assert verify(secret, plain + "x", FAST) == (False, None)
    assert make(plain, FAST) != secret


def test_a_hash_fits_into_the_user_db() -> None:
    account = Account("ann", make("x", FAST), ("user",), frozenset(), 0)
    assert read_line(format_line(account)) == (account, "")


def test_the_defaults_are_the_configured_ones() -> None:
    assert "$m=19456,t=2,p=1$" in make("x", Accounts())


def test_a_password_in_clear_is_hashed_when_it_was_right() -> None:
    ok, new = verify("{PLAIN}123", "123", FAST)
    assert ok
    assert new is not None
    assert verify(new, "123", FAST) == (True, None)
    assert verify("{PLAIN}123", "124", FAST) == (False, None)
    assert verify("{PLAIN}123", "123", FAST, renew=False) == (True, None)


def test_a_hash_of_other_parameters_is_renewed_when_the_password_was_right() -> None:
    secret = make("123", FAST)
    ok, new = verify(secret, "123", STRONGER)
    assert ok
    assert new is not None
    assert "$m=16,t=2,p=1$" in new
    assert verify(secret, "124", STRONGER) == (False, None)
    assert verify(secret, "123", STRONGER, renew=False) == (True, None)


@pytest.mark.parametrize("secret", [None, "{PLAIN}123"])
def test_a_name_that_nobody_has_and_one_in_clear_cost_a_hash(
    monkeypatch: pytest.MonkeyPatch, secret: str | None
) -> None:
    verified: list[str] = []
    real = passwords._matches

    def matches(hasher: Any, hashed: str, plain: str) -> bool:
        verified.append(hashed)
        return real(hasher, hashed, plain)

    monkeypatch.setattr(passwords, "_matches", matches)
    assert verify(secret, "x", FAST) == (False, None)
    assert [hashed.split("$")[3] for hashed in verified] == ["m=8,t=1,p=1"]


@pytest.mark.parametrize("hashed", ["$argon2id$v=19$m=8,t=0,p=1$c2FsdHNhbHRzYWx0$" + "h" * 43, "$argon2id$x", ""])
def test_a_hash_that_cannot_be_verified_is_nobodys(hashed: str) -> None:
    assert verify("{ARGON2ID}" + hashed, "x", FAST) == (False, None)


def test_one_letter_from_two_keyboards_is_one_letter() -> None:
    assert verify(make("caf\u00e9", FAST), "cafe\u0301", FAST)[0]
    assert verify("{PLAIN}cafe\u0301", "caf\u00e9", FAST)[0]


@pytest.mark.parametrize(
    ("plain", "reason"),
    [
        ("", "at least 8"),
        ("1234567", "at least 8"),
        (" " * 9, "blanks"),
        ("12345678\n", "control"),
        ("esc\x1b[2J...", "control"),
        ("Test_Name", "not the name"),
    ],
)
def test_a_new_password_that_breaks_a_rule(plain: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as refused:
        check_rules(plain, "test_name", 8)
    assert refused.value.code == "bad_password"


def test_new_passwords_that_are_fine() -> None:
    for plain in ("12345678", "with blanks in it", "a:b,c$d{}", "пароль-пароль"):
        check_rules(plain, "test_name", 8)


# -- the workers

Posts = queue.Queue[Callable[[], None]]


def test_work_is_done_in_a_thread_and_reported_on_the_loop() -> None:
    posts: Posts = queue.Queue()
    workers = Workers(posts.put, 2)
    results: list[Any] = []
    workers.submit(threading.current_thread, results.append)
    workers.submit(lambda: 1 / 0, results.append)
    for _ in range(2):
        posts.get(timeout=60)()
    assert workers.pending == 0
    kinds = {type(result) for result in results}
    assert ZeroDivisionError in kinds
    assert threading.current_thread() not in results
    workers.close()


def test_too_much_work_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "PENDING_MAX", 3)
    posts: Posts = queue.Queue()
    workers = Workers(posts.put, 1)
    go = threading.Event()
    for _ in range(3):
        workers.submit(lambda: go.wait(60), lambda _: None)
    with pytest.raises(Refused) as refused:
        workers.submit(lambda: 1, lambda _: None)
    assert refused.value.code == "busy"
    assert refused.value.retry_after
    go.set()
    posts.get(timeout=60)()
    workers.submit(lambda: 1, lambda _: None)
    workers.close()


def test_after_close_nobody_is_called() -> None:
    posts: Posts = queue.Queue()
    workers = Workers(posts.put, 1)
    called: list[Any] = []
    workers.submit(lambda: 1, called.append)
    report = posts.get(timeout=60)
    workers.close()
    report()
    assert called == []
    with pytest.raises(Refused):
        workers.submit(lambda: 1, called.append)
