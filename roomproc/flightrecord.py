"""The flight record of a room, `crash.log`: how each of its processes ended, and the stacks of those that could write
them.

Law: it is opened at the start and written without memory or locks (faulthandler), so that a process that is beyond
help still writes it. SIGUSR1 asks a room that is stuck for its stacks; it does not end it. SIGKILL leaves nothing
here but the line of the nursery, and the room's log.
"""

import contextlib
import faulthandler
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ASK: Final = signal.SIGUSR1
MOST: Final = 262_144  # bytes, after which the older half goes


def start(path: Path) -> None:
    """From now on this process writes its stacks there when it crashes, and when it is asked. It costs a descriptor."""
    with contextlib.suppress(OSError):
        _bound(path)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)  # for the process's life
        faulthandler.enable(fd)
        faulthandler.register(ASK, fd, all_threads=True, chain=False)


def note(path: Path, wall: int, text: str) -> None:
    """One line of the nursery's, at `wall` (epoch ms). A disk that refuses costs the line."""
    moment = datetime.fromtimestamp(wall / 1_000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    with contextlib.suppress(OSError):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, f"{moment} {text}\n".encode())
        finally:
            os.close(fd)


def _bound(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if os.stat(path).st_size <= MOST:
            return
        path.write_bytes(path.read_bytes()[-MOST // 2 :])
