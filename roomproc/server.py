"""A room's process: the loop, its sockets and its file around the pure cores. Entered by a fork of the nursery.

Law: what is queued in a round leaves only after `_end_of_round` has committed. The process ends with an exit code of
base.exits and with nothing half done: whatever else ends it, the file says what was acknowledged.
"""

import logging
import os
import signal
import socket
import sqlite3
from itertools import count
from typing import Any, Final

import msgspec

from base import logs
from base.config import Config
from base.exits import Exit
from base.locks import Lock, Locked
from base.paths import Paths, RoomPaths, connect_control
from base.sqlite import NewerFile
from roomproc.door import Door
from roomproc.effects import Broadcast, Close, Effect, Feed, ReadHistory, Report, Send, Transient
from roomproc.feed import Feeder
from roomproc.history import History
from roomproc.lobbylink import LobbyLink
from roomproc.pages import page
from roomproc.room import Room
from wire import control
from wire.channel import Channel
from wire.clock import Now
from wire.codec import BadMessage, Codec, encode, encode_all
from wire.control import Beat, Probe, RoomSettings, RoomUp, StopRoom
from wire.errors import Refused
from wire.loop import Every, Loop
from wire.messages import Announcement, Closing, Enter, Error, RoomRequest
from wire.uplink import Uplink

BAD_MESSAGES: Final = 20  # of one connection, after which it is ended
ORPHANED_AFTER: Final = 300.0  # seconds without lobby and nursery
WHISPERS_KEPT: Final = 600_000  # ms; architecture, "Cases that look small and are not"
UPKEEP: Final = 1.0  # seconds between looks at silence, sleep and the write-ahead log
# What a full or read-only disk makes of a commit: the transaction is undone and the file is as it was.
GOES_ON: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY})
TEXTS: Final = {
    "going_down": "the server is ending",
    "restarting": "the room is being restarted",
    "closed": "the room was closed",
    "sleeping": "the room goes to sleep",
}

log = logging.getLogger("room")


