"""Where people type and read: a terminal with line editing, or plain lines from and to anything.

Law: the only module that touches standard input and output. While somebody types, what comes in is put above it;
reading costs nothing while nothing comes; text handed to `write` has been through `client.show`.
"""

import asyncio
import contextlib
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol

from client.show import Span, Spans

_SGR: Final = {
    "time": "2", "notice": "2", "own": "1", "whisper": "35", "error": "31", "marked": "1;33", "room": "36",
    "title": "1", "good": "32",
}  # fmt: skip
_NAME_COLOURS: Final = ("32", "33", "34", "35", "36", "92", "94", "95", "96")
NOT_A_SCREEN: Final = 200  # columns of a pipe or a file
CHUNK: Final = 65_536
LONGEST: Final = 65_536  # bytes of a line; no text may be that long, and memory stays bounded


class Interrupted(Exception):  # noqa: N818
    """The question has lost its sense: the room it was asked in is gone."""


class Cancelled(Exception):  # noqa: N818
    """Ctrl-C: whoever is asked will not answer."""


class Terminal(Protocol):
    interactive: bool  # a person is there, who can be asked
    linear: bool  # it is listened to, or read by programs: no columns and rules, each line says what it is about
    typed_is_seen: bool  # what was typed stays on the screen

    async def ask(self, prompt: Callable[[], str], *, hidden: bool = False, talk: bool = False) -> str:
        """A line; `talk`: one of a conversation, with history and completion.

        Raises EOFError, Interrupted, Cancelled.
        """

    def interrupt(self, why: type[Exception] = Interrupted) -> None:
        """End the question under way, if any, with an exception."""

    def write(self, spans: Spans) -> None: ...

    def width(self) -> int: ...


def coloured(spans: Iterable[Span]) -> str:
    """Spans with colours for a terminal."""
    parts = []
    for role, text in spans:
        code = _NAME_COLOURS[zlib.crc32(text.strip().lower().encode()) % len(_NAME_COLOURS)] if role == "name" else (
            _SGR.get(role))  # fmt: skip
        parts.append(f"\x1b[{code}m{text}\x1b[0m" if code and text else text)
    return "".join(parts)


class PlainTerminal:
    """Lines from standard input, lines to standard output: pipes, files, and people who want no redrawing."""

    typed_is_seen = True
    linear = True

    def __init__(self, *, interactive: bool) -> None:
        self.interactive = interactive
        self._fd = sys.stdin.fileno()
        self._lines: list[bytes] = []
        self._rest = b""
        self._ended = False
        self._waiting: asyncio.Future[None] | None = None
        self._interrupted: type[Exception] | None = None

    async def ask(self, prompt: Callable[[], str], *, hidden: bool = False, talk: bool = False) -> str:
        if not talk:
            sys.stdout.write(prompt() if self.interactive else prompt().rstrip() + "\n")
            sys.stdout.flush()
        if not (hidden and self.interactive):
            return await self._line()
        with no_echo(self._fd):
            try:
                return await self._line()
            finally:
                self.write([])

    def interrupt(self, why: type[Exception] = Interrupted) -> None:
        self._interrupted = why if self._waiting is not None else None
        self._wake()

    def write(self, spans: Spans) -> None:
        sys.stdout.write("".join(text for _, text in spans) + "\n")
        sys.stdout.flush()

    def width(self) -> int:
        return columns()

    async def _line(self) -> str:
        while not self._lines:
            if self._ended:
                raise EOFError
            await self._readable()
            if self._interrupted is not None:
                why, self._interrupted = self._interrupted, None
                raise why
            self._take(os.read(self._fd, CHUNK))
        return self._lines.pop(0).decode("utf-8", "replace")

    def _take(self, data: bytes) -> None:
        self._ended = not data
        *self._lines, self._rest = (self._rest + data).split(b"\n")
        if self._rest and (self._ended or len(self._rest) > LONGEST):
            self._lines.append(self._rest)
            self._rest = b""

    async def _readable(self) -> None:
        """Wait for input without a thread. Files are always readable, and cannot be waited for (epoll(7))."""
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        try:
            loop.add_reader(self._fd, self._wake)
        except OSError:
            self._waiting = None
            await asyncio.sleep(0)
            return
        try:
            await self._waiting
        finally:
            self._waiting = None
            loop.remove_reader(self._fd)

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


@contextlib.contextmanager
def no_echo(fd: int, *, by_key: bool = False) -> Iterator[None]:
    """Nothing typed is shown by the system. `by_key`: nor held back until Enter, where a Ctrl-D gets lost."""
    import termios  # noqa: PLC0415 - not on every system, and only here

    before = termios.tcgetattr(fd)
    silent = termios.tcgetattr(fd)
    silent[3] &= ~(termios.ECHO | termios.ICANON) if by_key else ~termios.ECHO
    if by_key:
        silent[6][termios.VMIN], silent[6][termios.VTIME] = 1, 0
    termios.tcsetattr(fd, termios.TCSADRAIN, silent)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def columns() -> int:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        return NOT_A_SCREEN
