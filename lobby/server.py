"""The lobby's process: loop, sockets, stores and threads around the desk.

Law: what the desk asks for is done here, in order, after the round's one commit; a round that cannot be committed is
rolled back, and its answers are replaced by `storage`. It says goodbye to everybody and ends within a second: SIGINT
means that all ends, SIGTERM that another lobby takes its place.
"""

import logging
import os
import shutil
import signal
import socket
import sqlite3
from collections.abc import Callable
from typing import Any, Final

from setproctitle import setproctitle

from base import logs
from base.config import Config
from base.exits import Exit
from base.listeners import place, spell
from base.locks import Lock, Locked
from base.paths import CODE, DataError, Paths, bind_control, connect_control
from base.processes import raise_descriptor_limit
from base.sqlite import NewerFile
from lobby import edits, entry, keys, passwords, reach, roomdesk
from lobby.admin import Observer
from lobby.adminsocket import AdminSocket
from lobby.clients import Clients
from lobby.desk import Desk
from lobby.effects import (
    Close,
    CloseForGood,
    CloseLink,
    Effect,
    Erase,
    Halt,
    Hash,
    Look,
    Seek,
    Send,
    Spawn,
    ToRoom,
    Verify,
)
from lobby.guardianlink import GuardianLink
from lobby.mailpages import Reader
from lobby.nurserylink import NurseryLink
from lobby.passwords import Workers
from lobby.requests import RULES
from lobby.roomlinks import RoomLinks
from lobby.storage import Storage, passes
from wire.channel import Channel
from wire.clock import Now
from wire.codec import encode
from wire.control import Reap, StopRoom
from wire.control import Spawn as SpawnRoom
from wire.errors import Refused
from wire.loop import Every, Loop
from wire.messages import Bye

GOODBYE_SECONDS: Final = 0.5  # for last words to leave; the guardian kills after 1.5
LOOK_SECONDS: Final = 1.0  # between two looks at the user db
DISK_SECONDS: Final = 5.0  # between two looks at the room that is left on the disk
CHECKPOINT_SECONDS: Final = 10.0
PURGE_SECONDS: Final = 5.0  # between two rounds in which some of the old mail in the trash is removed
TIDY_SECONDS: Final = 3_600.0
ALONE_SECONDS: Final = 300.0  # without guardian and without clients, after which the lobby ends itself
CLOSED: Final = "closed"  # marks the directory of a room that is to be erased

log = logging.getLogger("lobby")


def run(paths: Paths, config: Config, listeners: list[socket.socket]) -> int:
    """Be the lobby until told to end; the exit code."""
    os.umask(0o077)
    raise_descriptor_limit()
    setproctitle("parlour: lobby")
    logs.start(paths.log / "lobby.log", config.log.level)
    try:
        Lock(paths.lock("lobby"))
    except Locked as why:
        log.error("another lobby runs: %s", why)
        return Exit.LOCKED
    try:
        server = Server(paths, config, listeners)
    except (sqlite3.Error, NewerFile, DataError, OSError) as why:
        log.error("cannot start: %s", why)
        return Exit.STORAGE if passes(why) else Exit.UNREADABLE
    try:
        return server.run()
    except Exception:
        log.exception("the lobby ends by a bug")
        return Exit.BUG


