"""The room's two control links: to the nursery it was forked by (or was adopted by), and to the lobby.

Law: a room does without either. What it tells is its whole state at each new link; what it is told is small orders.
"""

import logging
import os
import socket
from typing import TYPE_CHECKING, Final

from base.locks import give_sign
from base.paths import connect_control
from roomproc.lobbylink import LobbyLink
from wire import control
from wire.codec import Codec
from wire.control import Beat, Probe, RoomUp, StopRoom
from wire.uplink import Uplink

if TYPE_CHECKING:
    from roomproc.server import RoomServer

FROM_NURSERY: Final[Codec[control.NurseryToRoom]] = Codec(control.NurseryToRoom)
FROM_LOBBY: Final[Codec[control.LobbyToRoom]] = Codec(control.LobbyToRoom)

log = logging.getLogger("room")


class Links:
    """Both links of one room. `inherited`: this end of the socket pair the nursery made before the fork."""

    def __init__(self, server: "RoomServer", inherited: socket.socket) -> None:
        first = [inherited]
        self.nursery = Uplink(
            server.loop,
            lambda: first.pop() if first else _call_nursery(server),
            _NurseryEnd(server),
            name="nursery",
        )
        self.lobby = Uplink(
            server.loop,
            lambda: connect_control(server.paths.control("lobby"), timeout=0),
            _LobbyEnd(server),
            name="lobby",
        )
        self.lobby_link = LobbyLink(server.room, self.lobby.send, server.announce)
        self.nursery.start()
        self.lobby.start()

    @property
    def any_up(self) -> bool:
        return self.nursery.up or self.lobby.up


def _call_nursery(server: "RoomServer") -> socket.socket:
    give_sign(server.files.lock)  # a nursery that comes back knows by it whom to wait for
    return connect_control(server.paths.control("nursery"), timeout=0)


class _NurseryEnd:
    """What comes from the nursery."""

    def __init__(self, server: "RoomServer") -> None:
        self._server = server
        self._inherited = True

    def opened(self, uplink: Uplink) -> None:
        """Say that the room runs; a nursery that did not fork it gets the listener as well."""
        server = self._server
        up = RoomUp(settings=server.room.settings, pid=os.getpid(), port=server.port, incarnation=server.incarnation)
        if self._inherited:
            self._inherited = False
            uplink.send(up)
        else:
            uplink.send_with_fds(up, [server.listener.fileno()])

    def lines(self, uplink: Uplink, lines: list[bytes]) -> None:
        for message in FROM_NURSERY.understood(
            lines, lambda bad: log.warning("from the %s: %s", uplink.name, bad.text)
        ):
            match message:
                case Probe():
                    give_sign(self._server.files.lock)
                    uplink.send(Beat())
                case StopRoom(code=code):
                    self._server.stop(code)

    def lost(self, uplink: Uplink, why: str) -> None:
        log.info("%s lost: %s", uplink.name, why)


class _LobbyEnd:
    """What comes from the lobby."""

    def __init__(self, server: "RoomServer") -> None:
        self._server = server

    def opened(self, uplink: Uplink) -> None:  # noqa: ARG002 - the link is known to be the lobby's
        server = self._server
        server.links.lobby_link.opened(os.getpid(), server.port, server.incarnation)

    def lines(self, uplink: Uplink, lines: list[bytes]) -> None:
        for message in FROM_LOBBY.understood(lines, lambda bad: log.warning("from the %s: %s", uplink.name, bad.text)):
            self._server.links.lobby_link.handle(message)

    def lost(self, uplink: Uplink, why: str) -> None:
        log.info("%s lost: %s", uplink.name, why)
