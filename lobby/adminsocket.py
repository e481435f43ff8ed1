"""admin.sock: the operator's commands at the shell. No password: only the operator's user can open it."""

import logging
import socket
from collections.abc import Callable

from msgspec import UNSET, Struct

from base.paths import peer_is_ours
from base.revision import RUNNING
from lobby import adminmail
from lobby.audit import OPERATOR
from lobby.desk import NOT_STORED, STORE_FAULTS, Desk
from lobby.requests import audit, deeds, users
from lobby.requests.admin import all_rooms
from wire.channel import Channel
from wire.codec import Codec, encode
from wire.control import (
    AdminAct,
    AdminAdopt,
    AdminAnnounce,
    AdminAudit,
    AdminAudited,
    AdminCode,
    AdminCoded,
    AdminDone,
    AdminFind,
    AdminFound,
    AdminKeep,
    AdminLimit,
    AdminList,
    AdminListed,
    AdminMail,
    AdminRefused,
    AdminRotate,
    AdminUpgrade,
    AdminUpgrading,
    ToAdmin,
)
from wire.errors import Refused
from wire.loop import Loop
from wire.messages import AdminRoomRow

log = logging.getLogger(__name__)


class AdminSocket:
    def __init__(self, loop: Loop, listener: socket.socket, desk: Desk, rotate: Callable[[], None]) -> None:
        self._loop = loop
        self._desk = desk
        self._rotate = rotate
        self._promised: list[Channel] = []  # in this round
        self._codec: Codec[ToAdmin] = Codec(ToAdmin)
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
                self._heed(channel, self._codec.decode(line))
            except Refused as why:
                self._refuse(channel, why.code, why.text)
            except STORE_FAULTS as why:
                self._answer(channel, why)

    def take_back(self) -> None:
        """The round could not be committed: what was promised in it is not said."""
        for channel in self._promised:
            channel.discard()
            self._refuse(channel, *NOT_STORED)
        self._promised.clear()

    def end_of_round(self) -> None:
        self._promised.clear()

    def _promise(self, channel: Channel, answer: Struct) -> None:
        """Say it, if the round is committed."""
        self._promised.append(channel)
        self._loop.send(channel, encode(answer))

    def _heed(self, channel: Channel, message: ToAdmin) -> None:
        match message:
            case AdminList():
                all_rooms(self._desk, lambda rows: self._answer(channel, rows))
            case AdminFind(room=name):
                found = self._desk.catalogue.room(name)
                if found is None:
                    raise Refused("no_such_room", f"there is no room {name}")
                self._loop.send(channel, encode(AdminFound(settings=found)))
            case AdminAct(room=name, do=do, seconds=seconds, rolling=rolling):
                deeds.act(self._desk, name, do, deeds.DRAIN_SECONDS if seconds is UNSET else seconds, OPERATOR,
                          rolling=rolling)  # fmt: skip
                self._promise(channel, AdminDone())
            case AdminLimit(room=name, limits=limits):
                self._promise(channel, AdminFound(settings=deeds.limit(self._desk, name, limits, OPERATOR)))
            case _:
                self._heed_more(channel, message)

    def _heed_more(self, channel: Channel, message: ToAdmin) -> None:
        """What concerns no room that runs."""
        match message:
            case AdminUpgrade():
                since = message.since or RUNNING
                text = f"{message.state}: from {since} to {message.to}" + (f"; {message.text}" if message.text else "")
                audit.record(self._desk, OPERATOR, "upgrade", text=text)
                self._promise(channel, AdminUpgrading(running=RUNNING))
            case AdminRotate():
                self._rotate()
                audit.record(self._desk, OPERATOR, "rotate-keys")
                self._promise(channel, AdminDone())
            case AdminAdopt(settings=settings):
                self._desk.disk.check()
                self._desk.catalogue.adopt(settings)
                audit.record(self._desk, OPERATOR, "import", settings.name)
                self._promise(channel, AdminFound(settings=settings))
            case AdminCode(name=name):
                made = users.code(self._desk, name, OPERATOR)
                self._promise(channel, AdminCoded(name=made.name, code=made.code, expires=made.expires))
            case AdminMail() | AdminKeep():
                self._promise(channel, adminmail.heed(self._desk, message))
            case AdminAnnounce(text=text, room=name):
                audit.say_to_all(self._desk, text, name, OPERATOR)
                self._promise(channel, AdminDone())
            case AdminAudit(limit=limit, before=before):
                acts, more = audit.acts_before(self._desk, None if before is UNSET else before, limit)
                self._loop.send(channel, encode(AdminAudited(acts=acts, more=more)))

    def lost(self, channel: Channel, why: str) -> None:
        pass

    def _answer(self, channel: Channel, rows: list[AdminRoomRow] | Exception) -> None:
        if channel.closing:
            return
        if isinstance(rows, Exception):
            log.error("listing for the operator failed: %s", rows)
            self._refuse(channel, "internal", f"the listing failed: {rows}")
        else:
            self._loop.send(channel, encode(AdminListed(rooms=rows, notice=self._desk.disk.notice or UNSET)))

    def _refuse(self, channel: Channel, code: str, text: str) -> None:
        self._loop.send(channel, encode(AdminRefused(code=code, text=text)))
