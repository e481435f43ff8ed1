"""A room's core without sockets: real file, real door, and a round that is committed or not by hand."""

import secrets
import sqlite3
from pathlib import Path

from base.config import Config, load
from roomproc.door import Door
from roomproc.effects import Broadcast, Close, Feed, Report, Send, Transient
from roomproc.history import History
from roomproc.room import Room
from wire.clock import Now
from wire.control import RoomSettings
from wire.messages import Enter
from wire.tickets import Ticket, sign

KEY = secrets.token_bytes(32)
ROOM = "0123456789abcdef"
SETTINGS = RoomSettings(room=ROOM, name="games", owner="ann", access="public", topic="", made=1, revision=1)
START = 1_795_197_600_000


def config(*settings: str) -> Config:
    return load(None, ["limits.lines_per_second=0", "limits.requests_per_second=0", *settings])


class Inside:
    """Drives a Room: `do` stages, `round` commits and collects what each connection was told."""

    def __init__(self, path: Path, *settings: str, owner: str = "ann") -> None:
        self.path = path
        self.config = config(*settings)
        self.mono, self.wall = 100.0, START
        self.owner = owner
        self.told: dict[int, list] = {}
        self.closed: dict[int, str] = {}
        self.reports: list = []
        self.fed: dict[int, int] = {}
        self.tickets = 0
        self.start()

    @property
    def now(self) -> Now:
        return Now(self.mono, self.wall)

    def start(self) -> None:
        """A process's start: everything but the file is forgotten."""
        self.history = History(self.path, "process")
        opened = self.history.open(self.wall)
        settings = RoomSettings(**{f: getattr(SETTINGS, f) for f in SETTINGS.__struct_fields__} | {"owner": self.owner})
        self.door = Door(ROOM, {1: KEY}, opened.epoch, spent=opened.spent, revoked=opened.revoked)
        self.room = Room(settings, opened, self.config, self.door, self.history, self.now)
        self.live: set[int] = set()

    def crash(self) -> None:
        """The process is gone between two rounds, and starts again."""
        self.history._db.close()
        self.told.clear()
        self.closed.clear()
        self.start()

    def ticket(self, name: str, *, guest: bool = False, roles: tuple[str, ...] = ("user",), **changes: object) -> str:
        self.tickets += 1
        fields = {
            "room": ROOM, "name": name, "guest": guest, "roles": list(roles), "issued": self.wall,
            "expires": self.wall + 30_000, "number": f"n{self.tickets}",
        } | changes  # fmt: skip
        return sign({1: KEY}, Ticket(**fields))

    def connect(self, connection: int) -> None:
        self.told.setdefault(connection, [])
        self.room.opened(connection, self.now)

    def enter(self, connection: int, name: str, *, commit: bool = True, token: str | None = None, **fields) -> list:
        self.connect(connection)
        ticket = token or self.ticket(name, guest=fields.pop("guest", False), roles=fields.pop("roles", ("user",)))
        return self.do(connection, Enter(protocol=1, ticket=ticket, **fields), commit=commit)

    def do(self, connection: int, message, *, commit: bool = True) -> list:
        """Stage `message`; with `commit` end the round and return what the connection was told."""
        self.room.handle(connection, message, self.now)
        return self.round().get(connection, []) if commit else []

    def do_all(self, connection: int, messages: list) -> None:
        """Stage what one connection says at once."""
        self.room.handle_all(connection, messages, self.now)

    def round(self, *, fail: bool = False) -> dict[int, list]:
        """End the round; what each connection was told in it."""
        self.wall += 1
        work = self.room.work()
        try:
            if fail:
                raise sqlite3.OperationalError("database or disk is full")
            if work:
                self.history.commit(work)
            effects = self.room.committed(self.now)
        except sqlite3.OperationalError:
            effects = self.room.aborted("storage", self.now)
        before = {connection: len(told) for connection, told in self.told.items()}
        for effect in effects:
            self._do(effect)
        return {connection: told[before.get(connection, 0) :] for connection, told in self.told.items()}

    def _do(self, effect) -> None:
        match effect:
            case Broadcast(entries=entries):
                for connection in self.live:
                    self.told[connection] += entries
            case Transient(message=message, but=but):
                for connection in self.live - set(but):
                    self.told[connection].append(message)
            case Send(to=to, messages=messages):
                self.told[to] += messages
            case Feed(to=to, after=after):
                self.fed[to] = after
                self.told[to] += self.history.after(after, 100_000)
                self.live.add(to)
            case Close(to=to, why=why):
                self.closed[to] = why
                self.live.discard(to)
                self.room.lost(to, self.now)
            case Report(message=message):
                self.reports.append(message)

    def lose(self, connection: int) -> None:
        self.live.discard(connection)
        self.room.lost(connection, self.now)

    def wait(self, seconds: float) -> None:
        self.mono += seconds
        self.wall += int(seconds * 1_000)
        self.room.tick(self.now)
