"""A room's process: the loop, its sockets and its file around the pure cores. Entered by a fork of the nursery.

Law: what is queued in a round leaves only after `_end_of_round` has committed. The process ends with an exit code of
base.exits and with nothing half done: whatever else ends it, the file says what was acknowledged.
"""

import errno
import logging
import signal
import socket
import sqlite3
from collections.abc import Callable
from itertools import count
from typing import Any, Final

import msgspec
from msgspec import UNSET

from base import logs
from base.config import Config
from base.exits import Exit
from base.locks import Lock, Locked
from base.paths import Paths, RoomPaths
from base.sqlite import NewerFile, passes
from roomproc import flightrecord, limits, speech
from roomproc.closing import Drain, last_words
from roomproc.door import Door
from roomproc.effects import Broadcast, Close, Effect, Feed, ReadHistory, Report, SearchHistory, Send, Transient
from roomproc.feed import Feeder
from roomproc.history import History
from roomproc.keeper import Keeper
from roomproc.links import Links
from roomproc.pages import found, page
from roomproc.retention import Retention
from roomproc.room import Room
from roomproc.upkeep import Upkeep
from wire.channel import Channel
from wire.codec import BadMessage, Codec, encode, encode_all
from wire.control import RoomSettings
from wire.errors import Refused
from wire.loop import Loop
from wire.messages import Announcement, Enter, Error, RoomRequest

