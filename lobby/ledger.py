"""The ledger: what changes at logins, in `lobby.sqlite3` and not in the user db.

Sessions, guests' leases of their names, last logins, revocations. Law: it is told the time, and drops what has expired
in `tidy`; names are kept folded, beside the spelling where somebody is to see it.
"""

from typing import Final

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


class Ledger:
    """All times are epoch milliseconds."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.deleted = Deleted(db)

    # -- sessions

    def open_session(self, session_id: str, name: str, guest: bool, expires: int) -> None:
        """Begin a session, or go on with one until another time."""
        self._db.write(
            "INSERT INTO sessions (id, who, name, guest, expires) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET expires = excluded.expires",
            *(session_id, fold(name), name, guest, expires),
        )

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

    # -- last logins

    def set_last_login(self, name: str, wall: int) -> None:
        self._db.write("INSERT OR REPLACE INTO logins VALUES (?, ?)", fold(name), wall)

    def last_login(self, name: str) -> int | None:
        at: int | None = self._db.one("SELECT at FROM logins WHERE who = ?", fold(name))
        return at

    # -- revocations

    def revoke(self, name: str, before: int) -> Revocation:
        """Make void what was issued to somebody before that time."""
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
        self._db.write("DELETE FROM revocations WHERE before <= ?", wall - TOKEN_SECONDS * 1000)
