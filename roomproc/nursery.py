"""The nursery: fork server and supervisor of rooms. The sockets and processes around the table of `nurserycore`.

Law: no secrets, no threads and no open SQLite file here; what a room needs is read by the room. The nursery holds the
listener of every room that lives, so that a port outlives its process. It is told apart from the table: what happens
is put to the table, and the effects that come back are done in order.
"""

import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import Final

from setproctitle import setproctitle

from base import config as configuration
from base import logs
from base.config import Config
from base.exits import Exit
from base.listeners import CannotListen
from base.locks import Lock, Locked, holder, silence
from base.paths import Paths, bind_control, connect_control, peer_is_ours
from base.processes import UNKNOWN, Death, Process, Usage, death, raise_descriptor_limit
from roomproc import flightrecord, handover
from roomproc.guardianlink import GuardianEnd
from roomproc.handover import Handover
from roomproc.immortal import make_immortal
from roomproc.nurserycore import ORPHAN_LEAST, Nursery
from roomproc.nurseryeffects import (
    AskStacks,
    AwaitCaller,
    CloseListener,
    Effect,
    Kill,
    Record,
    Say,
    Start,
    Tell,
    TurnAway,
)
from roomproc.ports import Ports
from roomproc.spares import Spares
from wire import control
from wire.channel import Channel
from wire.clock import Now
from wire.codec import Codec, encode, encode_all
from wire.control import (
    Beat,
    OrphanExited,
    Probe,
    Reap,
    Renew,
    RoomSettings,
    RoomStatus,
    RoomUp,
    Spawn,
    StopRoom,
    Told,
)
from wire.loop import Every, Loop
from wire.uplink import Uplink

UNHEARD_SECONDS: Final = 0.1  # a caller that says nothing for so long is no room: it wants to be told the table
LAST_WORD_SECONDS: Final = 0.5  # how long the guardian may take to say how an orphan ended
ALONE_SECONDS: Final = 300.0  # without guardian, lobby and rooms, after which the nursery ends itself
RunRoom = Callable[[socket.socket, socket.socket, RoomSettings, Paths, Config], int]
Rehearse = Callable[[Paths, Config], None]

log = logging.getLogger("nursery")


