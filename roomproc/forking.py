"""The fork that makes a room, and the first things the new process does.

Law: the child keeps its listener and its link and no other descriptor, and never returns into the nursery's code: it
ends with `os._exit`. The parent's objects stay referenced below it on the stack, so that none of them is finalised
in the child and closes a descriptor number that has become the room's.
"""

import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

from setproctitle import setproctitle

from base import logs
from base.exits import Exit

Run = Callable[[socket.socket, socket.socket], int]


def fork_room(name: str, listener: socket.socket, run: Run) -> tuple[int, socket.socket]:
    """Fork a process that runs `run(listener, link)` and exits with its result.

    Returns its pid and our end of the link. Raises OSError when the system has no room for it.
    """
    near, far = socket.socketpair()
    try:
        pid = os.fork()
    except OSError:
        near.close()
        far.close()
        raise
    if pid == 0:
        _be(name, listener, far, run)
    far.close()
    return pid, near


def _be(name: str, listener: socket.socket, link: socket.socket, run: Run) -> NoReturn:
    code: int = Exit.BUG
    try:
        os.setsid()
        gc.freeze()  # what the nursery made is not this process's garbage, and looking at it would copy its pages
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        logs.let_go()  # the nursery's, while its descriptor is still its own
        _close_all_but(listener.fileno(), link.fileno())
        setproctitle(f"parlour: room {name}")
        code = run(listener, link)
    except MemoryError:  # nothing can be written about it: the code says it
        code = Exit.MEMORY
    except BaseException:  # whatever it is, it must not reach the nursery's frames
        if logging.getLogger().handlers:
            logging.getLogger("room").exception("a bug ended this room")
        else:
            traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            logging.shutdown()
            sys.stderr.flush()
        os._exit(code)


def _close_all_but(*keep: int) -> None:
    """Close every descriptor but standard input, output, error and `keep`."""
    start = 3
    for fd in sorted(keep):
        os.closerange(start, fd)
        start = fd + 1
    os.closerange(start, max(map(int, os.listdir("/proc/self/fd"))) + 1)
