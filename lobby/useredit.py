"""`admin user edit`: the user db in the operator's editor, checked before it counts, whether the server runs or not.

Law: the editor works on a copy, and nothing is put in place that was not looked at. What changed meanwhile is merged
account by account, so that nobody's registration is lost; what is in place comes out by an exchange and is compared.
"""
# ruff: noqa: T201 - a command speaks on standard output

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from base.exits import Exit
from base.locks import Lock, Locked, holder
from base.paths import Paths
from lobby import beside
from lobby.turns import turn
from lobby.userdb import Account, Clash, Table, changes, merge
from wire.names import fold

ATTEMPTS: Final = 5  # exchanges while the server writes at the same moment
PATIENCE: Final = 4.0  # seconds for the server, or another command, to finish its write
EDITORS: Final = ("nano", "vim", "vi")  # where nothing is said: the one a beginner can leave first
QUESTION: Final = "(e)dit again, (k)eep it as it is, or (d)rop your changes? "


class Unusable(Exception):  # noqa: N818 - a finding, told in one line
    """The edit cannot go on; nothing was changed."""


def edit(paths: Paths) -> Exit:
    """The whole of it."""
    path = Path(os.path.realpath(paths.user_db))
    copy = path.with_name(f".{path.name}.edit")
    try:
        lock = Lock(paths.lock("useredit"))
    except Locked as why:
        print(f"Somebody edits the user db already (process {why.pid}).", file=sys.stderr)
        return Exit.REFUSED
    except OSError as why:
        print(f"{path} cannot be edited: {why.strerror}; the server makes it at its first start.", file=sys.stderr)
        return Exit.REFUSED
    try:
        before = path.read_bytes()
        beside.write(copy, before)
        after = _edited(copy, before)
        if after is None:
            print("Nothing was changed.")
            return Exit.OK
        with writing(paths):
            clashes = put(path, before, after)
    except Unusable as why:
        print(f"{why} Nothing was changed.", file=sys.stderr)
        return Exit.REFUSED
    except OSError as why:
        print(f"{why.filename or path}: {why.strerror}. Nothing was changed.", file=sys.stderr)
        return Exit.REFUSED
    finally:
        copy.unlink(missing_ok=True)
        lock.release()
    _tell(before, after, clashes)
    print(when(paths))
    return Exit.OK


def when(paths: Paths) -> str:
    """From when on a change of the user db counts."""
    if holder(paths.lock("lobby")):
        return "The server takes it over within a second."
    return "No server runs: it counts from the next start."


# -- the editor


def _edited(copy: Path, before: bytes) -> bytes | None:
    """What the operator made of the copy, None when nothing is to be changed. Raises Unusable."""
    while True:
        _run_editor(copy)
        after = copy.read_bytes()
        if after == before:
            return None
        problems = Table(after).problems
        if not problems:
            return after
        print(f"{len(problems)} of the lines cannot be used; each locks out its account and nothing else:")
        for number, why in problems:
            print(f"  line {number}: {why}")
        answer = _ask()
        if answer == "d":
            return None
        if answer == "k":
            return after


def _run_editor(copy: Path) -> None:
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    words = shlex.split(command) if command else [next(filter(shutil.which, EDITORS), "")]
    if not words or not words[0]:
        raise Unusable("There is no editor: name one in VISUAL or EDITOR.")
    try:
        ended = subprocess.run([*words, str(copy)], check=False)
    except OSError as why:
        raise Unusable(f"The editor {words[0]} cannot be started: {why.strerror}.") from None
    if ended.returncode:
        raise Unusable(f"The editor ended with code {ended.returncode}.")


def _ask() -> str:
    """e, k or d; who says nothing any more drops it."""
    while True:
        try:
            answer = input(QUESTION).strip().lower()[:1]
        except EOFError:
            print()
            return "d"
        if answer in {"e", "k", "d"}:
            return answer


# -- the file


@contextlib.contextmanager
def writing(paths: Paths) -> Iterator[None]:
    """Nobody of ours writes the user db meanwhile. Raises Unusable when it takes too long."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(turn(paths.lock("userwrite"), PATIENCE))
        except Locked as why:
            raise Unusable(f"The user db is being written by process {why.pid}.") from None
        yield


def put(path: Path, before: bytes, after: bytes) -> list[Clash]:
    """Put the operator's edit of `before` in place, with all that others did since laid over it.

    The version line becomes that of the newest content it has seen, so that what the operator deleted stays deleted.
    """
    clashes: list[Clash] = []
    new = path.with_name(f".{path.name}.edited")
    expected = came_out = path.read_bytes()
    seen = [Table(before)]  # what somebody who writes at the same moment may have had before them
    ours = Table(after, seen[0])
    for _ in range(ATTEMPTS):
        theirs = Table(came_out, ours)
        ours, clashed = merge(ours, changes(seen, theirs))
        if theirs.version > ours.version:
            ours.count_write(theirs.version)
        clashes += clashed
        seen += [theirs, ours]
        after = ours.encode()
        beside.write(new, after, os.stat(path))
        beside.exchange(new, path)
        came_out = new.read_bytes() if new.exists() else expected
        beside.sync_directory(path.parent)
        if came_out == expected:
            new.unlink(missing_ok=True)
            return clashes
        expected = after
    kept = beside.keep(path, came_out)
    new.unlink(missing_ok=True)
    print(f"The user db is being written all the time; one copy is kept in {kept}.", file=sys.stderr)
    return clashes


# -- what is told


def _tell(before: bytes, after: bytes, clashes: list[Clash]) -> None:
    was, now = Table(before).accounts, Table(after).accounts
    for what, keys in (
        ("added", now.keys() - was.keys()),
        ("removed", was.keys() - now.keys()),
        ("changed", {key for key in now.keys() & was.keys() if now[key] != was[key]}),
    ):
        if keys:
            print(f"{what.capitalize()}: {', '.join(_names(keys, now, was))}")
    for clash in clashes:
        print(f"Changed meanwhile: {clash.why}")


def _names(keys: set[str], *tables: dict[str, Account]) -> list[str]:
    names = {fold(account.name): account.name for table in tables for account in table.values()}
    return sorted((names[key] for key in keys), key=str.lower)
