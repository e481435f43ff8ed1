"""What a room and the lobby tell each other. Pure: messages in and out, no socket.

Law: the lobby's knowledge of a room is soft. At every new link the room tells all of it; in between only changes,
traffic at most once a second. The room never waits for the lobby.
"""

from collections.abc import Callable
from typing import Any, Final

from roomproc.room import FIRST_PAGE, Room
from wire import control
from wire.clock import Now
from wire.control import Announce, Assign, Joined, Register, Traffic
from wire.messages import Announcement

EVERY: Final = 1.0  # seconds between two reports of traffic


class LobbyLink:
    """The room's side. `tell` sends to the lobby, and drops the message when it is away."""

    def __init__(self, room: Room, tell: Callable[[Any], object], announce: Callable[[Announcement], None]) -> None:
        self._room = room
        self._tell = tell
        self._announce = announce
        self._told = (-1, "")
        self._next = 0.0

    def opened(self, pid: int, port: int, incarnation: int) -> None:
        """There is a link: register with everything a lobby has to know."""
        room = self._room
        everybody = room.roster.everybody()
        self._tell(
            Register(
                settings=room.settings,
                pid=pid,
                port=port,
                incarnation=incarnation,
                topic=room.topic,
                lines=room.seq,
                members=everybody[:FIRST_PAGE],
                revoked=room.revoked_to,
                withdrew=room.door.stamps.void,
            )
        )
        for start in range(FIRST_PAGE, len(everybody), FIRST_PAGE):
            self._tell(Joined(members=everybody[start : start + FIRST_PAGE]))
        self._told = (room.seq, room.topic)

    def handle(self, message: control.LobbyToRoom) -> None:
        match message:
            case Assign(settings=settings, revocations=revocations):
                self._room.assign(settings, revocations)
            case control.PutOut():
                self._room.put_out(message)
            case Announce(text=text, at=at):
                self._announce(Announcement(text=text, at=at))

    def next_deadline(self) -> float | None:
        return self._next if self._told != (self._room.seq, self._room.topic) else None

    def tick(self, now: Now) -> None:
        self._next = now.mono + EVERY
        self._told = (self._room.seq, self._room.topic)
        void = self._room.door.stamps.void
        self._tell(Traffic(lines=self._room.seq, topic=self._room.topic, withdrew=void))
