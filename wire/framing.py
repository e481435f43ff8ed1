"""Bytes to lines. Pure; the same for every socket of the system.

Law: however a stream is split, exactly the lines that were sent come out. Blank lines are nothing.
"""

from typing import Final

LINE_MAX: Final = 65_536  # bytes, with the newline; docs/protocol.md


class LineTooLong(Exception):  # noqa: N818
    """A line passed LINE_MAX: nothing after it can be trusted to be a line, so the connection ends."""


class LineSplitter:
    """Collects the bytes of one connection; holds less than LINE_MAX between calls."""

    __slots__ = ("_limit", "_rest")

    def __init__(self, limit: int = LINE_MAX) -> None:
        self._rest = b""
        self._limit = limit

    def feed(self, data: bytes) -> list[bytes]:
        """Take `data` in; return the lines it completes, without newline, blank ones left out.

        Raises LineTooLong; lines completed before the one that is too long are lost with it.
        """
        if self._rest:
            data = self._rest + data
        lines = data.split(b"\n")
        self._rest = lines.pop()
        if len(data) >= self._limit and (
            len(self._rest) >= self._limit or any(len(line) >= self._limit for line in lines)
        ):
            self._rest = b""
            raise LineTooLong
        if b"" in lines or b"\r" in lines:  # seldom, and cheaper asked once than of each line
            return [line for line in lines if line and line != b"\r"]
        return lines