ANSWERS_MAX: Final = 8_388_608  # bytes of answers that wait for one connection; a burst of the longest pages fits
# What the kernel may hold for one connection: without a bound it grows to 4 MB for each that does not read, which is
# 1.2 GB for 300 of them, and filling it costs the others (bench `slow`: four times the CPU a delivery).
KERNEL_BYTES: Final = 131_072
BAD_MESSAGES: Final = 20  # of one connection, after which it is ended
REFUSALS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})  # of a disk, while a room starts
CODEC: Final[Codec[RoomRequest]] = Codec(RoomRequest)  # made before the fork, and shared by all rooms

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
        self.exit = Exit.BUG
        self.history = History(self.files.log_db, config.rooms.durability)
        opened = self.history.open(loop.now.wall, settings)
        settings = opened.settings or settings
        self.incarnation = opened.incarnation
        door = Door(settings.room, read_key(self.files), opened.epoch, spent=opened.spent, revoked=opened.revoked)
        self.room = Room(settings, opened, config, door, self.history, loop.now)
        self.feeder = Feeder(loop, config.rooms.queue_bytes, opened.seq, self.history.after, self.room.snapshot)
        self.feeder.first = opened.first
        self.channels: dict[int, Channel] = {}
        self.heard: dict[int, float] = {}
        self.bad: dict[int, int] = {}
        self.keeper = Keeper(loop, self.files.search_db, self.files.log_db)
        self.ending = ""  # the code that everybody is told at the end of this, the last round
        self._numbers = count(1)
        self._deeds: dict[type, Callable[[Any], None]] = {
            Broadcast: self._broadcast,
            Send: self._send,
            Transient: self._transient,
            Feed: self._feed,
            ReadHistory: self._read_history,
            SearchHistory: self._search,
            Close: self._close,
            Report: self._report,
        }
        self.retention = Retention(
            lambda: limits.effective(config.rooms, self.room.settings.limits), self.history, self.keeper, self._kept
        )
        self.links = Links(self, link)
        loop.end_of_round = self._end_of_round
        self.upkeep = Upkeep(self, opened.seq)
        loop.timed += [self.room, self.links.lobby_link, self.upkeep, Drain(self)]
        loop.on_signals(lambda _number: self.stop("restarting"), signal.SIGTERM)
        loop.on_signals(lambda _number: self.stop("going_down"), signal.SIGINT)
        loop.listen(listener, self._accepted)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def run(self) -> Exit:
        self.loop.run()
        self.keeper.close()
        self.history.close(everybody_left=self.ending not in {"", "restarting"})
        return self.exit

    def announce(self, announcement: Announcement) -> None:
        """From the operator, to everybody who has entered."""
        data = encode(announcement)
        for connection in self.room.connections:
            self.loop.send(self.channels[connection], data)

    # -- connections

    def _accepted(self, sock: socket.socket) -> None:
        limit = self.config.limits.connections
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
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
        number, now, handle, decode = channel.tag, self.loop.now, self.room.handle, CODEC.decode
        self.heard[number] = now.mono
        if self.bad and self.bad.get(number, 0) >= BAD_MESSAGES:
            return  # it was told that this is the end, in this round, which looks twice
        if len(lines) >= speech.RUN and number in self.room.connections and (messages := CODEC.decode_all(lines)):
            self.room.handle_all(number, messages, now)
            return
        for line in lines:
            if channel.closing:
                return
            try:
                message = decode(line)
            except BadMessage as bad:
                if self._bad(channel, bad):
                    return
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

    def _bad(self, channel: Channel, bad: BadMessage) -> bool:
        """Refuse what is no message; whether that was one too many."""
        number = channel.tag
        self.bad[number] = self.bad.get(number, 0) + 1
        refused = Refused(bad.code, bad.text, fatal=self.bad[number] >= BAD_MESSAGES)
        self.room.refuse(number, bad.re, refused)
        return refused.fatal

    def _end(self, channel: Channel, last: Any) -> None:
        self.loop.send(channel, encode(last))
        self.loop.close(channel, last.code)

    # -- the end of a round

    def _end_of_round(self) -> None:
        try:
            self._finish_round()
        except sqlite3.Error as why:  # after the commit: what is queued is true, and the rest is asked again
            log.error("the room's file cannot be read: %s", why)
            self._fail()

    def _finish_round(self) -> None:
        room = self.room
        work = room.work()
        try:
            if work:
                self.history.commit(work)
                self.upkeep.stored()
        except sqlite3.Error as why:
            log.error("the round could not be stored: %s", why)
            if not passes(why):
                self._fail()  # what reached the file only a fresh look tells: nobody is told anything, and comes back
                return
            effects = room.aborted("storage", self.loop.now)
        else:
            effects = room.committed(self.loop.now)
        for effect in effects:
            self._do(effect)
        self.feeder.turn()
        if self.ending:  # after the round's own answers
            for number, channel in self.channels.items():
                self.loop.send(channel, last_words(self, number, self.ending))

    def _do(self, effect: Effect) -> None:
        self._deeds[type(effect)](effect)

    def _broadcast(self, effect: Broadcast) -> None:
        self.feeder.broadcast(effect.entries)

    def _send(self, effect: Send) -> None:
        if effect.to in self.channels:
            self._queue(effect.to, encode_all(effect.messages))

    def _queue(self, to: int, data: bytes) -> None:
        """What one connection is told; whoever asks on and on and never reads is let go."""
        channel = self.channels[to]
        self.loop.send(channel, data)
        if channel.pending > self.config.rooms.queue_bytes + ANSWERS_MAX:
            self.loop.close(channel, "does not read")

    def _transient(self, effect: Transient) -> None:
        self.feeder.transient(effect.message, effect.but)

    def _feed(self, effect: Feed) -> None:
        log.info("%s entered", self.room.connections[effect.to].member.name)
        self.feeder.start(effect.to, self.channels[effect.to], effect.after)

    def _read_history(self, effect: ReadHistory) -> None:
        answer = page(effect.request, self.history, self.room.first, self.room.seq)
        self._queue(effect.to, encode(answer))

    def _close(self, effect: Close) -> None:
        self.feeder.drop(effect.to)
        if effect.to in self.channels:
            self.loop.close(self.channels[effect.to], effect.why)

    def _report(self, effect: Report) -> None:
        self.links.lobby.send(effect.message)

    def _search(self, effect: SearchHistory) -> None:
        to, request = effect.to, effect.request

        def answer(message: Any) -> None:
            if to in self.room.connections:
                self._queue(to, encode(message))

        def failed() -> None:
            answer(Error(re=request.id, code="storage", text="the search failed; try again"))

        before = self.room.seq + 1 if request.before is UNSET else request.before
        try:
            self.keeper.search(
                request.text,
                before,
                max(1, min(request.limit, 100)),
                lambda lines, more: answer(found(request, lines, more)),
                failed,
            )
        except Refused as refused:
            self.room.refuse(to, request.id, refused)

    def _fail(self) -> None:
        """The file cannot be trusted to be as we think: end, and let the next process read it."""
        self.end(Exit.STORAGE)

    # -- ends

    def _kept(self, first: int) -> None:
        """Retention dropped the oldest entries; `first` is the oldest that is kept."""
        self.room.first = self.feeder.first = first

    def end(self, code: Exit) -> None:
        """Accept no more, and end after this round."""
        self.loop.unlisten(self.listener)
        if self.links.lobby_link.next_deadline() is not None:  # the lobby lists a room that sleeps by its last word
            self.links.lobby_link.tick(self.loop.now)
        log.info("ending: %s", code.name)
        self.exit = code
        self.loop.stop()

    def stop(self, code: str) -> None:
        """Accept no more, tell everybody, commit what is staged, end."""
        self.ending = self.ending or code
        self.end(Exit.STOPPED if code == "stopped" else Exit.CLOSED)


def read_key(files: RoomPaths) -> dict[int, bytes]:
    """The room's keyring as the lobby wrote it."""
    keys = msgspec.json.decode(files.key.read_bytes(), type=dict[str, str])
    return {int(generation): bytes.fromhex(key) for generation, key in keys.items()}


def run(listener: socket.socket, link: socket.socket, settings: RoomSettings, paths: Paths, config: Config) -> Exit:
    """Be the room until it ends; the code says why."""
    files = paths.room(settings.room)
    logs.start(files.journal, config.log.level)
    try:
        flightrecord.start(files.flight_record)
        limits.apply(config.rooms, settings.limits)
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
    except OSError as why:
        if why.errno not in REFUSALS:
            raise
        log.error("the disk refuses: %s", why)
        return Exit.STORAGE
    log.info("room %s runs on port %d", server.room.settings.name, server.port)
    return server.run()
