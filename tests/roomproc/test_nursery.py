"""The nursery with real processes: forks, deaths, sleep, failure, adoption, and what a fork inherits.

The rooms are the small fakes of `fake_nursery`, the guardian and the lobby are this test.
"""

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest

from base import config
from base.config import Config
from base.exits import Exit
from base.locks import holder
from base.paths import Paths, bind_control, connect_control
from base.processes import Process
from roomproc import nursery as nursery_process
from roomproc import spares
from roomproc.nursery import NurseryServer
from tests.scenes.test_serving import free_range
from wire.codec import encode
from wire.control import (
    ChildUp,
    NurseryToLobby,
    OrphanExited,
    Reap,
    Renew,
    RoomSettings,
    RoomStatus,
    Spawn,
    StopRoom,
    Told,
)

LIMIT = 60.0  # seconds until what was waited for counts as never coming
FAKE = Path(__file__).with_name("fake_nursery.py")


def settings(room: str = "0" * 16, name: str = "games", topic: str = "") -> RoomSettings:
    return RoomSettings(room=room, name=name, owner="o", access="public", topic=topic, made=0, revision=1)


class Lobby:
    """A follower of the nursery's table."""

    def __init__(self, paths: Paths) -> None:
        self.socket = connect_control(paths.control("nursery"), LIMIT)
        self.file = self.socket.makefile("rb")

    def say(self, message: msgspec.Struct) -> None:
        self.socket.sendall(encode(message))

    def hear(self) -> RoomStatus | Told:
        return msgspec.json.decode(self.file.readline(), type=NurseryToLobby)

    def until(self, wanted: Callable[[RoomStatus], bool]) -> RoomStatus:
        while True:
            status = self.hear()
            if isinstance(status, RoomStatus) and wanted(status):
                return status

    def until_state(self, state: str) -> RoomStatus:
        return self.until(lambda status: status.state == state)

    def table(self) -> list[RoomStatus]:
        """All that is told at the start of a link."""
        rows = []
        while isinstance(status := self.hear(), RoomStatus):
            rows.append(status)
        return rows


class Caller:
    """Somebody who connects to a room."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), LIMIT)
        self.file = self.socket.makefile("rb")

    def hear(self) -> str:
        return self.file.readline().decode().strip()

    def ask(self, word: str) -> str:
        self.socket.sendall(word.encode() + b"\n")
        return self.hear()

    def tell(self, word: str) -> None:
        self.socket.sendall(word.encode() + b"\n")


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), LIMIT).close()
    except ConnectionRefusedError:
        return True
    return False


class Guardian:
    """guardian.sock, and the nurseries it started."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.listener = bind_control(paths.control("guardian"))
        self.listener.settimeout(LIMIT)
        self.started: list[subprocess.Popen[bytes]] = []
        self.link: socket.socket | None = None
        self.probe_seconds = 2.0

    def start(self, *, accept: bool = True) -> subprocess.Popen[bytes]:
        """A nursery that is up."""
        process = subprocess.Popen(
            [sys.executable, FAKE, str(self.paths.data), str(self.probe_seconds)], start_new_session=True
        )
        self.started.append(process)
        if accept:
            self.hears_of(process)
        return process

    def hears_of(self, process: subprocess.Popen[bytes]) -> None:
        """It says that it is up. The link is kept: a nursery that loses it calls again."""
        self.link = self.listener.accept()[0]
        self.link.settimeout(LIMIT)
        up = msgspec.json.decode(self.link.makefile("rb").readline(), type=ChildUp)
        assert up == ChildUp(process="nursery", pid=process.pid)

    def end(self) -> None:
        for process in self.started:
            process.kill()
            process.wait()
        for lock in (self.paths.data / "rooms").glob("*/lock"):
            if pid := holder(lock):
                room = Process(pid)
                room.signal(signal.SIGKILL)
                room.ended(LIMIT)
                room.close()


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path / "data")
    paths.create()
    paths.effective_config.write_bytes(config.dump(Config()))
    return paths


@pytest.fixture
def guardian(paths: Paths) -> Iterator[Guardian]:
    guardian = Guardian(paths)
    yield guardian
    guardian.end()


@pytest.fixture
def nursery(guardian: Guardian) -> subprocess.Popen[bytes]:
    return guardian.start()


@pytest.fixture
def lobby(nursery: subprocess.Popen[bytes], paths: Paths) -> Lobby:
    lobby = Lobby(paths)
    assert lobby.table() == []
    return lobby


