"""What was typed and is not stored yet, kept in a file: drafts of each room and lines on their way, over any crash.

Law: one file for each person on each server, for its owner alone, written beside and renamed; a file that cannot be
read is no drafts, and no fault.
"""

import contextlib
import hashlib
import os
from pathlib import Path

import msgspec

from client import memory


class Drafts(msgspec.Struct):
    """`rooms`: what stands in the composer; `unsent`: texts handed over and not acknowledged, oldest first; `mail`:
    to, subject and body of a mail begun."""

    rooms: dict[str, str] = {}
    unsent: dict[str, list[str]] = {}
    mail: tuple[str, str, str] = ("", "", "")

    def empty(self) -> bool:
        return not (any(self.rooms.values()) or any(self.unsent.values()) or any(self.mail))

    def take_back(self) -> list[str]:
        """Texts that an earlier run could not bring to an end go back to the drafts of their rooms; which rooms."""
        rooms = [room for room, texts in self.unsent.items() if texts]
        for room in rooms:
            parts = [*self.unsent[room], self.rooms.get(room, "")]
            self.rooms[room] = "\n".join(part for part in parts if part)
        self.unsent = {}
        return rooms


def place(who: str) -> Path:
    """Where the drafts of `who` (a name at a server) are; the name of the file tells nothing."""
    return memory.place().parent / f"drafts-{hashlib.sha256(who.encode()).hexdigest()[:16]}.json"


def load(who: str) -> Drafts:
    try:
        return msgspec.json.decode(place(who).read_bytes(), type=Drafts)
    except (OSError, msgspec.MsgspecError, RuntimeError):
        return Drafts()


def keep(who: str, drafts: Drafts) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        path = place(who)
        if drafts.empty():
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(drafts))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
