"""What was typed and is not stored yet, kept in a file: drafts of each room and lines on their way, over any crash.

Law: one file for each person on each server, for its owner alone, written beside and renamed; a file that cannot be
read is no drafts, and no fault. A line is in it, with the key that it exists once under, before it leaves.
"""

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Literal

import msgspec

from client import memory


class Waiting(msgspec.Struct):
    """A line, whisper or direct message that was handed over and is not acknowledged. `at`: epoch ms."""

    id: str
    text: str
    at: int
    kind: Literal["text", "action"] = "text"
    to: str = ""

    def typed(self) -> str:
        """As one types it, so that nothing private becomes public when it is a draft again."""
        if self.to:
            return f"@{self.to} {self.text}"
        return f"/me {self.text}" if self.kind == "action" else self.text


class Drafts(msgspec.Struct):
    """`rooms`: what stands in the composer; `waiting`: by room, oldest first; `stream`: what the waiting were sent
    under; `mail`: to, subject and body of a mail begun."""

    rooms: dict[str, str] = {}
    waiting: dict[str, list[Waiting]] = {}
    stream: str = ""
    mail: tuple[str, str, str] = ("", "", "")

    def empty(self) -> bool:
        return not (any(self.rooms.values()) or any(self.waiting.values()) or any(self.mail))

    def wait(self, room: str, line: Waiting) -> None:
        self.waiting.setdefault(room, []).append(line)

    def settled(self, room: str, id_: str) -> Waiting | None:
        """The line of that id waits no more."""
        line = next((line for line in self.waiting.get(room, []) if line.id == id_), None)
        if line is not None:
            self.waiting[room].remove(line)
        return line

    def give_back(self, room: str, line: Waiting) -> None:
        """It cannot be sent any more: it is the typist's again, before what was begun since."""
        typed = line.typed() if not room.startswith("@") else line.text
        self.rooms[room] = "\n".join(part for part in (typed, self.rooms.get(room, "")) if part)


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
