"""A lobby for the guardian's tests: takes its lock, says that it is up, and tells callers its pid.

`python tests/lobby/fake_lobby.py --data DIR --fd N`. A file `break` in DIR makes it die at its start;
a file `mute` makes it say nothing to the guardian.
"""

import argparse
import os
import signal
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from base.exits import Exit
from base.listeners import place
from base.locks import Lock, Locked
from base.paths import Paths, connect_control
from wire.channel import Channel
from wire.control import ChildUp
from wire.loop import Loop
from wire.uplink import Uplink


class FakeLobby:
    def __init__(self, paths: Paths, listeners: list[socket.socket]) -> None:
        self.loop = Loop()
        self.listeners = listeners
        self.mute = (paths.data / "mute").exists()
        self.loop.on_signals(lambda _n: self.loop.stop(), signal.SIGTERM, signal.SIGINT)
        for listener in listeners:
            self.loop.listen(listener, self.accepted)
        self.uplink = Uplink(self.loop, lambda: connect_control(paths.control("guardian"), timeout=0), self)
        self.uplink.start()

    def accepted(self, sock: socket.socket) -> None:
        channel = Channel(sock, self)
        self.loop.add(channel)
        self.loop.send(channel, b"lobby %d\n" % os.getpid())

    def opened(self, uplink: Uplink) -> None:
        host, port = place(self.listeners[0])
        up = ChildUp(process="lobby", pid=os.getpid(), host=host, port=port)
        if not self.mute:
            uplink.send_with_fds(up, [listener.fileno() for listener in self.listeners])

    def lines(self, end: object, lines: list[bytes]) -> None:
        pass

    def lost(self, end: object, why: str) -> None:
        pass


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    parser.add_argument("--fd", type=int, action="append")
    options = parser.parse_args()
    paths = Paths(options.data)
    if (paths.data / "break").exists():
        return 7
    try:
        Lock(paths.lock("lobby"))
    except Locked:
        return Exit.LOCKED
    FakeLobby(paths, [socket.socket(fileno=fd) for fd in options.fd]).loop.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