class RoomServer:
    """One room, running."""

    def __init__(
        self, listener: socket.socket, link: socket.socket, settings: RoomSettings, paths: Paths, config: Config
    ) -> None:
        self.loop = loop = Loop()
        self.config = config
        self.listener = listener
        self.paths = paths
        self.files = paths.room(settings.room)
        self.exit = Exit.CLOSED
        self.history = History(self.files.log_db, config.rooms.durability)
        opened = self.history.open(loop.now.wall)
        if opened.settings is not None and opened.settings.revision > settings.revision:
            settings = opened.settings
        self.incarnation = opened.incarnation
        door = Door(settings.room, read_key(self.files), opened.epoch, spent=opened.spent, revoked=opened.revoked)
        self.room = Room(settings, opened, config, door, self.history, loop.now)
        self.feeder = Feeder(loop, config.rooms.queue_bytes, opened.seq, self.history.after, self.room.snapshot)
        self.feeder.first = opened.first
        self.codec: Codec[RoomRequest] = Codec(RoomRequest)
        self.channels: dict[int, Channel] = {}
        self.heard: dict[int, float] = {}
        self.bad: dict[int, int] = {}
        self._numbers = count(1)
        self._empty_since = loop.now.mono
        self._alone_since = loop.now.mono
        self._connect_links(link)
        loop.end_of_round = self._end_of_round
        loop.timed += [self.room, self.lobby_link, Every(UPKEEP, self._upkeep, loop.now.mono + UPKEEP)]
        loop.on_signals(lambda _number: self.stop("going_down"), signal.SIGTERM)
        loop.listen(listener, self._accepted)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def run(self) -> Exit:
        self.loop.run()
        self.history.close()
        return self.exit

    # -- links to the lobby and the nursery

    def _connect_links(self, link: socket.socket) -> None:
        first: list[socket.socket] = [link]
        self._inherited = True
        self.nursery = Uplink(
            self.loop,
            lambda: first.pop() if first else connect_control(self.paths.control("nursery"), timeout=0),
            NurseryEnd(self),
            name="nursery",
        )
        self.lobby = Uplink(
            self.loop, lambda: connect_control(self.paths.control("lobby"), timeout=0), LobbyEnd(self), name="lobby"
        )
        self.lobby_link = LobbyLink(self.room, self.lobby.send, self._announce)
        self.nursery.start()
        self.lobby.start()

    def up(self) -> None:
        """Tell the nursery that the room runs; a nursery that did not fork it gets the listener as well."""
        up = RoomUp(settings=self.room.settings, pid=os.getpid(), port=self.port, incarnation=self.incarnation)
        if self._inherited:
            self._inherited = False
            self.nursery.send(up)
        else:
            self.nursery.send_with_fds(up, [self.listener.fileno()])

    def _announce(self, announcement: Announcement) -> None:
        data = encode(announcement)
        for connection in self.room.connections:
            self.loop.send(self.channels[connection], data)

    # -- connections

    def _accepted(self, sock: socket.socket) -> None:
        limit = self.config.limits.connections
        channel = Channel(sock, self)
        channel.tag = number = next(self._numbers)
        self.loop.add(channel)
        self.channels[number] = channel
        self.heard[number] = self.loop.now.mono
        if limit and len(self.channels) > limit:
            self._end(channel, Error(code="full", text="this room has no place left", fatal=True))
            return
        self.room.opened(number, self.loop.now)

    def lines(self, channel: Channel, lines: list[bytes]) -> None:
        number, now, handle, decode = channel.tag, self.loop.now, self.room.handle, self.codec.decode
        self.heard[number] = now.mono
        for line in lines:
            if channel.closing:
                return
            try:
                message = decode(line)
            except BadMessage as bad:
                self._bad(channel, bad)
                continue
            if type(message) is Enter and not self.room.door.knows(message.ticket):
                self.room.door.ring = read_key(self.files)
            handle(number, message, now)

    def lost(self, channel: Channel, why: str) -> None:
        number = channel.tag
        inside = self.room.connections.get(number)
        if inside is not None:
            log.info("%s: connection %d lost (%s)", inside.member.name, number, why)
        self.channels.pop(number, None)
        self.heard.pop(number, None)
        self.bad.pop(number, None)
        self.feeder.drop(number)
        self.room.lost(number, self.loop.now)

    def _bad(self, channel: Channel, bad: BadMessage) -> None:
        number = channel.tag
        self.bad[number] = self.bad.get(number, 0) + 1
        refused = Refused(bad.code, bad.text, fatal=self.bad[number] >= BAD_MESSAGES)
        self.room.refuse(number, bad.re, refused)

    def _end(self, channel: Channel, last: Any) -> None:
        self.loop.send(channel, encode(last))
        self.loop.close(channel, last.code)

    # -- the end of a round

    def _end_of_round(self) -> None:
        room, now = self.room, self.loop.now
        work = room.work()
        try:
            if work:
                self.history.commit(work)
            effects = room.committed(now)
        except sqlite3.Error as why:
            log.error("the round could not be stored: %s", why)
            effects = room.aborted("storage", now)
            if why.sqlite_errorcode & 0xFF not in GOES_ON:
                self._fail()
        for effect in effects:
            self._do(effect)
        self.feeder.turn()

    def _do(self, effect: Effect) -> None:
        match effect:
            case Broadcast(entries=entries):
                self.feeder.broadcast(entries)
            case Send(to=to, messages=messages):
                if to in self.channels:
                    self.loop.send(self.channels[to], encode_all(messages))
            case Transient(message=message, but=but):
                self.feeder.transient(message, but)
            case Feed(to=to, after=after):
                log.info("%s entered", self.room.connections[to].member.name)
                self.feeder.start(to, self.channels[to], after)
            case ReadHistory(to=to, request=request):
                self.loop.send(self.channels[to], encode(page(request, self.history, self.room.first, self.room.seq)))
            case Close(to=to, why=why):
                self.feeder.drop(to)
                if to in self.channels:
                    self.loop.close(self.channels[to], why)
            case Report(message=message):
                self.lobby.send(message)

    def _fail(self) -> None:
        """The file cannot be trusted to be as we think: end, and let the next process read it."""
        self.exit = Exit.STORAGE
        self.loop.stop()

    # -- upkeep

    def _upkeep(self, now: Now) -> None:
        silent = now.mono - self.config.limits.ping_seconds
        if self.config.limits.ping_seconds:
            for number in [number for number, heard in self.heard.items() if heard < silent]:
                self.room.refuse(number, None, Refused("timeout", "nothing was heard for too long", fatal=True))
        if self.history.forget_due(now.wall):
            window = self.config.rooms.resend_window * 1_000
            self.history.forget(now.wall, whispers_before=now.wall - WHISPERS_KEPT, window_before=now.wall - window)
            self.room.door.prune(now.wall)
        self.history.checkpoint()
        self._consider_sleep(now.mono)

    def _consider_sleep(self, mono: float) -> None:
        occupied = bool(len(self.room.roster) or self.channels)
        if occupied:
            self._empty_since = mono
        if self.nursery.up or self.lobby.up:
            self._alone_since = mono
        after = self.config.rooms.sleep_after
        if after and mono - self._empty_since >= after:
            log.info("asleep")
            self.exit = Exit.SLEPT
            self.loop.stop()
        elif not occupied and mono - self._alone_since >= ORPHANED_AFTER:
            self.exit = Exit.ORPHANED
            self.loop.stop()

    def stop(self, code: str) -> None:
        """Accept no more, tell everybody, commit what is staged, end."""
        log.info("stopping: %s", code)
        self.loop.unlisten(self.listener)
        last = encode(Closing(code=code, text=TEXTS.get(code, code), resume=code == "restarting"))
        for channel in self.channels.values():
            self.loop.send(channel, last)
        self.loop.stop()


