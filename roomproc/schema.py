"""The tables of a room's file, as steps from each version to the next.

Law: a step only adds, and the version before lives with it (decision 0009).
"""

from typing import Final

from base.sqlite import blank

AHEAD: Final = 1  # so many versions later a file may be: what an upgrade wrote before it was taken back
SCHEMA: Final = [
    """
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE streams (number INTEGER PRIMARY KEY, account TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (account, name));
CREATE TABLE entries (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind INTEGER NOT NULL, sender TEXT NOT NULL, guest INTEGER NOT NULL,
  text TEXT NOT NULL, stream INTEGER, id TEXT);
CREATE UNIQUE INDEX sent ON entries (stream, id) WHERE stream IS NOT NULL;
CREATE TABLE whispers (
  number INTEGER PRIMARY KEY, at INTEGER NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL, text TEXT,
  stream INTEGER, id TEXT);
CREATE UNIQUE INDEX whispered ON whispers (stream, id) WHERE stream IS NOT NULL;
CREATE TABLE spent (number TEXT PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE revoked (name TEXT PRIMARY KEY, before INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE standing (
  name TEXT NOT NULL, what TEXT NOT NULL, shown TEXT NOT NULL, until INTEGER, PRIMARY KEY (name, what)) WITHOUT ROWID;
CREATE TABLE members (name TEXT PRIMARY KEY, guest INTEGER NOT NULL) WITHOUT ROWID
""",
    """
CREATE TABLE dropped (
  stream INTEGER NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (stream, id)
) WITHOUT ROWID;
CREATE INDEX dropped_by_time ON dropped (at)
""",  # keys of lines that retention dropped inside the resend window, and that share a row and are in no run
    """
ALTER TABLE streams ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
CREATE INDEX streams_by_use ON streams (used)
""",  # when something was last said under a stream, as of its latest note; 0: not known
    "ALTER TABLE standing ADD COLUMN at INTEGER NOT NULL DEFAULT 0",  # so that it does not pass on with the name
    # Two steps, so that the version before, which reads a row as one entry, leaves the file alone (decision 0013).
    """
CREATE TABLE runs (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, stream INTEGER NOT NULL, before TEXT NOT NULL, first INTEGER NOT NULL,
  last INTEGER NOT NULL)
""",  # keys of lines that share a row: ids that count from `first` to `last` after `before`, and numbers from `seq`
    "CREATE INDEX runs_by_stream ON runs (stream, before, last)",
]

BLANK: Final = blank(SCHEMA)  # made once, before the fork
