"""The last words of a room to its members, and the end of a room that is drained.

Law: whoever is to come back is told where and gets a token for it, so that neither the lobby nor a password is needed;
whoever is not is told why. A drained room ends when nobody is in it, or at its time.
"""

from typing import TYPE_CHECKING, Final

from roomproc.door import Person
from roomproc.effects import Close, Effect, Send
from wire.clock import Now
from wire.codec import encode
from wire.messages import Closing, Redirect
from wire.tickets import concerns, whose

if TYPE_CHECKING:
    from roomproc.room import Room
    from roomproc.server import RoomServer

TEXTS: Final = {
    "going_down": "the server is ending",
    "restarting": "the room is being restarted",
    "closed": "the room was closed",
    "sleeping": "the room goes to sleep",
    "stopped": "an operator stopped the room",
}


def last_words(server: "RoomServer", number: int, code: str) -> bytes:
    """What connection `number` is told at the end with this code."""
    inside = server.room.connections.get(number)
    if inside is None or code != "restarting":
        return encode(Closing(code=code, text=TEXTS.get(code, code), resume=code == "restarting"))
    member = inside.member
    person = Person(member.name, member.guest, member.roles, member.since)
    ticket = server.room.door.resume_token(
        person, inside.stream.name, server.loop.now.wall, inside.issued, inside.session
    )
    host = server.config.server.public_host
    return encode(Redirect(room=server.room.settings.name, host=host, port=server.port, ticket=ticket))


def put_out_void(room: "Room", assigned: list[tuple[str, int]], now: Now) -> list[Effect]:
    """Whoever is here by what the lobby has made void (scopes and stamps), and was not told so, as when it died before
    it said more: they come back by a new ticket where they get one."""
    effects: list[Effect] = []
    closing = Closing(code="bad_ticket", text="your ticket was withdrawn: ask the lobby for another", resume=True)
    for scope, before in assigned:
        member = room.roster.get(whose(scope))
        for connection in list(member.connections.values()) if member is not None else ():
            if connection.issued <= before and concerns(scope, connection.session):
                effects += [Send(connection.id, [closing]), Close(connection.id, closing.code)]
                room.connections.pop(connection.id, None)
                room.roster.broken(connection, now.mono)
    return effects


class Drain:
    """Ends the room when its settings say that it is stopped; for the loop."""

    def __init__(self, server: "RoomServer") -> None:
        self._server = server
        self._seen = 0  # the moment we were told, as it came
        self._until = 0.0  # monotonic seconds

    def next_deadline(self) -> float | None:
        room, now = self._server.room, self._server.loop.now
        stopped = room.settings.stopped
        if not stopped or self._server.ending:
            return None
        if stopped != self._seen:  # from here on the wall clock may jump
            self._seen, self._until = stopped, now.mono + max(0.0, (stopped - now.wall) / 1_000)
        return self._until if len(room.roster) else now.mono

    def tick(self, now: Now) -> None:  # noqa: ARG002
        self._server.stop("stopped")
