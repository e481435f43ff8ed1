"""What the client remembers between visits: the last server, and for each server one's name and rooms.

Law: never a password, never a token; a memory that cannot be read or written is no memory, and no fault.
"""

import contextlib
import os
from pathlib import Path

import msgspec
import platformdirs

from wire.names import fold


class Place(msgspec.Struct):
    """Where one was in a room: the last number seen, of which epoch."""

    seq: int
    epoch: int


class Visit(msgspec.Struct):
    """The last visit to one server. `rooms`: those one was in at the end of it."""

    name: str = ""
    guest: bool = True
    rooms: dict[str, Place] = {}

    def places(self, name: str) -> dict[str, Place]:
        """fold(room) → where `name` was; nowhere, if somebody else was here last."""
        return {fold(room): place for room, place in self.rooms.items()} if fold(name) == fold(self.name) else {}

    def rooms_of(self, name: str) -> list[str]:
        """The rooms that `name` was in; none, if somebody else was here last."""
        return list(self.rooms) if fold(name) == fold(self.name) else []


class Memory(msgspec.Struct):
    server: str = ""
    visits: dict[str, Visit] = {}

    def visit(self, server: str) -> Visit:
        return self.visits.setdefault(server, Visit())


def place() -> Path:
    return Path(platformdirs.user_state_dir("parlour")) / "client.json"


def recall() -> Memory:
    try:
        return msgspec.json.decode(place().read_bytes(), type=Memory)
    except (OSError, msgspec.MsgspecError, RuntimeError):
        return Memory()


def remember(memory: Memory) -> None:
    """Written beside and renamed, for its owner alone."""
    with contextlib.suppress(OSError, RuntimeError):
        path = place()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(memory))
        beside.replace(path)
