"""The flight record: stacks of a process that crashes or is asked, the nursery's lines, and its bound."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from roomproc import flightrecord


def process(record: Path, act: Callable[[], object]) -> int:
    """Do it in a process that keeps a record; its wait status."""
    pid = os.fork()
    if pid == 0:
        try:
            flightrecord.start(record)
            act()
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1]


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
def test_a_crash_leaves_its_stack(tmp_path: Path, number: int) -> None:
    record = tmp_path / "crash.log"
    assert os.waitstatus_to_exitcode(process(record, lambda: os.kill(os.getpid(), number))) == -number
    assert "Fatal Python error" in record.read_text()
    assert "in process" in record.read_text()


def test_who_is_asked_writes_its_stacks_and_goes_on(tmp_path: Path) -> None:
    record = tmp_path / "crash.log"
    assert process(record, lambda: os.kill(os.getpid(), flightrecord.ASK)) == 0
    assert "in process" in record.read_text()


def test_lines_of_the_nursery(tmp_path: Path) -> None:
    record = tmp_path / "crash.log"
    flightrecord.note(record, 1_800_000_000_000, "signal 9 (SIGKILL)")
    flightrecord.note(record, 1_800_000_001_000, "signal 11 (SIGSEGV)")
    assert [line[20:] for line in record.read_text().splitlines()] == ["signal 9 (SIGKILL)", "signal 11 (SIGSEGV)"]
    assert record.stat().st_mode & 0o777 == 0o600
    flightrecord.note(tmp_path / "missing" / "crash.log", 0, "costs nothing")


def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    record = tmp_path / "crash.log"
    record.write_bytes(b"old\n" * flightrecord.MOST + b"new\n")
    process(record, lambda: None)
    assert record.stat().st_size == flightrecord.MOST // 2
    assert record.read_bytes().endswith(b"new\n")
