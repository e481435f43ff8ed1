"""The room's file: its numbered entries, and what has to be known again after a crash. The only module that opens it.

Law: one transaction a round (`commit`), and nothing in it is shown before that returned. Numbers are contiguous and
times never go backwards, so a moment is found by bisection over numbers. Reading takes a page at a time. A file of the
next version is read and written as well: a step of SCHEMA only adds, and whoever writes names the columns it knows.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import UNSET

from base.sqlite import Durability, blank, connect, create, migrate, set_durability
from roomproc.people import Remembered
from roomproc.staged import Standing, StoredWhisper, Told, Work
from wire.control import RoomSettings
from wire.messages import Entry, Line, Moderated, Topic

AHEAD: Final = 1  # so many versions later a file may be: what an upgrade wrote before it was taken back
_LINE, _ACTION, _TOPIC, _MODERATED = 0, 1, 2, 3
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
""",  # keys of lines that retention dropped inside the resend window
    """
ALTER TABLE streams ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
CREATE INDEX streams_by_use ON streams (used)
""",  # when something was last said under a stream, as of its latest note; 0: not known
    "ALTER TABLE standing ADD COLUMN at INTEGER NOT NULL DEFAULT 0",  # so that it does not pass on with the name
]

BLANK: Final = blank(SCHEMA)  # made once, before the fork


class Opened(msgspec.Struct):
    """What the file said when it was opened."""

    seq: int
    first: int
    at: int  # of the newest entry
    epoch: int
    incarnation: int
    settings: RoomSettings | None
    topic: str
    slow: int
    revoked_to: int
    stamp: int  # the newest that was seen (wire.stamps)
    whisper: int
    spent: dict[str, int]
    revoked: dict[str, int]
    standing: list[Standing]
    members: list[Remembered]


FORGET_EVERY: Final = 60_000  # ms
NOTE_EVERY: Final = 3_600_000  # ms after which it is noted again that a stream is in use
STREAMS_AT_ONCE: Final = 1_000  # forgotten in one go: a millisecond or two
PAGE_BYTES: Final = 4_096
ROWS_A_PAGE: Final = 10  # of written rows, with what they take in the indexes, in pages of the write-ahead log; about