def running(lobby: Lobby, wanted: RoomSettings) -> RoomStatus:
    lobby.say(Spawn(settings=wanted))
    return lobby.until_state("running")


def spare(nursery: subprocess.Popen[bytes]) -> int:
    """The process that waits to be a room, once it does."""
    found: list[int] = []

    def look() -> bool:
        for child in Path(f"/proc/{nursery.pid}/task/{nursery.pid}/children").read_text().split():
            with contextlib.suppress(FileNotFoundError):
                if Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"parlour: spare room\0"):
                    found.append(int(child))
        return bool(found)

    until(look)
    return found[0]


def until(condition: Callable[[], bool]) -> None:
    """Poll for what no message tells."""
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_room_is_a_child_of_its_own_session_name_and_few_descriptors(
    lobby: Lobby, nursery: subprocess.Popen[bytes]
) -> None:
    running(lobby, settings("1" * 16, "other"))  # whose sockets must not leak into the next
    room = running(lobby, settings())
    caller = Caller(room.port)
    assert caller.hear() == "room"
    assert caller.ask("pid") == f"{room.pid} {nursery.pid}"
    assert os.getsid(room.pid) == room.pid
    title = Path(f"/proc/{room.pid}/cmdline").read_bytes().split(b"\0")[0]
    assert title == b"parlour: room games"
    inherited = {os.readlink(f"/proc/{room.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{room.pid}/fd")}
    sockets = {name for name in inherited if name.startswith("socket:")}
    assert len(sockets) == 5  # listener, link, the loop's pair, this caller
    assert not any("nursery" in name for name in inherited)


def test_a_process_waits_to_be_the_next_room(lobby: Lobby, nursery: subprocess.Popen[bytes], paths: Paths) -> None:
    for number in range(2):
        waits = spare(nursery)
        until(lambda: (paths.run / "rehearsed").read_text() == str(waits))  # noqa: B023
        assert running(lobby, settings(str(number) * 16, f"room{number}")).pid == waits
    died = Process(spare(nursery))
    died.signal(signal.SIGKILL)
    assert died.ended(LIMIT)
    assert running(lobby, settings("2" * 16, "room2")).pid != died.pid
    alone = Process(spare(nursery))
    nursery.kill()
    assert alone.ended(LIMIT), "it ends with its nursery"
    died.close()
    alone.close()


def test_many_rooms_wanted_at_once_all_come(lobby: Lobby) -> None:
    for number in range(5):
        lobby.say(Spawn(settings=settings(str(number) * 16, f"room{number}")))
    assert len({lobby.until_state("running").room for _ in range(5)}) == 5


def test_who_connects_while_a_room_is_dead_waits_for_the_next(lobby: Lobby) -> None:
    room = running(lobby, settings())
    os.kill(room.pid, signal.SIGKILL)
    caller = Caller(room.port)
    assert caller.hear() == "room"
    after = lobby.until_state("running")
    assert (after.port, after.restarts, after.incarnation) == (room.port, 1, 2)
    assert after.reason.startswith("signal 9 (SIGKILL), cpu ")
    assert "peak" in after.reason


def test_a_bug_in_a_room_ends_that_room_with_a_code(lobby: Lobby) -> None:
    room = running(lobby, settings())
    Caller(room.port).tell("raise")
    assert lobby.until_state("running").reason.startswith("exit code 70 (BUG)")


def test_a_stuck_room_is_replaced(guardian: Guardian, paths: Paths) -> None:
    guardian.probe_seconds = 0.25
    guardian.start()
    lobby = Lobby(paths)
    room = running(lobby, settings())
    os.kill(room.pid, signal.SIGSTOP)
    after = lobby.until_state("running")
    assert after.pid != room.pid
    assert after.reason.startswith("no answer for 1 s; signal 9")


def test_a_failed_room_answers_with_the_reason_and_not_with_silence(lobby: Lobby) -> None:
    lobby.say(Spawn(settings=settings(topic=f"exit {Exit.UNREADABLE}")))
    room = lobby.until_state("failed")
    for _ in range(2):
        caller = Caller(room.port)
        caller.tell("enter")
        assert '"code":"room_failed"' in caller.hear()
        assert caller.hear() == ""
    assert room.reason.startswith("exit code 13 (UNREADABLE)")


def test_a_room_that_dies_again_and_again_fails(lobby: Lobby) -> None:
    lobby.say(Spawn(settings=settings(topic="exit 1")))
    room = lobby.until_state("failed")
    assert room.restarts == 4


