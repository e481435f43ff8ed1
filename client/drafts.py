"""What was typed and is not stored yet: drafts of each room, lines on their way, the mail being written.

Whoever runs the client keeps it in a file (`client.draftfile`). A line or mail is in it, with the key that it exists
once under, before it leaves.
"""

from typing import Literal

import msgspec


class Waiting(msgspec.Struct):
    """A line, whisper or direct message that was handed over and is not acknowledged. `at`: epoch ms; `stream`: what
    it was sent under, where that is not the stream of the drafts."""

    id: str
    text: str
    at: int
    kind: Literal["text", "action"] = "text"
    to: str = ""
    stream: str = ""

    def typed(self) -> str:
        """As one types it, so that nothing private becomes public when it is a draft again."""
        if self.to:
            return f"@{self.to} {self.text}"
        return f"/me {self.text}" if self.kind == "action" else self.text


class Letter(msgspec.Struct):
    """A mail being written. `answers`: the mail it replies to; `draft`: the draft at the server that it is; `id`: what
    it was handed over under, at the time `at` in epoch ms; empty while it is only written. `stream`: as in Waiting."""

    to: str = ""
    subject: str = ""
    body: str = ""
    answers: int | None = None
    draft: int | None = None
    id: str = ""
    at: int = 0
    stream: str = ""

    @property
    def fields(self) -> tuple[str, str, str]:
        return self.to, self.subject, self.body

    def names(self) -> list[str]:
        return self.to.replace(",", " ").split()


class Drafts(msgspec.Struct):
    """`rooms`: what stands in the composer; `waiting`: by room, oldest first; `stream`: what the waiting, and the mail
    if it was handed over, were sent under, but where they say another; `letters`: mails that other clients had begun.
    """

    rooms: dict[str, str] = {}
    waiting: dict[str, list[Waiting]] = {}
    stream: str = ""
    letter: Letter = msgspec.field(default_factory=Letter)
    letters: list[Letter] = []

    def empty(self) -> bool:
        return not (any(self.rooms.values()) or self.begun or self.on_their_way)

    @property
    def begun(self) -> bool:
        """Whether there is a mail that somebody has begun."""
        return any(self.letter.fields) or bool(self.letters)

    @property
    def on_their_way(self) -> bool:
        """Whether something was handed over and is not acknowledged."""
        return any(self.waiting.values()) or any(letter.id for letter in (self.letter, *self.letters))

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

    def take_in(self, other: "Drafts") -> None:
        """What another client left becomes ours; what it had handed over keeps the stream that it was sent under."""
        if not self.on_their_way:
            self.stream = other.stream
        letters = [letter for letter in (other.letter, *other.letters) if any(letter.fields)]
        handed_over: list[Waiting | Letter] = [line for lines in other.waiting.values() for line in lines]
        for sent in (*handed_over, *letters):
            stream = sent.stream or other.stream
            sent.stream = "" if stream == self.stream else stream
        for room, lines in other.waiting.items():
            self.waiting.setdefault(room, []).extend(lines)
        self.letters += letters
        if not any(self.letter.fields) and self.letters:
            self.letter = self.letters.pop(0)
        for room, text in other.rooms.items():
            here = self.rooms.get(room, "")
            self.rooms[room] = here if text in here else "\n".join(part for part in (here, text) if part)
