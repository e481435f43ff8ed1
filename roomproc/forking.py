"""The fork that makes a room's process, what that does whichever room it will be, and how it is told.

Law: the child keeps its link and no other descriptor, and never returns into the nursery's code: it ends with
`os._exit`. The parent's objects stay referenced below it on the stack, so that none of them is finalised in the child
and closes a descriptor number that has become the room's. It ends by itself when its nursery goes before it is told.
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
from typing import Final, NoReturn

import msgspec
from setproctitle import setproctitle

from base import logs
from base.exits import Exit
from wire.control import RoomSettings

Run = Callable[[socket.socket, socket.socket, RoomSettings], int]  # listener, link, and which room: its exit code
SETTINGS_MOST: Final = 65_536  # bytes
LEISURE: Final = 0.05  # seconds after which who was told nothing rehearses: not where rooms are made one after another


def fork(run: Run, rehearse: Callable[[], None] | None) -> tuple[int, socket.socket]:
    """Fork a process that will run `run` for the room it is told, and exit with its result. It may `rehearse` before.

    Returns its pid and our end of its link. Raises OSError when the system has no room for it.
    """
    near, far = socket.socketpair()
    try:
        pid = os.fork()
    except OSError:
        near.close()
        far.close()
        raise
    if pid == 0:
        _be(far, run, rehearse)
    far.close()
    return pid, near


def assign(link: socket.socket, settings: RoomSettings, listener: socket.socket) -> None:
    """Tell the process at the other end which room it is. Raises OSError when it lives no longer."""
    socket.send_fds(link, [msgspec.json.encode(settings)], [listener.fileno()])


def _told_within(link: socket.socket, seconds: float) -> bool:
    """Whether something was said on the link in time, or its other end is gone."""
    link.settimeout(seconds)
    try:
        link.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return False
    finally:
        link.settimeout(None)
    return True


def _await_room(link: socket.socket) -> tuple[RoomSettings, socket.socket] | None:
    """What was assigned; None when the nursery went. What is said on the link after it stays there, since a message
    with descriptors ends a read: unix(7), SCM_RIGHTS."""
    data, fds, _, _ = socket.recv_fds(link, SETTINGS_MOST, 1)
    if not data:
        return None
    (fd,) = fds
    os.set_inheritable(fd, False)
    return msgspec.json.decode(data, type=RoomSettings), socket.socket(fileno=fd)


def _be(link: socket.socket, run: Run, rehearse: Callable[[], None] | None) -> NoReturn:
    code: int = Exit.BUG
    try:
        os.setsid()
        gc.freeze()  # what the nursery made is not this process's garbage, and looking at it would copy its pages
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        logs.let_go()  # the nursery's, while its descriptor is still its own
        _close_all_but(link.fileno())
        setproctitle("parlour: spare room")
        if rehearse and not _told_within(link, LEISURE):
            rehearse()
        assigned = _await_room(link)
        if assigned is None:
            code = Exit.OK
        else:
            settings, listener = assigned
            setproctitle(f"parlour: room {settings.name}")
            code = run(listener, link, settings)
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


def _close_all_but(keep: int) -> None:
    """Close every descriptor but standard input, output, error and `keep`."""
    os.closerange(3, keep)
    os.closerange(keep + 1, max(map(int, os.listdir("/proc/self/fd"))) + 1)