def test_a_sleeping_room_is_woken_by_a_caller(lobby: Lobby) -> None:
    room = running(lobby, settings())
    Caller(room.port).tell(f"exit {Exit.SLEPT}")
    asleep = lobby.until_state("sleeping")
    assert (asleep.pid, asleep.port) == (0, room.port)
    assert Caller(room.port).hear() == "room"
    assert lobby.until_state("running").restarts == 0


def test_stop_and_reap_leave_neither_process_nor_port(lobby: Lobby) -> None:
    room = running(lobby, settings())
    process = Process(room.pid)
    lobby.say(Reap(room=room.room))
    lobby.until_state("gone")
    assert process.ended(0)
    process.close()
    until(lambda: refuses(room.port))  # a process that was just forked closes in a moment what it holds of all rooms


def test_a_restart_keeps_the_port(lobby: Lobby) -> None:
    room = running(lobby, settings())
    lobby.say(StopRoom(room=room.room, code="restarting"))
    after = lobby.until_state("running")
    assert after.port == room.port
    assert after.pid != room.pid
    assert after.restarts == 0


def test_a_new_nursery_adopts_rooms_with_their_ports(lobby: Lobby, guardian: Guardian, paths: Paths) -> None:
    room = running(lobby, settings())
    caller = Caller(room.port)
    caller.hear()
    guardian.started[0].kill()
    guardian.started[0].wait()
    assert caller.ask("pid").startswith(str(room.pid))  # the room did not notice
    guardian.start()
    follower = Lobby(paths)
    adopted = follower.until_state("running")
    assert (adopted.pid, adopted.port, adopted.incarnation) == (room.pid, room.port, room.incarnation)
    assert guardian.link is not None
    os.kill(room.pid, signal.SIGKILL)  # the listener was handed over: it outlives the room again
    guardian.link.sendall(encode(OrphanExited(pid=room.pid, status=9, cpu=1.5, peak=20_000_000)))
    assert Caller(room.port).hear() == "room"
    after = follower.until_state("running")
    assert (after.port, after.reason) == (room.port, "signal 9 (SIGKILL), cpu 1.5 s, peak 20 MB")


def test_spawn_of_a_room_whose_orphan_has_not_registered_yet_waits_for_it(
    lobby: Lobby, guardian: Guardian, paths: Paths
) -> None:
    room = running(lobby, settings())
    os.kill(room.pid, signal.SIGSTOP)
    guardian.started[0].kill()
    guardian.started[0].wait()
    guardian.start()
    follower = Lobby(paths)
    follower.table()
    follower.say(Spawn(settings=settings()))
    follower.until_state("starting")
    os.kill(room.pid, signal.SIGCONT)
    status = follower.until(lambda status: status.pid != 0)  # nothing was forked meanwhile
    assert (status.pid, status.state, status.restarts) == (room.pid, "running", 0)


def test_a_stray_that_is_stuck_is_ended_although_nobody_asks(lobby: Lobby, guardian: Guardian, paths: Paths) -> None:
    """The lobby may have begun anew as well, and know of it no more than the nursery."""
    room = running(lobby, settings())
    stuck = Process(room.pid)
    os.kill(room.pid, signal.SIGSTOP)
    guardian.started[0].kill()
    guardian.started[0].wait()
    os.utime(paths.room(room.room).lock, (0, 0))  # it has been silent for long
    guardian.start()
    assert stuck.ended(LIMIT)
    stuck.close()
    record = paths.room(room.room).flight_record.read_text()
    assert "no sign of life" in record


def test_the_end_of_an_orphan_that_nobody_explains_is_noticed_too(
    lobby: Lobby, guardian: Guardian, paths: Paths
) -> None:
    room = running(lobby, settings())
    guardian.started[0].kill()
    guardian.started[0].wait()
    guardian.start()
    follower = Lobby(paths)
    follower.until_state("running")
    os.kill(room.pid, signal.SIGKILL)
    assert follower.until_state("running").pid != room.pid


def test_rooms_take_ports_of_the_range_and_say_when_it_is_full(guardian: Guardian, paths: Paths) -> None:
    port = free_range(1)
    with socket.create_server(("127.0.0.1", port)):  # in use while the nursery is asked for it
        ranged = config.load(None, [f"server.room_ports={port}-{port}"])
        paths.effective_config.write_bytes(config.dump(ranged))
        guardian.start()
        lobby = Lobby(paths)
        lobby.say(Spawn(settings=settings()))
        assert "is free" in lobby.until_state("backoff").reason
    assert lobby.until_state("running").port == port


