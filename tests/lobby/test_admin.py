"""What processes cost, against /proc, and the table that a person reads."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from lobby import admin
from lobby.admin import NOTHING, Figures, Observer, row, table
from lobby.registry import Registry
from tests.lobby.test_registry import at, registers, settings, told
from wire.control import Traffic
from wire.messages import AdminRoomRow


def test_memory_is_what_proc_says() -> None:
    code = "print('ready', flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        child.stdout.readline()
        figures = Observer().look([child.pid])[child.pid]
        status = Path(f"/proc/{child.pid}/status").read_text(encoding="ascii")
        rss = int(status.partition("VmRSS:")[2].split()[0]) * 1024
        assert figures.rss == pytest.approx(rss, rel=0.1)
        assert 0 < figures.uss <= figures.rss * 1.2
        assert 0 <= figures.uptime < 60
    finally:
        child.communicate(b"\n")


def test_cpu_is_since_the_last_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "FRESH", 0.0)
    observer, me = Observer(), os.getpid()
    observer.look([me])
    begin, spun = time.monotonic(), time.process_time()
    while time.process_time() < spun + 0.2:  # however long that takes on a busy machine
        pass
    assert observer.look([me])[me].cpu > 50 * 0.2 / (time.monotonic() - begin)


def test_a_process_is_looked_at_once_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    real = psutil.Process

    def counted(pid: int) -> psutil.Process:
        looked.append(pid)
        return real(pid)

    monkeypatch.setattr(admin.psutil, "Process", counted)
    monkeypatch.setattr(admin, "FRESH", 60.0)  # a busy machine may take a second
    observer, me = Observer(), os.getpid()
    assert observer.look([me]) == observer.look([me])
    assert looked == [me]


def test_who_is_gone_costs_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert Observer().look([child.pid]) == {}


def test_rows_of_running_sleeping_and_failed_rooms() -> None:
    registry = Registry()
    registry.register("link", registers("r1", "ann", "ben", lines=10), settings(), at(0))
    registry.traffic("link", Traffic(lines=30, topic=""), at(5))
    registry.status(told("r1", "running", restarts=2, reason="signal 9"), None, at(5))
    registry.status(told("r2", "failed", pid=0, reason="signal 11"), settings("r2"), at(5))
    figures = {101: Figures(12.5, 20_000_000, 5_000_000, 61)}
    running = row(settings("r1"), registry.get("r1"), figures, at(5))
    assert (running.state, running.pid, running.port, running.members, running.lines) == ("running", 101, 5_000, 2, 30)
    assert (running.lines_per_second, running.cpu, running.rss, running.uss) == (4.0, 12.5, 20_000_000, 5_000_000)
    assert (running.uptime, running.restarts, running.owner, running.access) == (61, 2, "ann", "public")
    assert running.reason == ""
    failed = row(settings("r2"), registry.get("r2"), figures, at(5))
    assert (failed.state, failed.pid, failed.reason) == ("failed", 0, "signal 11")
    sleeping = row(settings("r3"), None, figures, at(5))
    assert (sleeping.state, sleeping.pid, sleeping.port, sleeping.rss) == ("sleeping", 0, 0, NOTHING.rss)


def test_the_table() -> None:
    running = AdminRoomRow(
        name="games", state="running", pid=4711, port=22231, members=3, lines=1234, lines_per_second=0.5, cpu=1.25,
        rss=20_100_000, uss=1_500_000, uptime=3_725, restarts=1, owner="foo_user", access="public", reason="",
    )  # fmt: skip
    failed = AdminRoomRow(
        name="hall", state="failed", pid=0, port=0, members=0, lines=0, lines_per_second=0.0, cpu=0.0,
        rss=0, uss=0, uptime=0, restarts=5, owner="", access="private", reason="signal 9 (SIGKILL)",
    )  # fmt: skip
    text = table([running, failed])
    heads, _, first, second = text.splitlines()
    assert heads.split() == [*admin.HEADS[:-1], "last", "end"]
    assert first.split() == [
        *("games", "running", "4711", "22231", "3", "1234", "0.5", "1.2", "20.1", "MB", "1.5", "MB", "1h02m", "1"),
        *("foo_user", "public"),
    ]
    assert second.split() == [
        *("hall", "failed", "-", "-", "0", "0", "0.0", "-", "-", "-", "-", "5", "-", "private"),
        *("signal", "9", "(SIGKILL)"),
    ]
    assert "last end" not in table([running])
    assert table([]) == "There are no rooms."
    narrow = table([running, failed], 80).splitlines()
    assert max(map(len, narrow)) <= 80
    assert narrow[0].split() == ["room", "state", "members", "lines/s", "cpu%", "private", "uptime", "restarts"]
    assert narrow[-1] == "hall: signal 9 (SIGKILL)"
    assert table([running], 200) == table([running])
    assert [line.split()[0] for line in table([running, failed], 10).splitlines()[2:4]] == ["games", "hall"]


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0s"), (59, "59s"), (187, "3m07s"), (7_500, "2h05m"), (356_400, "4d03h")]
)
def test_spans(seconds: int, said: str) -> None:
    assert admin._span(seconds) == said