class History:
    """The file at `path`. Raises sqlite3.Error; base.sqlite.NewerFile when another version wrote it.

    `behind`: pages of the write-ahead log that no checkpoint has moved yet, about.
    """

    def __init__(self, path: Path, durability: Durability) -> None:
        self.behind = _size(path.with_name(path.name + "-wal")) // PAGE_BYTES  # what a process that died left
        if not path.exists():
            create(path, BLANK)
        self._db = connect(path, "off")  # until it is `open`
        self._durability = durability
        self._forgot = 0
        self._window_before = 0  # keys of older lines are met by no resend
        migrate(self._db, SCHEMA, reads=len(SCHEMA) + AHEAD)

    def open(self, wall: int, settings: RoomSettings | None = None) -> Opened:
        """Raise the incarnation, and read what a room has to know. `wall`: a new file's epoch.

        What is stored here is synced with the first round, since nobody was told anything by then: of the incarnation
        knows only a process, and a power cut leaves none; the rest is said again at each start. `settings`: those the
        room is started with. They are stored in the same commit, unless the file has later ones, so that the
        catalogue's word at the first link, which nearly always says the same, needs none of its own."""
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        raised = "INSERT INTO facts (name, value) VALUES ('incarnation', 1) ON CONFLICT DO UPDATE SET value = value + 1"
        db.execute(raised)
        db.execute("INSERT INTO facts (name, value) VALUES ('epoch', ?) ON CONFLICT DO NOTHING", (wall,))
        db.execute("DELETE FROM spent WHERE expires <= ?", (wall,))
        self._know_who_noted()
        if settings is not None:
            self._start_with(settings)
        db.execute("COMMIT")
        set_durability(db, self._durability)
        facts = dict(db.execute("SELECT name, value FROM facts"))
        seq, at = db.execute("SELECT seq, at FROM entries ORDER BY seq DESC LIMIT 1").fetchone() or (0, 0)
        (first,) = db.execute("SELECT min(seq) FROM entries").fetchone()
        return Opened(
            seq=seq,
            first=first or 1,
            at=at,
            epoch=facts["epoch"],
            incarnation=facts["incarnation"],
            settings=msgspec.json.decode(facts["settings"], type=RoomSettings) if "settings" in facts else None,
            topic=facts.get("topic", ""),
            slow=facts.get("slow", 0),
            revoked_to=facts.get("revoked_to", 0),
            stamp=facts.get("stamp", 0),
            whisper=db.execute("SELECT coalesce(max(number), 0) FROM whispers").fetchone()[0],
            spent=dict(db.execute("SELECT number, expires FROM spent")),
            revoked=dict(db.execute("SELECT name, before FROM revoked")),
            standing=[
                Standing(what=what, name=shown, until=until, at=at)
                for what, shown, until, at in db.execute("SELECT what, shown, until, at FROM standing")
            ],
            members=[Remembered(name, bool(guest)) for name, guest in db.execute("SELECT name, guest FROM members")],
        )

    def _start_with(self, settings: RoomSettings) -> None:
        row = self._db.execute("SELECT value FROM facts WHERE name = 'settings'").fetchone()
        stored = msgspec.json.decode(row[0], type=RoomSettings) if row else None
        if stored is None or (settings != stored and settings.revision >= stored.revision):
            fact = "INSERT OR REPLACE INTO facts (name, value) VALUES ('settings', ?)"
            self._db.execute(fact, (msgspec.json.encode(settings).decode(),))

    def _know_who_noted(self) -> None:
        """What the notes say of the streams' use holds while every incarnation has made them: a version that makes none
        may have had the file meanwhile, when an upgrade was taken back."""
        facts = dict(self._db.execute("SELECT name, value FROM facts WHERE name IN ('incarnation', 'noted')"))
        if facts.get("noted") != facts["incarnation"] - 1:
            self._db.execute("UPDATE streams SET used = 0")
        note = "INSERT OR REPLACE INTO facts (name, value) VALUES ('noted', ?)"
        self._db.execute(note, (facts["incarnation"],))

    # -- the round

    def commit(self, work: Work) -> None:
        """Store all of a round, or nothing; raises sqlite3.Error with the transaction rolled back.

        The entries may be any iterable: an import reads them as they are stored."""
        db = self._db
        before, numbers = db.total_changes, [stream.number for stream in work.streams]
        db.execute("BEGIN IMMEDIATE")
        try:
            for stream in work.streams:
                stream.number = self._stream_number(stream.account, stream.name, work.at)
            if work.entries:
                self._enter(map(_row, work.entries))
            if work.whispers:
                db.executemany(
                    _WHISPER,
                    [
                        (w.number, w.at, w.sender, w.recipient, w.text, w.stream and w.stream.number, w.id)
                        for w in work.whispers
                    ],
                )
            if work.more_than_said:
                self._write_rest(work)
            db.execute("COMMIT")
        except BaseException:
            for stream, number in zip(work.streams, numbers, strict=True):
                stream.number = number
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        for stream in work.streams:
            stream.noted = True
        self.behind += 2 + (db.total_changes - before) // ROWS_A_PAGE

    def _enter(self, rows: Iterator[tuple[Any, ...]]) -> None:
        """Many rows in one statement cost a fifth less than each in its own; the rest go one by one."""
        while len(some := list(islice(rows, TOGETHER))) == TOGETHER:
            self._db.execute(_ENTER_MANY, list(chain.from_iterable(some)))
        self._db.executemany(_ENTER, some)

    def checkpoint(self) -> None:
        """Move what the write-ahead log has into the file: when that is all, the next commit begins the log anew."""
        self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        self.behind = 0

    def _write_rest(self, work: Work) -> None:
        db = self._db
        db.executemany("INSERT OR REPLACE INTO spent (number, expires) VALUES (?, ?)", work.spent)
        db.executemany("INSERT OR REPLACE INTO revoked (name, before) VALUES (?, ?)", work.revoked)
        facts = "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)"
        db.executemany(facts, work.facts.items())  # plain values only
        for change in work.standing:
            key = (change.key, change.what)
            if change.until == 0:
                db.execute("DELETE FROM standing WHERE name = ? AND what = ?", key)
            else:
                stands = "INSERT OR REPLACE INTO standing (name, what, shown, until, at) VALUES (?, ?, ?, ?, ?)"
                db.execute(stands, (*key, change.name, change.until, change.at))
        db.executemany(
            "INSERT OR REPLACE INTO members (name, guest) VALUES (?, ?)", [(m.name, m.guest) for m in work.came]
        )
        db.executemany("DELETE FROM members WHERE name = ?", [(name,) for name in work.went])

    def _stream_number(self, account: str, name: str, used: int) -> int:
        note = (
            "INSERT INTO streams (account, name, used) VALUES (?, ?, ?)"
            " ON CONFLICT (account, name) DO UPDATE SET used = excluded.used RETURNING number"
        )
        return int(self._db.execute(note, (account, name, used)).fetchone()[0])

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing; one that was left open would make the next round's commit fail."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    # -- exactly once

    def stream(self, account: str, name: str) -> int | None:
        """The number of a stream something was sent under; None when nothing was."""
        row = self._db.execute("SELECT number FROM streams WHERE account = ? AND name = ?", (account, name)).fetchone()
        return row[0] if row else None

    def sent(self, stream: int, message_id: str) -> int | None:
        """The number under which a line of the stream was stored; 0 for a whisper; None when it was not."""
        row = self._db.execute(
            "SELECT seq FROM entries WHERE stream = ?1 AND id = ?2"
            " UNION ALL SELECT 0 FROM whispers WHERE stream = ?1 AND id = ?2"
            " UNION ALL SELECT seq FROM dropped WHERE stream = ?1 AND id = ?2",
            (stream, message_id),
        ).fetchone()
        return row[0] if row else None

    def whispers_since(self, account: str, number: int) -> list[StoredWhisper]:
        """Whispers from or to the folded name `account` that are still kept, after `number`."""
        rows = self._db.execute(
            "SELECT number, at, sender, recipient, text FROM whispers WHERE number > ? AND text IS NOT NULL"
            " AND (lower(sender) = ? OR lower(recipient) = ?) ORDER BY number",
            (number, account, account),
        )
        return [
            StoredWhisper(number=n, at=at, sender=sender, recipient=to, text=text) for n, at, sender, to, text in rows
        ]

    def forget_due(self, wall: int) -> bool:
        """Whether it is time again for `forget`."""
        return abs(wall - self._forgot) >= FORGET_EVERY

    def forget(self, wall: int, *, whispers_before: int, window_before: int, void_before: int) -> bool:
        """Drop what has had its time: whispers' texts, keys and streams outside the resend window, spent numbers,
        revocations that no token is old enough for. True when streams went: one that is still spoken under is another
        by its number from now on."""
        self._forgot, self._window_before = wall, window_before
        with self._transaction() as db:
            db.execute("UPDATE whispers SET text = NULL WHERE text IS NOT NULL AND at < ?", (whispers_before,))
            db.execute("DELETE FROM whispers WHERE at < ?", (window_before,))
            db.execute("DELETE FROM dropped WHERE at < ?", (window_before,))
            db.execute("DELETE FROM spent WHERE expires <= ?", (wall,))
            db.execute("DELETE FROM revoked WHERE before <= ?", (void_before,))
            unknown = "SELECT number FROM streams WHERE used = 0 LIMIT ?"
            some = f"UPDATE streams SET used = ? WHERE number IN ({unknown})"  # noqa: S608 - ours
            db.execute(some, (wall, STREAMS_AT_ONCE))
            # Never the newest: old lines name their streams by number, and no number may come again.
            old = (
                "SELECT number FROM streams WHERE used > 0 AND used < ? AND number < (SELECT max(number) FROM streams)"
            )
            some = f"DELETE FROM streams WHERE number IN ({old} ORDER BY used LIMIT ?)"  # noqa: S608 - ours
            return db.execute(some, (window_before - 2 * NOTE_EVERY, STREAMS_AT_ONCE)).rowcount > 0

    # -- reading

    def after(self, seq: int, limit: int) -> list[Entry]:
        """At most `limit` entries with numbers above `seq`, oldest first."""
        rows = self._db.execute(f"{_SELECT} WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
        return [entry_of(row) for row in rows]

    def before(self, seq: int, limit: int) -> list[Entry]:
        """The `limit` entries below `seq`, oldest first."""
        rows = self._db.execute(f"{_SELECT} WHERE seq < ? ORDER BY seq DESC LIMIT ?", (seq, limit)).fetchall()
        return [entry_of(row) for row in reversed(rows)]

    def first_at(self, at: int, first: int, seq: int) -> int:
        """The lowest number between `first` and `seq` + 1 whose time is `at` (epoch ms) or later."""
        low, high = first, seq + 1
        while low < high:
            middle = (low + high) // 2
            if self._db.execute("SELECT at FROM entries WHERE seq = ?", (middle,)).fetchone()[0] < at:
                low = middle + 1
            else:
                high = middle
        return low

    def extent(self) -> tuple[int, int]:
        """The oldest and the newest number; (1, 0) when there is none."""
        first, newest = self._db.execute(
            "SELECT (SELECT min(seq) FROM entries), (SELECT max(seq) FROM entries)"
        ).fetchone()
        return first or 1, newest or 0

    def drop_before(self, seq: int, most: int) -> int:
        """Delete at most `most` of the entries below `seq`, oldest first; the oldest number that is kept then.

        Their durable keys stay for as long as the line may be sent again."""
        those = "seq IN (SELECT seq FROM entries WHERE seq < ? ORDER BY seq LIMIT ?)"
        with self._transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO dropped (stream, id, seq, at)"  # noqa: S608 - ours
                f" SELECT stream, id, seq, at FROM entries WHERE {those}"
                " AND stream IS NOT NULL AND at >= ?",
                (seq, most, self._window_before),
            )
            db.execute(f"DELETE FROM entries WHERE {those}", (seq, most))  # noqa: S608
        (first,) = self._db.execute("SELECT min(seq) FROM entries").fetchone()
        return int(first or seq)

    def close(self, *, everybody_left: bool = False) -> None:
        """All that was committed stays in the write-ahead log where the disk does not take the checkpoint.

        `everybody_left`: nobody is coming back to this visit, so nobody is remembered as away.
        """
        if everybody_left:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("DELETE FROM members")
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        with contextlib.suppress(sqlite3.Error):
            self._db.close()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


