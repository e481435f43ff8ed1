"""The menus and commands about accounts in the line mode, over pipes against a small server."""

import json
import stat
from pathlib import Path

import pytest

from tests.client.fake_parlour import CODE, FakeParlour
from tests.client.test_plain import Pipes, environment, parlour, pipes, server, url
from wire import messages as m

__all__ = ["environment", "parlour", "pipes"]


def visit(pipes: Pipes, parlour: FakeParlour, *typed: str, name: str = "test_user") -> str:
    code, out, _ = pipes(*server(parlour), typed="\n".join(("1", name, "123", *typed, "0", "")))
    assert code == 0
    return out


def asked(parlour: FakeParlour, kind: type) -> list[m.Message]:
    return [request for request in parlour.seen if isinstance(request, kind)]


def test_a_guest_is_told_what_an_account_gives_and_how_to_have_one(parlour: FakeParlour, pipes: Pipes) -> None:
    _, out, _ = pipes(*server(parlour), typed="3\njoe\n5\n7\n/mail eva\n0\n")
    assert "7 How to have an account" in out
    assert "Inbox" not in out
    assert "-- choose by number" in out
    assert "-- to have one, leave (0) and choose 'Create an account' when you come back" in out
    assert "-- guests have no mail: 7 in the menu" in out


def test_sessions_are_listed_and_ended(parlour: FakeParlour, pipes: Pipes) -> None:
    out = visit(pipes, parlour, "7", "2", "6", "2", "o", "2", "9", "0", "/sessions end x")
    assert "7; program parlour; from 127.0.0.1; logged in 2026-11-20 18:00; last used now, here" in out
    assert "6; program ?; from 10.0.0.1; logged in ?; last used 2026-11-20 18:00" in out
    assert "-- session 6 has ended, in rooms too" in out
    assert "-- all your other sessions have ended, in rooms too" in out
    assert "-- you have no session 9" in out
    assert "-- write it like this: /sessions, /sessions end NUMBER" in out


def test_blocking_is_the_accounts_and_is_taken_back(parlour: FakeParlour, pipes: Pipes) -> None:
    out = visit(pipes, parlour, "7", "3", "foo_user", "0", "/ignore", "/ignore foo_user", "/ignore", "/ignore a b")
    assert "-- foo_user is blocked: you see nothing of them, and get nothing from them" in out
    assert "-- you have blocked: foo_user; /ignore NAME changes it" in out
    assert "-- foo_user is off your block list" in out
    assert "-- you have blocked: nobody" in out
    parlour.blocked["test_user"] = ["Bob"]
    assert "-- you have blocked: Bob" in visit(pipes, parlour, "/block")


def test_who_is_blocked_is_not_seen_from_the_login_on(parlour: FakeParlour, pipes: Pipes) -> None:
    parlour.blocked["test_user"] = ["FOO_user"]
    parlour.say("hall", "foo_user", "unseen")
    parlour.say("hall", "ben", "seen")
    out = visit(pipes, parlour, "/join hall", "/quit")
    assert ("ben: seen" in out, "unseen" in out) == (True, False)


def test_capitals(parlour: FakeParlour, pipes: Pipes) -> None:
    out = visit(pipes, parlour, "7", "4", "Test_User", "0")
    assert "-- you are Test_User" in out


def test_all_that_is_here_of_one_goes_into_a_file(parlour: FakeParlour, pipes: Pipes, tmp_path: Path) -> None:
    mail = m.Mail(mail=3, sender="ben", to=["test_user"], subject="s", body="b", at=1, read=False)
    parlour.mails["test_user"] = [mail]
    path = tmp_path / "mine.jsonl"
    out = visit(pipes, parlour, "/join hall", "a line of mine", "/menu", "7", "5", str(path), "5", str(path), "0")
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert [entry["kind"] for entry in entries] == ["account", "blocked", "direct", "mail", "line"]
    assert (entries[3]["body"], entries[4]["text"]) == ("b", "a line of mine")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert f"-- 5 entries in {path}, JSON Lines" in out
    assert f"-- {path} is there already: name another file" in out


def test_deleting_asks_for_name_and_password(parlour: FakeParlour, pipes: Pipes) -> None:
    visit(pipes, parlour, "7", "6", "", "6", "foo_user", "0")
    assert not asked(parlour, m.DeleteAccount)
    out = visit(pipes, parlour, "7", "6", "test_user", "wrong", "6", "TEST_USER", "123", "0")
    assert "-- that is not your password" in out
    assert "-- your account is deleted" in out
    assert "test_user" not in parlour.accounts


def test_a_one_time_code_at_the_door(parlour: FakeParlour, pipes: Pipes) -> None:
    typed = ["4", "test_user", "wrong", "a new password", "4", "test_user", CODE, "a new password", "0", ""]
    _, out, _ = pipes(*server(parlour), typed="\n".join(typed))
    assert "this code is not right, was used, or has expired" in out
    assert "You are test_user." in out
    assert parlour.accounts["test_user"][0] == "a new password"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("2", "foo", "foo_user", "lock"), "-- foo_user is locked, and logged out"),
        (("2", "", "foo_user", "role", "operator"), "-- foo_user has another role, and logs in again"),
        (("2", "", "foo_user", "code"), f"-- a one-time code for foo_user: {CODE}"),
        (("2", "", "foo_user", "delete", "y"), "-- foo_user is deleted; the name is kept"),
        (("2", "", "foo_user", "marry"), "-- write it like this: /account NAME lock|unlock|role"),
    ],
)
def test_an_admin_looks_after_accounts(parlour: FakeParlour, pipes: Pipes, typed: tuple[str, ...], told: str) -> None:
    out = visit(pipes, parlour, "8", *typed, "0", name="admin_user")
    assert "foo_user; roles user; made 2026-11-20; last here never" in out
    assert told in out


def test_nothing_is_deleted_unless_it_is_meant(parlour: FakeParlour, pipes: Pipes) -> None:
    visit(pipes, parlour, "8", "2", "", "foo_user", "delete", "n", "2", "", "", "0", name="admin_user")
    assert not asked(parlour, m.AdminUser)


def test_who_is_no_admin_is_told(parlour: FakeParlour, pipes: Pipes) -> None:
    _, out, _ = pipes("bob", url(parlour), typed="/accounts\n/account foo_user lock\n")
    assert out.count("this is for admins") == 2
