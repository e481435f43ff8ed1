"""The catalogue: which rooms exist, whose they are, who may see them. A table of `lobby.sqlite3`.

Law: a room's id never changes, its name may; each change of its settings raises the revision, and the higher wins.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from lobby.database import Database
from wire.control import RoomLimits, RoomSettings
from wire.errors import Refused
from wire.messages import Access
from wire.names import fold

_COLUMNS: Final = "id, name, owner, access, topic, made, revision, guest_made, stopped, limits"
_MAY_CHANGE: Final = frozenset({"name", "owner", "access", "topic", "guest_made", "stopped", "limits"})
SCHEMA: Final = """
CREATE TABLE rooms (
    id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, owner TEXT NOT NULL, owner_key TEXT NOT NULL,
    access TEXT NOT NULL, topic TEXT NOT NULL, made INTEGER NOT NULL, revision INTEGER NOT NULL,
    guest_made INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX rooms_by_owner ON rooms (owner_key);
CREATE TABLE invited (
    room TEXT NOT NULL REFERENCES rooms (id) ON DELETE CASCADE, who TEXT NOT NULL,
    PRIMARY KEY (room, who)) WITHOUT ROWID;
"""
HELD: Final = """
ALTER TABLE rooms ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
"""
UNTOLD: Final = """
CREATE TABLE untold (
    room TEXT NOT NULL REFERENCES rooms (id) ON DELETE CASCADE, who TEXT NOT NULL,
    by TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (room, who)) WITHOUT ROWID;
"""  # invitations of those who were not here, until they are
LINES: Final = "ALTER TABLE rooms ADD COLUMN lines INTEGER NOT NULL DEFAULT 0;\n"  # a further step of the schema


class Catalogue:
    def __init__(self, db: Database) -> None:
        self._db = db

    def room(self, name: str) -> RoomSettings | None:
        """The room of that name, in any case of letters."""
        return self._find("key = ?", fold(name))

    def by_id(self, room_id: str) -> RoomSettings | None:
        return self._find("id = ?", room_id)

    def rooms(
        self, after: str = "", limit: int = 100, *, visible_to: tuple[str, bool]
    ) -> tuple[list[RoomSettings], bool]:
        """A page in the order of names, and whether more follow. `visible_to`: a name, and whether it is an admin.

        Private rooms are seen by their owner, by those who are invited, and by admins.
        """
        name, admin = visible_to
        rows = self._db.read(
            f"SELECT {_COLUMNS} FROM rooms WHERE key > ? AND (? OR access = 'public' OR owner_key = ?"  # noqa: S608
            " OR EXISTS (SELECT 1 FROM invited WHERE room = id AND who = ?)) ORDER BY key LIMIT ?",
            *(fold(after), admin, fold(name), fold(name), limit + 1),
        ).fetchall()
        return [_settings(row) for row in rows[:limit]], len(rows) > limit

    def create(
        self, name: str, owner: str, access: Access, topic: str, made: int, guest_made: bool = False
    ) -> RoomSettings:
        """A new room, `made` in epoch ms. Raises Refused(name_taken)."""
        settings = RoomSettings(
            room=secrets.token_hex(8),
            name=name,
            owner=owner,
            access=access,
            topic=topic,
            made=made,
            revision=1,
            guest_made=guest_made,
        )
        self.adopt(settings)
        return settings

    def adopt(self, room: RoomSettings) -> None:
        """A room as it is given, perhaps with files already. Raises Refused(name_taken)."""
        self._check_free(room.name)
        self._db.write(
            "INSERT INTO rooms (id, key, name, owner, owner_key, access, topic, made, revision, guest_made)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(room.room, fold(room.name), room.name, room.owner, fold(room.owner), room.access, room.topic, room.made),
            *(room.revision, room.guest_made),
        )

    def change(self, room_id: str, **settings: Any) -> RoomSettings:
        """Change some of _MAY_CHANGE. Raises Refused(no_such_room, name_taken)."""
        if not settings or not settings.keys() <= _MAY_CHANGE:
            raise ValueError(f"not settings of a room: {sorted(settings)}")
        room = self._known(room_id)
        columns = dict(settings)
        if "limits" in settings:
            columns["limits"] = msgspec.json.encode(settings["limits"]).decode()
        if "name" in settings:
            if fold(settings["name"]) != fold(room.name):
                self._check_free(settings["name"])
            columns["key"] = fold(settings["name"])
        if "owner" in settings:
            columns["owner_key"] = fold(settings["owner"])
        places = ", ".join(f"{column} = ?" for column in columns)
        self._db.write(
            f"UPDATE rooms SET {places}, revision = revision + 1 WHERE id = ?",  # noqa: S608 - names from the set above
            *columns.values(),
            room_id,
        )
        return self._known(room_id)

    def set_topic(self, room_id: str, topic: str) -> None:
        """Remember the topic for listings. It is the room's own, so the revision stays."""
        self._db.write("UPDATE rooms SET topic = ? WHERE id = ?", topic, room_id)

    def lines(self, room_id: str) -> int:
        """The number of the newest line, as it was told last."""
        return self._db.one("SELECT lines FROM rooms WHERE id = ?", room_id) or 0

    def set_lines(self, lines: Mapping[str, int]) -> None:
        """Remember the newest numbers of rooms, by id, for when they sleep. They are the rooms' own."""
        for room_id, number in lines.items():
            if self.lines(room_id) != number:
                self._db.write("UPDATE rooms SET lines = ? WHERE id = ?", number, room_id)

    def remove(self, room_id: str) -> None:
        self._db.write("DELETE FROM rooms WHERE id = ?", room_id)

    def invite(self, room_id: str, name: str) -> bool:
        """Whether they were not invited before."""
        self._known(room_id)
        written = self._db.write("INSERT OR IGNORE INTO invited VALUES (?, ?)", room_id, fold(name))
        return written.rowcount > 0

    def keep_invitation(self, room_id: str, name: str, by: str, at: int) -> None:
        """Somebody invited them while they were not here, at `at` in epoch ms."""
        self._db.write("INSERT OR REPLACE INTO untold VALUES (?, ?, ?, ?)", room_id, fold(name), by, at)

    def take_invitations(self, name: str) -> list[tuple[str, str, int]]:
        """Those that somebody was not told of, as they are now: the room's name, who invited, when; oldest first."""
        found: list[tuple[str, str, int]] = self._db.read(
            "SELECT rooms.name, by, at FROM untold JOIN rooms ON id = room WHERE who = ? ORDER BY at, key", fold(name)
        ).fetchall()
        if found:
            self._db.write("DELETE FROM untold WHERE who = ?", fold(name))
        return found

    def uninvite(self, room_id: str, name: str) -> None:
        self._db.write("DELETE FROM invited WHERE room = ? AND who = ?", room_id, fold(name))
        self._db.write("DELETE FROM untold WHERE room = ? AND who = ?", room_id, fold(name))

    def invited(self, room_id: str, name: str) -> bool:
        return self._db.one("SELECT 1 FROM invited WHERE room = ? AND who = ?", room_id, fold(name)) is not None

    def uninvite_all(self, name: str) -> None:
        """Who has the name from now on was invited nowhere."""
        if self._db.one("SELECT 1 FROM invited WHERE who = ?", fold(name)):
            self._db.write("DELETE FROM invited WHERE who = ?", fold(name))
            self._db.write("DELETE FROM untold WHERE who = ?", fold(name))

    def disown(self, name: str) -> list[RoomSettings]:
        """Somebody's account is no more: their rooms are nobody's, and they are invited nowhere. The rooms."""
        self.uninvite_all(name)
        return [self.change(room.room, owner="") for room in self.rooms_of(name)]

    def rooms_of(self, name: str) -> list[RoomSettings]:
        """Those that somebody owns."""
        rows = self._db.read(f"SELECT {_COLUMNS} FROM rooms WHERE owner_key = ? ORDER BY key", fold(name))  # noqa: S608
        return [_settings(row) for row in rows.fetchall()]

    def invited_to(self, name: str) -> list[RoomSettings]:
        """Those that somebody is invited into."""
        ids = [room for (room,) in self._db.read("SELECT room FROM invited WHERE who = ?", fold(name)).fetchall()]
        return sorted(filter(None, map(self.by_id, ids)), key=lambda room: fold(room.name))

    def owned_by(self, name: str) -> int:
        """How many rooms somebody owns."""
        return int(self._db.one("SELECT count(*) FROM rooms WHERE owner_key = ?", fold(name)))

    def count(self) -> int:
        return int(self._db.one("SELECT count(*) FROM rooms"))

    def _find(self, where: str, value: str) -> RoomSettings | None:
        row = self._db.read(f"SELECT {_COLUMNS} FROM rooms WHERE {where}", value).fetchone()  # noqa: S608
        return None if row is None else _settings(row)

    def _known(self, room_id: str) -> RoomSettings:
        room = self.by_id(room_id)
        if room is None:
            raise Refused("no_such_room", "there is no such room")
        return room

    def _check_free(self, name: str) -> None:
        if self.room(name) is not None:
            raise Refused("name_taken", f"there is a room {name} already")


def _settings(row: tuple[Any, ...]) -> RoomSettings:
    room_id, name, owner, access, topic, made, revision, guest_made, stopped, limits = row
    return RoomSettings(
        room=room_id,
        name=name,
        owner=owner,
        access=access,
        topic=topic,
        made=made,
        revision=revision,
        guest_made=bool(guest_made),
        stopped=stopped,
        limits=msgspec.json.decode(limits, type=RoomLimits),
    )
