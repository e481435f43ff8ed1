"""One writer of the user db after the other, as far as they are ours: the server, and the operators' commands.

Law: whoever reads the user db to write it anew does both within `turn`, so that neither is made of a copy from before
the other. An operator's own editor takes no turn: what it writes at the same moment is merged (`userdb.merge`), and so
is what is written by somebody who got no turn in time. flock belongs to the open file: a killed writer holds nothing.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from base.locks import Lock, Locked

LOOK_SECONDS: Final = 0.002  # between looks whether the other has finished; a write takes some milliseconds


@contextlib.contextmanager
def turn(path: Path, patience: float, stopped: int = 0) -> Iterator[None]:
    """Hold the lock at `path`, waited for by up to `patience` seconds, but not while process `stopped` has it.

    Raises Locked, OSError."""
    looks = round(patience / LOOK_SECONDS)
    while True:
        try:
            lock = Lock(path)
            break
        except Locked as why:
            if not looks or (stopped and why.pid == stopped):
                raise
            looks -= 1
            time.sleep(LOOK_SECONDS)
    try:
        yield
    finally:
        lock.release()
