"""One visit to a Parlour, whole: the lobby's side, a side for each room, and what keeps them together. Pure.

Law: no socket, file, clock or thread. Verbs and reports come in with `now`; after each of them the caller takes
`effects()` for the link and `events()` for people, and calls `tick` when `next_deadline()` has come.
"""

import random
import secrets
from collections.abc import Callable
from typing import Any

from client.asked import Then
from client.desk import Desk
from client.entrance import RoomState
from client.events import Effect, Event, Outgoing
from client.lobbyside import Credential, LobbySide
from client.lobbystates import LobbyState
from client.roomside import RoomSide
from wire.clock import Now
from wire.messages import Message, Place
from wire.names import fold


def new_stream() -> str:
    """A random string of 144 bits: nobody else's lines carry it."""
    return secrets.token_urlsafe(18)


class Session:
    """`rooms` are those we are in or on our way to, by `fold(name)`, in the order they were entered."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        client: str = "parlour",
        rng: random.Random | None = None,
        stream: Callable[[], str] = new_stream,
    ) -> None:
        self._desk = Desk(rng or random.Random(), stream)
        self.lobby = LobbySide(self._desk, host, port, client)
        self.rooms: dict[str, RoomSide] = {}

    # -- verbs

    def open(self) -> None:
        """Connect to the lobby; answered by Greeted or NoServer."""
        self.lobby.open()

    def login(self, credential: Credential, now: Now) -> None:
        """Login, Register or Guest; answered by LoggedIn, LoginRefused or Ended."""
        self.lobby.login(credential, now)

    def new_id(self) -> str:
        """An id for `say` or `ask`, for who has to know it before."""
        return self._desk.new_id()

    def speak_under(self, stream: str) -> None:
        """Go on with the stream of an earlier run, before the login: what it sent and we send again exists once."""
        self._desk.new_stream = lambda: stream
        self.lobby.speak_under(stream)

    def ask(
        self,
        message: Message,
        then: Then | None = None,
        *,
        id_: str = "",
        asked: int | None = None,
        stream: str = "",
    ) -> str:
        """Any request to the lobby; its id. Answered by `then`, or Answered. `asked`: when, epoch ms; mail and what is
        told is not sent again once that is too long ago. `stream`: as in `say`."""
        return self.lobby.ask(message, then, id_=id_, asked=asked, stream=stream)

    def join(self, room: str, *, create: bool = False, since: int | None = None, epoch: int | None = None) -> RoomSide:
        """Enter a room; answered by RoomEntered, RoomRefused, RoomUnreachable or LeftRoom."""
        there = self.rooms.get(fold(room))
        if there is not None and there.state is RoomState.LEAVING:
            there.cut()
        elif there is not None and there.state is not RoomState.OVER:
            return there
        side = RoomSide(self._desk, self.lobby, room, create=create, since=since, epoch=epoch)
        self.rooms[fold(room)] = side
        side.open()
        return side

    def say(
        self,
        room: str,
        message: Outgoing,
        now: Now,
        *,
        id_: str = "",
        typed: int | None = None,
        stream: str = "",
    ) -> str:
        """A line or whisper; its id. Answered by Acknowledged or NotSent. `id_` and `typed` (epoch ms) are those of an
        earlier run, when it may have been sent already; `stream` what it was sent under, where that is not ours."""
        return self._room(room).say(message, now, id_=id_, typed=typed, stream=stream)

    def ask_room(self, room: str, message: Message, then: Then | None = None) -> str:
        """Any other request to a room; its id. Answered by `then`, or Answered."""
        return self._room(room).ask(message, then)

    def typing(self, room: str) -> None:
        """Tell the room that we are typing."""
        self._room(room).typing()

    def leave(self, room: str, now: Now) -> None:
        self._room(room).leave(now)

    def quit(self, now: Now) -> None:
        """Leave every room and the lobby; answered by Ended."""
        places = [
            Place(room=side.room, seq=side.seen.seq or 0) for side in self.rooms.values() if side.state is RoomState.IN
        ]
        for side in tuple(self.rooms.values()):
            side.leave(now)
        self.lobby.quit(now, places)

    def unacknowledged(self) -> int:
        """Lines and whispers that are not stored yet, as far as we know."""
        return sum(len(side.outbox) for side in self.rooms.values())

    @property
    def over(self) -> bool:
        return self.lobby.state is LobbyState.OVER

    # -- what the link reports

    def connected(self, conn: int, now: Now) -> None:
        if (side := self._desk.owner(conn)) is not None:
            side.connected(now)

    def failed(self, conn: int, why: str, now: Now) -> None:
        if (side := self._desk.gone(conn)) is not None:
            side.failed(why, now)

    def lost(self, conn: int, why: str, now: Now) -> None:
        if (side := self._desk.gone(conn)) is not None:
            side.lost(why, now)

    def received(self, conn: int, message: Any, now: Now) -> None:
        if (side := self._desk.owner(conn)) is not None:
            side.received(message, now)

    # -- time

    def next_deadline(self) -> float | None:
        wanted = [self.lobby.next_deadline(), *(side.next_deadline() for side in self.rooms.values())]
        return min((moment for moment in wanted if moment is not None), default=None)

    def tick(self, now: Now) -> None:
        self.lobby.tick(now)
        for side in tuple(self.rooms.values()):
            side.tick(now)

    # -- what came of it

    def effects(self) -> list[Effect]:
        effects, self._desk.effects = self._desk.effects, []
        return effects

    def events(self) -> list[Event]:
        self._sweep()
        events, self._desk.events = self._desk.events, []
        return events

    def _sweep(self) -> None:
        for key, side in tuple(self.rooms.items()):
            if side.state is RoomState.OVER:
                del self.rooms[key]

    def _room(self, room: str) -> RoomSide:
        return self.rooms[fold(room)]
