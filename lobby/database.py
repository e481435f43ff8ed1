"""One of the lobby's SQLite files, with a transaction that begins at the first write of a round.

Law: a round's writes are committed together or not at all. After a write that failed the round cannot be committed:
SQLite may have undone the earlier ones by itself, and answers to them are waiting to be sent.
"""

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from base.sqlite import Durability, connect, migrate


class Database:
    def __init__(self, path: Path, durability: Durability, steps: Sequence[str]) -> None:
        """Open the file and bring its schema up to date. Raises sqlite3.Error, NewerFile."""
        self._db = connect(path, durability)
        migrate(self._db, steps)
        # So far; whoever compares knows whether what they say hangs on the commit: something was written meanwhile, or
        # read while not all of it was stored.
        self.pending = 0
        self._failed: sqlite3.Error | None = None

    def read(self, sql: str, *values: Any) -> sqlite3.Cursor:
        self.pending += self._db.in_transaction
        return self._db.execute(sql, values)

    def one(self, sql: str, *values: Any) -> Any:
        """The first value of the first row, None when there is none."""
        row = self.read(sql, *values).fetchone()
        return None if row is None else row[0]

    def write(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Execute in the round's transaction. Raises sqlite3.Error, after which only `rollback` helps."""
        self.pending += 1
        try:
            if not self._db.in_transaction:
                self._db.execute("BEGIN IMMEDIATE")
            return self._db.execute(sql, values)
        except sqlite3.Error as why:
            self._failed = why
            raise

    @property
    def dirty(self) -> bool:
        return self._failed is not None or self._db.in_transaction

    def commit(self) -> None:
        """Put the round's writes on the disk; at no cost when there are none. Raises sqlite3.Error: then `rollback`."""
        if self._failed is not None:
            raise self._failed
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    def rollback(self) -> None:
        self._failed = None
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def checkpoint(self) -> None:
        """Bring the log into the file; for quiet moments, between rounds."""
        if not self.dirty:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """What was not committed is gone."""
        with contextlib.suppress(sqlite3.Error):
            self.rollback()
            self.checkpoint()
        self._db.close()
