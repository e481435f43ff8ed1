"""`admin user add` and its siblings, on a user db that nobody serves."""

import getpass
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from base import config as configuration
from base.config import Config
from base.exits import Exit
from base.locks import Lock
from base.paths import Paths
from lobby import beside, useradmin, useredit, userlist
from lobby.accounts import Accounts
from lobby.passwords import verify
from lobby.store import Store
from lobby.userdb import Account, Table

WALL = 1_800_000_000_000
USERS = """\
# user-db version 3 (the server counts its writes here)
Ann:{PLAIN}annspassword:user::
# a remark
ben:{PLAIN}benspassword:user::2026-11-20T00:00:00Z:and a further field
broken:line
"""
QUICK = configuration.load(None, ["accounts.hash_memory_kib=8", "accounts.hash_time=1"])


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path / "var")
    paths.create()
    paths.user_db.write_text(USERS)
    serve_with(paths, QUICK)
    return paths


def serve_with(paths: Paths, config: Config) -> None:
    paths.effective_config.write_bytes(configuration.dump(config))


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def account(paths: Paths, name: str) -> Account:
    return Table(paths.user_db.read_bytes()).accounts[name]


def has_password(paths: Paths, name: str, plain: str) -> bool:
    return verify(account(paths, name).secret, plain, QUICK.accounts)[0]


def left(paths: Paths) -> list[str]:
    return sorted(path.name for path in paths.user_db.parent.iterdir())


# -- what they do


def test_an_account_is_added(paths: Paths, pipe: Callable[[str], None], capfd: pytest.CaptureFixture[str]) -> None:
    pipe("  a good: password \r\nand more\n")
    assert useradmin.add(paths, "Cid", "admin") is Exit.OK
    assert capfd.readouterr().out == "Added: Cid (user, admin).\nNo server runs: it counts from the next start.\n"
    there = account(paths, "cid")
    assert (there.name, there.roles, there.flags) == ("Cid", ("user", "admin"), frozenset())
    assert there.made > WALL - 10**11
    assert has_password(paths, "cid", "  a good: password ")
    assert "a good" not in paths.user_db.read_text()
    assert paths.user_db.read_text().startswith(USERS), "what is not changed stays byte for byte"
    assert left(paths) == ["user-db"]


def test_accounts_are_added_before_the_first_start(tmp_path: Path, pipe: Callable[[str], None]) -> None:
    paths = Paths(tmp_path / "new")
    pipe("a good password\n")
    assert useradmin.add(paths, "cid", "user") is Exit.OK
    assert sorted(Table(paths.user_db.read_bytes()).accounts) == ["admin_user", "cid", "foo_user", "test_user"]


def test_a_password_role_and_lock_are_changed_and_the_rest_of_the_line_stays(
    paths: Paths, pipe: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    pipe("another password")
    assert useradmin.passwd(paths, "BEN") is Exit.OK
    assert capfd.readouterr().out.startswith("ben has a new password, and is logged out everywhere.\n")
    assert has_password(paths, "ben", "another password")
    assert useradmin.role(paths, "ben", "operator") is Exit.OK
    assert account(paths, "ben").roles == ("user", "operator")
    assert useradmin.role(paths, "ben", "user") is Exit.OK
    assert useradmin.lock(paths, "ben", locked=True) is Exit.OK
    assert (account(paths, "ben").roles, account(paths, "ben").flags) == (("user",), {"locked"})
    capfd.readouterr()
    inode = paths.user_db.stat().st_ino
    assert useradmin.lock(paths, "ben", locked=True) is Exit.OK
    assert capfd.readouterr().out == "ben is locked.\nIt was so already.\n"
    assert paths.user_db.stat().st_ino == inode
    assert useradmin.lock(paths, "ben", locked=False) is Exit.OK
    line = next(line for line in paths.user_db.read_text().splitlines() if line.startswith("ben:"))
    assert line.endswith(":user::2026-11-20T00:00:00Z:and a further field")


def test_an_account_is_deleted(paths: Paths, capfd: pytest.CaptureFixture[str]) -> None:
    assert useradmin.delete(paths, "ann") is Exit.OK
    assert "Deleted: Ann. Nobody else may take the name for 30 days" in capfd.readouterr().out
    assert paths.user_db.read_text() == USERS.replace("Ann:{PLAIN}annspassword:user::\n", "")
    table = Table(paths.user_db.read_bytes())
    assert list(table.accounts) == ["ben"]
    serve_with(paths, configuration.load(None, ["accounts.deleted_name_days=0"]))
    assert useradmin.delete(paths, "ben") is Exit.OK
    assert capfd.readouterr().out.startswith("Deleted: ben.\n")


def test_the_list(paths: Paths, capfd: pytest.CaptureFixture[str]) -> None:
    store = Store(paths, "off")
    store.ledger.set_last_login("ann", WALL)
    store.commit()
    assert userlist.listing(paths, as_json=True) is Exit.OK
    rows = json.loads(capfd.readouterr().out)
    assert rows[0] == {
        "name": "Ann", "roles": ["user"], "locked": False, "test": False, "made": None, "last_login": WALL,
    }  # fmt: skip
    assert (rows[1]["name"], rows[1]["last_login"]) == ("ben", None)
    store.close()
    assert userlist.listing(paths, as_json=False) is Exit.OK
    told = capfd.readouterr()
    lines = told.out.splitlines()
    assert lines[0].split() == ["name", "roles", "state", "made", "last", "login"]
    assert lines[2].startswith("Ann")
    assert "2027-01-1" in lines[2]
    assert lines[3].endswith("never")
    assert len(lines) == 4
    assert told.err.startswith("line 5 of the user db: ")


def test_the_list_names_what_was_deleted_lately(paths: Paths, capfd: pytest.CaptureFixture[str]) -> None:
    store = Store(paths, "off")
    accounts = Accounts(paths.user_db, test_open=True)
    store.ledger.deleted.take_stock(accounts, 3 * WALL)
    useradmin.delete(paths, "ben")
    accounts.refresh()
    store.ledger.deleted.look(accounts, 3 * WALL)
    store.commit()
    capfd.readouterr()
    userlist.listing(paths, as_json=False)
    assert "Deleted, and kept from others until then: ben (2141-" in capfd.readouterr().out
    store.close()


# -- mistakes


@pytest.mark.parametrize(
    ("act", "code", "text"),
    [
        (lambda paths: useradmin.add(paths, "ann", "user"), Exit.REFUSED, "The name ann is taken."),
        (lambda paths: useradmin.add(paths, "broken", "user"), Exit.REFUSED, "The name broken is taken."),
        (lambda paths: useradmin.add(paths, "a b", "user"), Exit.MISUSE, "A name has letters"),
        (lambda paths: useradmin.passwd(paths, "nobody"), Exit.REFUSED, "There is no account nobody."),
        (lambda paths: useradmin.role(paths, "nobody", "admin"), Exit.REFUSED, "There is no account nobody."),
        (lambda paths: useradmin.lock(paths, "", locked=True), Exit.MISUSE, ""),
        (lambda paths: useradmin.delete(paths, "broken"), Exit.REFUSED, "The line of broken in the user db cannot"),
    ],
)
def test_each_mistake_is_one_line_and_changes_nothing(
    paths: Paths,
    pipe: Callable[[str], None],
    capfd: pytest.CaptureFixture[str],
    act: Callable[[Paths], Exit],
    code: Exit,
    text: str,
) -> None:
    pipe("a good password\n")
    assert act(paths) is code
    told = capfd.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith(text)
    assert paths.user_db.read_text() == USERS


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "nothing came"),
        ("\n", "at least 8 characters"),
        ("short\n", "at least 8 characters"),
        ("a\tlong password\n", "no control characters"),
    ],
)
def test_a_password_that_will_not_do(
    paths: Paths, pipe: Callable[[str], None], capfd: pytest.CaptureFixture[str], typed: str, reason: str
) -> None:
    pipe(typed)
    assert useradmin.passwd(paths, "ben") is Exit.MISUSE
    told = capfd.readouterr().err
    assert reason in told
    assert told.count("\n") == 1
    assert paths.user_db.read_text() == USERS