class Server:
    def __init__(self, paths: Paths, config: Config, listeners: list[socket.socket]) -> None:
        self._paths = paths
        self._config = config
        self._listeners = listeners
        self._exit = Exit.OK
        self._ending = False
        self._masters = keys.load_or_create(paths.master_key)
        self._storage = Storage(paths, config)
        self.loop = loop = Loop()
        self.desk = desk = Desk(
            config, self._storage.stores, self._masters, RULES, lambda: loop.now, motd=_motd(config, CODE / "resources")
        )
        self._workers = Workers(loop.post, config.accounts.hash_threads)
        self._lookers = Workers(loop.post, 1)
        self._observer = Observer()
        self._reader = Reader(paths.mail_db)
        self._clients = Clients(loop, desk)
        self._rooms = RoomLinks(loop, bind_control(paths.control("lobby")), desk)
        self._admin = AdminSocket(loop, bind_control(paths.control("admin")), desk, self._rotate_keys)
        self._nursery = NurseryLink(loop, lambda: connect_control(paths.control("nursery"), timeout=0), desk)
        self._guardian = GuardianLink(loop, lambda: connect_control(paths.control("guardian"), timeout=0), listeners)
        self._alone_since = loop.now.mono
        self._prepare()

    def _prepare(self) -> None:
        loop, now = self.loop, self.loop.now.mono
        loop.end_of_round = self._end_of_round
        loop.timed += [
            _Clock(self.desk),
            Every(LOOK_SECONDS, self._look, now),
            Every(DISK_SECONDS, self._look_at_disk, now + DISK_SECONDS),
            Every(entry.RENEW_SECONDS, self._renew, now + entry.RENEW_SECONDS),
            Every(CHECKPOINT_SECONDS, lambda _now: self._storage.checkpoint(), now + CHECKPOINT_SECONDS),
            Every(PURGE_SECONDS, self._purge_mail, now + PURGE_SECONDS),
            Every(CHECKPOINT_SECONDS, lambda _now: roomdesk.keep_lines(self.desk), now + CHECKPOINT_SECONDS),
            Every(TIDY_SECONDS, self._tidy, now + TIDY_SECONDS),
            Every(ALONE_SECONDS / 30, self._consider_end, now),
        ]
        self._look_at_disk(loop.now)
        loop.on_signals(self._signalled, signal.SIGTERM, signal.SIGINT)
        self._make_default_room()
        self._storage.commit()
        self._go_on_closing()
        self.desk.gathering.begin(loop.now, self._paths.room_locks())
        for listener in self._listeners:
            loop.listen(listener, self._clients.accepted)
        self._nursery.uplink.start()
        self._guardian.uplink.start()

    def run(self) -> int:
        for listener in self._listeners:
            log.info("listening on %s", spell(*place(listener)))
        try:
            self.loop.run()
        finally:
            self._workers.close()
            self._lookers.close()
            self._storage.close()
        for process in ("lobby", "admin"):
            self._paths.control(process).unlink(missing_ok=True)
        log.info("ended")
        return self._exit

    # -- the round

    def _end_of_round(self) -> None:
        desk = self.desk
        if desk.fault is None:
            with desk.storing():
                self._storage.commit()
        if desk.fault is not None:
            self._roll_back(desk.fault)
        else:
            self._commit_mail()
        self._admin.end_of_round()
        while effects := desk.drain():
            for effect in effects:
                self._do(effect)

    def _roll_back(self, why: Exception) -> None:
        with self.desk.storing():
            self._storage.rollback()
        self.desk.abort()
        self._admin.take_back()
        self._consider(why)

    def _commit_mail(self) -> None:
        with self.desk.storing():
            self._storage.commit_mail()
        if (why := self.desk.fault) is not None:
            with self.desk.storing():
                self._storage.rollback_mail()
            self.desk.abort_mail()
            self._admin.take_back()
            self._consider(why)

    def _consider(self, why: Exception) -> None:
        """Whether we can go on after a fault of the disk."""
        if not passes(why) and not self._ending:
            log.error("the disk failed in a way that needs a fresh start: %s", why)
            self._exit = Exit.STORAGE
            self._end(Bye(code="restarting", text="the lobby starts again", resume=True))

    def _do(self, effect: Effect) -> None:
        match effect:
            case Send():
                self._clients.send(effect)
            case Close():
                self._clients.close(effect)
            case Verify() | Hash() | Look() | Seek():
                self._work(effect)
            case Spawn():
                self._spawn(effect)
            case CloseForGood(room=room):
                self._close_for_good(room)
            case Halt(room=room, code=code):
                self._nursery.say(StopRoom(room=room, code=code))
            case Erase(room=room):
                shutil.rmtree(self._paths.room(room).home, ignore_errors=True)
                log.info("the files of room %s are removed", room)
            case ToRoom():
                assert isinstance(effect.link, Channel)
                self.loop.send(effect.link, encode(effect.message))
            case CloseLink():
                assert isinstance(effect.link, Channel)
                self.loop.close(effect.link, effect.why)

    # -- effects

    def _work(self, effect: Verify | Hash | Look | Seek) -> None:
        accounts = self._config.accounts
        work: Callable[[], Any]
        workers = self._workers
        match effect:
            case Verify(secret=secret, password=password, renew=renew):
                work = lambda: passwords.verify(secret, password, accounts, renew=renew)  # noqa: E731
            case Hash(password=password):
                work = lambda: passwords.make(password, accounts)  # noqa: E731
            case Look(pids=pids):
                work, workers = (lambda: self._observer.look(pids)), self._lookers
            case Seek(look=look):
                work, workers = (lambda: look(self._reader.read)), self._lookers
        try:
            workers.submit(work, lambda outcome: self._worked(effect.then, outcome))
        except Refused as why:
            self._worked(effect.then, why)

    def _worked(self, then: Callable[[Any], None], outcome: Any) -> None:
        try:
            with self.desk.storing():
                then(outcome)
        except Exception:
            log.exception("what follows a worker's work failed")

    def _rotate_keys(self) -> None:
        """A new master key, without a break: rooms read theirs again when they meet a token of a key they lack."""
        self._masters = keys.rotate(self._paths.master_key)
        for room in self.desk.registry:
            if room.live:  # the others are given theirs before they start
                keys.write_room_key(self._paths.room(room.id), self._masters, room.id)
        self.desk.sign_with(self._masters)
        log.info("the master key was rotated to generation %d", max(self._masters))

    def _spawn(self, effect: Spawn) -> None:
        room = effect.settings.room
        try:
            keys.write_room_key(self._paths.room(room), self._masters, room)
        except OSError as why:
            log.error("room %s: cannot write its key: %s", effect.settings.name, why)
            self.desk.heed(self.desk.registry.cannot_start(room, "storage", "the disk refused: try again later"))
            return
        self._nursery.say(SpawnRoom(settings=effect.settings))

    def _close_for_good(self, room: str) -> None:
        home = self._paths.room(room).home
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            (home / CLOSED).touch()
        except OSError as why:
            log.warning("room %s: cannot mark it as closed: %s", room, why)
        self._nursery.say(Reap(room=room))

    # -- at the start

    def _make_default_room(self) -> None:
        name = self._config.rooms.default
        if name and self.desk.catalogue.room(name) is None:
            self.desk.catalogue.create(name, "", "public", "", self.loop.now.wall)

    def _go_on_closing(self) -> None:
        """Rooms that were closed, and whose files are still here because this process ended before."""
        for mark in (self._paths.data / "rooms").glob(f"*/{CLOSED}"):
            room = mark.parent.name
            if self.desk.catalogue.by_id(room) is None:
                self.desk.effects += self.desk.registry.close_for_good(room)

    # -- from time to time

    def _look(self, _now: Now) -> None:
        with self.desk.storing():
            edits.look(self.desk)

    def _look_at_disk(self, _now: Now) -> None:
        disk = self.desk.disk
        with self.desk.storing():
            if disk.look(shutil.disk_usage(self._paths.data).free):
                log.warning("%s", disk.notice or "the disk has room again: mail, imports and new rooms are taken")

    def _renew(self, _now: Now) -> None:
        with self.desk.storing():
            entry.renew_leases(self.desk)
            entry.note_presence(self.desk)

    def _tidy(self, now: Now) -> None:
        with self.desk.storing():
            self.desk.ledger.tidy(now.wall)
            self.desk.ledger.deleted.tidy(now.wall, self._config.accounts.deleted_name_days)
            self.desk.directs.tidy(now.wall)

    def _purge_mail(self, now: Now) -> None:
        with self.desk.storing():
            self.desk.mailbox.tidy(now.wall, self._config.limits.trash_days)

    def _consider_end(self, now: Now) -> None:
        if self._guardian.uplink.up or self._clients.channels:
            self._alone_since = now.mono
        elif now.mono - self._alone_since >= ALONE_SECONDS:
            log.warning("nobody has been here for %d s: the lobby ends", ALONE_SECONDS)
            self._exit = Exit.ORPHANED
            self._end(Bye(code="going_down"))

    # -- the end

    def _signalled(self, number: int) -> None:
        log.info("%s: goodbye to %d", signal.Signals(number).name, len(self._clients.channels))
        with self.desk.storing():
            entry.note_presence(self.desk)
            for person in self.desk.people:
                reach.leave(self.desk, person)
        roomdesk.keep_lines(self.desk)
        if number == signal.SIGINT:
            self._end(Bye(code="going_down", text="the server ends"))
        else:
            self._end(Bye(code="restarting", text="the lobby starts again", resume=True))

    def _end(self, bye: Bye) -> None:
        """Say it to everybody and stop when it has left, or after a moment."""
        if self._ending:
            return
        self._ending = True
        for listener in self._listeners:
            self.loop.unlisten(listener)
        frame = encode(bye)
        for channel in tuple(self._clients.channels):
            if not channel.closing:
                self.loop.send(channel, frame)
                self.loop.close(channel, bye.code)
        rooms_end_too = not bye.resume
        self.loop.timed.append(
            _Ending(self.loop, lambda: bool(self._clients.channels or (rooms_end_too and self._rooms.count)))
        )


class _Clock:
    """The desk's time: its now is the round's, and it is woken when something is due."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def next_deadline(self) -> float | None:
        desk = self._desk
        due = (desk.sessions.next_deadline(), desk.registry.next_deadline(), desk.gathering.next_deadline())
        return min((moment for moment in due if moment is not None), default=None)

    def tick(self, now: Now) -> None:  # noqa: ARG002
        desk = self._desk
        with desk.storing():
            desk.tick()


class _Ending:
    """Stops the loop when clients are gone, and rooms, whose last words tell how far they came; or at the deadline."""

    def __init__(self, loop: Loop, waited_for: Callable[[], bool]) -> None:
        self._loop = loop
        self._waited_for = waited_for
        self._until = loop.now.mono + GOODBYE_SECONDS

    def next_deadline(self) -> float:
        return self._until if self._waited_for() else 0.0

    def tick(self, now: Now) -> None:  # noqa: ARG002
        self._loop.stop()


def _motd(config: Config, resources: Any) -> str:
    if config.server.motd:
        return config.server.motd
    try:
        return str((resources / "motd").read_text(encoding="utf-8")).strip()[:4_000]
    except (OSError, UnicodeDecodeError):
        return ""
