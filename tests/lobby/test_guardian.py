"""The guardian: its table, and `serve` with real processes. Lobby and rooms are small fakes."""

import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from base import config
from base.exits import Exit
from base.locks import Lock, holder
from base.paths import Paths, connect_control
from base.processes import Death, Process
from lobby import guardian as guardian_process
from lobby import guardiancore as core
from lobby import operator, sweep
from lobby.guardian import GuardianServer
from lobby.guardiancore import TRANSITIONS, AllDown, GiveUp, Guardian, Kill, Name, Ready, Start, Terminate
from tests.roomproc.test_nursery import Lobby as Follower
from tests.roomproc.test_nursery import settings
from tests.scenes.stage import within
from wire.clock import Now
from wire.codec import encode
from wire.control import GuardianStatus, Renew, RoomStatus, Spawn, SystemStatus

LIMIT = 60.0  # seconds until what was waited for counts as never coming
FAKE = Path(__file__).with_name("fake_serve.py")
KILLED = Death(None, "signal 9 (SIGKILL)")


# --- the table


def at(mono: float) -> Now:
    return Now(mono, int(mono * 1_000))


def both_up(*, adopts: bool = False) -> Guardian:
    table = Guardian(adopts=adopts)
    assert table.start() == [Start("nursery"), Start("lobby")]
    table.started("nursery", 11, at(0))
    table.started("lobby", 12, at(0))
    assert table.up("nursery", 11) == []
    assert table.up("lobby", 12) == [Ready()]
    return table


def test_ready_is_said_once() -> None:
    table = both_up()
    table.ended(12, KILLED, at(10))
    table.tick(at(11))
    table.started("lobby", 13, at(11))
    assert table.up("lobby", 13) == []


def test_quick_deaths_are_answered_ever_later_and_a_long_life_is_forgotten() -> None:
    table, pid, mono, pauses = both_up(), 12, 0.5, []
    for _ in range(7):
        table.ended(pid, KILLED, at(mono))
        due = table.next_deadline()
        assert due is not None
        pauses.append(round(due - mono, 3))
        assert table.tick(at(due)) == [Start("lobby")]
        pid, mono = pid + 1, due
        table.started("lobby", pid, at(mono))
        table.up("lobby", pid)
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    table.ended(pid, KILLED, at(mono + core.STEADY))
    due = table.next_deadline()
    assert due == pytest.approx(mono + core.STEADY + core.FIRST_PAUSE)


def test_a_child_that_never_says_it_is_up_is_killed_and_replaced() -> None:
    table = Guardian(adopts=False)
    table.started("lobby", 12, at(0))
    assert table.tick(at(core.START_SECONDS)) == [Kill("lobby")]
    table.ended(12, KILLED, at(31))
    assert table.tick(at(32)) == [Start("lobby")]


def test_a_process_that_is_adopted_has_five_seconds_to_say_so() -> None:
    table = Guardian(adopts=True)
    table.adopting("nursery", 11, at(0))
    table.adopting("lobby", 12, at(0))
    assert table.up("lobby", 12) == []
    assert table.tick(at(core.ADOPT_SECONDS)) == [Kill("nursery")]
    assert table.states()[1].state == "running"


def test_nobody_waits_for_a_lobby_that_cannot_start() -> None:
    table = Guardian(adopts=False)
    effects, mono = [], 0.0
    for pid in range(core.FUTILE):
        table.started("lobby", 50 + pid, at(mono))
        effects = table.ended(50 + pid, Death(7, "exit code 7"), at(mono))
        mono += 3
        table.tick(at(mono))
    assert effects == [GiveUp("lobby", "exit code 7")]


def test_what_once_ran_is_never_given_up() -> None:
    for table in (both_up(), both_up(adopts=True)):
        for pid in range(50, 60):
            table.ended(table.children["lobby"].pid, KILLED, at(0))
            assert table.tick(at(100)) == [Start("lobby")]
            table.started("lobby", pid, at(0))


def test_stop_asks_then_kills() -> None:
    table = both_up()
    assert table.stop(at(0)) == [Terminate("nursery"), Terminate("lobby")]
    assert table.stop(at(0.1)) == []
    assert table.ended(12, Death(0, "exit code 0"), at(0.2)) == []
    assert table.tick(at(core.STOP_SECONDS)) == [Kill("nursery")]
    assert table.ended(11, KILLED, at(1.6)) == [AllDown()]


def test_stop_while_a_child_is_away_starts_nothing() -> None:
    table = both_up()
    table.ended(12, KILLED, at(0))
    assert table.stop(at(0)) == [Terminate("nursery")]
    assert table.ended(11, KILLED, at(0)) == [AllDown()]
    assert table.next_deadline() is None


