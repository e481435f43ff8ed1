"""The durable keys in a room's file: of lines that share a row, and where that of any line or whisper is found again.

Law: a key is with its line (`entries`, `whispers`), or in a run of ids that count up (`runs`), or alone (`dropped`): in
one of them. The transaction is its caller's.
"""

import sqlite3
from collections.abc import Iterable
from typing import Final

from roomproc.staged import Sent, counted

LOOKED_AT: Final = 2_000  # ids of a stream, to find the highest: under a millisecond
AT_ONCE: Final = 2_000  # of runs and of lone keys forgotten in one go: under 10 ms, where those of a week took seconds


def store(db: sqlite3.Connection, sent: Iterable[Sent], at: int) -> None:
    """Those of lines that share rows and were said at `at`."""
    for one in sent:
        stream = one.stream.number
        if one.count == 1:
            db.execute(_LONE, (stream, one.id, one.seq, at))
        else:
            before, first = counted(one.id)
            db.execute(_RUN, (one.seq, at, stream, before, first, first + one.count - 1))


def found(db: sqlite3.Connection, stream: int, message_id: str) -> int | None:
    """The number that went with an id; 0 for a whisper's, None when nothing was stored under it."""
    before, number = counted(message_id)
    row = db.execute(_FIND, {"stream": stream, "id": message_id, "before": before, "number": number}).fetchone()
    return row[0] if row else None


def highest(db: sqlite3.Connection, stream: int) -> str | None:
    """The longest id of a stream, of those the last by text: as counts are ordered. "" when it has none, None when
    it has too many for a quick look; runs whose ids begin alike are looked at as one."""
    ids = [one for (one,) in db.execute(_IDS, {"stream": stream, "most": LOOKED_AT + 1})]
    return max(ids, key=lambda one: (len(one), one), default="") if len(ids) <= LOOKED_AT else None


def forget(db: sqlite3.Connection, before: int) -> bool:
    """Of lines that were said before `before`, so many; whether there may be more."""
    old = {"before": before, "most": AT_ONCE}
    return max(db.execute(_OLD_LONE, old).rowcount, db.execute(_OLD_RUNS, old).rowcount) >= AT_ONCE


_LONE: Final = "INSERT INTO dropped (stream, id, seq, at) VALUES (?, ?, ?, ?)"
_RUN: Final = "INSERT INTO runs (seq, at, stream, before, first, last) VALUES (?, ?, ?, ?, ?, ?)"
_FIND: Final = """
SELECT seq FROM entries WHERE stream = :stream AND id = :id
UNION ALL SELECT 0 FROM whispers WHERE stream = :stream AND id = :id
UNION ALL SELECT seq FROM dropped WHERE stream = :stream AND id = :id
UNION ALL SELECT seq + :number - first FROM (
  SELECT seq, first FROM runs WHERE stream = :stream AND before = :before AND last >= :number ORDER BY last LIMIT 1)
  WHERE first <= :number"""
_IDS: Final = """
WITH RECURSIVE befores (one) AS (
  SELECT min(before) FROM runs WHERE stream = :stream
  UNION ALL
  SELECT (SELECT min(before) FROM runs WHERE stream = :stream AND before > one) FROM befores WHERE one IS NOT NULL
  LIMIT :most)
SELECT id FROM entries WHERE stream = :stream
UNION ALL SELECT id FROM dropped WHERE stream = :stream
UNION ALL SELECT id FROM whispers WHERE stream = :stream
UNION ALL SELECT one || (SELECT max(last) FROM runs WHERE stream = :stream AND before = one) FROM befores
  WHERE one IS NOT NULL
LIMIT :most"""
# Those of one moment go together.
_OLD_LONE: Final = """
DELETE FROM dropped WHERE at <= coalesce(
  (SELECT at FROM dropped WHERE at < :before ORDER BY at LIMIT 1 OFFSET :most), :before - 1)"""
# Runs are in the order of time, as numbers are.
_OLD_RUNS: Final = """
DELETE FROM runs WHERE seq IN (
  SELECT seq FROM (SELECT seq, at FROM runs ORDER BY seq LIMIT :most) WHERE at < :before)"""
