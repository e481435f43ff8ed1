"""Full-text search of a room: an index in a file of its own, beside the log and made from it (SQLite FTS5).

Law: it is soft. It follows the log and never holds it up: another connection, another file, another thread; a lost or
foreign index is made again. A transaction begins deferred: IMMEDIATE would lock all files of a connection, the log too.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from base.sqlite import connect
from base.words import quote
from roomproc.rows import COLUMNS, entries_of
from wire.messages import Entry, Line

BATCH: Final = 5_000  # lines indexed in one transaction: some 30 ms, so that a search waits for little


class SearchIndex:
    """The index at `path` over the log at `log`. One thread's own. Raises sqlite3.Error."""

    def __init__(self, path: Path, log: Path) -> None:
        self._path = path
        self._log = log
        self._open()

    def catch_up(self) -> bool:
        """Index the next lines that are not; True when there are more."""
        done = self._indexed()
        (newest,) = self._db.execute("SELECT coalesce(max(seq), 0) FROM log.entries").fetchone()
        (epoch,) = self._db.execute("SELECT value FROM log.facts WHERE name = 'epoch'").fetchone()
        if done > newest or self._fact("epoch", int(epoch)) != epoch:
            self._start_again()
            done = 0
        upto = min(newest, done + BATCH)
        if upto > done:
            self._db.execute("BEGIN")
            self._db.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", self._said(done, upto))
            self._db.execute("INSERT OR REPLACE INTO facts VALUES ('indexed', ?), ('epoch', ?)", (upto, epoch))
            self._db.execute("COMMIT")
        return bool(upto < newest)

    def find(self, text: str, before: int, limit: int) -> tuple[list[Entry], bool]:
        """The newest lines below number `before` that hold every word of `text`, oldest first, and whether there
        are older ones. Words match without case and accents; one that ends in * also as a beginning."""
        query = quote(text)
        if not query:
            return [], False
        found = self._db.execute(
            "SELECT rowid FROM words WHERE words MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?",
            (query, before, limit + 1),
        ).fetchall()
        numbers = [seq for (seq,) in reversed(found[:limit])]
        return [entry for seq in numbers for entry in self._entry(seq)], len(found) > limit

    def forget(self, before: int) -> None:
        """Take lines below number `before` out of the index; they must still be in the log."""
        self._db.execute("BEGIN")
        gone = self._said(0, min(before - 1, self._indexed()))
        self._db.executemany("INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)", gone)
        self._db.execute("COMMIT")

    def _said(self, after: int, upto: int) -> Iterator[tuple[int, str]]:
        """The numbers and texts of the lines above `after`, up to `upto`."""
        rows = f"SELECT {COLUMNS} FROM log.entries WHERE seq > ? ORDER BY seq"  # noqa: S608 - ours
        for row in self._db.execute(rows, (after,)):
            for entry in entries_of(row):
                if entry.seq > upto:
                    return
                if entry.seq > after and isinstance(entry, Line):
                    yield entry.seq, entry.text

    def _entry(self, seq: int) -> list[Entry]:
        """The entry of this number, if the log still has it."""
        first = f"SELECT {COLUMNS} FROM log.entries WHERE seq >= ? ORDER BY seq LIMIT 1"  # noqa: S608 - ours
        row = self._db.execute(first, (seq,)).fetchone()
        return [entry for entry in entries_of(row) if entry.seq == seq] if row else []

    def checkpoint(self) -> None:
        """Move both write-ahead logs into their files."""
        self._db.execute("PRAGMA main.wal_checkpoint(PASSIVE)").fetchall()
        self._db.execute("PRAGMA log.wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        self._db.close()

    def _open(self) -> None:
        self._db = connect(self._path, "off")
        self._db.execute("ATTACH DATABASE ? AS log", (str(self._log),))
        self._db.execute("CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID")
        self._db.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5"
            " (text, content='', tokenize='unicode61 remove_diacritics 2')"
        )

    def _start_again(self) -> None:
        self._db.close()
        erase(self._path)
        self._open()

    def _indexed(self) -> int:
        return self._fact("indexed", 0)

    def _fact(self, name: str, default: int) -> int:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else default


def erase(path: Path) -> None:
    """Away with an index; the next one is made from the log."""
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def is_trouble_of_index(why: Exception) -> bool:
    """Whether the index itself is broken, so that making it again helps."""
    return getattr(why, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
