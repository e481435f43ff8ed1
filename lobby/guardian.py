"""The guardian, which is the command `serve`: it starts lobby and nursery, starts again what dies, and ends it all.

Law: tiny and single-threaded; nothing but `stop`, SIGTERM and SIGINT ends the system. It holds the lobby's listening
sockets, so that clients wait in the backlog while the lobby returns, and is the subreaper, so that it learns how a
room ended whose nursery is gone. If it dies all goes on, and a second `serve` adopts what it finds.
"""

import ctypes
import logging
import os
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO, Final

from base.config import Config
from base.exits import Exit
from base.listeners import CannotListen, open_listener, place, spell
from base.locks import holder
from base.paths import CODE, Paths, bind_control, peer_is_ours
from base.processes import UNKNOWN, Death, Process, Usage, death
from lobby import sweep
from lobby.guardiancore import AllDown, Effect, GiveUp, Guardian, Kill, Name, Ready, Start, Terminate
from wire.channel import Channel
from wire.clock import Now
from wire.codec import Codec, encode
from wire.control import ChildUp, GuardianStatus, GuardianStop, OrphanExited, Renew, SystemStatus, ToGuardian
from wire.loop import Loop

SET_CHILD_SUBREAPER: Final = 36  # prctl(2)
UNTOLD: Final = 10_000  # ends of orphans kept for a nursery that is away
STOPS: Final = frozenset({signal.SIGTERM, signal.SIGINT})
STOP_SECONDS: Final = 1.5  # as guardiancore: the whole stop may take two
STDERR_MAX: Final = 1_000_000  # bytes of a child's standard error, which is empty unless something is badly wrong

log = logging.getLogger("guardian")
Commands = Mapping[Name, list[str]]


