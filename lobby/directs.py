"""Direct messages: what one person told another, in `mail.sqlite3`, one row a message.

Law: a message is committed before it is shown or acknowledged, and one told again under its stream and id exists once.
Nobody reads what belongs to another bearer of their name: each row says which end was a guest, and every question
comes with the moment since when the asker has the name.
"""

from dataclasses import dataclass
from typing import Any, Final

from msgspec import UNSET

from lobby.database import Database
from wire.messages import Direct
from wire.names import fold

SCHEMA: Final = """
CREATE TABLE directs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, pair TEXT NOT NULL, sender TEXT NOT NULL, sender_guest INTEGER NOT NULL,
    recipient TEXT NOT NULL, recipient_guest INTEGER NOT NULL, text TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX directs_by_pair ON directs (pair, number);
CREATE TABLE told_to (owner TEXT NOT NULL, number INTEGER NOT NULL REFERENCES directs (number) ON DELETE CASCADE,
    waiting INTEGER NOT NULL, PRIMARY KEY (owner, number)) WITHOUT ROWID;
CREATE INDEX told_to_by_number ON told_to (number);
CREATE INDEX waiting ON told_to (owner, number) WHERE waiting;
CREATE TABLE told (
    sender TEXT NOT NULL, stream TEXT NOT NULL, id TEXT NOT NULL, number INTEGER NOT NULL, recipient TEXT NOT NULL,
    became TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (sender, stream, id)) WITHOUT ROWID;
CREATE INDEX told_by_time ON told (at);
"""
GUESTS_KEPT: Final = 86_400_000  # ms; what guests told each other, whose names are somebody else's tomorrow
_COLUMNS: Final = "number, sender, recipient, text, at, sender_guest"


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a message: a name, whose it is, and since when (epoch ms)."""

    name: str
    guest: bool
    since: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that is stored. `fresh`: not one that was told before and came again; `direct` None when it did."""

    number: int
    to: str
    became: str
    direct: Direct | None

    @property
    def fresh(self) -> bool:
        return self.direct is not None


