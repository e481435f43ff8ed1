"""Other processes: held by a pidfd, so that no signal reaches a stranger who got an old number, and how they ended.

Law: this file starts nothing; starting is the guardian's and the nursery's.
"""

import contextlib
import os
import resource
import select
import signal
from dataclasses import dataclass
from typing import Final, NamedTuple

from base.exits import Exit

DESCRIPTORS: Final = 262_144  # four for each room at the nursery, one for each connection elsewhere
AWAITING: Final = frozenset({b"do_epoll_wait", b"ep_poll"})  # the kernel's functions in which select loops sleep


class Death(NamedTuple):
    """How a process ended. `code` is its exit code, None for a signal or when nobody could learn it."""

    code: int | None
    text: str  # "signal 9 (SIGKILL), cpu 0.4 s, peak 12 MB"


UNKNOWN: Final = Death(None, "ended unseen, its parent was gone")


@dataclass(frozen=True)
class Usage:
    """What a process used in its life."""

    cpu: float  # seconds, user and system
    peak: int  # bytes of resident memory

    @classmethod
    def of(cls, usage: resource.struct_rusage) -> "Usage":
        return cls(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def death(status: int, usage: Usage) -> Death:
    """What a wait status (as waitpid gives it) means."""
    code = os.waitstatus_to_exitcode(status)
    tail = f", cpu {usage.cpu:.1f} s, peak {usage.peak / 1e6:.0f} MB"
    if code < 0:
        return Death(None, f"signal {-code} ({_signal_name(-code)}){tail}")
    known = code in Exit.__members__.values()
    return Death(code, f"exit code {code}{f' ({Exit(code).name})' if known else ''}{tail}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


class Process:
    """A process that may be somebody else's child. Raises ProcessLookupError when it does not live."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.fd = os.pidfd_open(pid)  # readable when the process has ended
        self._where = -1  # /proc/PID/wchan, opened at the first look

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            signal.pidfd_send_signal(self.fd, number)

    def ended(self, timeout: float) -> bool:
        """Whether it ended within `timeout` seconds; for commands, a loop watches `fd`."""
        poll = select.poll()  # select() takes no descriptor beyond 1,023
        poll.register(self.fd, select.POLLIN)
        return bool(poll.poll(max(0.0, timeout) * 1_000))

    def awaits_events(self) -> bool:
        """Whether its main thread sleeps in the kernel until a descriptor is ready: then its loop turns, and it need
        not be woken to say so. False also where the kernel does not tell."""
        try:
            if self._where < 0:
                self._where = os.open(f"/proc/{self.pid}/wchan", os.O_RDONLY | os.O_CLOEXEC)
            return os.pread(self._where, 64, 0) in AWAITING
        except OSError:
            return False

    def close(self) -> None:
        os.close(self.fd)
        if self._where >= 0:
            os.close(self._where)


def raise_descriptor_limit() -> int:
    """Allow this process, and those it starts, as many descriptors as the system lets us have; how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