class NurseryServer:
    """The nursery's process, running."""

    def __init__(self, paths: Paths, config: Config, run_room: RunRoom, rehearse: Rehearse, lock: int) -> None:
        self.lock = lock
        self.renewing = False
        self.loop = loop = Loop()
        self.table = Nursery()
        self.paths = paths
        self.config = config
        self._ports = Ports(loop, config.server.host, config.room_port_range)
        self._links: dict[str, Channel] = {}
        self._processes: dict[int, Process] = {}
        self._children: set[int] = set()
        self._wanted: list[str] = []  # rooms to be started in the next round
        self._spares = Spares(
            lambda listener, link, settings: run_room(listener, link, settings, paths, config),
            lambda: rehearse(paths, config),
            self._bear,
            loop.now,
        )
        self._followers: set[Channel] = set()  # are told each change of the table
        self._unheard: dict[Channel, float] = {}
        self._unexplained: dict[int, float] = {}  # orphans that ended, until the guardian says how
        self._codec: Codec[control.RoomToNursery | control.LobbyToNursery] = Codec(
            control.RoomToNursery | control.LobbyToNursery
        )
        self._alone_since = loop.now.mono
        self._strays_due: float | None = loop.now.mono + ORPHAN_LEAST
        call = lambda: connect_control(paths.control("guardian"), timeout=0)  # noqa: E731
        self.guardian = Uplink(loop, call, GuardianEnd(self._orphan_exited), name="guardian")
        loop.timed += [self, self._spares, Every(ALONE_SECONDS / 30, self._consider_end)]
        loop.on_signals(lambda _number: self._do(self.table.end(loop.now)), signal.SIGINT)
        loop.on_signals(lambda _number: loop.stop(), signal.SIGTERM)  # rooms go on; the next nursery adopts them
        loop.listen(bind_control(paths.control("nursery")), self._called)
        self.guardian.start()

    def run(self) -> None:
        self.loop.run()
        if self.renewing:
            log.info("going on with the code of now")
            links = {room: link.fileno() for room, link in self._links.items() if not link.closing}
            rooms, listeners = self.table.rooms, self._ports.descriptors()
            handover.leave(Handover(self.lock, rooms, listeners, links, list(self._children)))
        self.paths.control("nursery").unlink(missing_ok=True)

    def take_over(self, left: Handover) -> None:
        """Go on where the code before us stopped."""
        for room, fd in left.listeners.items():
            self._ports.adopt(room, socket.socket(fileno=fd))
        for room, fd in left.links.items():
            channel = Channel(socket.socket(fileno=fd), self)
            self.loop.add(channel)
            self._link(room, channel)
        self._children = set(left.children)
        self._do(self.table.take_over(left.rooms))
        for pid in {*left.children, *(room.pid for room in left.rooms.values() if room.pid)}:
            if not self._watch(pid):
                self._do(self.table.ended(pid, UNKNOWN, self.loop.now))

    # -- effects

    def _do(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self._do_one(effect)
        if self.table.ending and not self.table.rooms:
            self.loop.stop()

    def _do_one(self, effect: Effect) -> None:
        match effect:
            case Start(room=room):
                self._want(room)
            case Say(room=room, message=message):
                self._say(room, message)
            case Kill(pid=pid):
                self._signal(pid, signal.SIGKILL)
            case AskStacks(pid=pid):
                self._signal(pid, flightrecord.ASK)
            case Record(room=room, text=text):
                flightrecord.note(self.paths.room(room).flight_record, self.loop.now.wall, text)
            case Tell(status=status):
                self._tell(status)
            case AwaitCaller(room=room):
                self._ports.await_caller(room, lambda: self._do(self.table.woken(room, self.loop.now)))
            case TurnAway(room=room):
                self._ports.turn_away(room)
            case CloseListener(room=room):
                self._ports.close(room)

    def _say(self, room: str, message: control.NurseryToRoom) -> None:
        process = self._processes.get(self.table.rooms[room].pid) if room in self.table.rooms else None
        if isinstance(message, Probe) and process is not None and process.awaits_events():
            self.table.beat(room)  # waking a thousand idle rooms to hear it cost 8 % of a core
            return
        if room in self._links:
            self.loop.send(self._links[room], encode(message))

    def _signal(self, pid: int, number: int) -> None:
        if pid in self._processes:
            self._processes[pid].signal(number)

    def _tell(self, status: RoomStatus) -> None:
        frame = encode(status)
        for follower in self._followers:
            self.loop.send(follower, frame)

    def _want(self, room: str) -> None:
        if not self._wanted:
            self.loop.again(self._start_wanted)
        self._wanted.append(room)

    def _start_wanted(self) -> None:
        """Those of a whole round, since forks that follow each other at once cost the nursery half."""
        wanted, self._wanted = self._wanted, []
        with contextlib.suppress(OSError):  # it is met again at the start of who gets none
            self._spares.make(len(wanted))
        for room in wanted:
            there = self.table.rooms.get(room)
            if there is not None and there.state == "starting" and (there.orphan or not there.pid):
                self._start(room)

    def _start(self, room: str) -> None:
        lock = self.paths.room(room).lock
        try:
            pid = holder(lock)
            watched = pid if pid is not None and self._watch(pid) else 0
            silent = self._silence(lock, watched)
        except OSError as why:
            self._do(self.table.no_start(room, f"its lock cannot be looked at: {why}", self.loop.now))
            return
        if pid is not None:
            self._do(self.table.held(room, watched, silent, self.loop.now))
            return
        try:
            listener, port = self._ports.ready(room)
            child, link = self._spares.take(self.table.rooms[room].settings, listener)
        except (CannotListen, OSError) as why:
            self._do(self.table.no_start(room, f"cannot be started: {why}", self.loop.now))
            return
        channel = Channel(link, self)
        self.loop.add(channel)
        self._link(room, channel)
        self._do(self.table.forked(room, child, port, self.loop.now))

    def _silence(self, lock: Path, pid: int) -> float:
        """Seconds since the room's last sign of life; one that awaits events is not asked for any, and is not stuck."""
        process = self._processes.get(pid)
        return 0.0 if process is None or process.awaits_events() else silence(lock, self.loop.now.wall)

    def _link(self, room: str, channel: Channel) -> None:
        old = self._links.pop(room, None)
        if old is not None and old is not channel:
            self.loop.close(old, "replaced")
        channel.tag = room
        self._links[room] = channel

    # -- processes

    def _watch(self, pid: int) -> bool:
        """Be told when `pid` ends; False when it lives no longer, or has not said which it is."""
        if pid not in self._processes:
            try:
                process = Process(pid)
            except (ProcessLookupError, ValueError, OSError):
                return False
            self._processes[pid] = process
            self.loop.watch(process.fd, lambda: self._ended(pid))
        return True

    def _bear(self, pid: int) -> bool:
        """A child of ours; whether we shall hear of its end."""
        if self._watch(pid):
            self._children.add(pid)
        return pid in self._children

    def _ended(self, pid: int) -> None:
        if pid not in self._processes:  # the guardian's word came in the same round
            return
        if pid in self._children:
            _, status, usage = os.wait4(pid, 0)
            self._bury(pid, death(status, Usage.of(usage)))
        elif self.guardian.up:
            self.loop.unwatch(self._processes[pid].fd)
            self._unexplained[pid] = self.loop.now.mono + LAST_WORD_SECONDS
        else:
            self._bury(pid, UNKNOWN)

    def _bury(self, pid: int, how: Death) -> None:
        process = self._processes.pop(pid)
        self.loop.unwatch(process.fd)
        process.close()
        self._children.discard(pid)
        self._spares.ended(pid)
        self._unexplained.pop(pid, None)
        self._do(self.table.ended(pid, how, self.loop.now))

    def _orphan_exited(self, message: OrphanExited) -> None:
        if message.pid in self._processes:
            self._bury(message.pid, death(message.status, Usage(message.cpu, message.peak)))

    # -- callers: the lobby, rooms of an earlier nursery, and whoever wants to know

    def _called(self, sock: socket.socket) -> None:
        if not peer_is_ours(sock):
            sock.close()
            return
        channel = Channel(sock, self, carries_fds=True)
        self.loop.add(channel)
        self._unheard[channel] = self.loop.now.mono + UNHEARD_SECONDS

    def lines(self, channel: Channel, lines: list[bytes]) -> None:
        for message in self._codec.understood(
            lines, lambda bad: log.warning("from %s: %s", channel.tag or "a caller", bad.text)
        ):
            self._hear(channel, message)

    def lost(self, channel: Channel, why: str) -> None:  # noqa: ARG002
        self._followers.discard(channel)
        self._unheard.pop(channel, None)
        if channel.tag is not None and self._links.get(channel.tag) is channel:
            del self._links[channel.tag]

    def _hear(self, channel: Channel, message: control.RoomToNursery | control.LobbyToNursery) -> None:
        if channel in self._unheard and not isinstance(message, RoomUp):
            self._follow(channel)
        now = self.loop.now
        match message:
            case Beat() if channel.tag is not None:
                self.table.beat(channel.tag)
            case RoomUp():
                self._up(channel, message)
            case Spawn(settings=settings):
                self._do(self.table.spawn(settings, now))
            case StopRoom(room=room, code=code):
                self._do(self.table.stop(room, code, now))
            case Reap(room=room):
                self._do(self.table.reap(room, now))
            case Renew() if not self.table.ending:
                self.renewing = True
                self.loop.stop()

    def _follow(self, channel: Channel) -> None:
        self._unheard.pop(channel, None)
        self._followers.add(channel)
        self.loop.send(channel, encode_all(chain(self.table.statuses(), [Told()])))

    def _up(self, channel: Channel, message: RoomUp) -> None:
        room = message.settings.room
        brought = socket.socket(fileno=channel.fds.pop(0)) if channel.fds else None
        if not self._watch(message.pid):  # it said so and died, or no descriptor is left: then it comes back
            if brought is not None:
                brought.close()
            self.loop.close(channel, "it cannot be watched")
            return
        if brought is not None:
            self._ports.adopt(room, brought)
        self._followers.discard(channel)
        self._unheard.pop(channel, None)
        self._link(room, channel)
        self._do(self.table.up(message, self.loop.now))
        self._spares.came_up(self.loop.now)

    # -- time

    def next_deadline(self) -> float | None:
        own = self.table.next_deadline()
        once = (due for due in (own, self._strays_due) if due is not None)
        return min(chain(self._unheard.values(), self._unexplained.values(), once), default=None)

    def tick(self, now: Now) -> None:
        for channel in [channel for channel, due in self._unheard.items() if due <= now.mono]:
            self._follow(channel)
        for pid in [pid for pid, due in self._unexplained.items() if due <= now.mono]:
            self._bury(pid, UNKNOWN)
        if self._strays_due is not None and self._strays_due <= now.mono:
            self._strays_due = None
            self._look_for_strays()
        self._do(self.table.tick(now))

    def _look_for_strays(self) -> None:
        """Rooms whose processes live and have not registered although they had the time: the lobby may know of none
        of them, where it began anew as well."""
        for lock in self.paths.room_locks():
            room = lock.parent.name
            with contextlib.suppress(OSError):  # erased under our eyes, or the disk refuses: who asks for it is told
                pid = None if room in self.table.rooms else holder(lock)
                if pid and self._watch(pid):
                    self._do(self.table.found(room, pid, self._silence(lock, pid), self.loop.now))

    def _consider_end(self, now: Now) -> None:
        if self.guardian.up or self._followers or len(self._processes) > len(self._spares):
            self._alone_since = now.mono
        elif now.mono - self._alone_since >= ALONE_SECONDS:
            log.info("no guardian, no lobby and no room for %.0f s: the nursery ends", ALONE_SECONDS)
            self.loop.stop()


def run(paths: Paths, run_room: RunRoom, rehearse: Rehearse, memory: int | None = None) -> Exit:
    """Be the nursery until it ends. `run_room` is what a forked room does, `rehearse` what it may do while it waits to
    be one, `memory` what an earlier code left."""
    config = configuration.parse(paths.effective_config.read_bytes())
    logs.start(paths.log / "nursery.log", config.log.level)
    left = None if memory is None else handover.take(memory)
    try:
        lock = Lock(paths.lock("nursery")).fd if left is None else left.lock
    except Locked as locked:
        log.warning("process %d is the nursery here", locked.pid)
        return Exit.LOCKED
    setproctitle("parlour: nursery")
    raise_descriptor_limit()
    rehearse(paths, config)
    gc.collect()
    lasting = make_immortal()
    gc.freeze()  # rooms share these pages for as long as nobody's collector touches them
    verb = "runs" if left is None else "is renewed"
    log.info("the nursery %s, pid %d, %d objects immortal", verb, os.getpid(), lasting)
    server = NurseryServer(paths, config, run_room, rehearse, lock)
    if left is not None:
        server.take_over(left)
    server.run()
    log.info("the nursery has ended")
    return Exit.OK
