"""A room's entries out of its file and back: JSON Lines, and text for people. For the operator, at the shell.

Law: reading needs no lock and disturbs no room that runs (SQLite, read-only). Importing takes the room's lock, fills
an empty room only, checks every line, and stores all of the file or nothing.
"""

import sqlite3
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, Final, TextIO

import msgspec

from base.locks import Lock
from base.paths import RoomPaths
from roomproc.history import History, extent
from roomproc.rows import COLUMNS, entries_of
from wire.archive import VERSION, Header, text
from wire.codec import BadMessage, Codec, encode
from wire.errors import Refused
from wire.messages import Entry, Line
from wire.names import check_name, check_text

PAGE: Final = 1_000
_ENTRY: Final[Codec[Entry]] = Codec(Entry)

Progress = Callable[[int, int], None]  # (done, all)


class ArchiveError(Exception):
    """It cannot be done; the text is one line that says why."""


def export(room: str, files: RoomPaths, out: TextIO, form: str, progress: Progress) -> int:
    """Write the entries of the room called `room` to `out`, oldest first: `form` is jsonl or text.

    Returns their number. Raises ArchiveError.
    """
    if not files.log_db.exists():
        raise ArchiveError(f"the room {room} has no lines yet")
    db = sqlite3.connect(f"file:{files.log_db}?mode=ro", uri=True)
    try:
        first, last = extent(db)
        if form == "jsonl":
            topic = db.execute("SELECT value FROM facts WHERE name = 'topic'").fetchone()
            header = Header(parlour=VERSION, room=room, topic=topic[0] if topic else "", first=first, last=last)
            out.write(encode(header).decode())
        shape = text if form == "text" else _json
        for number, entry in enumerate(_entries(db, first, last), start=1):
            out.write(shape(entry))
            if number % PAGE == 0:
                progress(entry.seq - first + 1, last - first + 1)
        progress(last - first + 1, last - first + 1)
    except sqlite3.Error as why:
        raise ArchiveError(f"the room's file cannot be read: {why}") from None
    finally:
        db.close()
    return int(last - first + 1)


def load(source: TextIO, files: RoomPaths, epoch: int, progress: Progress) -> int:
    """Fill an empty room from an export; returns the number of entries. `epoch`: now, in ms.

    Raises ArchiveError, having stored nothing, and base.locks.Locked when the room runs.
    """
    lines = iter(source)
    header = _header(next(lines, ""))
    files.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    Lock(files.lock)
    history = History(files.log_db, "full")
    try:
        opened = history.open(epoch)
        if opened.seq:
            raise ArchiveError("the room has lines already; import into a new one")
        history.fill(_all_checked(lines, header, progress), header.topic)
    except sqlite3.Error as why:
        raise ArchiveError(f"the disk refused: {why}") from None
    finally:
        history.close()
    return header.last - header.first + 1


def _all_checked(lines: Iterator[str], header: Header, progress: Progress) -> Iterator[Entry]:
    """The entries of an export, checked one by one as they are asked for."""
    at, count = 0, header.last - header.first + 1
    for seq in range(header.first, header.last + 1):
        number = seq - header.first + 2
        entry = _checked(next(lines, ""), number)
        if entry.seq != seq or entry.at < at:
            raise ArchiveError(f"line {number}: expected entry {seq}, in order of time")
        at = entry.at
        yield entry
        if number % PAGE == 0:
            progress(number, count)
    if next(lines, ""):
        raise ArchiveError("there are more lines than the first one says")
    progress(count, count)


def _header(line: str) -> Header:
    try:
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.MsgspecError, UnicodeError):
        raise ArchiveError("line 1: this is no export of a room (JSON Lines)") from None
    if header.parlour != VERSION:
        raise ArchiveError(f"line 1: this program reads exports of version {VERSION}, this has {header.parlour}")
    if header.first < 1 or header.last < header.first - 1:
        raise ArchiveError("line 1: the numbers make no sense")
    return header


def _checked(line: str, number: int) -> Entry:
    if not line:
        raise ArchiveError(f"line {number}: the file ends too early")
    try:
        entry = _ENTRY.decode(line.encode())
        check_name(entry.sender)
        if isinstance(entry, Line):
            check_text(entry.text)
    except (BadMessage, Refused, UnicodeError) as why:
        raise ArchiveError(f"line {number}: {why}") from None
    return entry


def _entries(db: sqlite3.Connection, first: int, last: int) -> Iterator[Entry]:
    """All entries, a page of rows at a time, so that no read transaction holds up the room's checkpoints."""
    after = first - 1
    while after < last:
        rows: list[Any] = db.execute(
            f"SELECT {COLUMNS} FROM entries WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608 - ours
            (after, PAGE),
        ).fetchall()
        if not rows:
            return
        for entry in chain.from_iterable(map(entries_of, rows)):
            if after < entry.seq <= last:
                yield entry
        after = rows[-1][0]


def _json(entry: Entry) -> str:
    return encode(entry).decode()
