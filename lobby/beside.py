"""Files that are written beside, fsynced and put in place: whoever reads finds the old content or the new, whole.

Law: what was in place before is never destroyed unseen. `exchange` hands it back, to be compared with what was read.
"""

import contextlib
import ctypes
import errno
import os
from pathlib import Path
from typing import Final

_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2  # linux/fs.h
_LACKING: Final = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP})  # an old kernel, or a file system without
_libc = ctypes.CDLL(None, use_errno=True)


def write(path: Path, data: bytes, like: os.stat_result | None = None, *, sync: bool = True) -> None:
    """Make the file `path` with `data`, on the disk when this returns unless `sync` is off; mode 0600, or mode and
    owner as in `like`."""
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write(data)
        if like is not None:
            if (like.st_uid, like.st_gid) != (os.getuid(), os.getgid()):
                with contextlib.suppress(PermissionError):
                    os.fchown(fd, like.st_uid, like.st_gid)
            os.fchmod(fd, like.st_mode & 0o777)
        if sync:
            os.fsync(fd)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)


def replace(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Put `data` at `path`, mode 0600, whatever was there. Without `sync` a power cut may leave that, nothing, or an
    empty file: for what is made again from something else before anybody needs it."""
    new = path.with_name(f".{path.name}.new")
    write(new, data, sync=sync)
    new.rename(path)
    if sync:
        sync_directory(path.parent)


def exchange(new: Path, path: Path) -> bool:
    """Put the file `new` at `path`. True: what was at `path` is at `new` now. False: nothing was, and nothing is.

    Raises FileExistsError when somebody put a file at `path` at the same moment as we did: look, and try again.
    """
    if _libc_exchange(new, path):
        return True
    before = new.with_name(new.name + ".was")
    before.unlink(missing_ok=True)
    try:
        os.link(path, before)
    except FileNotFoundError:
        os.link(new, path)  # unlike rename, refuses to destroy what has come there meanwhile
        new.unlink()
        return False
    except PermissionError:  # link(2): a file system without hard links; for a moment there is no file
        os.rename(path, before)
    os.rename(new, path)
    os.rename(before, new)
    return True


def _libc_exchange(new: Path, path: Path) -> bool:
    """Whether the kernel exchanged them; False when it cannot, or when there is nothing at `path`."""
    try:
        renameat2 = _libc.renameat2
    except AttributeError:  # a C library before 2018
        return False
    if renameat2(_AT_FDCWD, os.fsencode(new), _AT_FDCWD, os.fsencode(path), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _LACKING or number == errno.ENOENT:
        return False
    raise OSError(number, os.strerror(number), str(path))


def keep(path: Path, data: bytes) -> Path:
    """Write `data` to `path`.bak, or .bak.1, .bak.2 and so on where that exists; the name it got."""
    number = 0
    while True:
        kept = path.with_name(f"{path.name}.bak.{number}" if number else f"{path.name}.bak")
        try:
            fd = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            number += 1
            continue
        with open(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(fd)
        return kept


def sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
