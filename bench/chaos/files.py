"""Reads what a run left on the disk, with sqlite3 and nothing else."""

import json
import sqlite3
from pathlib import Path

from bench.chaos.records import Line, MailFile, RoomFile, Whisper, compact

TOPIC, MODERATED, MANY = 2, 3, 4


def read_room(place: Path, room: str) -> tuple[RoomFile, list[str]]:
    """The entries and whispers of log.sqlite3, and what is wrong with the file."""
    with sqlite3.connect(place) as db:
        file = RoomFile(room)
        for seq, at, kind, sender, text in db.execute("SELECT seq, at, kind, sender, text FROM entries ORDER BY seq"):
            if kind == MANY:
                said = [(who, one) for who, _kind, _guest, some in json.loads(text) for one in map(compact, some)]
                file.lines += [Line(seq - len(said) + n, at, *line) for n, line in enumerate(said, start=1)]
            else:
                file.lines.append(Line(seq, at, sender, _entry(kind, text)))
        rows = db.execute("SELECT number, sender, recipient, text FROM whispers ORDER BY number")
        file.whispers = [Whisper(number, sender, to, compact(text or "")) for number, sender, to, text in rows]
        return file, _faults(db, room)


def read_mail(place: Path) -> tuple[MailFile, list[str]]:
    with sqlite3.connect(place) as db:
        mails = list(db.execute("SELECT mail, body FROM mails ORDER BY mail"))
        return MailFile(mails, list(db.execute("SELECT owner, mail FROM copies WHERE folder = 'inbox'"))), _faults(
            db, "mail"
        )


def _entry(kind: int, text: str) -> str:
    if kind == TOPIC:
        return f"topic:{text}"
    return f"moderated:{json.loads(text)}" if kind == MODERATED else compact(text)


def _faults(db: sqlite3.Connection, name: str) -> list[str]:
    return [f"{name}: {row[0]}" for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
