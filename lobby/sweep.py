"""What is left of a system, by the locks it holds, and its end: for `stop` when the guardian is gone, and after it.

Law: SIGINT first ("all ends"; SIGTERM would mean that just the one is replaced), so that everything commits and says
goodbye; SIGKILL at a deadline; nothing lives when it returns.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from base.locks import holder
from base.paths import Paths
from base.processes import Process

LAST_SECONDS: Final = 0.4  # for a killed process to be gone; the kernel takes milliseconds


def left(paths: Paths) -> list[Process]:
    """The processes that hold a lock of lobby, nursery or a room, and the children of this one."""
    _reap()
    processes = []
    for pid in {*_holders(paths), *_children()}:
        with contextlib.suppress(ProcessLookupError):
            processes.append(Process(pid))
    return processes


def end(paths: Paths, deadline: float) -> int:
    """End all that is left: asked until `deadline` (monotonic seconds), then killed. Returns how many there were.

    Looks again after each turn: a nursery that ends may leave rooms which it had just forked.
    """
    count = 0
    while processes := left(paths):
        count += len(processes)
        for process in processes:
            process.signal(signal.SIGINT)
        _wait(processes, deadline)
        for process in processes:
            process.signal(signal.SIGKILL)
        gone = _wait(processes, time.monotonic() + LAST_SECONDS)
        for process in processes:
            process.close()
        if not gone:
            break
    return count


def _wait(processes: list[Process], deadline: float) -> bool:
    return all(process.ended(deadline - time.monotonic()) for process in processes)


def _holders(paths: Paths) -> Iterator[int]:
    locks = [paths.lock("lobby"), paths.lock("nursery"), *paths.room_locks()]
    return (pid for pid in map(holder, locks) if pid)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _children() -> Iterator[int]:
    """Rooms whose nursery died became the guardian's children (it is the subreaper)."""
    with contextlib.suppress(OSError):
        yield from map(int, Path("/proc/thread-self/children").read_text().split())
