"""A real nursery whose rooms are small fakes: they do over TCP what a test tells them to.

`python tests/roomproc/fake_nursery.py DATA [PROBE_SECONDS]`. A caller of a room says one word a line: `pid`, `exit N`,
`raise`.
"""

import fcntl
import os
import signal
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from base.config import Config
from base.exits import Exit
from base.locks import Lock, Locked
from base.paths import Paths, connect_control
from roomproc import nursery, nurserycore
from wire.channel import Channel
from wire.codec import Codec
from wire.control import Beat, NurseryToRoom, Probe, RoomSettings, RoomUp, StopRoom
from wire.loop import Loop
from wire.uplink import Uplink


class FakeRoom:
    def __init__(self, listener: socket.socket, link: socket.socket, settings: RoomSettings, paths: Paths) -> None:
        self.loop = Loop()
        self.listener = listener
        self.settings = settings
        self.exit: int = Exit.CLOSED
        self.codec: Codec[NurseryToRoom] = Codec(NurseryToRoom)
        home = paths.room(settings.room).home
        self.incarnation = int((home / "count").read_text() if (home / "count").exists() else "0") + 1
        (home / "count").write_text(str(self.incarnation))
        self.inherited = [link]
        self.loop.on_signals(lambda _n: self.loop.stop(), signal.SIGTERM, signal.SIGINT)
        self.loop.listen(listener, self.accepted)
        self.uplink = Uplink(
            self.loop,
            lambda: self.inherited[0] if self.inherited else connect_control(paths.control("nursery"), timeout=0),
            NurseryEnd(self),
        )
        self.uplink.start()

    def accepted(self, sock: socket.socket) -> None:
        channel = Channel(sock, self)
        self.loop.add(channel)
        self.loop.send(channel, b"room\n")

    def lines(self, channel: Channel, lines: list[bytes]) -> None:
        for line in lines:
            match line.split():
                case [b"pid"]:
                    self.loop.send(channel, b"%d %d\n" % (os.getpid(), os.getppid()))
                case [b"exit", code]:
                    self.exit = int(code)
                    self.loop.stop()
                case [b"raise"]:
                    self.loop.post(lambda: 1 // 0)

    def lost(self, channel: Channel, why: str) -> None:
        pass


class NurseryEnd:
    def __init__(self, room: FakeRoom) -> None:
        self.room = room

    def opened(self, uplink: Uplink) -> None:
        room = self.room
        port = room.listener.getsockname()[1]
        up = RoomUp(settings=room.settings, pid=os.getpid(), port=port, incarnation=room.incarnation)
        if room.inherited:
            room.inherited.clear()
            uplink.send(up)
        else:
            uplink.send_with_fds(up, [room.listener.fileno()])

    def lines(self, uplink: Uplink, lines: list[bytes]) -> None:
        for line in lines:
            match self.room.codec.decode(line):
                case Probe():
                    uplink.send(Beat())
                case StopRoom():
                    self.room.loop.stop()

    def lost(self, uplink: Uplink, why: str) -> None:
        pass


def run(listener: socket.socket, link: socket.socket, settings: RoomSettings, paths: Paths, config: Config) -> int:
    home = paths.room(settings.room).home
    home.mkdir(parents=True, exist_ok=True)
    if settings.topic.startswith("exit "):
        return int(settings.topic.split()[1])
    try:
        lock = Lock(paths.room(settings.room).lock)
    except Locked:
        return Exit.LOCKED
    assert fcntl.fcntl(lock.fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    room = FakeRoom(listener, link, settings, paths)
    room.loop.run()
    return room.exit


def rehearse(paths: Paths, config: Config) -> None:
    (paths.run / "rehearsed").write_text(str(os.getpid()))


if __name__ == "__main__":
    words = sys.argv[1:]
    memory = int(words[words.index("--renew") + 1]) if "--renew" in words else None
    if len(words) > 1 and words[1] != "--renew":
        nurserycore.PROBE_SECONDS = float(words[1])  # type: ignore[misc]
    sys.exit(nursery.run(Paths(Path(words[0])), run, rehearse, memory))
