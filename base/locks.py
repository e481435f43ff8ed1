"""One process for one thing: flock on a file that holds its owner's pid.

flock belongs to the open file, so it ends with the process however that ends, and no stale lock can be left. The
file's time of change is when its owner last gave a sign of life, for whoever starts to look after it meanwhile.
"""

import contextlib
import fcntl
import os
from pathlib import Path


class Locked(Exception):  # noqa: N818 - a state, not a fault
    """Somebody else holds the lock; `pid` is theirs, 0 when unknown."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"held by process {pid}")
        self.pid = pid


class Lock:
    """Holds the lock at `path` until the process ends. Raises Locked, OSError."""

    def __init__(self, path: Path, *, inheritable: bool = False) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not _take(self.fd):
                raise Locked(_read_pid(path))
            pid = b"%d\n" % os.getpid()
            os.pwrite(self.fd, pid, 0)  # over the last one's, which also a full disk takes
            os.ftruncate(self.fd, len(pid))
        except (Locked, OSError):  # a file new on a full disk, say: held by nobody, rather than until this process ends
            os.close(self.fd)
            raise
        os.set_inheritable(self.fd, inheritable)

    def release(self) -> None:
        os.close(self.fd)


def holder(path: Path) -> int | None:
    """The pid that holds the lock at `path`, 0 when it cannot be read, None when nobody does."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # which a read-only disk allows
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_pid(path)
    finally:
        os.close(fd)
    return None


def give_sign(path: Path) -> None:
    """The owner lives. A disk that refuses costs the sign."""
    with contextlib.suppress(OSError):
        os.utime(path)


def silence(path: Path, wall: int) -> float:
    """Seconds since the owner's last sign of life, at `wall` (epoch ms); 0 when the clock went back since.

    Raises OSError."""
    return max(0.0, wall / 1_000 - path.stat().st_mtime)


def held(path: Path) -> bool:
    """Whether a process lives that holds the lock at `path`, as far as can be seen."""
    try:
        return holder(path) is not None
    except OSError:
        return False


def _take(fd: int) -> bool:
    """Whether the lock is ours now. `holder` shares it for an instant, and who only looks must not keep us out."""
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False  # an owner, not a look


def _read_pid(path: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int(path.read_text())
    return 0