class GuardianServer:
    """The guardian's process, running. `say` is given the line that says where the lobby listens."""

    def __init__(
        self,
        paths: Paths,
        config: Config,
        commands: Commands,
        listeners: list[socket.socket],
        *,
        adopts: bool = False,
        say: Callable[[str], None],
    ) -> None:
        self.loop = loop = Loop()
        self.table = Guardian(adopts=adopts)
        self.paths = paths
        self.config = config
        self.commands = commands
        self.listeners = listeners
        self.exit = Exit.OK
        self.renewing = False  # it is to become the code of now, and nothing is to be stopped
        self.gave_up = ""  # why `serve` ends although nobody stopped it
        self._say = say
        self._since = loop.now.wall
        self._processes: dict[Name, Process] = {}
        self._nursery: Channel | None = None
        self._untold: deque[bytes] = deque(maxlen=UNTOLD)
        self._stopped_at: float | None = None
        self._codec: Codec[ToGuardian] = Codec(ToGuardian)
        loop.timed.append(self)

    def run(self) -> Exit:
        """Until it is stopped; then nothing of the system lives."""
        loop = self.loop
        ctypes.CDLL(None, use_errno=True).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        loop.on_signals(lambda _number: self.stop(), *STOPS)
        loop.on_signals(lambda _number: self._reap(), signal.SIGCHLD)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that is closed stops nobody
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)  # the code before us may have left one for us
        loop.listen(bind_control(self.paths.control("guardian")), self._called)
        self._do(self.table.start())
        loop.run()
        if self.renewing:
            signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # over the exec, which would make it deadly to us alone
            return self.exit
        sweep.end(self.paths, (self._stopped_at or time.monotonic()) + STOP_SECONDS)
        self.paths.control("guardian").unlink(missing_ok=True)
        for number in STOPS:  # said again while the interpreter ends, it would make a death of an orderly end
            signal.signal(number, signal.SIG_IGN)
        return self.exit

    def stop(self) -> None:
        log.info("the system is stopped")
        self._stopped_at = self._stopped_at or self.loop.now.mono
        self._do(self.table.stop(self.loop.now))

    def next_deadline(self) -> float | None:
        return self.table.next_deadline()

    def tick(self, now: Now) -> None:
        self._do(self.table.tick(now))

    # -- effects

    def _do(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Start(name=name):
                    self._start(name)
                case Terminate(name=name):
                    self._processes[name].signal(signal.SIGINT)
                case Kill(name=name):
                    self._processes[name].signal(signal.SIGKILL)
                case Ready():
                    self._say(f"Lobby listening on {spell(*place(self.listeners[0]))}")
                case GiveUp(name=name, reason=reason):
                    self._give_up(name, reason)
                case AllDown():
                    self.loop.stop()

    def _start(self, name: Name) -> None:
        now = self.loop.now
        try:
            pid = holder(self.paths.lock(name))
        except OSError as why:
            self._do(self.table.no_start(name, f"cannot be started: {why}", now))
            return
        if pid is not None:
            if self._hold(name, pid):
                self._do(self.table.adopting(name, pid, now))
            else:
                self._do(self.table.no_start(name, f"process {pid} has just left it", now))
            return
        try:
            pid = self._spawn(name)
        except (OSError, CannotListen) as why:
            self._do(self.table.no_start(name, f"cannot be started: {why}", now))
            return
        if not self._hold(name, pid):  # no descriptor left: nobody would hear of its end
            os.kill(pid, signal.SIGKILL)
            self._do(self.table.no_start(name, "cannot be watched: out of descriptors", now))
            return
        self._do(self.table.started(name, pid, now))

    def _spawn(self, name: Name) -> int:
        command = list(self.commands[name])
        fds: list[int] = []
        if name == "lobby":
            if not self.listeners:  # those of a lobby that was to be adopted went with it
                self.listeners = [open_listener(self.config.server.host, self.config.server.port)]
            fds = [listener.fileno() for listener in self.listeners]
            command += [word for fd in fds for word in ("--fd", str(fd))]
        with self._stderr(name) as stderr:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                pass_fds=fds,
                start_new_session=True,  # a Ctrl-C at the terminal is for the guardian alone
                env={**os.environ, "PYTHONPATH": str(CODE)},
            )
        process.returncode = 0  # it is reaped by _reap, not by subprocess
        return process.pid

    def _stderr(self, name: Name) -> BinaryIO:
        path = self.paths.log / f"{name}.stderr"
        grown = path.exists() and path.stat().st_size > STDERR_MAX
        return open(path, "wb" if grown else "ab")

    def _give_up(self, name: Name, reason: str) -> None:
        self.exit = Exit.BUG
        self.gave_up = f"the {name} does not start ({reason}): see {self.paths.log}/{name}.log and {name}.stderr"
        self.stop()

    # -- processes

    def _hold(self, name: Name, pid: int) -> bool:
        """Watch a process that may be no child of ours; False when it is gone."""
        try:
            process = Process(pid)
        except (OSError, ValueError):  # it is gone, or has not said yet which it is
            return False
        self._processes[name] = process
        self.loop.watch(process.fd, lambda: self._gone(name, process))
        return True

    def _gone(self, name: Name, process: Process) -> None:
        if self._processes.get(name) is process:
            self._reap()
        if self._processes.get(name) is process:  # not ours to reap
            self._ended(process.pid, UNKNOWN)

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            used = Usage.of(usage)
            if not self._ended(pid, death(status, used)):
                self._tell_nursery(encode(OrphanExited(pid=pid, status=status, cpu=used.cpu, peak=used.peak)))

    def _ended(self, pid: int, how: Death) -> bool:
        """Whether it was the lobby or the nursery."""
        for name, process in self._processes.items():
            if process.pid == pid:
                self.loop.unwatch(process.fd)
                process.close()
                del self._processes[name]
                self._do(self.table.ended(pid, how, self.loop.now))
                return True
        return False

    def _tell_nursery(self, frame: bytes) -> None:
        if self._nursery is None:
            self._untold.append(frame)
        else:
            self.loop.send(self._nursery, frame)

    # -- children that are up, and the operator's commands

    def _called(self, sock: socket.socket) -> None:
        if not peer_is_ours(sock):
            sock.close()
            return
        self.loop.add(Channel(sock, self, carries_fds=True))

    def lines(self, channel: Channel, lines: list[bytes]) -> None:
        for message in self._codec.understood(
            lines, lambda bad: log.warning("from %s: %s", channel.tag or "a caller", bad.text)
        ):
            match message:
                case ChildUp():
                    self._up(channel, message)
                case GuardianStop():
                    self.stop()  # answered by the end of the link, when this process ends
                case Renew():
                    self._renew()
                case GuardianStatus():
                    self.loop.send(channel, encode(self._status()))

    def _renew(self) -> None:
        """Only while both run: they hold what the code that comes takes over, as after a death of this process."""
        if {child.state for child in self.table.states()} == {"running"}:
            log.info("going on with the code of now")
            self.renewing = True
            self.loop.stop()

    def lost(self, channel: Channel, why: str) -> None:  # noqa: ARG002
        if channel is self._nursery:
            self._nursery = None

    def _up(self, channel: Channel, message: ChildUp) -> None:
        channel.tag = message.process
        if message.process == "nursery":
            self._nursery = channel
            while self._untold:
                self.loop.send(channel, self._untold.popleft())
        elif not self.listeners:
            self.listeners = [socket.socket(fileno=fd) for fd in channel.fds or ()]
            channel.fds = []
        if message.process == "lobby" and not self.listeners:
            log.error("the lobby brought no listening socket; it is replaced")
            if "lobby" in self._processes:
                self._processes["lobby"].signal(signal.SIGKILL)
            return
        self._do(self.table.up(message.process, message.pid))

    def _status(self) -> SystemStatus:
        host, port = place(self.listeners[0]) if self.listeners else ("", 0)
        return SystemStatus(children=self.table.states(), host=host, port=port, since=self._since)