def test_at_a_terminal_it_is_typed_twice(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["a good password", "a god password", "a good password", "a good password"]
    asked: list[str] = []

    def typed(prompt: str) -> str:
        asked.append(prompt)
        if not words:
            raise EOFError
        return words.pop(0)

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", typed)
    assert useradmin.passwd(paths, "ben") is Exit.MISUSE
    assert capfd.readouterr().err == "The two passwords differ. Nothing was changed.\n"
    assert useradmin.passwd(paths, "ben") is Exit.OK
    assert asked[:2] == ["New password of ben: ", "The same again: "]
    assert useradmin.passwd(paths, "ben") is Exit.REFUSED, "who gives up changes nothing"
    assert has_password(paths, "ben", "a good password")


def test_no_user_db_yet(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    paths = Paths(tmp_path / "nothing")
    assert userlist.listing(paths, as_json=False) is Exit.REFUSED
    assert useradmin.delete(paths, "ann") is Exit.REFUSED
    assert useradmin.lock(paths, "ann", locked=True) is Exit.REFUSED
    assert capfd.readouterr().err.count("There is no user db at ") == 3
    assert not paths.data.exists()


# -- at the same moment


def test_who_registers_in_the_very_moment_stays(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server writes between our look and the exchange."""
    path, exchange = paths.user_db, beside.exchange
    new = ["cid:{PLAIN}cidspassword:user::\n"]

    def first_the_server(beside_it: Path, there: Path) -> bool:
        if new:
            there.write_text(there.read_text().replace("version 3", "version 4") + new.pop())
        return exchange(beside_it, there)

    monkeypatch.setattr(beside, "exchange", first_the_server)
    assert useradmin.delete(paths, "ben") is Exit.OK
    table = Table(path.read_bytes())
    assert sorted(table.accounts) == ["ann", "cid"]
    assert table.version == 4, "else the server would take the deletion for an old copy's lack"
    assert left(paths) == ["user-db"]


def test_nothing_is_deleted_under_an_open_editor(paths: Paths, capfd: pytest.CaptureFixture[str]) -> None:
    editor = Lock(paths.lock("useredit"))
    assert useradmin.delete(paths, "ben") is Exit.REFUSED
    assert "Somebody edits the user db" in capfd.readouterr().err
    assert useradmin.lock(paths, "ben", locked=True) is Exit.OK, "what can be merged is not kept waiting"
    editor.release()
    assert useradmin.delete(paths, "ben") is Exit.OK


def test_one_write_after_the_other(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(useredit, "PATIENCE", 0.0)
    other = Lock(paths.lock("userwrite"))
    assert useradmin.lock(paths, "ben", locked=True) is Exit.REFUSED
    assert "is being written by process" in capfd.readouterr().err
    assert paths.user_db.read_text() == USERS
    other.release()
    assert useradmin.lock(paths, "ben", locked=True) is Exit.OK