def test_sigterm_ends_the_nursery_alone(lobby: Lobby, nursery: subprocess.Popen[bytes], guardian: Guardian) -> None:
    """Rooms go on, and the next one adopts them."""
    room = running(lobby, settings())
    nursery.terminate()
    assert nursery.wait(LIMIT) == 0
    assert Caller(room.port).hear() == "room"
    guardian.start()
    assert Lobby(guardian.paths).until_state("running").pid == room.pid


def test_sigint_stops_rooms_and_nursery(lobby: Lobby, nursery: subprocess.Popen[bytes], paths: Paths) -> None:
    rooms = [running(lobby, settings(str(number) * 16, f"room{number}")) for number in range(3)]
    processes = [Process(room.pid) for room in rooms]
    os.kill(rooms[0].pid, signal.SIGSTOP)  # even one that is stuck
    nursery.send_signal(signal.SIGINT)
    assert nursery.wait(LIMIT) == 0
    for process in processes:
        assert process.ended(0)
        process.close()
    assert not paths.control("nursery").exists()


def test_a_second_nursery_leaves_the_first_alone(lobby: Lobby, guardian: Guardian) -> None:
    room = running(lobby, settings())
    assert guardian.start(accept=False).wait(LIMIT) == Exit.LOCKED
    assert Caller(room.port).hear() == "room"


def test_a_message_of_another_version_costs_nothing_but_itself(lobby: Lobby) -> None:
    lobby.socket.sendall(b'{"type":"from_the_future"}\nnonsense\n')
    assert running(lobby, settings()).state == "running"


def test_it_becomes_new_code_and_its_rooms_notice_nothing(
    lobby: Lobby, nursery: subprocess.Popen[bytes], guardian: Guardian, paths: Paths
) -> None:
    """The same process, and so the same parent: rooms that live, sleep and have failed go on as they were."""
    alive = running(lobby, settings("a" * 16, "alive"))
    asleep = running(lobby, settings("b" * 16, "asleep"))
    Caller(asleep.port).tell(f"exit {Exit.SLEPT}")
    lobby.until_state("sleeping")
    lobby.say(Spawn(settings=settings("c" * 16, "broken", topic=f"exit {Exit.UNREADABLE}")))
    broken = lobby.until_state("failed")
    caller = Caller(alive.port)
    assert caller.hear() == "room"
    for _ in range(2):  # and once more
        lobby.say(Renew())
        while lobby.file.readline():
            pass
        guardian.hears_of(nursery)
        assert holder(paths.lock("nursery")) == nursery.pid
        lobby = Lobby(paths)
        states = {status.room[0]: status.state for status in lobby.table()}
        assert states == {"a": "running", "b": "sleeping", "c": "failed"}
    assert caller.ask("pid") == f"{alive.pid} {nursery.pid}", "still its child"
    assert '"code":"room_failed"' in Caller(broken.port).hear()
    assert Caller(asleep.port).hear() == "room", "who calls wakes it"
    os.kill(alive.pid, signal.SIGKILL)
    assert "SIGKILL" in lobby.until(lambda status: status.room[0] == "a" and status.state == "backoff").reason
    assert Caller(alive.port).hear() == "room", "and it is looked after as before"


def test_a_lock_that_cannot_be_looked_at_is_tried_again(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> NoReturn:
        raise OSError(errno.EMFILE, "too many open files")

    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)]
    monkeypatch.setattr(nursery_process, "holder", refused)
    monkeypatch.setattr(spares, "fork", refused)
    server = NurseryServer(paths, Config(), lambda *_: 0, lambda *_: None, 0)
    server._do(server.table.spawn(settings(), server.loop.now))
    server._start_wanted()
    assert [status.state for status in server.table.statuses()] == ["backoff"]
    for number, handler in before:
        signal.signal(number, handler)


def test_a_room_that_cannot_be_watched_is_not_left_to_itself(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of descriptors between the fork and the pidfd: nobody would hear of its end."""

    def refused(pid: int) -> Process:
        raise OSError(errno.EMFILE, "too many open files")

    def run(*_: object) -> int:
        signal.pause()
        return 0

    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)]
    paths.room(settings().room).home.mkdir(parents=True)
    monkeypatch.setattr(nursery_process, "Process", refused)
    server = NurseryServer(paths, Config(), run, lambda *_: None, 0)
    server._do(server.table.spawn(settings(), server.loop.now))
    server._start_wanted()
    (status,) = server.table.statuses()
    assert (status.state, status.pid, status.reason) == (
        "backoff",
        0,
        "cannot be started: it cannot be watched: out of descriptors",
    )
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    for number, handler in before:
        signal.signal(number, handler)
