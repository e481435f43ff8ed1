"""One connection of the loop: a non-blocking stream socket with whole lines in and shared bytes out.

Law: `close()` only marks, and the loop reports the loss in its next round; nothing here calls back into a core.
Queued frames are references to shared bytes, never copies.
"""

import os
import socket
from typing import Any, Final, Protocol

from wire.codec import encode
from wire.framing import LINE_MAX, LineSplitter, LineTooLong
from wire.messages import Error

READ_BYTES: Final = 65_536  # of one connection at once, and twice a round at most: none starves the others
TOO_LONG: Final = encode(Error(code="too_long", text=f"a line has at most {LINE_MAX} bytes", fatal=True))
GATHER: Final = 64  # buffers handed to one sendmsg; IOV_MAX is 1,024, and large counts gain nothing


class Handler(Protocol):
    """What a channel's owner does about it."""

    def lines(self, channel: "Channel", lines: list[bytes]) -> None:
        """Whole lines that came in this round."""

    def lost(self, channel: "Channel", why: str) -> None:
        """The connection is over; called once, by the loop, at the start of a round."""


class Channel:
    """A connection. `handler` is told what happens to it; `tag` is free for the handler's use."""

    __slots__ = (
        "_splitter", "closing", "fds", "gone", "handler", "out", "pending", "socket", "tag", "transmit", "why",
    )  # fmt: skip

    def __init__(self, sock: socket.socket, handler: Handler, *, carries_fds: bool = False) -> None:
        sock.setblocking(False)
        self.socket = sock
        self.handler = handler
        self.tag: Any = None
        self.pending = 0  # bytes queued and not yet taken by the kernel
        self.closing = False  # marked: what is queued is still tried once, then the loss is reported
        self.gone = False  # it is the other end that went, so that nobody waits for last words
        self.why = ""
        self.fds: list[int] | None = [] if carries_fds else None  # descriptors that came with SCM_RIGHTS
        self.out: list[bytes | memoryview] = []  # what is queued; a deque would be 700 bytes more for each connection
        self.transmit = sock.send  # kept: a room asks for it once a round and member
        self._splitter = LineSplitter()

    def fileno(self) -> int:
        return self.socket.fileno()

    def receive(self) -> list[bytes]:
        """Read what is there, at most READ_BYTES; marks the channel when the other end left or broke the framing."""
        try:
            if self.fds is None:
                data = self.socket.recv(READ_BYTES)
            else:
                data, fds, _, _ = socket.recv_fds(self.socket, READ_BYTES, 4)
                for fd in fds:  # which come inheritable: recv_fds does not pass MSG_CMSG_CLOEXEC on
                    os.set_inheritable(fd, False)
                self.fds.extend(fds)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError as why:
            self.gone = True
            self.close(why.strerror or "broken")
            return []
        if not data:
            self.gone = True
            self.close("left")
            return []
        try:
            return self._splitter.feed(data)
        except LineTooLong:
            self.queue(TOO_LONG)
            self.close("line too long")
            return []

    def queue(self, frame: bytes) -> None:
        """Add whole lines to what will be sent; they leave at the end of the round."""
        if frame:  # an empty one would never be consumed
            self.out.append(frame)
            self.pending += len(frame)

    def discard(self) -> None:
        """Drop what is queued (after a failed commit, before anything of it was sent)."""
        self.out.clear()
        self.pending = 0

    def flush(self) -> bool:
        """Send what the kernel takes; True when all of it left."""
        out = self.out
        while out:
            try:
                sent = self.transmit(out[0]) if len(out) == 1 else self.socket.sendmsg(out[:GATHER])
            except (BlockingIOError, InterruptedError):
                return False
            except OSError as why:
                self.broke(why)
                return True
            if sent == self.pending:  # nearly always: the round's frames, at once
                out.clear()
                self.pending = 0
                return True
            self.took(sent)
        return True

    def took(self, sent: int) -> None:
        """So many bytes of what is queued left."""
        self.pending -= sent
        out, whole = self.out, 0
        while sent and sent >= len(out[whole]):
            sent -= len(out[whole])
            whole += 1
        del out[:whole]
        if sent:
            out[0] = memoryview(out[0])[sent:]

    def broke(self, why: OSError) -> None:
        """Nothing can be sent any more."""
        self.gone = True
        self.close(why.strerror or "broken")
        self.discard()

    def send_with_fds(self, frame: bytes, fds: list[int]) -> None:
        """Send one line at once with descriptors (SCM_RIGHTS); raises OSError. For control links only."""
        socket.send_fds(self.socket, [frame], fds)

    def close(self, why: str) -> None:
        """Mark it; the first reason stands."""
        if not self.closing:
            self.closing = True
            self.why = why