def test_a_process_nobody_knows_of_is_not_heeded() -> None:
    table = Guardian(adopts=False)
    table.started("lobby", 12, at(0))
    assert table.up("lobby", 99) == []
    assert table.ended(99, KILLED, at(0)) == []
    assert table.children["lobby"].state == "starting"


@given(st.lists(st.tuples(st.sampled_from(["start", "adopt", "fail", "up", "end", "wait", "stop"]), st.booleans())))
def test_no_order_of_events_leads_out_of_the_table(steps: list[tuple[str, bool]]) -> None:
    table, mono, pid = Guardian(adopts=False), 0.0, 10
    wanted = {effect.name for effect in table.start() if isinstance(effect, Start)}
    for what, which in steps:
        name: Name = "lobby" if which else "nursery"
        child = table.children[name]
        pid += 1
        effects: list[core.Effect] = []
        match what:
            case "start" | "adopt" | "fail" if name in wanted and not table.stopping:
                wanted.discard(name)
                if what == "fail":
                    effects = table.no_start(name, "no", at(mono))
                else:
                    effects = (table.started if what == "start" else table.adopting)(name, pid, at(mono))
            case "up":
                effects = table.up(name, child.pid)
            case "end" if child.pid:
                effects = table.ended(child.pid, KILLED, at(mono))
            case "wait":
                mono += 3
                effects = table.tick(at(mono))
            case "stop":
                effects = table.stop(at(mono))
        wanted |= {effect.name for effect in effects if isinstance(effect, Start)}
    assert all(child.state in TRANSITIONS for child in table.children.values())


# --- `serve`, with real processes


