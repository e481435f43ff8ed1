"""Many connections, opened and brought to where they can listen and speak, from one process.

Law: it only reads and waits; what is said on an open connection, and counted, is the load generator's (load.c).
"""

import select
import socket
import time
from collections.abc import Iterable, Iterator
from typing import Final

PATIENCE: Final = 20.0  # seconds without a newcomer until the rest counts as never coming
AT_ONCE: Final = 250  # connections that are on their way in at the same time
Step = tuple[bytes, bytes]  # what is said, and what occurs in the line that answers it


class Visitor:
    """One connection, and the last line of each step that it went through."""

    __slots__ = ("answers", "came", "rest", "sock", "steps", "waits")

    def __init__(self, port: int, steps: Iterable[Step], receive_buffer: int = 0) -> None:
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.connect_ex(("127.0.0.1", port))
        self.steps: Iterator[Step] = iter(steps)
        self.waits: bytes | None = b""  # None: through all steps
        self.rest = b""
        self.answers: list[bytes] = []
        self.came = 0.0  # when it was through, monotonic seconds

    def speak(self) -> None:
        """Begin the next step."""
        step = next(self.steps, None)
        if step is None:
            self.waits, self.rest, self.came = None, b"", time.monotonic()
            return
        said, self.waits = step
        if said:
            self.sock.send(said)

    def hear(self, data: bytes) -> None:
        """Take in what came while it is on its way in."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            if self.waits is None:
                return
            if self.waits in line:
                self.answers.append(line)
                self.speak()
            elif b'"type":"error"' in line or line.startswith(b"ERROR"):
                raise ConnectionError(f"while {self.waits!r} was expected: {line[:300]!r}")


class Crowd:
    """Visitors that come in and are drained of what they are told meanwhile."""

    def __init__(self) -> None:
        self.visitors: list[Visitor] = []
        self.through = 0  # visitors that went through all their steps
        self._poll = select.epoll()
        self._by_fd: dict[int, Visitor] = {}

    def bring(self, newcomers: Iterator[Visitor], at_once: int = AT_ONCE) -> list[Visitor]:
        """Open all of them, `at_once` at a time; they are through their steps when this returns."""
        brought: list[Visitor] = []
        before = told = self.through
        more = True
        deadline = time.monotonic() + PATIENCE
        while more or len(brought) > self.through - before:
            while more and len(brought) - (self.through - before) < at_once:
                visitor = next(newcomers, None)
                if visitor is None:
                    more = False
                    break
                self._by_fd[visitor.sock.fileno()] = visitor
                self._poll.register(visitor.sock, select.EPOLLIN | select.EPOLLOUT)
                brought.append(visitor)
            self.turn(1.0)
            if self.through > told:
                told, deadline = self.through, time.monotonic() + PATIENCE
            if time.monotonic() > deadline:
                missing = len(brought) - (self.through - before)
                raise TimeoutError(f"{missing} of {len(brought)} connections did not come in")
        self.visitors += brought
        return brought

    def turn(self, timeout: float) -> None:
        """Hear what there is."""
        for fd, events in self._poll.poll(timeout):
            visitor = self._by_fd[fd]
            if visitor.waits == b"" and events & select.EPOLLOUT:
                self._poll.modify(fd, select.EPOLLIN)
                visitor.speak()
                self.through += visitor.waits is None
            if events & ~select.EPOLLOUT:
                try:
                    data = visitor.sock.recv(262_144)
                except BlockingIOError:
                    continue
                if not data:
                    raise ConnectionError("the server closed a connection")
                if visitor.waits is not None:
                    visitor.hear(data)
                    self.through += visitor.waits is None

    def forget(self, visitor: Visitor) -> None:
        """Read it no more; the connection stays open."""
        del self._by_fd[visitor.sock.fileno()]
        self._poll.unregister(visitor.sock)

    def quiet(self, seconds: float = 0.3) -> None:
        """Read until nothing has come for so long."""
        deadline = time.monotonic() + PATIENCE
        while self._poll.poll(seconds):
            self.turn(0)
            if time.monotonic() > deadline:
                raise TimeoutError("they never fell silent")

    def close(self) -> None:
        for visitor in self._by_fd.values():
            visitor.sock.close()
        for visitor in self.visitors:
            visitor.sock.close()
        self._poll.close()