_ENTER: Final = "INSERT INTO entries (seq, at, kind, sender, guest, text, stream, id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
TOGETHER: Final = 32
_ENTER_MANY: Final = _ENTER + ", (?, ?, ?, ?, ?, ?, ?, ?)" * (TOGETHER - 1)
_WHISPER: Final = "INSERT INTO whispers (number, at, sender, recipient, text, stream, id) VALUES (?, ?, ?, ?, ?, ?, ?)"
_SELECT: Final = "SELECT seq, at, kind, sender, guest, text FROM entries"


def _row(told: Told) -> tuple[Any, ...]:
    entry = told.entry
    stream = told.stream.number if told.stream is not None else None
    if type(entry) is Line:
        kind = _LINE if entry.kind is UNSET else _ACTION
        guest = 1 if entry.guest is True else 0  # sqlite3 looks for an adapter of a bool at each, 0.3 µs
        return (entry.seq, entry.at, kind, entry.sender, guest, entry.text, stream, told.id if stream else None)
    if type(entry) is Topic:
        return (entry.seq, entry.at, _TOPIC, entry.sender, 0, entry.topic, None, None)
    assert type(entry) is Moderated
    detail = {"what": entry.what, "name": entry.name, "seconds": entry.seconds, "reason": entry.reason}
    text = msgspec.json.encode({key: value for key, value in detail.items() if value is not UNSET}).decode()
    return (entry.seq, entry.at, _MODERATED, entry.sender, 0, text, None, None)


def entry_of(row: Iterable[Any]) -> Entry:
    """The entry in a row (seq, at, kind, sender, guest, text)."""
    seq, at, kind, sender, guest, text = row
    if kind == _TOPIC:
        return Topic(seq=seq, at=at, sender=sender, topic=text)
    if kind == _MODERATED:
        return Moderated(seq=seq, at=at, sender=sender, **msgspec.json.decode(text))
    return Line(
        seq=seq,
        at=at,
        sender=sender,
        text=text,
        kind="action" if kind == _ACTION else UNSET,
        guest=True if guest else UNSET,
    )
