"""Other processes: whether one sleeps until something happens, as the kernel tells."""

import os
import select
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from base.processes import Process


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        os.sched_yield()
    return condition()


@pytest.fixture
def waiting() -> Iterator[int]:
    """A process in a select loop that nothing ever happens to."""
    pid = os.fork()
    if pid == 0:
        select.epoll().poll()
        os._exit(0)
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_process_in_its_select_loop_awaits_events_and_a_held_one_does_not(waiting: int) -> None:
    process = Process(waiting)
    assert until(process.awaits_events)
    process.signal(signal.SIGSTOP)
    assert until(lambda: not process.awaits_events())
    process.signal(signal.SIGCONT)
    assert until(process.awaits_events)
    process.close()


def test_a_process_that_runs_or_has_ended_awaits_nothing(waiting: int) -> None:
    ourselves = Process(os.getpid())
    assert not ourselves.awaits_events()
    ourselves.close()
    process = Process(waiting)
    assert until(process.awaits_events)
    process.signal(signal.SIGKILL)
    assert until(lambda: not process.awaits_events())
    process.close()
