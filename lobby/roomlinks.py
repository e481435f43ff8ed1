"""The control links of the rooms: the server's side of lobby.sock.

Law: only processes of our own user get in; a room's entry in the registry lasts as long as its link.
"""

import logging
import socket

from base.paths import peer_is_ours
from lobby import roomdesk
from lobby.desk import Desk
from wire.channel import Channel
from wire.codec import Codec
from wire.control import RoomToLobby
from wire.loop import Loop

log = logging.getLogger(__name__)


class RoomLinks:
    def __init__(self, loop: Loop, listener: socket.socket, desk: Desk) -> None:
        self._loop = loop
        self._desk = desk
        self._codec: Codec[RoomToLobby] = Codec(RoomToLobby)
        self.count = 0
        loop.listen(listener, self._called)

    def _called(self, sock: socket.socket) -> None:
        if not peer_is_ours(sock):
            log.warning("a stranger called on lobby.sock")
            sock.close()
            return
        channel = Channel(sock, self)
        channel.tag = "a room"
        self.count += 1
        self._loop.add(channel)

    def lines(self, channel: Channel, lines: list[bytes]) -> None:
        for message in self._codec.understood(lines, lambda bad: log.warning("from %s: %s", channel.tag, bad.text)):
            with self._desk.storing():
                roomdesk.said(self._desk, channel, message)
        room = self._desk.registry.of_link(channel)
        if room is not None and room.settings is not None:
            channel.tag = f"room {room.settings.name}"

    def lost(self, channel: Channel, why: str) -> None:  # noqa: ARG002
        self.count -= 1
        roomdesk.lost(self._desk, channel)
