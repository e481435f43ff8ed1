"""The lobby's link to its guardian: says that it is ready, and hands over the listening sockets it has.

Law: a guardian that comes later learns everything from this; it may hold the sockets, so that clients wait in their
backlog while a lobby is replaced.
"""

import logging
import os
import socket
from collections.abc import Callable, Sequence

from base.listeners import place
from wire.control import ChildUp
from wire.loop import Loop
from wire.uplink import Uplink

log = logging.getLogger(__name__)


class GuardianLink:
    def __init__(self, loop: Loop, connect: Callable[[], socket.socket], listeners: Sequence[socket.socket]) -> None:
        self._listeners = listeners
        self.uplink = Uplink(loop, connect, self, name="guardian")

    def opened(self, uplink: Uplink) -> None:
        host, port = place(self._listeners[0]) if self._listeners else ("", 0)
        ready = ChildUp(process="lobby", pid=os.getpid(), host=host, port=port)
        uplink.send_with_fds(ready, [listener.fileno() for listener in self._listeners])

    def lines(self, uplink: Uplink, lines: list[bytes]) -> None:
        """A guardian has nothing to say to the lobby."""

    def lost(self, uplink: Uplink, why: str) -> None:  # noqa: ARG002
        log.warning("the guardian is away: %s", why)
