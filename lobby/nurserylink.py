"""The lobby's link to the nursery: asks for rooms, hears what becomes of them.

Law: what is said while there is no link is not lost: the registry knows what it wants, and tells it at the next one.
"""

import logging
import socket
from collections.abc import Callable

from lobby import roomdesk
from lobby.desk import Desk
from wire.codec import Codec
from wire.control import LobbyToNursery, NurseryToLobby, RoomStatus, Told
from wire.loop import Loop
from wire.uplink import Uplink

log = logging.getLogger(__name__)


class NurseryLink:
    def __init__(self, loop: Loop, connect: Callable[[], socket.socket], desk: Desk) -> None:
        self._desk = desk
        self._codec: Codec[RoomStatus | Told] = Codec(NurseryToLobby)
        self.uplink = Uplink(loop, connect, self, name="nursery")

    def say(self, message: LobbyToNursery) -> None:
        self.uplink.send(message)

    def opened(self, uplink: Uplink) -> None:  # noqa: ARG002
        log.info("the nursery is there")
        self._desk.effects += self._desk.registry.nursery_opened()

    def lines(self, uplink: Uplink, lines: list[bytes]) -> None:  # noqa: ARG002
        for message in self._codec.understood(lines, lambda bad: log.warning("from the nursery: %s", bad.text)):
            with self._desk.storing():
                roomdesk.nursery_said(self._desk, message)

    def lost(self, uplink: Uplink, why: str) -> None:  # noqa: ARG002
        log.warning("the nursery is away: %s", why)
        self._desk.registry.nursery_lost()
