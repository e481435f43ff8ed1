"""`admin user list`, `add`, `passwd`, `role`, `lock`, `unlock`, `delete`: the accounts at the shell, server or none.

Law: a password is typed or read from a pipe, never an argument, and stands hashed in the file. Each change is one line
of the user db, put in place like an operator's edit, so that nobody's registration at the same moment is lost.
"""
# ruff: noqa: T201 - a command speaks on standard output

import contextlib
import getpass
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec
from tabulate import tabulate

from base import config as configuration
from base.config import Config
from base.exits import Exit
from base.locks import Lock, Locked
from base.paths import CODE, DataError, Paths
from lobby import useredit
from lobby.accounts import install
from lobby.deleted import DAY
from lobby.passwords import check_rules, make
from lobby.userdb import Account, Table
from lobby.userfile import UserFile
from wire.errors import Refused
from wire.loop import read_clock
from wire.names import check_name, check_person, fold

PASSWORD_MAX: Final = 4_096  # characters that are read from a pipe


class Refusal(Exception):  # noqa: N818 - an answer
    """It cannot be done; the text says why, in one line."""

    def __init__(self, text: str, code: Exit = Exit.REFUSED) -> None:
        super().__init__(text)
        self.code = code


def add(paths: Paths, name: str, role: str) -> Exit:
    """A new account; also one whose name was deleted lately, which nobody else may take yet."""

    def free(table: Table) -> None:
        if table.taken(name):
            raise Refusal(f"The name {name} is taken.")

    def change(table: Table) -> str:
        free(table)
        table.put(Account(name, secret, _roles(role), frozenset(), read_clock().wall // 1000 * 1000))
        return f"Added: {name} ({', '.join(_roles(role))})."

    with _telling() as told:
        _checked(check_person, name)
        _install(paths)
        free(_table(paths))
        secret = _new_secret(paths, name)
        _change(paths, change)
    return told.code


def passwd(paths: Paths, name: str) -> Exit:
    """Another password; who is logged in as that account has to log in again."""

    def change(table: Table) -> str:
        table.put(replace(_account(table, name), secret=secret))
        return f"{name} has a new password, and is logged out everywhere."

    with _telling() as told:
        name = _account(_table(paths), name).name
        secret = _new_secret(paths, name)
        _change(paths, change)
    return told.code


def role(paths: Paths, name: str, new: str) -> Exit:
    """user, operator or admin; the two latter are users as well."""

    def change(table: Table) -> str:
        account = _account(table, name)
        table.put(replace(account, roles=_roles(new)))
        return f"{account.name} is {', '.join(_roles(new))}."

    with _telling() as told:
        _change(paths, change)
    return told.code


def lock(paths: Paths, name: str, *, locked: bool) -> Exit:
    """Whether the account is kept from logging in."""

    def change(table: Table) -> str:
        account = _account(table, name)
        flags = account.flags | {"locked"} if locked else account.flags - {"locked"}
        table.put(replace(account, flags=flags))
        return f"{account.name} is {'locked' if locked else 'not locked'}."

    with _telling() as told:
        _change(paths, change)
    return told.code


def delete(paths: Paths, name: str) -> Exit:
    """Take the account out; nobody else may take its name for a while."""
    days = _config(paths).accounts.deleted_name_days

    def change(table: Table) -> str:
        account = _account(table, name)
        table.remove(fold(name))
        kept = f" Nobody else may take the name for {days} days; `admin user add` gives it back." if days else ""
        return f"Deleted: {account.name}.{kept}"

    with _telling() as told:
        _change(paths, change, alone=True)
    return told.code


def listing(paths: Paths, *, as_json: bool) -> Exit:
    """Every account with its last login; lines that cannot be read on standard error."""
    with _telling() as told:
        table = _table(paths)
        logins, gone = _times(paths, "SELECT who, at FROM logins"), _times(paths, "SELECT who, gone FROM names")
        accounts = [table.accounts[key] for key in sorted(table.accounts)]
        if as_json:
            rows = [_row(account, logins) for account in accounts]
            print(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
        else:
            print(tabulate([_texts(account, logins) for account in accounts], HEADERS, disable_numparse=True))
            kept = _kept(paths, {key: at for key, at in gone.items() if at and not table.taken(key)})
            print(f"\nDeleted, and kept from others until then: {kept}" if kept else "", end="\n" if kept else "")
        for number, why in table.problems:
            print(f"line {number} of the user db: {why}", file=sys.stderr)
    return told.code


# -- the list

HEADERS: Final = ("name", "roles", "state", "made", "last login")


def _row(account: Account, logins: dict[str, int]) -> dict[str, Any]:
    return {
        "name": account.name,
        "roles": account.roles,
        "locked": "locked" in account.flags,
        "test": "test" in account.flags,
        "made": account.made or None,
        "last_login": logins.get(fold(account.name)),
    }


def _texts(account: Account, logins: dict[str, int]) -> tuple[str, ...]:
    last = logins.get(fold(account.name))
    return (
        account.name,
        ",".join(account.roles),
        ",".join(sorted(account.flags)),
        _moment(account.made)[:10],
        _moment(last) if last else "never",
    )


def _kept(paths: Paths, gone: dict[str, int]) -> str:
    days = _config(paths).accounts.deleted_name_days
    until = {name: at + days * DAY for name, at in gone.items()}
    return ", ".join(f"{name} ({_moment(end)[:10]})" for name, end in sorted(until.items()) if end > read_clock().wall)


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M") if at else ""


def _times(paths: Paths, sql: str) -> dict[str, int]:
    """Of the lobby's own file, which it may be writing; nothing before its first start."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(paths.lobby_db))}?mode=ro", uri=True)) as db:
            return dict(db.execute(sql).fetchall())
    except sqlite3.Error:
        return {}


# -- the file


def _install(paths: Paths) -> None:
    """Accounts may be added before the first start."""
    try:
        paths.create()
        install(paths.user_db, CODE / "resources" / "users" / "user-db")
    except DataError as why:
        raise Refusal(str(why)) from None


def _read(path: Path) -> bytes:
    """The content, when nobody seems to be in the middle of writing it. Raises Refusal."""
    content = UserFile(path, lambda found: bool(found and found.endswith(b"\n")), backup=False).read()
    if content is None:
        raise Refusal(f"There is no user db at {path}: the server makes it at its first start.")
    return content


def _table(paths: Paths) -> Table:
    return Table(_read(paths.user_db))


def _account(table: Table, name: str) -> Account:
    """Raises Refusal."""
    _checked(check_name, name)
    account = table.accounts.get(fold(name))
    if account is None and table.taken(name):
        raise Refusal(f"The line of {name} in the user db cannot be read; see: ./run.sh admin user edit")
    if account is None:
        raise Refusal(f"There is no account {name}.")
    return account


@contextlib.contextmanager
def _no_editor(paths: Paths) -> Iterator[None]:
    """Raises Refusal while `admin user edit` is open: what it puts in place would bring a deleted line back."""
    try:
        editing = Lock(paths.lock("useredit"))
    except Locked as why:
        raise Refusal(f"Somebody edits the user db (process {why.pid}): delete when that is done.") from None
    try:
        yield
    finally:
        editing.release()


def _change(paths: Paths, change: Callable[[Table], str], *, alone: bool = False) -> None:
    """Make it, and say what came of it; `alone`: not while an editor is open. Raises Refusal, OSError."""
    path = Path(os.path.realpath(paths.user_db))
    before = _read(path)
    try:
        with useredit.writing(paths), _no_editor(paths) if alone else contextlib.nullcontext():
            before = _read(path)
            table = Table(before)
            done = change(table)
            after = table.encode()
            clashes = useredit.put(path, before, after) if after != before else []
    except useredit.Unusable as why:
        raise Refusal(f"{why} Nothing was changed.") from None
    print(done)
    for clash in clashes:
        print(f"Changed meanwhile: {clash.why}")
    print(useredit.when(paths) if after != before else "It was so already.")


# -- words and passwords


def _roles(word: str) -> tuple[str, ...]:
    return ("user",) if word == "user" else ("user", word)


def _checked(check: Callable[[str], str], name: str) -> None:
    try:
        check(name)
    except Refused as why:
        raise Refusal(f"{why.text[:1].upper()}{why.text[1:]}.", Exit.MISUSE) from None


def _config(paths: Paths) -> Config:
    """What the server runs with, or ran with last."""
    try:
        return configuration.parse(paths.effective_config.read_bytes())
    except (OSError, msgspec.MsgspecError):
        return Config()


def _new_secret(paths: Paths, name: str) -> str:
    """Ask for a password, and hash it. Raises Refusal."""
    config = _config(paths).accounts
    plain = _typed(name) if sys.stdin.isatty() else _piped()
    try:
        check_rules(plain, name, config.password_min)
    except Refused as why:
        raise Refusal(f"{why.text[:1].upper()}{why.text[1:]}. Nothing was changed.", Exit.MISUSE) from None
    return make(plain, config)


def _typed(name: str) -> str:
    try:
        plain = getpass.getpass(f"New password of {name}: ")
        again = getpass.getpass("The same again: ")
    except (EOFError, KeyboardInterrupt):
        print(file=sys.stderr)
        raise Refusal("Nothing was changed.") from None
    if plain != again:
        raise Refusal("The two passwords differ. Nothing was changed.")
    return plain


def _piped() -> str:
    try:
        line = sys.stdin.readline(PASSWORD_MAX)
    except UnicodeDecodeError:
        raise Refusal("The password is not UTF-8. Nothing was changed.", Exit.MISUSE) from None
    if not line:
        raise Refusal("The password is read from standard input, where nothing came.", Exit.MISUSE)
    return line.rstrip("\r\n")


# -- what is told


class _Told:
    code = Exit.OK


@contextlib.contextmanager
def _telling() -> Iterator[_Told]:
    """Say what is wrong in one line, and have the exit code for it."""
    told = _Told()
    try:
        yield told
    except Refusal as why:
        print(why, file=sys.stderr)
        told.code = why.code
    except OSError as why:
        print(f"{why.filename or 'the user db'}: {why.strerror}. Nothing was changed.", file=sys.stderr)
        told.code = Exit.REFUSED
