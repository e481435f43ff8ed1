"""The listeners of rooms, as the nursery holds them: a port outlives its process, and who comes meanwhile waits.

Law: while a room has its listener nobody here touches it; `quiet` comes before every hand-over.
"""

import contextlib
import socket
from collections.abc import Callable
from typing import Final

from base.listeners import CannotListen, open_listener, place
from wire.channel import Channel
from wire.codec import encode
from wire.loop import Loop
from wire.messages import Error

FAILED: Final = encode(
    Error(code="room_failed", text="this room's process died again and again; its operator has to look", fatal=True)
)


class Ports:
    """One listener for each room that has one, on `host` and any free port, or one of `ports`."""

    def __init__(self, loop: Loop, host: str, ports: range | None) -> None:
        self._loop = loop
        self._host = host
        self._range = ports
        self._next = 0
        self._listeners: dict[str, socket.socket] = {}

    def ready(self, room: str) -> tuple[socket.socket, int]:
        """The room's listener, opened when it has none, and its port; nobody watches it. Raises CannotListen."""
        self.quiet(room)
        if room not in self._listeners:
            self._listeners[room] = self._open()
        listener = self._listeners[room]
        return listener, place(listener)[1]

    def adopt(self, room: str, listener: socket.socket) -> None:
        """A room of an earlier nursery brings its own, which may be the one that is here."""
        self.quiet(room)
        if room in self._listeners:
            self._listeners.pop(room).close()
        self._listeners[room] = listener

    def close(self, room: str) -> None:
        """Nobody is to be let in any more: also where a process that was just forked has not closed its copy yet."""
        self.quiet(room)
        listener = self._listeners.pop(room, None)
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def descriptors(self) -> dict[str, int]:
        """Of all listeners."""
        return {room: listener.fileno() for room, listener in self._listeners.items()}

    def quiet(self, room: str) -> None:
        """Neither wait for callers nor answer them any longer."""
        if room in self._listeners:
            self._loop.unlisten(self._listeners[room])

    def await_caller(self, room: str, act: Callable[[], None]) -> None:
        """`act`, once, when somebody has connected; they stay in the backlog for the room."""

        def called() -> None:
            self.quiet(room)
            act()

        if room in self._listeners:
            self._loop.watch(self._listeners[room].fileno(), called)

    def turn_away(self, room: str) -> None:
        """Answer whoever connects that the room has failed."""
        if room in self._listeners:
            self._loop.listen(self._listeners[room], self._answer)

    def _answer(self, sock: socket.socket) -> None:
        channel = Channel(sock, _TURNED_AWAY)
        channel.tag = "a caller turned away"
        self._loop.add(channel)
        self._loop.send(channel, FAILED)
        self._loop.close(channel, "the room has failed")

    def _open(self) -> socket.socket:
        if self._range is None:
            return open_listener(self._host, 0)
        for step in range(len(self._range)):  # the next and not the lowest: clients may remember who had one just now
            index = (self._next + step) % len(self._range)
            with contextlib.suppress(CannotListen):
                listener = open_listener(self._host, self._range[index])
                self._next = index + 1
                return listener
        raise CannotListen(f"no port from {self._range[0]} to {self._range[-1]} is free (server.room_ports)")


class _TurnedAway:
    """Callers of a room that has failed: what they say is not read."""

    def lines(self, channel: Channel, lines: list[bytes]) -> None:
        pass

    def lost(self, channel: Channel, why: str) -> None:
        pass


_TURNED_AWAY: Final = _TurnedAway()
