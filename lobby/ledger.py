"""The ledger: what changes at logins, in `lobby.sqlite3` and not in the user db.

Sessions, guests' leases of their names, last logins, revocations; beside it block lists and one-time codes. Law: it is
told the time, and drops what has expired in `tidy`; names are kept folded, beside the spelling where it is to be seen.
"""

from dataclasses import dataclass
from typing import Final

from lobby.blocks import Blocks
from lobby.codes import Codes
from lobby.database import Database
from lobby.deleted import Deleted
from wire.control import Revocation
from wire.names import fold
from wire.tickets import TOKEN_SECONDS

SCHEMA: Final = """
CREATE TABLE sessions (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, who TEXT NOT NULL, name TEXT NOT NULL, guest INTEGER NOT NULL,
    expires INTEGER NOT NULL);
CREATE INDEX sessions_by_name ON sessions (who);
CREATE TABLE leases (who TEXT PRIMARY KEY, session TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE logins (who TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE revocations (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, before INTEGER NOT NULL);
"""
# Numbers of sessions are shown to their owners and stand in tickets, so that none is given twice.
SEEN: Final = """
CREATE TABLE numbered (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, who TEXT NOT NULL, name TEXT NOT NULL,
    guest INTEGER NOT NULL, expires INTEGER NOT NULL, begun INTEGER NOT NULL, used INTEGER NOT NULL,
    kind TEXT NOT NULL, address TEXT NOT NULL);
INSERT INTO numbered SELECT number, id, who, name, guest, expires, 0, 0, '', '' FROM sessions;
DROP TABLE sessions;
ALTER TABLE numbered RENAME TO sessions;
CREATE INDEX sessions_by_name ON sessions (who);
ALTER TABLE logins ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
"""
STAMPS: Final = """
CREATE TABLE stamps (upto INTEGER NOT NULL);
"""
AHEAD: Final = 600_000  # ms of stamps that are noted as issued at once, so that few tickets cost a write


@dataclass(frozen=True, slots=True)
class Session:
    """One login, as its owner sees it: with which program, from where, begun and last used when (0: not known)."""

    number: int
    id: str
    kind: str
    address: str
    begun: int
    used: int


class Ledger:
    """All times are epoch milliseconds."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.deleted = Deleted(db)
        self.blocks = Blocks(db)
        self.codes = Codes(db)

    # -- sessions

    def open_session(
        self, session_id: str, name: str, guest: bool, expires: int, *, wall: int = 0, kind: str = "", address: str = ""
    ) -> int:
        """Begin a session, or go on with one until another time; its number."""
        self._db.write(
            "INSERT INTO sessions (id, who, name, guest, expires, begun, used, kind, address)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET expires = excluded.expires,"
            " used = excluded.used, kind = excluded.kind, address = excluded.address",
            *(session_id, fold(name), name, guest, expires, wall, wall, kind, address),
        )
        return int(self._db.one("SELECT number FROM sessions WHERE id = ?", session_id))

    def sessions(
        self, name: str, wall: int, before: int | None = None, limit: int = 1_000, *, guest: bool = False
    ) -> list[Session]:
        """Those of an account, or of a guest, that have not ended, the newest first; those before a number."""
        rows = self._db.read(
            "SELECT number, id, kind, address, begun, used FROM sessions"
            " WHERE who = ? AND guest = ? AND expires > ? AND number < ? ORDER BY number DESC LIMIT ?",
            *(fold(name), guest, wall, 2**63 - 1 if before is None else before, limit),
        )
        return [Session(*row) for row in rows]

    def used_session(self, session_id: str, wall: int) -> None:
        """Somebody was here with it until now."""
        self._db.write("UPDATE sessions SET used = ? WHERE id = ?", wall, session_id)

    def session_valid(self, session_id: str, wall: int) -> bool:
        return self._db.one("SELECT 1 FROM sessions WHERE id = ? AND expires > ?", session_id, wall) is not None

    def end_session(self, session_id: str) -> None:
        self._db.write("DELETE FROM sessions WHERE id = ?", session_id)

    def end_sessions(self, name: str, except_id: str | None = None) -> None:
        """End all sessions of somebody, but perhaps the one that asks for it."""
        self._db.write("DELETE FROM sessions WHERE who = ? AND id IS NOT ?", fold(name), except_id)

    # -- guests' names

    def lease(self, name: str, until: int, session_id: str | None = None) -> None:
        """A guest's session has the name until then: the session given, or else the newest open one of that name."""
        who = fold(name)
        if session_id is None:
            session_id = self._db.one("SELECT id FROM sessions WHERE who = ? ORDER BY number DESC LIMIT 1", who) or ""
        self._db.write("INSERT OR REPLACE INTO leases VALUES (?, ?, ?)", who, session_id, until)

    def leased(self, name: str, wall: int) -> str | None:
        """The id of the session that has the name, None when nobody does."""
        session: str | None = self._db.one("SELECT session FROM leases WHERE who = ? AND until > ?", fold(name), wall)
        return session

    def release(self, name: str) -> None:
        self._db.write("DELETE FROM leases WHERE who = ?", fold(name))

    # -- last logins, and when somebody was here last

    def set_last_login(self, name: str, wall: int) -> None:
        self._db.write(
            "INSERT INTO logins (who, at, seen) VALUES (?, ?, ?)"
            " ON CONFLICT (who) DO UPDATE SET at = excluded.at, seen = excluded.seen",
            *(fold(name), wall, wall),
        )

    def set_seen(self, name: str, wall: int) -> None:
        self._db.write("UPDATE logins SET seen = ? WHERE who = ?", wall, fold(name))

    def seen(self, name: str) -> int | None:
        """The end of their last visit, as far as it was noticed."""
        at: int | None = self._db.one("SELECT seen FROM logins WHERE who = ? AND seen > 0", fold(name))
        return at

    def last_login(self, name: str) -> int | None:
        at: int | None = self._db.one("SELECT at FROM logins WHERE who = ?", fold(name))
        return at

    # -- revocations

    def newest_void(self) -> int:
        """The highest stamp of a revocation, 0 when there is none."""
        return int(self._db.one("SELECT coalesce(max(before), 0) FROM revocations"))

    def stamped(self) -> int:
        """No ticket has a stamp above this one, whatever the clock said when it was issued."""
        return int(self._db.one("SELECT coalesce(max(upto), 0) FROM stamps"))

    def stamp(self, stamp: int) -> None:
        """A ticket has it."""
        if stamp > self.stamped():
            self._db.write("DELETE FROM stamps")
            self._db.write("INSERT INTO stamps VALUES (?)", stamp + AHEAD)

    def revoke(self, name: str, before: int) -> Revocation:
        """Make void what was issued to somebody up to that stamp."""
        number = self._db.write("INSERT INTO revocations (name, before) VALUES (?, ?)", fold(name), before).lastrowid
        return Revocation(number=number or 0, name=fold(name), before=before)

    def revocations(self, after_number: int = 0) -> list[Revocation]:
        """Those after a number, oldest first."""
        rows = self._db.read(
            "SELECT number, name, before FROM revocations WHERE number > ? ORDER BY number", after_number
        )
        return [Revocation(number=number, name=name, before=before) for number, name, before in rows]

    def tidy(self, wall: int) -> None:
        """Drop sessions and leases that have expired, and revocations that no token is old enough for any more."""
        self._db.write("DELETE FROM sessions WHERE expires <= ?", wall)
        self._db.write("DELETE FROM leases WHERE until <= ?", wall)
        self.codes.tidy(wall)
        self._db.write("DELETE FROM revocations WHERE before <= ?", wall - TOKEN_SECONDS * 1000)
