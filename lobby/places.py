"""Where people were and what they say about being away: two tables of `lobby.sqlite3`, by folded name.

Law: what is here outlives connections and processes. The places of somebody are those of their last visit, whole: the
end of the next visit replaces them.
"""

from collections.abc import Mapping
from typing import Final

from lobby.database import Database
from wire.names import fold

SCHEMA: Final = """
CREATE TABLE places (
    who TEXT NOT NULL, room TEXT NOT NULL REFERENCES rooms (id) ON DELETE CASCADE, seq INTEGER NOT NULL,
    PRIMARY KEY (who, room)) WITHOUT ROWID;
CREATE INDEX places_by_room ON places (room);
CREATE TABLE away (who TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
"""


class Places:
    def __init__(self, db: Database) -> None:
        self._db = db

    # -- rooms

    def of(self, name: str) -> dict[str, int]:
        """Ids of the rooms somebody was in at the end of the last visit, and the last numbers they saw there."""
        return dict(self._db.read("SELECT room, seq FROM places WHERE who = ?", fold(name)).fetchall())

    def remember(self, name: str, places: Mapping[str, int]) -> None:
        """These, and no others."""
        before = self.of(name)
        if before == places:
            return
        if before:
            self._db.write("DELETE FROM places WHERE who = ?", fold(name))
        for room, seq in places.items():
            self._db.write("INSERT INTO places VALUES (?, ?, ?)", fold(name), room, seq)

    # -- away

    def away(self, name: str) -> str:
        """What somebody says about being away, "" when they are not."""
        return self._db.one("SELECT text FROM away WHERE who = ?", fold(name)) or ""

    def set_away(self, name: str, text: str) -> None:
        """An empty text: they are back."""
        if text:
            self._db.write("INSERT OR REPLACE INTO away VALUES (?, ?)", fold(name), text)
        elif self.away(name):
            self._db.write("DELETE FROM away WHERE who = ?", fold(name))

    def forget(self, name: str) -> None:
        """The name is somebody else's from now on."""
        self.set_away(name, "")
        self.remember(name, {})
