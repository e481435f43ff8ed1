"""Clients' sockets: accepting, lines to the desk, messages from it. One channel for each of the desk's connections."""

import socket
from typing import Final

from lobby.desk import Desk
from lobby.effects import Close, Send
from lobby.sessions import Connection
from wire.channel import Channel
from wire.codec import encode
from wire.errors import Refused
from wire.loop import Loop
from wire.messages import Error

QUEUE_MAX: Final = 8_388_608  # bytes; a burst of the longest answers fits, and who never reads is let go


class Clients:
    def __init__(self, loop: Loop, desk: Desk) -> None:
        self._loop = loop
        self._desk = desk
        self.channels: set[Channel] = set()

    def accepted(self, sock: socket.socket) -> None:
        channel = Channel(sock, self)
        try:
            address = str(sock.getpeername()[0])
        except OSError:  # it is gone already
            sock.close()
            return
        self._loop.add(channel)
        self.channels.add(channel)
        try:
            connection = self._desk.open(address)
        except Refused as why:
            self._loop.send(channel, encode(Error(code=why.code, text=why.text, fatal=True)))
            self._loop.close(channel, why.code)
            return
        connection.channel = channel
        channel.tag = connection

    def lines(self, channel: Channel, lines: list[bytes]) -> None:
        connection: Connection | None = channel.tag
        if connection is not None:
            for line in lines:
                self._desk.take(connection, line)

    def lost(self, channel: Channel, why: str) -> None:
        self.channels.discard(channel)
        if channel.tag is not None:
            self._desk.lost(channel.tag, why)

    # -- effects

    def send(self, effect: Send) -> None:
        channel: Channel = effect.to.channel
        if channel.closing:
            return
        self._loop.send(channel, encode(effect.message))
        if channel.pending > QUEUE_MAX:
            self._loop.close(channel, "does not read")

    def close(self, effect: Close) -> None:
        self._loop.close(effect.connection.channel, effect.why)