class Directs:
    """All direct messages of the server. Times are epoch milliseconds."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def again(
        self,
        sender: str,
        stream: str,
        id: str | None,  # noqa: A002 - its name on the wire
        *,
        since: int,
    ) -> Kept | None:
        """What became of a message that was told before under this stream and id, no earlier than `since`."""
        if self._db.one("SELECT 1 FROM told WHERE at < ? LIMIT 1", since):
            self._db.write("DELETE FROM told WHERE at < ?", since)
        row = self._db.read(
            "SELECT number, recipient, became FROM told WHERE sender = ? AND stream = ? AND id = ?",
            *(fold(sender), stream, id),
        ).fetchone()
        return None if row is None else Kept(number=row[0], to=row[1], became=row[2], direct=None)

    def keep(
        self,
        sender: Side,
        to: Side,
        text: str,
        *,
        waiting: bool,
        stream: str,
        id: str | None,  # noqa: A002
        wall: int,
    ) -> Kept:
        """Store one message; `waiting` for somebody who is not here."""
        number = self._db.write(
            "INSERT INTO directs (pair, sender, sender_guest, recipient, recipient_guest, text, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(_pair(sender.name, to.name), sender.name, sender.guest, to.name, to.guest, text, wall),
        ).lastrowid
        assert number is not None
        self._db.write("INSERT INTO told_to VALUES (?, ?, ?)", fold(to.name), number, waiting)
        became = "kept" if waiting else "delivered"
        if id is not None:
            key = (fold(sender.name), stream, id)
            self._db.write("INSERT INTO told VALUES (?, ?, ?, ?, ?, ?, ?)", *key, number, to.name, became, wall)
        return Kept(number, to.name, became, _direct((number, sender.name, to.name, text, wall, sender.guest)))

    # -- for the recipient

    def waiting(self, name: str) -> int:
        """How many wait for somebody."""
        return int(self._db.one("SELECT count(*) FROM told_to WHERE owner = ? AND waiting", fold(name)))

    def newest(self, name: str) -> int:
        """The number of the newest message to somebody, 0 when there is none."""
        return self._db.one("SELECT max(number) FROM told_to WHERE owner = ?", fold(name)) or 0

    def take_waiting(self, to: Side) -> list[Direct]:
        """What was kept for somebody who is here now, oldest first; it does not wait any more."""
        found = self._to(to, "waiting")
        if self.waiting(to.name):
            self._db.write("UPDATE told_to SET waiting = 0 WHERE owner = ? AND waiting", fold(to.name))
        return found

    def since(self, to: Side, number: int, limit: int) -> list[Direct]:
        """The newest messages to somebody after a number, oldest first: what a broken connection may have lost."""
        return self._to(to, "number > ?", number, limit=limit)

    def _to(self, to: Side, which: str, *values: int, limit: int = -1) -> list[Direct]:
        rows = self._db.read(
            f"SELECT {_COLUMNS} FROM told_to JOIN directs USING (number) WHERE owner = ?"  # noqa: S608 - ours
            f" AND recipient_guest = ? AND at >= ? AND {which} ORDER BY number DESC LIMIT ?",
            *(fold(to.name), to.guest, to.since, *values, limit),
        ).fetchall()
        return [_direct(row) for row in reversed(rows)]

    # -- for both

    def page(self, asker: Side, other: str, before: int | None, limit: int) -> tuple[list[Direct], bool]:
        """What two people told each other, the newest before a number, oldest first; and whether there is more."""
        rows = self._db.read(
            f"SELECT {_COLUMNS} FROM directs WHERE pair = ? AND number < ? AND at >= ?"  # noqa: S608 - ours
            " AND CASE WHEN lower(sender) = ? THEN sender_guest ELSE recipient_guest END = ?"
            " ORDER BY number DESC LIMIT ?",
            *(_pair(asker.name, other), 2**63 - 1 if before is None else before, asker.since),
            *(fold(asker.name), asker.guest, limit + 1),
        ).fetchall()
        return [_direct(row) for row in reversed(rows[:limit])], len(rows) > limit

    def of(self, asker: Side, after: int, most: int) -> tuple[list[Direct], int | None]:
        """What somebody told and was told, among the `most` messages of everybody's after a number; the number to go
        on after, None at the end. They have no index by sender: so each look is bounded."""
        looked = self._db.read("SELECT number FROM directs WHERE number > ? ORDER BY number LIMIT ?", after, most)
        numbers = [number for (number,) in looked]
        rows = self._db.read(
            f"SELECT {_COLUMNS} FROM directs WHERE number BETWEEN ? AND ? AND at >= ?"  # noqa: S608 - ours
            " AND ((lower(sender) = ? AND sender_guest = ?) OR (lower(recipient) = ? AND recipient_guest = ?))"
            " ORDER BY number",
            *(after + 1, numbers[-1] if numbers else after, asker.since, *2 * (fold(asker.name), asker.guest)),
        ).fetchall()
        return [_direct(row) for row in rows], numbers[-1] if len(numbers) == most else None

    # -- from time to time

    def tidy(self, wall: int) -> None:
        """What guests told each other is dropped after a day."""
        guests = "sender_guest AND recipient_guest AND at < ?"
        if self._db.one(f"SELECT 1 FROM directs WHERE {guests} LIMIT 1", wall - GUESTS_KEPT):  # noqa: S608
            self._db.write(f"DELETE FROM directs WHERE {guests}", wall - GUESTS_KEPT)  # noqa: S608


def _pair(one: str, other: str) -> str:
    """The same for both; names have no spaces."""
    return " ".join(sorted((fold(one), fold(other))))


def _direct(row: tuple[Any, ...]) -> Direct:
    number, sender, to, text, at, guest = row
    return Direct(number=number, sender=sender, to=to, text=text, at=at, guest=True if guest else UNSET)
