"""One connection to a lobby or a room, as any program would have it: JSON lines over a socket.

Law: what comes is handed to `hear` in the order in which it came, before anybody who awaits an answer goes on. A
connection can end in every way a real one does: closed, reset, half-closed, or abandoned with nobody reading.
"""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Callable
from typing import Any, Final

Message = dict[str, Any]

CONNECT_SECONDS: Final = 3.0
ANSWER_SECONDS: Final = 5.0
SEGMENT: Final = 1_000  # bytes; with loopback's own size the server's kernel would buffer megabytes for a slow reader
LINE_MOST: Final = 65_536  # bytes, with the newline


class Broken(Exception):  # noqa: N818 - what happened
    """The connection ended, or nothing came in time."""


class Refusal(Exception):  # noqa: N818 - the answer of a server
    def __init__(self, message: Message) -> None:
        super().__init__(f"{message['code']}: {message['text']}")
        self.code: str = message["code"]
        self.message = message


class Wire(asyncio.Protocol):
    def __init__(self, hear: Callable[[Message], None], strange: Callable[[str], None]) -> None:
        self.lost = asyncio.get_running_loop().create_future()  # done when this connection is of no use any more
        self.heard = asyncio.get_running_loop().time()
        self.transport: asyncio.Transport
        self._hear = hear
        self._strange = strange
        self._bytes = b""
        self._answers: dict[str, asyncio.Future[Message]] = {}
        self._asked = 0

    # -- for asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard = asyncio.get_running_loop().time()
        if self.lost.done():
            return
        *lines, self._bytes = (self._bytes + data).split(b"\n")
        for line in lines:
            if len(line) >= LINE_MOST:
                self._strange(f"a line of {len(line)} bytes came")
            try:
                message = json.loads(line)
                self._take(message)
            except (ValueError, KeyError, TypeError) as why:
                self._strange(f"{why!r} at the line {line[:200]!r}")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._end()

    def _take(self, message: Message) -> None:
        self._hear(message)
        answer = self._answers.pop(message.get("re", ""), None)
        if answer is not None and not answer.done():
            answer.set_result(message)

    # -- for whoever speaks

    def send(self, type: str, **fields: Any) -> None:  # noqa: A002 - the protocol's word
        if not (self.lost.done() or self.transport.is_closing()):
            self.transport.write(json.dumps({"type": type, **fields}).encode() + b"\n")

    def send_many(self, messages: list[Message]) -> None:
        """Messages that leave at once, and come so where the system lets them."""
        if not (self.lost.done() or self.transport.is_closing()):
            self.transport.write(b"".join(json.dumps(message).encode() + b"\n" for message in messages))

    async def ask(
        self,
        type: str,  # noqa: A002 - words of the protocol
        timeout: float = ANSWER_SECONDS,
        id: str = "",  # noqa: A002
        **fields: Any,
    ) -> Message:
        """Send a request and wait for its answer; raises Refusal, Broken."""
        self._asked += 1
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        name = id or f"ask{self._asked}"
        self._answers[name] = answer
        self.send(type, id=name, **fields)
        await asyncio.wait((answer, self.lost), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            self._answers.pop(name, None)
            raise Broken(f"no answer to {type}")
        message = answer.result()
        if message["type"] == "error":
            raise Refusal(message)
        return message

    # -- ways to end

    def close(self) -> None:
        self._end()
        self.transport.close()

    def reset(self) -> None:
        """Vanish: the other end gets an RST."""
        sock = self.transport.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._end()
        self.transport.abort()

    def abandon(self) -> None:
        """Nobody reads or writes any more, and the socket stays open, as behind a lost network."""
        self._end()
        self.transport.pause_reading()

    def half_close(self) -> None:
        self._end()
        if not self.transport.is_closing():
            with contextlib.suppress(OSError):  # reset a moment ago, and the loop does not know yet
                self.transport.write_eof()

    def _end(self) -> None:
        if not self.lost.done():
            self.lost.set_result(None)


async def connect(
    host: str,
    port: int,
    hear: Callable[[Message], None],
    strange: Callable[[str], None],
    receive_buffer: int = 0,
) -> Wire:
    """A connection; `receive_buffer` bytes in the kernel, 0 for its own choice. Raises OSError, Broken."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await loop.sock_connect(sock, (host, port))
        _, wire = await loop.create_connection(lambda: Wire(hear, strange), sock=sock)
    except TimeoutError:
        sock.close()
        raise Broken("no connection") from None
    except OSError:
        sock.close()
        raise
    return wire
