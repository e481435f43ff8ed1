"""admin.sock: the operator's commands at the shell. No password: only the operator's user can open it."""

import logging
import socket

from base.paths import peer_is_ours
from lobby.desk import STORE_FAULTS, Desk
from lobby.requests.admin import all_rooms
from wire.channel import Channel
from wire.codec import BadMessage, Codec, encode
from wire.control import AdminList, AdminListed, AdminRefused, ToAdmin
from wire.loop import Loop
from wire.messages import AdminRoomRow

log = logging.getLogger(__name__)


class AdminSocket:
    def __init__(self, loop: Loop, listener: socket.socket, desk: Desk) -> None:
        self._loop = loop
        self._desk = desk
        self._codec: Codec[AdminList] = Codec(ToAdmin)
        loop.listen(listener, self._called)

    def _called(self, sock: socket.socket) -> None:
        if not peer_is_ours(sock):
            log.warning("a stranger called on admin.sock")
            sock.close()
            return
        channel = Channel(sock, self)
        channel.tag = "the operator"
        self._loop.add(channel)

    def lines(self, channel: Channel, lines: list[bytes]) -> None:
        for line in lines:
            try:
                self._codec.decode(line)
                all_rooms(self._desk, lambda rows: self._answer(channel, rows))
            except BadMessage as bad:
                self._refuse(channel, bad.code, bad.text)
            except STORE_FAULTS as why:
                self._answer(channel, why)

    def lost(self, channel: Channel, why: str) -> None:
        pass

    def _answer(self, channel: Channel, rows: list[AdminRoomRow] | Exception) -> None:
        if channel.closing:
            return
        if isinstance(rows, Exception):
            log.error("listing for the operator failed: %s", rows)
            self._refuse(channel, "internal", f"the listing failed: {rows}")
        else:
            self._loop.send(channel, encode(AdminListed(rooms=rows)))

    def _refuse(self, channel: Channel, code: str, text: str) -> None:
        self._loop.send(channel, encode(AdminRefused(code=code, text=text)))