class NurseryEnd:
    """What comes from the nursery."""

    def __init__(self, server: RoomServer) -> None:
        self._server = server
        self._codec: Codec[control.NurseryToRoom] = Codec(control.NurseryToRoom)

    def opened(self, uplink: Uplink) -> None:  # noqa: ARG002
        self._server.up()

    def lines(self, uplink: Uplink, lines: list[bytes]) -> None:
        for line in lines:
            match self._codec.decode(line):
                case Probe():
                    uplink.send(Beat())
                case StopRoom(code=code):
                    self._server.stop(code)

    def lost(self, uplink: Uplink, why: str) -> None:  # noqa: ARG002
        log.info("nursery lost: %s", why)


class LobbyEnd:
    """What comes from the lobby."""

    def __init__(self, server: RoomServer) -> None:
        self._server = server
        self._codec: Codec[control.LobbyToRoom] = Codec(control.LobbyToRoom)

    def opened(self, uplink: Uplink) -> None:  # noqa: ARG002
        server = self._server
        server.lobby_link.opened(os.getpid(), server.port, server.incarnation)

    def lines(self, uplink: Uplink, lines: list[bytes]) -> None:  # noqa: ARG002
        for line in lines:
            self._server.lobby_link.handle(self._codec.decode(line))

    def lost(self, uplink: Uplink, why: str) -> None:  # noqa: ARG002
        log.info("lobby lost: %s", why)


def read_key(files: RoomPaths) -> dict[int, bytes]:
    """The room's keyring as the lobby wrote it."""
    keys = msgspec.json.decode(files.key.read_bytes(), type=dict[str, str])
    return {int(generation): bytes.fromhex(key) for generation, key in keys.items()}


def run(listener: socket.socket, link: socket.socket, settings: RoomSettings, paths: Paths, config: Config) -> Exit:
    """Be the room until it ends; the code says why."""
    files = paths.room(settings.room)
    logs.start(files.journal, config.log.level)
    try:
        Lock(files.lock)
        server = RoomServer(listener, link, settings, paths, config)
    except Locked as locked:
        log.warning("process %d has this room", locked.pid)
        return Exit.LOCKED
    except NewerFile as newer:
        log.error("%s", newer)
        return Exit.UNREADABLE
    except sqlite3.Error as why:
        log.error("the room's file cannot be opened: %s", why)
        corrupt = why.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
        return Exit.UNREADABLE if corrupt else Exit.STORAGE
    log.info("room %s runs on port %d", server.room.settings.name, server.port)
    return server.run()
