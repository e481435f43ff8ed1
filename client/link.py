"""The session's link to the world: asyncio sockets and the clock, and nothing that decides anything.

Law: the only module with sockets and a clock. Whatever a server sends, nothing here raises: a line that is no message
is passed over (a newer server may say more than we know), a stream that is no lines is a lost connection.
"""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable
from typing import Any, Final

from client.events import Close, Event, Open, Send
from client.session import Session
from wire.clock import Now
from wire.codec import Codec, encode
from wire.framing import LineSplitter, LineTooLong
from wire.messages import LobbyReply, RoomReply

log = logging.getLogger(__name__)

CONNECT_SECONDS: Final = 10.0  # a firewall that drops packets answers never
FLUSH_SECONDS: Final = 0.5  # for last words when all is closed
_CODEC: Final[Codec[Any]] = Codec(LobbyReply | RoomReply)


def read_clock() -> Now:
    return Now(time.monotonic(), time.time_ns() // 1_000_000)


def describe(why: BaseException) -> str:
    """A failure to connect, in words."""
    if isinstance(why, ConnectionRefusedError) or "Connect call failed" in str(why):
        return "connection refused"
    if isinstance(why, socket.gaierror):
        return "no such host"
    if isinstance(why, TimeoutError):
        return "no answer"
    if isinstance(why, OSError) and why.strerror:
        return why.strerror.lower()
    return str(why) or type(why).__name__


class Link:
    """Runs one session: carries out its effects, and gives its events to `deliver`."""

    def __init__(self, session: Session, deliver: Callable[[Event], None]) -> None:
        self._session = session
        self._deliver = deliver
        self._opening: dict[int, asyncio.Task[None]] = {}
        self._wires: dict[int, _Wire] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._settling = False

    def settle(self) -> None:
        """Carry out what the session wants; call it after each verb. Harmless at any time."""
        if self._settling:
            return  # called by a listener: the outer one goes on until nothing is left
        self._settling = True
        try:
            while (effects := self._session.effects()) or (events := self._session.events()):
                for effect in effects:
                    self._perform(effect)
                if not effects:
                    for event in events:
                        self._deliver(event)
        finally:
            self._settling = False
        self._set_timer()

    async def close(self) -> None:
        """End all connections; what was sent still leaves, if the other end takes it at once."""
        self._deliver = lambda _event: None  # that the connections end is no news
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for task in self._opening.values():
            task.cancel()
        wires = list(self._wires.values())
        for wire in wires:
            wire.close()
        if wires:
            await asyncio.wait([asyncio.ensure_future(wire.closed.wait()) for wire in wires], timeout=FLUSH_SECONDS)
        for wire in wires:
            wire.abort()

    # -- effects

    def _perform(self, effect: Open | Send | Close) -> None:
        match effect:
            case Open(conn, host, port):
                self._opening[conn] = asyncio.ensure_future(self._connect(conn, host, port))
            case Send(conn, message):
                if (wire := self._wires.get(conn)) is not None:
                    wire.send(encode(message))
            case Close(conn):
                if (task := self._opening.pop(conn, None)) is not None:
                    task.cancel()
                if (wire := self._wires.pop(conn, None)) is not None:
                    wire.close()

    async def _connect(self, conn: int, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await loop.create_connection(lambda: _Wire(conn, self), host, port, happy_eyeballs_delay=0.25)
        except (OSError, UnicodeError, OverflowError) as why:
            self._opening.pop(conn, None)
            self._session.failed(conn, describe(why), read_clock())
            self.settle()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._session.next_deadline()
        if deadline is not None:
            wait = max(0.0, deadline - time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(wait, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._session.tick(read_clock())
        self.settle()

    # -- what wires report

    def made(self, wire: "_Wire") -> None:
        if self._opening.pop(wire.conn, None) is None:
            wire.abort()  # closed while it was being opened
            return
        self._wires[wire.conn] = wire
        self._session.connected(wire.conn, read_clock())
        self.settle()

    def lines(self, wire: "_Wire", lines: list[bytes]) -> None:
        now = read_clock()
        for message in _CODEC.understood(lines, lambda bad: log.debug("passed over a line: %s", bad.text)):
            self._session.received(wire.conn, message, now)
        self.settle()

    def ended(self, wire: "_Wire", why: str) -> None:
        self._wires.pop(wire.conn, None)
        self._session.lost(wire.conn, why, read_clock())
        with contextlib.suppress(RuntimeError):  # the loop is ending
            self.settle()


class _Wire(asyncio.Protocol):
    """One connection."""

    def __init__(self, conn: int, link: Link) -> None:
        self.conn = conn
        self.closed = asyncio.Event()
        self._link = link
        self._splitter = LineSplitter()
        self._transport: asyncio.Transport | None = None
        self._why = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._link.made(self)

    def data_received(self, data: bytes) -> None:
        try:
            lines = self._splitter.feed(data)
        except LineTooLong:
            self._why = "a line was too long"
            self.abort()
            return
        if lines:
            self._link.lines(self, lines)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()
        self._link.ended(self, self._why or (describe(exc) if exc else "the connection was closed"))

    def send(self, frame: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
