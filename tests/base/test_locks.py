"""One process for one thing, and no stale lock whatever way a process ends."""

import errno
import os
import signal
import subprocess
import sys
import threading
import unittest.mock
from collections.abc import Iterator
from pathlib import Path

import pytest

from base.locks import Lock, Locked, give_sign, holder, silence

HOLD = """
import sys
from pathlib import Path
from base.locks import Lock
lock = Lock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path: Path, repository: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock at `tmp_path`/lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "lock")],
        cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_loser_learns_who_has_it(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(Locked) as caught:
        Lock(tmp_path / "lock")
    assert caught.value.pid == other.pid
    assert holder(tmp_path / "lock") == other.pid
    assert set(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_its_process(tmp_path: Path, other: subprocess.Popen[str], how: signal.Signals) -> None:
    other.send_signal(how)
    other.wait(60)
    assert holder(tmp_path / "lock") is None
    lock = Lock(tmp_path / "lock")
    assert holder(tmp_path / "lock") == os.getpid()
    lock.release()
    assert holder(tmp_path / "lock") is None


def test_a_lock_that_cannot_be_had_costs_no_descriptor(tmp_path: Path) -> None:
    """Of a file system without locks, say: whoever tries again and again would run out of them."""
    before = set(os.listdir("/proc/self/fd"))
    refusing = unittest.mock.patch("fcntl.flock", side_effect=OSError(errno.ENOLCK, "No locks available"))
    with refusing, pytest.raises(OSError, match="No locks"):
        Lock(tmp_path / "lock")
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_lock_that_never_was_has_no_holder(tmp_path: Path) -> None:
    assert holder(tmp_path / "lock") is None
    assert not (tmp_path / "lock").exists(), "looking makes nothing"


def test_an_unreadable_pid_is_zero(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    os.ftruncate(lock.fd, 0)
    assert holder(tmp_path / "lock") == 0
    lock.release()


def test_a_shorter_pid_replaces_a_longer_one(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("99999999999\n")
    lock = Lock(tmp_path / "lock")
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    lock.release()


def test_only_an_inheritable_lock_crosses_an_exec(tmp_path: Path) -> None:
    for wanted in (False, True):
        lock = Lock(tmp_path / "lock", inheritable=wanted)
        assert os.get_inheritable(lock.fd) is wanted
        lock.release()


def test_whoever_only_looks_keeps_nobody_out(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    looking = threading.Event()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            holder(path)
            looking.set()

    onlookers = [threading.Thread(target=look) for _ in range(3)]
    for onlooker in onlookers:
        onlooker.start()
    looking.wait(60)
    try:
        for _ in range(2_000):
            Lock(path).release()
    finally:
        done.set()
        for onlooker in onlookers:
            onlooker.join()


def test_a_disk_that_takes_no_byte_more_takes_the_pid(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("99999999999\n")
    real = os.pwrite

    def full(fd: int, data: bytes, at: int) -> int:
        if at + len(data) > os.fstat(fd).st_size:
            raise OSError(errno.ENOSPC, "no space left on device")
        return real(fd, data, at)

    with unittest.mock.patch("os.pwrite", full):
        lock = Lock(tmp_path / "lock")
        with pytest.raises(OSError, match="no space"):
            Lock(tmp_path / "new")
    assert holder(tmp_path / "lock") == os.getpid()
    assert holder(tmp_path / "new") is None, "it is not held by a process that was told it has failed"
    lock.release()


def test_who_only_looks_needs_no_disk_that_can_be_written(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    real = os.open

    def read_only(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & (os.O_RDWR | os.O_WRONLY | os.O_CREAT):
            raise OSError(errno.EROFS, "read-only file system")
        return real(path, flags, mode)

    with unittest.mock.patch("os.open", read_only):
        assert holder(tmp_path / "lock") == os.getpid()
    lock.release()


def test_a_sign_of_life_ends_the_silence(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    Lock(path).release()
    os.utime(path, (100.0, 100.0))
    assert silence(path, 107_500) == 7.5
    assert silence(path, 99_000) == 0.0, "a clock that went back says nothing"
    give_sign(path)
    assert path.stat().st_mtime > 1_000.0
    give_sign(tmp_path / "nothing there")
