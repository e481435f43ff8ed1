"""Processes that wait to be a room: forked ahead, so that who makes a room or wakes one waits for no fork.

Law: every room begins as one of these, told by `take` which it is. In quiet moments one waits, and rehearses when it
waits for longer; of many rooms wanted at once the rest are forked one right after the other. None is forked because one
died, only because a room came up.
"""

import contextlib
import os
import signal
import socket
from collections.abc import Callable
from typing import Final

from roomproc.forking import Run, assign, fork
from wire.clock import Now
from wire.control import RoomSettings

# Seconds after a room came up until the next process is made. It costs 5 ms of a core, which whoever enters the room
# that came up would wait for; and in a storm of starts, each of which puts it off again, everybody.
QUIET_SECONDS: Final = 0.005


class Spares:
    """`watch` is given each new child, and says whether we shall hear of its end."""

    def __init__(self, run: Run, rehearse: Callable[[], None], watch: Callable[[int], bool], now: Now) -> None:
        self._run = run
        self._rehearse = rehearse
        self._watch = watch
        self._waiting: dict[int, socket.socket] = {}
        self._due: float | None = now.mono

    def __len__(self) -> int:
        return len(self._waiting)

    def make(self, count: int, *, at_leisure: bool = False) -> None:
        """See that `count` wait. What the nursery writes between two forks is copied at each, so nothing is done
        between them. Raises OSError when the system has no room for more."""
        while len(self._waiting) < count:
            pid, link = fork(self._run, self._rehearse if at_leisure else None)
            if not self._watch(pid):  # no descriptor left
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                link.close()
                raise OSError("it cannot be watched: out of descriptors")
            self._waiting[pid] = link

    def take(self, settings: RoomSettings, listener: socket.socket) -> tuple[int, socket.socket]:
        """The process that is this room from now on, and our end of its link. Raises OSError."""
        self.make(1)
        pid, link = self._waiting.popitem()
        try:
            assign(link, settings, listener)
        except OSError:  # it died meanwhile, and its end will be heard of
            link.close()
            raise
        return pid, link

    def ended(self, pid: int) -> None:
        """A child died. If it was one of these, the next is made when a room needs it."""
        if pid in self._waiting:
            self._waiting.pop(pid).close()

    # -- time

    def came_up(self, now: Now) -> None:
        """A room runs: its process was one of these, or it might have been."""
        self._due = now.mono + QUIET_SECONDS

    def next_deadline(self) -> float | None:
        return self._due

    def tick(self, now: Now) -> None:  # noqa: ARG002
        self._due = None
        with contextlib.suppress(OSError):
            self.make(1, at_leisure=True)
