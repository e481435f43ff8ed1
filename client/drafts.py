"""What was typed and is not stored yet: drafts of each room, lines on their way, the mail being written.

Whoever runs the client keeps it in a file (`client.draftfile`). A line or mail is in it, with the key that it exists
once under, before it leaves.
"""

from typing import Literal

import msgspec


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


class Letter(msgspec.Struct):
    """A mail being written. `answers`: the mail it replies to; `draft`: the draft at the server that it is; `id`: what
    it was handed over under, at the time `at` in epoch ms; empty while it is only written."""

    to: str = ""
    subject: str = ""
    body: str = ""
    answers: int | None = None
    draft: int | None = None
    id: str = ""
    at: int = 0

    @property
    def fields(self) -> tuple[str, str, str]:
        return self.to, self.subject, self.body

    def names(self) -> list[str]:
        return self.to.replace(",", " ").split()


class Drafts(msgspec.Struct):
    """`rooms`: what stands in the composer; `waiting`: by room, oldest first; `stream`: what the waiting, and the mail
    if it was handed over, were sent under."""

    rooms: dict[str, str] = {}
    waiting: dict[str, list[Waiting]] = {}
    stream: str = ""
    letter: Letter = msgspec.field(default_factory=Letter)

    def empty(self) -> bool:
        return not (any(self.rooms.values()) or any(self.letter.fields) or self.on_their_way)

    @property
    def on_their_way(self) -> bool:
        """Whether something was handed over under the stream and is not acknowledged."""
        return any(self.waiting.values()) or bool(self.letter.id)

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

    def take_in(self, other: "Drafts") -> bool:
        """What another client left becomes ours. False, and nothing does, where both have something on its way, as that
        was under two streams, or both have a mail begun."""
        if (self.on_their_way and other.on_their_way) or (any(self.letter.fields) and any(other.letter.fields)):
            return False
        if other.on_their_way:
            self.stream, self.waiting = other.stream, other.waiting
        if any(other.letter.fields):
            self.letter = other.letter
        for room, text in other.rooms.items():
            here = self.rooms.get(room, "")
            self.rooms[room] = here if text in here else "\n".join(part for part in (here, text) if part)
        return True
