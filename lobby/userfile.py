"""The user db's file: read, watched, and exchanged for a new one while operators may be writing it.

Law: nothing that anybody wrote into it is destroyed. What an exchange brings out is compared; the file it was in is
watched for a while for an editor that still writes there; and what a crash left half done is found at the next start.
"""

import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from lobby import beside

WATCHED: Final = 16  # displaced files that are still watched: under many registrations, those of the last moment
SETTLING: Final = (0.01, 0.03, 0.1)  # seconds to wait for a writer that seems to be in the middle of its work

log = logging.getLogger(__name__)


class UserFile:
    def __init__(self, path: Path, looks_whole: Callable[[bytes | None], bool], *, backup: bool = True) -> None:
        """`looks_whole`: whether a content may be taken at once, or may be half of what somebody is writing."""
        self._named = path
        self._looks_whole = looks_whole
        self._backup = backup
        self._came_out = b""  # what was in the file that `put` left beside
        self._late: list[tuple[bytes, bytes]] = []
        self._signature: tuple[int, int, int] | None = None
        self._displaced: deque[Displaced] = deque()

    @property
    def path(self) -> Path:
        """The file itself: where an operator keeps it elsewhere behind a symbolic link, the link stays one."""
        return Path(os.path.realpath(self._named))

    def beside(self, ending: str) -> Path:
        """A file of ours in the same directory, hidden."""
        path = self.path
        return path.with_name(f".{path.name}.{ending}")

    def read(self) -> bytes | None:
        """The content, None when there is no file. Raises OSError.

        Many editors empty the file and write it anew. What does not look whole is read again after a moment, until
        nothing more comes.
        """
        return self._settled(self._read)

    def _settled(self, read: Callable[[], bytes | None]) -> bytes | None:
        content = read()
        for seconds in SETTLING:
            if self._looks_whole(content):
                break
            time.sleep(seconds)
            again = read()
            if again == content:
                break
            content = again
        return content

    def _read(self) -> bytes | None:
        try:
            with open(self.path, "rb") as file:
                self._signature = _signature(os.fstat(file.fileno()))
                return file.read()
        except FileNotFoundError:
            self._signature = None
            return None

    def changed(self) -> bool:
        """Whether it is not what was read or put last. Raises OSError, also when it is missing."""
        return _signature(os.stat(self.path)) != self._signature

    def doubt(self) -> None:
        """Make the next `changed` say yes."""
        self._signature = None

    # -- writing

    def put(self, content: bytes, expected: bytes | None) -> bytes | None:
        """Put `content` in place, on the disk when this returns. Returns what came out, None when there was nothing.

        When that is not `expected`, it stays on the disk until `settle`, or until `put_back` restores it.
        """
        new, path = self.beside("new"), self.path
        beside.write(new, content, _stat(path))
        signature = _signature(os.stat(new))
        try:
            existed = beside.exchange(new, path)
        except FileExistsError:  # it came between our look and our link: now there is something to exchange
            existed = beside.exchange(new, path)
        try:
            came_out = new.read_bytes() if existed else None
            if came_out is not None and came_out != expected:
                came_out = self._settled(new.read_bytes)
            beside.sync_directory(path.parent)
        except OSError:
            if existed:
                beside.exchange(new, path)
            raise
        self._signature = signature
        if came_out is not None and came_out != expected:
            self.settle()
            new.rename(self.beside("out"))
            self._came_out = came_out
        elif came_out is not None:
            self._watch(new, came_out)
        return came_out

    def settle(self) -> None:
        """What came out unexpectedly has been dealt with."""
        out = self.beside("out")
        if out.exists():
            self._watch(out, self._came_out)

    def put_back(self) -> None:
        """Writing failed half-way: what came out unexpectedly is put in its place again."""
        out = self.beside("out")
        if out.exists():
            beside.exchange(out, self.path)
            out.unlink(missing_ok=True)

    def keep(self, content: bytes) -> str:
        """Write `content` to a new .bak beside, where that is wanted; a phrase for the operator that names it."""
        if not self._backup:
            return "not kept"
        try:
            return f"kept in {beside.keep(self._named, content).name}"
        except OSError as why:
            log.warning("cannot write %s.bak: %s", self._named, why)
            return "which could not be kept"

    def leftovers(self) -> list[Path]:
        """Files that a crash left in the middle of a write."""
        return [path for path in map(self.beside, ("new", "new.was", "out")) if path.exists()]

    # -- what others write into a file that is no longer in place

    def written_late(self) -> list[tuple[bytes, bytes]]:
        """What somebody has written into displaced files, which they had opened before: contents before and after."""
        late, self._late = self._late, []
        return late + [found for displaced in self._displaced if (found := displaced.written()) is not None]

    def close(self) -> None:
        while self._displaced:
            self._displaced.pop().close()

    def _watch(self, path: Path, content: bytes) -> None:
        with contextlib.suppress(OSError):  # out of descriptors, say: then it is not watched
            self._displaced.append(Displaced(path, content))
        path.unlink(missing_ok=True)
        if len(self._displaced) > WATCHED:
            oldest = self._displaced.popleft()
            if (found := oldest.written(last=True)) is not None:
                self._late.append(found)
            oldest.close()


class Displaced:
    """A file that is no longer in place, but may be open in an editor."""

    def __init__(self, path: Path, content: bytes) -> None:
        """Hold the file at `path`, in which `content` was found."""
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._content = content
        self._known: tuple[int, int, int] | None = None  # of a look at which there was nothing new
        self._seen: tuple[int, int, int] | None = None

    def written(self, last: bool = False) -> tuple[bytes, bytes] | None:
        """The content before, and what has been written since, once that is the same at two looks: nothing half.

        The `last` look takes what there is.
        """
        now = _signature(os.fstat(self._fd))
        if now == self._known:
            return None
        if now != self._seen and not last:
            self._seen = now
            return None
        self._known = now
        before, self._content = self._content, os.pread(self._fd, now[1] + 1, 0)
        return None if self._content in (b"", before) else (before, self._content)

    def close(self) -> None:
        os.close(self._fd)


def _signature(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _stat(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None
