"""The room's file: its numbered entries, and what has to be known again after a crash. The only module that opens it.

Law: one transaction a round (`commit`), and nothing in it is shown before that returned. Numbers are contiguous and
times never go backwards, so a moment is found by bisection over numbers. Reading takes a page at a time. A file of the
next version is read and written as well: a step of SCHEMA only adds, and whoever writes names the columns it knows.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, cast

import msgspec

from base.sqlite import Durability, connect, create, migrate, set_durability
from roomproc import keys
from roomproc.people import Remembered
from roomproc.rows import COLUMNS, TOGETHER, entries_of, row_of, row_of_many, rows_of
from roomproc.schema import AHEAD, BLANK, SCHEMA
from roomproc.staged import Opened, Sent, Standing, StoredWhisper, Work
from wire.control import RoomSettings
from wire.messages import Entry, Line

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
        return Opened(
            seq=seq,
            first=self.extent()[0],
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
        """Store all of a round, or nothing; raises sqlite3.Error with the transaction rolled back."""
        db = self._db
        if work.one_entry:
            self._enter_one(work)
            return
        before, numbers = db.total_changes, [stream.number for stream in work.streams]
        db.execute("BEGIN IMMEDIATE")
        try:
            for stream in work.streams:
                stream.number = self._stream_number(stream.account, stream.name, work.at)
            if work.entries:
                self._enter(work)
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

    def _enter_one(self, work: Work) -> None:
        """A statement is a transaction by itself, for two thirds of the time."""
        key = next(((sent.stream.number, sent.id) for sent in work.sent), (None, None))
        self._db.execute(_ENTER, (*row_of(work.entries[0]), *key))
        self.behind += 2

    def _enter(self, work: Work) -> None:
        entries = work.entries
        if len(entries) >= TOGETHER and entries[0].at == entries[-1].at and {*map(type, entries)} == {Line}:
            self._enter_together(cast("list[Line]", entries), work.sent)
            return
        sent = {seq: (sent.stream.number, one) for sent in work.sent for seq, one in sent.each()}
        rows = ((*row_of(entry), *sent.get(entry.seq, (None, None))) for entry in entries)
        self._db.executemany(_ENTER, rows)

    def _enter_together(self, lines: list[Line], sent: list[Sent]) -> None:
        for row in rows_of(lines, {run.seq: run.count for run in sent if run.count > 1}):
            self._db.execute(_ENTER, (*row, None, None))
            self.behind += len(row[-1]) // PAGE_BYTES
        keys.store(self._db, sent, lines[-1].at)

    def fill(self, entries: Iterable[Entry], topic: str) -> None:
        """Store an import, of lines that nobody sends again: all of it or nothing, read as it is stored."""
        with self._transaction() as db:
            db.executemany(_ENTER, ((*row_of(entry), None, None) for entry in entries))
            db.execute("INSERT OR REPLACE INTO facts (name, value) VALUES ('topic', ?)", (topic,))

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
        return keys.found(self._db, stream, message_id)

    def highest(self, stream: int) -> str | None:
        """The longest id of a stream, of those the last by text: as counts are ordered. "" when it has none, None when
        it has too many for a quick look; runs whose ids begin alike are looked at as one."""
        return keys.highest(self._db, stream)

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
        revocations that no token is old enough for. Where it is much, the next look goes on with it. True when streams
        went: one that is still spoken under is another by its number from now on."""
        self._forgot, self._window_before = wall, window_before
        with self._transaction() as db:
            db.execute("UPDATE whispers SET text = NULL WHERE text IS NOT NULL AND at < ?", (whispers_before,))
            db.execute("DELETE FROM whispers WHERE at < ?", (window_before,))
            if keys.forget(db, window_before):
                self._forgot -= FORGET_EVERY
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
        found: list[Entry] = []
        skip = 0
        for row in self._db.execute(f"{_SELECT} WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit)):
            found += entries_of(row)
            skip = max(0, seq + 1 - found[0].seq)  # of its row, which are not above
            if len(found) - skip >= limit:
                break
        return found[skip : skip + limit]

    def before(self, seq: int, limit: int) -> list[Entry]:
        """The `limit` entries below `seq`, oldest first."""
        found: list[Entry] = []  # newest first
        newest = "coalesce((SELECT seq FROM entries WHERE seq >= ? ORDER BY seq LIMIT 1), ?)"
        rows = f"{_SELECT} WHERE seq <= {newest} ORDER BY seq DESC LIMIT ?"
        for row in self._db.execute(rows, (seq - 1, seq - 1, limit)):
            found += [entry for entry in reversed(entries_of(row)) if entry.seq < seq]
            if len(found) >= limit:
                break
        return found[:limit][::-1]

    def first_at(self, at: int, first: int, seq: int) -> int:
        """The lowest number between `first` and `seq` + 1 whose time is `at` (epoch ms) or later."""
        low, high = first, seq + 1
        while low < high:
            middle = (low + high) // 2
            row = self._db.execute("SELECT at FROM entries WHERE seq >= ? ORDER BY seq LIMIT 1", (middle,)).fetchone()
            if row[0] < at:
                low = middle + 1
            else:
                high = middle
        return low

    def extent(self) -> tuple[int, int]:
        """The oldest and the newest number; (1, 0) when there is none."""
        return extent(self._db)

    def drop_before(self, seq: int, most: int) -> int:
        """Delete at most `most` of the entries below `seq`, oldest first; the oldest number that is kept then.

        Their durable keys stay for as long as the line may be sent again."""
        seq = min(seq, self.extent()[0] + most)
        with self._transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO dropped (stream, id, seq, at)"
                " SELECT stream, id, seq, at FROM entries WHERE seq < ? AND stream IS NOT NULL AND at >= ?",
                (seq, self._window_before),
            )
            db.execute("DELETE FROM entries WHERE seq < ?", (seq,))
            row = db.execute(f"{_SELECT} ORDER BY seq LIMIT 1").fetchone()
            entries = entries_of(row) if row else []
            kept = [entry for entry in entries if entry.seq >= seq]
            if len(kept) < len(entries):  # it goes through a row: what is kept of it is written anew
                rest = row_of_many(cast("list[Line]", kept))
                db.execute("UPDATE entries SET text = ? WHERE seq = ?", (rest[-1], row[0]))
        return self.extent()[0] if row else seq

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


def extent(db: sqlite3.Connection) -> tuple[int, int]:
    """The oldest and the newest number in a room's file; (1, 0) when there is none."""
    row = db.execute(f"{_SELECT} ORDER BY seq LIMIT 1").fetchone()
    (newest,) = db.execute("SELECT max(seq) FROM entries").fetchone()
    return entries_of(row)[0].seq if row else 1, newest or 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


_ENTER: Final = "INSERT INTO entries (seq, at, kind, sender, guest, text, stream, id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_WHISPER: Final = "INSERT INTO whispers (number, at, sender, recipient, text, stream, id) VALUES (?, ?, ?, ?, ?, ?, ?)"
_SELECT: Final = f"SELECT {COLUMNS} FROM entries"  # noqa: S608 - ours
