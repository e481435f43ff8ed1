"""The block lists: who is to be kept from whom, in `lobby.sqlite3`, by folded name.

Law: a list is its owner's, and tells nobody but them. It keeps somebody's mail, direct messages and invitations away at
the lobby; what they say in a room is the room's, and the owner's client leaves it out.
"""

from typing import Final

from lobby.database import Database
from wire.errors import Refused
from wire.names import fold

MOST: Final = 500  # names on one list: it is told whole, in the welcome
SCHEMA: Final = """
CREATE TABLE blocks (
    who TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (who, key)) WITHOUT ROWID;
CREATE INDEX blocks_by_key ON blocks (key);
"""


class Blocks:
    def __init__(self, db: Database) -> None:
        self._db = db

    def of(self, who: str) -> list[str]:
        """The names on somebody's list, in order."""
        return [name for (name,) in self._db.read("SELECT name FROM blocks WHERE who = ? ORDER BY key", fold(who))]

    def stands(self, who: str, against: str) -> bool:
        """Whether `against` is on the list of `who`."""
        return self._db.one("SELECT 1 FROM blocks WHERE who = ? AND key = ?", fold(who), fold(against)) is not None

    def add(self, who: str, name: str) -> None:
        """Raises Refused(too_many)."""
        if self._db.one("SELECT count(*) FROM blocks WHERE who = ?", fold(who)) >= MOST:
            raise Refused("too_many", f"your block list has {MOST} names, which is all that it takes")
        self._db.write("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?)", fold(who), fold(name), name)

    def remove(self, who: str, name: str) -> None:
        self._db.write("DELETE FROM blocks WHERE who = ? AND key = ?", fold(who), fold(name))

    def forget(self, name: str) -> None:
        """The name is somebody else's from now on: neither their list nor their place on others' is of that person."""
        if self._db.one("SELECT 1 FROM blocks WHERE who = ? OR key = ?", fold(name), fold(name)):
            self._db.write("DELETE FROM blocks WHERE who = ? OR key = ?", fold(name), fold(name))
