"""Time does what it should not: the clock goes back under a running system, and the whole machine is suspended.

The clock is read in one place, so a checkout in which that place adds what a file says is a machine whose clock is set.
"""

import os
import select
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scenes.code import Code
from tests.scenes.conftest import two_in
from tests.scenes.stage import QUICK, UNLIMITED, Stage
from tests.scenes.test_runaways import back

CLOCK = """

_as_it_is = read_clock


def read_clock() -> Now:
    now = _as_it_is()
    with open({file!r}) as file:
        return Now(now.mono, now.wall + int(file.read()))
"""
HOUR = 3_600_000  # ms


class Clock:
    """How far the system's clock is from the true one."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.set(0)

    def set(self, ms: int) -> None:
        beside = self.file.with_suffix(".new")
        beside.write_text(str(ms))
        beside.replace(self.file)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@pytest.fixture
def stage(tmp_path: Path, clock: Clock) -> Iterator[Stage]:
    code = Code(tmp_path / "code")
    code.change({"wire/loop.py": CLOCK.format(file=str(clock.file))})
    stage = Stage(tmp_path / "data", *QUICK, *UNLIMITED, code=code.place)
    yield stage
    stage.stop()


def test_the_clock_goes_back_an_hour_and_forward_again(stage: Stage, clock: Clock) -> None:
    room = stage.new("games")
    ann, ben = two_in(stage, room)
    account = stage.login("test_user")
    account.ask("mail_send", to=["test_user"], subject="one", body="b")
    ann.say("before", id="before")
    moments = [ben.hears("before")["at"]]
    for turn, ms in enumerate((-HOUR, 0, -30 * HOUR)):
        clock.set(ms)
        ann.say(f"turn {turn}", id=f"turn {turn}")
        moments.append(ben.hears(f"turn {turn}")["at"])
        newcomer = stage.guest().enter(room, create=False)  # a ticket of the clock of now
        newcomer.say(f"new {turn}", id=f"new {turn}")
        ann = ann.back()  # a token of the clock of before
        ben.hears(f"new {turn}")
        stage.kill(stage.room_pid(room))
        ann, ben, newcomer = back(ann), back(ben), back(newcomer)
        ann.say(f"back {turn}", id=f"back {turn}")
        moments.append(ben.hears(f"back {turn}")["at"])
        newcomer.close()
        account = stage.actor().resume(account.welcome["session"])
        account.ask("mail_send", to=["test_user"], subject=f"mail {turn}", body="b")
    assert moments == sorted(moments), "in a room time does not go back"
    subjects = [mail["subject"] for mail in account.ask("mail_list")["mails"]]
    assert subjects == ["mail 2", "mail 1", "mail 0", "one"]
    stage.kill(stage.pid("lobby"))
    assert stage.actor().resume(account.welcome["session"]).name == "test_user", "and nobody types a password"
    texts = [line["text"] for line in ben.ask("history", limit=20)["lines"]]
    assert texts == ["before"] + [f"{what} {turn}" for turn in range(3) for what in ("turn", "new", "back")]


def test_a_machine_that_is_suspended(open_stage: Callable[..., Stage]) -> None:
    """For longer than anybody may be silent: who spoke meanwhile is heard when it goes on, and nobody was away."""
    stage = open_stage("limits.ping_seconds=2", "limits.hello_seconds=2")
    room = stage.new("games")
    ann, ben = two_in(stage, room)
    lobby, admin = stage.guest(), stage.login("admin_user")
    pids = {pid for pid in stage.processes() if pid != stage.guardian.pid}
    everybody = (ann, ben, lobby, admin)
    for pid in (stage.guardian.pid, *pids):
        os.kill(pid, signal.SIGSTOP)
    try:
        for wire in everybody:
            wire.send("ping", id="while it slept")
        poll = select.poll()
        for wire in everybody:
            poll.register(wire.sock, select.POLLIN)
        assert poll.poll(3_000) == [], "everything stands still"
    finally:
        for pid in (*pids, stage.guardian.pid):
            os.kill(pid, signal.SIGCONT)
    for wire in everybody:
        assert wire.answer("while it slept")["type"] == "pong"
    ann.say("good morning")
    ben.hears("good morning")
    assert stage.guest().enter(room, create=False).hears("good morning")
    assert admin.listing()[room]["restarts"] == 0
    assert pids <= stage.processes().keys(), "nobody was taken for dead"
    for seat in (ann, ben):
        assert not [m for m in seat.heard if m["type"] == "presence" and (m["left"] or m.get("away"))]