class Served:
    """A `serve` on a data directory, its output read line by line."""

    def __init__(self, data: Path, *place: str) -> None:
        self.paths = Paths(data)
        self.process = subprocess.Popen(
            [sys.executable, FAKE, data, *place],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        limit = threading.Timer(LIMIT, self.process.kill)  # so that no line is waited for for ever
        limit.daemon = True
        limit.start()

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    @property
    def port(self) -> int:
        found = re.fullmatch(r"Lobby listening on 127\.0\.0\.1:(\d+)", self.line())
        assert found
        return int(found[1])

    def pid(self, process: str) -> int:
        pid = holder(self.paths.lock(process))
        assert pid
        return pid

    def room(self, number: int = 0) -> RoomStatus:
        """A room that runs."""
        follower = Follower(self.paths)
        follower.say(Spawn(settings=settings(f"{number:016x}", f"room{number}")))
        return follower.until_state("running")

    def status(self) -> SystemStatus:
        with connect_control(self.paths.control("guardian"), LIMIT) as sock:
            sock.sendall(encode(GuardianStatus()))
            return msgspec.json.decode(sock.makefile("rb").readline(), type=SystemStatus)


def lobby_pid(port: int) -> int:
    """The pid that the lobby tells its callers; waits in the backlog while there is none."""
    with socket.create_connection(("127.0.0.1", port), LIMIT) as sock:
        word, pid = sock.makefile("rb").readline().split()
    assert word == b"lobby"
    return int(pid)


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    process = Process(pid)
    process.signal(number)
    assert process.ended(LIMIT)
    process.close()


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    long = tmp_path / ("a data directory whose sockets' paths do not fit sockaddr_un " + "x" * 100)
    yield long
    operator.stop(Paths(long))


@pytest.fixture
def served(data: Path) -> Served:
    return Served(data)


def assert_nothing_left(paths: Paths) -> None:
    assert sweep.left(paths) == []
    assert holder(paths.lock("guardian")) is None


def test_the_first_line_names_the_real_port(served: Served) -> None:
    port = served.port
    assert lobby_pid(port) == served.pid("lobby")
    assert config.parse(served.paths.effective_config.read_bytes()).server.port == port
    status = served.status()
    assert (status.host, status.port) == ("127.0.0.1", port)
    assert {child.process: child.pid for child in status.children} == {
        name: served.pid(name) for name in ("nursery", "lobby")
    }


def test_the_first_start_makes_a_closed_data_directory(served: Served) -> None:
    assert served.port
    assert served.paths.data.stat().st_mode & 0o777 == 0o700
    assert served.paths.user_db.stat().st_mode & 0o777 == 0o600
    assert "test_user:" in served.paths.user_db.read_text()


def test_an_edited_user_db_is_left_alone(data: Path) -> None:
    paths = Paths(data)
    paths.create()
    paths.user_db.write_text("mine\n")
    assert Served(data).port
    assert paths.user_db.read_text() == "mine\n"


def test_a_killed_lobby_comes_back_on_its_port_and_nobody_is_refused(served: Served) -> None:
    port = served.port
    before = served.pid("lobby")
    os.kill(before, signal.SIGKILL)
    assert lobby_pid(port) != before
    assert served.status().children[1].restarts == 1


def test_a_killed_nursery_comes_back_and_has_its_rooms(served: Served) -> None:
    assert served.port
    room = served.room()
    before = served.pid("nursery")
    kill(before)
    wait_for(lambda: holder(served.paths.lock("nursery")) not in {None, 0, before})
    wait_for(lambda: served.paths.control("nursery").exists() and served.room().pid == room.pid)
    os.kill(room.pid, signal.SIGKILL)  # now a child of the guardian, who says how it ended
    follower = Follower(served.paths)
    assert follower.until(lambda status: status.restarts == 1).reason.startswith("signal 9 (SIGKILL), cpu")


def wait_for(condition: Callable[[], bool]) -> None:
    """Poll for what no message tells a bystander."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.01)
    raise AssertionError("it did not happen")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything_within_two_seconds(data: Path, how: signal.Signals) -> None:
    within(2.0, lambda: ended(Served(data), how))


def ended(served: Served, how: signal.Signals) -> float:
    """Seconds until nothing was left."""
    assert served.port
    for number in range(3):
        served.room(number)
    began = time.monotonic()
    served.process.send_signal(how)
    while served.process.poll() is None:  # said again and again, to the very end, as by somebody impatient
        served.process.send_signal(signal.SIGTERM)
        time.sleep(0.001)
    took = time.monotonic() - began
    assert served.process.returncode == 0
    assert_nothing_left(served.paths)
    return took


def test_a_signal_while_the_guardian_becomes_new_code_ends_everything(served: Served) -> None:
    """It must not end the guardian alone: nobody would look after what goes on."""
    assert served.port
    served.room()
    wait_for(lambda: {child.state for child in served.status().children} == {"running"})
    with connect_control(served.paths.control("guardian"), LIMIT) as sock:
        sock.sendall(encode(Renew()))
        assert sock.recv(1) == b""  # the exec is under way
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(LIMIT) == 0
    assert_nothing_left(served.paths)


def test_a_process_that_cannot_be_watched_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of descriptors between its start and the pidfd: nobody would hear of its end."""

    def refused(pid: int) -> Process:
        raise OSError(errno.EMFILE, "too many open files")

    paths = Paths(tmp_path)
    paths.create()
    monkeypatch.setattr(guardian_process, "Process", refused)
    guardian = GuardianServer(paths, config.Config(), {"nursery": ["sleep", "60"]}, [], say=print)
    guardian._do([Start("nursery")])
    (nursery,) = (child for child in guardian.table.states() if child.process == "nursery")
    assert (nursery.state, nursery.pid) == ("backoff", 0)
    _, status = os.waitpid(-1, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def test_stop_ends_even_what_is_stuck(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    within(2.5, lambda: stopped(Served(data)))
    assert set(capsys.readouterr().out.splitlines()) == {"Stopped."}


def stopped(served: Served) -> float:
    """Seconds that the stop took, while nothing answers."""
    assert served.port
    room = served.room()
    for pid in (room.pid, served.pid("nursery"), served.pid("lobby")):
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    assert operator.stop(served.paths) == Exit.OK
    took = time.monotonic() - began
    assert served.process.wait(LIMIT) == 0
    assert_nothing_left(served.paths)
    return took


def test_stop_without_a_guardian_ends_what_it_left(served: Served) -> None:
    assert served.port
    served.room()
    served.process.kill()
    served.process.wait()
    assert len(sweep.left(served.paths)) == 3
    assert operator.stop(served.paths) == Exit.OK
    assert_nothing_left(served.paths)


def test_stop_of_a_stuck_guardian(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    assert served.port
    served.process.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(operator, "STOP_SECONDS", 0.1)
    assert operator.stop(served.paths) == Exit.OK
    assert_nothing_left(served.paths)


def test_stop_and_status_where_nothing_runs(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = Paths(data)
    assert operator.stop(paths) == Exit.NO_SERVER
    assert operator.status(paths, as_json=False, address=False) == Exit.NO_SERVER
    assert operator.admin_rooms(paths, as_json=False) == Exit.NO_SERVER
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("No server runs") == 3


def test_status_without_a_guardian_says_what_goes_on(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = Paths(data)
    paths.create()
    paths.effective_config.write_bytes(config.dump(config.load(None, ["server.port=4711"])))
    assert operator.status(paths, as_json=True, address=False) == Exit.NO_SERVER
    assert msgspec.json.decode(capsys.readouterr().out, type=SystemStatus).children == []
    nursery = Lock(paths.lock("nursery"))
    assert operator.status(paths, as_json=False, address=False) == Exit.NO_SERVER  # nobody can log in
    lobby = Lock(paths.lock("lobby"))
    assert operator.status(paths, as_json=False, address=False) == Exit.OK
    assert "nursery" in (told := capsys.readouterr().out)
    assert "lobby" in told
    assert operator.status(paths, as_json=True, address=False) == Exit.OK
    found = json.loads(capsys.readouterr().out)
    assert (found["guardian"], found["host"], found["port"]) == (0, "127.0.0.1", 4711)
    assert [(child["process"], child["pid"]) for child in found["children"]] == [
        ("nursery", os.getpid()),
        ("lobby", os.getpid()),
    ]
    assert operator.status(paths, as_json=False, address=True) == Exit.NO_SERVER  # for run.sh, which serves again
    nursery.release()
    lobby.release()


def test_status_in_its_three_forms(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    port = served.port
    assert operator.status(served.paths, as_json=False, address=True) == Exit.OK
    assert capsys.readouterr().out == f"127.0.0.1:{port}\n"
    assert operator.status(served.paths, as_json=True, address=False) == Exit.OK
    assert msgspec.json.decode(capsys.readouterr().out, type=SystemStatus).port == port
    assert operator.status(served.paths, as_json=False, address=False) == Exit.OK
    shown = capsys.readouterr().out
    for name in ("guardian", "nursery", "lobby"):
        assert re.search(rf"{name} +running +{served.pid(name)} +0", shown)


def test_a_second_serve_on_a_living_system_is_refused_in_one_line(served: Served, data: Path) -> None:
    assert served.port
    second = Served(data)
    assert second.line() == (
        f"serve: already running, pid {served.process.pid} (data directory {data}); `stop` ends it"
    )
    assert second.process.wait(LIMIT) == 1
    assert served.status().port


def test_a_port_in_use_is_one_line(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        served = Served(data, "127.0.0.1", str(port))
        assert served.line().startswith(f"serve: port {port} on 127.0.0.1 is in use by another program")
    assert served.process.wait(LIMIT) == 1


def test_an_address_beyond_loopback_is_refused_with_the_way_on(data: Path) -> None:
    served = Served(data, "0.0.0.0", "0")
    assert "--set server.insecure=true" in served.line()
    assert served.process.wait(LIMIT) == 1
    assert not data.exists()


def test_a_second_serve_adopts_what_a_killed_guardian_left(served: Served, data: Path) -> None:
    port = served.port
    room = served.room()
    pids = {name: served.pid(name) for name in ("lobby", "nursery")}
    served.process.kill()
    served.process.wait()
    assert lobby_pid(port) == pids["lobby"]  # all goes on

    second = Served(data)
    assert second.port == port
    wait_for(lambda: all(child.state == "running" for child in second.status().children))
    assert {name: second.pid(name) for name in pids} == pids
    assert second.room().pid == room.pid

    os.kill(pids["lobby"], signal.SIGKILL)  # its listening socket was handed over
    assert lobby_pid(port) != pids["lobby"]
    os.kill(pids["nursery"], signal.SIGKILL)
    wait_for(lambda: second.room().pid == room.pid)
    second.process.terminate()
    assert second.process.wait(LIMIT) == 0
    assert_nothing_left(second.paths)


def test_an_adopted_lobby_that_says_nothing_is_replaced_on_its_port(data: Path) -> None:
    served = Served(data)
    port = served.port
    (data / "mute").touch()
    os.kill(before := served.pid("lobby"), signal.SIGKILL)
    mute = lobby_pid(port)
    assert mute != before
    served.process.kill()
    served.process.wait()
    (data / "mute").unlink()
    second = Served(data)
    assert second.port == port
    assert second.pid("lobby") != mute


def test_a_lobby_that_cannot_start_is_said_and_ends_serve(data: Path) -> None:
    Paths(data).create()
    (data / "break").touch()
    served = Served(data)
    assert served.line().startswith("the lobby does not start (exit code 7")
    assert served.process.wait(LIMIT) == Exit.BUG
    assert_nothing_left(served.paths)


def test_a_terminal_that_is_closed_stops_nobody(served: Served) -> None:
    port = served.port
    assert served.process.stdout is not None
    served.process.stdout.close()
    served.process.send_signal(signal.SIGHUP)
    os.kill(before := served.pid("lobby"), signal.SIGKILL)
    assert lobby_pid(port) != before
    assert served.process.poll() is None


def test_a_lock_whose_holder_has_not_said_who_it_is_harms_nobody(tmp_path: Path) -> None:
    guardian = GuardianServer(Paths(tmp_path), config.Config(), {}, [], say=print)
    assert not guardian._hold("lobby", 0)
