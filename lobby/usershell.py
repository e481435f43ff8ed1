"""What the operator's commands about accounts stand on: the user db's file changed like an operator's edit, passwords
typed or read from a pipe, and one line where something is wrong.

Law: a password is never an argument. Each change is put in place as an editor's is, so that nobody's registration at
the same moment is lost.
"""
# ruff: noqa: T201 - a command speaks on standard output

import contextlib
import getpass
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec

from base import config as configuration
from base.config import Config
from base.exits import Exit
from base.locks import Lock, Locked
from base.paths import CODE, DataError, Paths
from lobby import useredit
from lobby.accounts import install
from lobby.passwords import check_rules, make
from lobby.userdb import Account, Table
from lobby.userfile import UserFile
from wire.errors import Refused
from wire.names import check_name, fold

PASSWORD_MAX: Final = 4_096  # characters that are read from a pipe


class Refusal(Exception):  # noqa: N818 - an answer
    """It cannot be done; the text says why, in one line."""

    def __init__(self, text: str, code: Exit = Exit.REFUSED) -> None:
        super().__init__(text)
        self.code = code


class Told:
    code = Exit.OK


@contextlib.contextmanager
def telling() -> Iterator[Told]:
    """Say what is wrong in one line, and have the exit code for it."""
    told = Told()
    try:
        yield told
    except Refusal as why:
        print(why, file=sys.stderr)
        told.code = why.code
    except OSError as why:
        print(f"{why.filename or 'the user db'}: {why.strerror}. Nothing was changed.", file=sys.stderr)
        told.code = Exit.REFUSED


# -- the file


def install_user_db(paths: Paths) -> None:
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


def table(paths: Paths) -> Table:
    return Table(_read(paths.user_db))


def account(table: Table, name: str) -> Account:
    """Raises Refusal."""
    checked(check_name, name)
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


def change(paths: Paths, change: Callable[[Table], str], *, alone: bool = False) -> None:
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


def checked(check: Callable[[str], str], name: str) -> None:
    try:
        check(name)
    except Refused as why:
        raise Refusal(f"{why.text[:1].upper()}{why.text[1:]}.", Exit.MISUSE) from None


def new_secret(paths: Paths, name: str) -> str:
    """Ask for a password, and hash it. Raises Refusal."""
    accounts = config(paths).accounts
    plain = _typed(name) if sys.stdin.isatty() else _piped()
    try:
        check_rules(plain, name, accounts.password_min)
    except Refused as why:
        raise Refusal(f"{why.text[:1].upper()}{why.text[1:]}. Nothing was changed.", Exit.MISUSE) from None
    return make(plain, accounts)


def _typed(name: str) -> str:
    try:
        plain = getpass.getpass(f"New password of {name}: ")
        again = getpass.getpass("The same again: ")
    except (EOFError, KeyboardInterrupt):
        print(file=sys.stderr)
        raise Refusal("Nothing was changed.") from None
    if plain != again:
        raise Refusal("The two passwords differ. Nothing was changed.", Exit.MISUSE)
    return plain


def _piped() -> str:
    try:
        line = sys.stdin.readline(PASSWORD_MAX)
    except UnicodeDecodeError:
        raise Refusal("The password is not UTF-8. Nothing was changed.", Exit.MISUSE) from None
    if not line:
        raise Refusal("The password is read from standard input, where nothing came.", Exit.MISUSE)
    return line.rstrip("\r\n")


def config(paths: Paths) -> Config:
    """What the server runs with, or ran with last."""
    try:
        return configuration.parse(paths.effective_config.read_bytes())
    except (OSError, msgspec.MsgspecError):
        return Config()


def read_lobby(paths: Paths, sql: str) -> list[Any]:
    """Rows of the lobby's own file, which it may be writing; none before its first start."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(paths.lobby_db))}?mode=ro", uri=True)) as db:
            return db.execute(sql).fetchall()
    except sqlite3.Error:
        return []
