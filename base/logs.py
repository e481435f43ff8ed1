"""Logging of the server processes: a bounded file for each, one line an event."""

import contextlib
import logging
import logging.handlers
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_BYTES: Final = 4_000_000  # and one older file beside it


def start(path: Path, level: str, *, console: bool = False) -> None:
    """Log to `path`, and to standard error when `console`. A log that cannot be written never stops a process."""
    logging.raiseExceptions = False
    root = logging.getLogger()
    root.setLevel(level.upper())
    files = _files()
    if files and not console:  # a forked room goes on with what is there: its own handlers took it 0.4 MB
        let_go()
        files[0].baseFilename = str(path.absolute())
        return
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(path, maxBytes=_BYTES, backupCount=1, delay=True, encoding="utf-8")
    ]
    if console:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(logging.Formatter(_FORMAT))
    for old in tuple(root.handlers):
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        root.addHandler(handler)


@contextlib.contextmanager
def elsewhere(path: Path) -> Iterator[None]:
    """Log to `path` meanwhile."""
    before = [one.baseFilename for one in _files()]
    let_go()
    for one in _files():
        one.baseFilename = str(path.absolute())
    try:
        yield
    finally:
        let_go()
        for one, name in zip(_files(), before, strict=True):
            one.baseFilename = name


def let_go() -> None:
    """Close the files; the next line opens them again."""
    for handler in _files():
        stream, handler.stream = handler.stream, None  # as FileHandler.close does
        with contextlib.suppress(OSError):  # what could not be written to a full disk is flushed here, in vain
            if stream is not None:
                stream.close()


def _files() -> list[logging.handlers.RotatingFileHandler]:
    return [one for one in logging.getLogger().handlers if isinstance(one, logging.handlers.RotatingFileHandler)]
