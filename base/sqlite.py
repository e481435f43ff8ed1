"""Opening SQLite files: one way, with its settings in one place.

WAL, and `synchronous` by the durability asked for: `full` survives a power cut, `process` the death of any process,
`off` is for measuring only. Autocheckpoint is off: checkpoints are the owner's, off its hot path.
"""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

Durability = Literal["full", "process", "off"]
LOG_BYTES: Final = 16_000_000  # to which a write-ahead log that a storm made long is cut, once it is in the file
_SYNCHRONOUS: Final = {"full": "FULL", "process": "NORMAL", "off": "OFF"}


# What leaves the file as it was, the transaction undone: a full or read-only disk, or somebody else at the file.
_PASSING: Final = frozenset(
    {
        *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY),
        *(sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CONSTRAINT),
    }
)


def passes(why: sqlite3.Error) -> bool:
    """Whether a transaction that failed so was undone, and the next may succeed. After anything else, an error of the
    disk above all, only a fresh look at the file tells what it has."""
    code: int | None = getattr(why, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _PASSING


class NewerFile(Exception):  # noqa: N818
    """The file was written by a version that this one cannot read."""


def blank(steps: Sequence[str]) -> bytes:
    """A file with this schema and nothing in it. Writing it takes a tenth of what making it takes in place."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    migrate(db, steps)
    image = bytearray(db.serialize())
    db.close()
    image[18] = image[19] = 2  # it is read and written by WAL; sqlite.org/fileformat.html, 1.3.3
    return bytes(image)


def create(path: Path, image: bytes) -> None:
    """Make the file at `path` of what `blank` gave, with mode 0600: whole or not at all. For whoever has its lock."""
    new = f"{path}.new"
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:  # os.write takes what a nearly full disk has place for, and says nothing
        file.write(image)
        file.flush()
        os.fsync(fd)
    os.replace(new, path)


def connect(path: Path, durability: Durability = "full") -> sqlite3.Connection:
    """Open `path`, made when missing with mode 0600, in autocommit (transactions are begun by hand)."""
    if not path.exists():
        path.touch(mode=0o600)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=True, cached_statements=64)
    db.execute("PRAGMA journal_mode = WAL")
    set_durability(db, durability)
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA busy_timeout = 2000")
    return db


def set_durability(db: sqlite3.Connection, durability: Durability) -> None:
    """Of the commits from now on. The first that is synced takes with it those before that were not: one log."""
    db.execute(f"PRAGMA synchronous = {_SYNCHRONOUS[durability]}")


def migrate(db: sqlite3.Connection, steps: Sequence[str], reads: int | None = None) -> None:
    """Bring the schema to the newest version: `steps[n]` takes it from version n to n + 1 (PRAGMA user_version).

    `reads`: the highest foreign version this code can live with; beyond it NewerFile is raised.
    """
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > (reads or len(steps)):
        raise NewerFile(f"the file has version {version}, this program reads up to {reads or len(steps)}")
    for number, step in enumerate(steps[version:], start=version + 1):
        db.execute("BEGIN IMMEDIATE")
        try:
            for statement in step.split(";\n"):
                if statement.strip():
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {number}")
            db.execute("COMMIT")
        except sqlite3.Error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
