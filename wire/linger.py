"""Last words: a connection that we end is half-closed first, and read to its end for a moment.

Closing a socket that has unread input makes the kernel send a reset, which throws away what we sent last: the error
that says why. (The same as nginx's lingering_close.)
"""

import socket
from collections import deque
from typing import TYPE_CHECKING, Final

from wire.clock import Now

if TYPE_CHECKING:
    from wire.loop import Loop

SECONDS: Final = 2.0
DISCARD: Final = 65_536  # bytes thrown away a round
MOST: Final = 1_024  # sockets that linger at once; beyond that the oldest is closed hard


class Linger:
    """Sockets that have been half-closed and wait for the other end."""

    def __init__(self, loop: "Loop") -> None:
        self._loop = loop
        self._waiting: deque[tuple[float, socket.socket]] = deque()

    def take(self, sock: socket.socket) -> None:
        try:
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            sock.close()
            return
        self._loop.watch(sock.fileno(), lambda: self._discard(sock))
        self._waiting.append((self._loop.now.mono + SECONDS, sock))
        if len(self._waiting) > MOST:
            self._end(self._waiting.popleft()[1])

    def next_deadline(self) -> float | None:
        return self._waiting[0][0] if self._waiting else None

    def tick(self, now: Now) -> None:
        while self._waiting and self._waiting[0][0] <= now.mono:
            self._end(self._waiting.popleft()[1])

    def _discard(self, sock: socket.socket) -> None:
        try:
            if sock.recv(DISCARD):
                return
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            pass
        self._end(sock)

    def _end(self, sock: socket.socket) -> None:
        if sock.fileno() >= 0:
            self._loop.unwatch(sock.fileno())
            sock.close()
