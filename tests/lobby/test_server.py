"""The lobby's process over real sockets. The test is its guardian, its nursery and its rooms."""

import contextlib
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from base import config as configuration
from base.exits import Exit
from base.listeners import open_listener
from base.locks import holder
from base.paths import CODE, Paths, bind_control, connect_control
from lobby.server import Server
from tests.scenes.stage import seconds, within
from wire import loop as loop_module
from wire.codec import encode
from wire.control import (
    AdminList,
    AdminListed,
    AdminRefused,
    Assign,
    ChildUp,
    FromAdmin,
    Joined,
    LobbyToNursery,
    LobbyToRoom,
    Present,
    PutOut,
    Reap,
    Register,
    RoomStatus,
    Spawn,
    ToGuardian,
    Told,
)
from wire.messages import (
    Bye,
    CloseRoom,
    Create,
    Done,
    Error,
    Guest,
    Hello,
    Join,
    LobbyReply,
    Login,
    MailList,
    MailNew,
    MailPage,
    MailSend,
    Ping,
    Pong,
    Redirect,
    Resume,
    RoomList,
    Rooms,
    ServerHello,
    Welcome,
)

LIMIT = 60.0  # seconds until what was waited for counts as never coming
USERS = """\
test_user:{PLAIN}123:user:test:
foo_user:{PLAIN}123:user:test:
admin_user:{PLAIN}123:user,admin:test:
"""
M = TypeVar("M")


class End:
    """One end of a link, with blocking reads that give up after LIMIT."""

    def __init__(self, sock: socket.socket, union: Any) -> None:
        sock.settimeout(LIMIT)
        self.sock = sock
        self._union = union
        self._rest = b""
        self.fds: list[int] = []

    def say(self, *messages: msgspec.Struct) -> None:
        self.sock.sendall(b"".join(encode(message) for message in messages))

    def line(self) -> bytes:
        """The next line; empty at the end."""
        while b"\n" not in self._rest:
            data, fds, _, _ = socket.recv_fds(self.sock, 65_536, 4)
            self.fds += fds
            if not data:
                return b""
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def take(self, kind: type[M]) -> M:
        line = self.line()
        assert line, "the link ended"
        message = msgspec.json.decode(line, type=self._union)
        assert isinstance(message, kind), message
        return message

    def ask(self, message: msgspec.Struct, kind: type[M]) -> M:
        self.say(message)
        return self.take(kind)

    def ended(self) -> bool:
        """Whether nothing more comes."""
        with contextlib.suppress(ConnectionResetError):
            return self.line() == b""
        return True

    def close(self) -> None:
        self.sock.close()


class Lobby:
    """A lobby process, and the sockets around it."""

    def __init__(self, path: Path, *settings: str) -> None:
        self.paths = Paths(path / "var")
        self.paths.create()
        self.paths.user_db.write_text(USERS)
        config = configuration.load(None, ["accounts.hash_memory_kib=8", "accounts.hash_time=1", *settings])
        self.paths.effective_config.write_bytes(configuration.dump(config))
        self.listener = open_listener("127.0.0.1", 0)
        self.port = int(self.listener.getsockname()[1])
        self.guardian = bind_control(self.paths.control("guardian"))
        self.nursery = bind_control(self.paths.control("nursery"))
        for listener in (self.guardian, self.nursery):
            listener.settimeout(LIMIT)
        self.ends: list[End] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def run(self) -> subprocess.Popen[bytes]:
        """A lobby process on this data."""
        fd = self.listener.fileno()
        command = [sys.executable, "-m", "lobby", "run", "--data", str(self.paths.data), "--fd", str(fd)]
        return subprocess.Popen(command, pass_fds=[fd], cwd=CODE, start_new_session=True)

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        self.process = self.run()
        self.up = self.called(self.guardian, ToGuardian)
        self.ready = self.up.take(ChildUp)

    def ensure(self) -> None:
        """That it runs, or does again."""
        if self.process is None or self.process.poll() is not None:
            self.start()

    def called(self, listener: socket.socket, union: Any) -> End:
        sock, _ = listener.accept()
        return self._end(sock, union)

    def follow(self) -> End:
        """The lobby's link to the nursery, which has no rooms."""
        end = self.called(self.nursery, LobbyToNursery)
        end.say(Told())
        return end

    def client(self) -> End:
        return self._end(socket.create_connection(("127.0.0.1", self.port), LIMIT), LobbyReply)

    def greeted(self) -> End:
        client = self.client()
        client.ask(Hello(protocol=1), ServerHello)
        return client

    def login(self, name: str) -> tuple[End, Welcome]:
        client = self.greeted()
        return client, client.ask(Login(name=name, password="123"), Welcome)

    def room(self, spawn: Spawn, *names: str, incarnation: int = 1) -> End:
        """A room that was asked for registers."""
        end = self._end(connect_control(self.paths.control("lobby"), timeout=LIMIT), LobbyToRoom)
        members = [Present(name, guest=False) for name in names]
        end.say(
            Register(
                settings=spawn.settings, pid=os.getpid(), port=5_000, incarnation=incarnation, topic="", lines=0,
                members=members, revoked=0,
            )
        )  # fmt: skip
        end.take(Assign)
        return end

    def operator(self) -> End:
        return self._end(connect_control(self.paths.control("admin"), timeout=LIMIT), FromAdmin)

    def signal(self, number: int) -> int:
        """Signal it and wait for its end; the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(LIMIT)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGKILL)
        for end in self.ends:
            end.close()
            for fd in end.fds:
                os.close(fd)
        for listener in (self.listener, self.guardian, self.nursery):
            listener.close()

    def _end(self, sock: socket.socket, union: Any) -> End:
        self.ends.append(End(sock, union))
        return self.ends[-1]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Lobby]]:
    made: list[Lobby] = []

    def make(*settings: str) -> Lobby:
        made.append(Lobby(tmp_path, *settings))
        return made[-1]

    yield make
    for lobby in made:
        lobby.close()


@pytest.fixture
def lobby(start: Callable[..., Lobby]) -> Lobby:
    return start()


# -- ready, and ending


def test_it_says_that_it_is_up_and_hands_over_its_listener(lobby: Lobby) -> None:
    assert lobby.process is not None
    assert (lobby.ready.process, lobby.ready.pid) == ("lobby", lobby.process.pid)
    assert (lobby.ready.host, lobby.ready.port) == ("127.0.0.1", lobby.port)
    (fd,) = lobby.up.fds
    with socket.socket(fileno=os.dup(fd)) as copy:
        assert copy.getsockname() == ("127.0.0.1", lobby.port)
    assert holder(lobby.paths.lock("lobby")) == lobby.process.pid
    for process in ("lobby", "admin"):
        assert stat.S_IMODE(lobby.paths.control(process).stat().st_mode) == 0o600


def test_a_new_guardian_is_told_too(lobby: Lobby) -> None:
    lobby.up.close()
    again = lobby.called(lobby.guardian, ToGuardian)
    assert again.take(ChildUp) == lobby.ready
    assert len(again.fds) == 1


@pytest.mark.parametrize(
    ("number", "said"), [(signal.SIGINT, ("going_down", False)), (signal.SIGTERM, ("restarting", True))]
)
def test_it_says_goodbye_to_everybody_and_ends_within_a_second(
    lobby: Lobby, number: int, said: tuple[str, bool]
) -> None:
    """SIGINT comes from a guardian that ends all; whoever sends SIGTERM wants another lobby."""
    within(1.0, lambda: goodbye(lobby, number, said))


def goodbye(lobby: Lobby, number: int, said: tuple[str, bool]) -> float:
    """Its seconds."""
    lobby.ensure()
    clients = [lobby.login("test_user")[0], lobby.greeted(), lobby.client()]
    clients[2].ask(Ping(), Error)
    begin = time.monotonic()
    assert lobby.signal(number) == Exit.OK
    took = time.monotonic() - begin
    for client in clients:
        bye = client.take(Bye)
        assert (bye.code, bye.resume) == said
        assert client.ended()
    assert not lobby.paths.control("lobby").exists()
    assert holder(lobby.paths.lock("lobby")) is None
    return took


def test_who_never_reads_does_not_hold_up_the_end(lobby: Lobby) -> None:
    def ended() -> float:
        lobby.ensure()
        client, _ = lobby.login("test_user")
        for _ in range(100):
            client.say(*(Rooms() for _ in range(20)))
        begin = time.monotonic()
        assert lobby.signal(signal.SIGTERM) == Exit.OK
        return time.monotonic() - begin

    within(1.0, ended)


def test_a_second_lobby_on_the_same_data_does_not_start(lobby: Lobby) -> None:
    assert lobby.run().wait(LIMIT) == Exit.LOCKED
    lobby.greeted()


# -- clients


def test_bytes_may_come_one_by_one_or_all_at_once(lobby: Lobby) -> None:
    script = b"".join(map(encode, (Hello(protocol=1), Login(name="test_user", password="123", id="é"), Rooms(id="r"))))
    for pieces in ([script], [bytes([byte]) for byte in script]):
        client = lobby.client()
        for piece in pieces:
            client.sock.sendall(piece)
        client.take(ServerHello)
        assert client.take(Welcome).re == "é"
        assert client.take(RoomList).re == "r"


def test_the_clients_socket_sends_at_once(lobby: Lobby) -> None:
    client = lobby.greeted()
    within(0.5, lambda: seconds(lambda: [client.ask(Ping(), Pong) for _ in range(20)]))  # Nagle's waits: 40 ms for each


@pytest.mark.parametrize("setting", ["limits.connections_per_address=2", "limits.connections=2"])
def test_too_many_connections(start: Callable[..., Lobby], setting: str) -> None:
    lobby = start(setting)
    first, _second, third = lobby.greeted(), lobby.greeted(), lobby.client()
    error = third.take(Error)
    assert (error.code, error.fatal) == ("too_many", True)
    assert third.ended()
    first.close()
    lobby.operator().ask(AdminList(), AdminListed)  # a round later the place is free
    lobby.greeted()


def test_a_line_that_is_too_long(lobby: Lobby) -> None:
    client = lobby.greeted()
    with contextlib.suppress(OSError):
        client.sock.sendall(b"x" * 1_000_000)
    error = client.take(Error)
    assert (error.code, error.fatal) == ("too_long", True)


def test_whoever_says_nothing_is_let_go(start: Callable[..., Lobby]) -> None:
    lobby = start("limits.hello_seconds=0.2", "limits.ping_seconds=0.3")
    silent, greeted = lobby.client(), lobby.greeted()
    for client in (silent, greeted):
        assert client.take(Error).code == "timeout"
        assert client.ended()


def test_mail_between_two(lobby: Lobby) -> None:
    test, _ = lobby.login("test_user")
    foo, _ = lobby.login("foo_user")
    done = test.ask(MailSend(to=["foo_user"], subject="chess", body="Tuesday?"), Done)
    assert foo.take(MailNew).mail == done.mail


# -- rooms


def test_a_room_is_asked_for_registers_and_is_entered(lobby: Lobby) -> None:
    nursery = lobby.follow()
    client, _ = lobby.login("test_user")
    client.say(Join(room="hall", id="j"))
    spawn = nursery.take(Spawn)
    assert (spawn.settings.name, spawn.settings.owner, spawn.settings.access) == ("hall", "", "public")
    key = lobby.paths.room(spawn.settings.room).key
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    room = lobby.room(spawn, "foo_user")
    redirect = client.take(Redirect)
    assert (redirect.re, redirect.room, redirect.port, redirect.host) == ("j", "hall", 5_000, "")
    (row,) = client.ask(Rooms(), RoomList).rooms
    assert (row.name, row.state, row.members) == ("hall", "running", 1)
    room.say(Joined(members=[Present("test_user", guest=False)]))
    rows = lobby.operator().ask(AdminList(), AdminListed).rooms
    assert [(row.name, row.state, row.pid, row.members) for row in rows] == [("hall", "running", os.getpid(), 2)]
    assert rows[0].rss > rows[0].uss > 0
    room.close()
    rows = lobby.operator().ask(AdminList(), AdminListed).rooms
    assert [(row.state, row.members) for row in rows] == [("sleeping", 0)]


def test_a_nursery_that_comes_back_is_asked_again(lobby: Lobby) -> None:
    nursery = lobby.follow()
    client, _ = lobby.login("test_user")
    client.say(Join(room="hall"))
    spawn = nursery.take(Spawn)
    nursery.close()
    again = lobby.follow()
    assert again.take(Spawn) == spawn
    lobby.room(spawn)
    client.take(Redirect)


def test_a_closed_room_loses_its_files_when_it_is_gone(lobby: Lobby) -> None:
    nursery = lobby.follow()
    client, _ = lobby.login("test_user")
    client.ask(Create(room="den"), Done)
    room = nursery.take(Spawn).settings.room
    home = lobby.paths.room(room).home
    client.ask(CloseRoom(room="den"), Done)
    assert nursery.take(Reap).room == room
    assert home.exists()
    lobby.signal(signal.SIGKILL)  # the mark in the directory outlives it
    lobby.start()
    nursery = lobby.follow()
    assert nursery.take(Reap).room == room
    nursery.say(RoomStatus(room=room, state="gone", pid=0, port=0, incarnation=0, restarts=0, reason=""))
    watched = lobby.greeted()
    deadline = time.monotonic() + LIMIT
    while home.exists() and time.monotonic() < deadline:
        watched.ask(Ping(), Pong)
    assert not home.exists()


def test_an_edit_by_hand_puts_out_within_seconds(lobby: Lobby) -> None:
    nursery = lobby.follow()
    client, _ = lobby.login("test_user")
    client.say(Join(room="hall"))
    room = lobby.room(nursery.take(Spawn), "test_user")
    client.take(Redirect)
    lobby.paths.user_db.write_text(USERS.replace("test_user:{PLAIN}123:user:test", "test_user:{PLAIN}123:user:locked"))
    assert client.take(Bye).code == "locked"
    assert [revocation.name for revocation in room.take(Assign).revocations] == ["test_user"]
    assert room.take(PutOut).name == "test_user"


def test_nonsense_on_the_control_sockets(lobby: Lobby) -> None:
    operator = lobby.operator()
    operator.sock.sendall(b"junk\n")
    assert operator.take(AdminRefused).code == "bad_message"
    room = lobby._end(connect_control(lobby.paths.control("lobby"), timeout=LIMIT), LobbyToRoom)
    room.sock.sendall(b'junk\n{"type":"left","names":["x"]}\n')
    lobby.follow().sock.sendall(b'{"type":"told"}\njunk\n')
    lobby.greeted()


# -- kill -9


def test_after_kill_9_nobody_logs_in_again_and_nothing_is_lost(lobby: Lobby) -> None:
    client, welcome = lobby.login("test_user")
    guest = lobby.greeted()
    joe = guest.ask(Guest(name="joe"), Welcome)
    client.ask(MailSend(to=["test_user"], body="to myself"), MailNew)
    client.take(Done)
    lobby.signal(signal.SIGKILL)
    assert client.ended()
    waiting = lobby.client()  # in the backlog that the guardian holds
    lobby.start()
    waiting.ask(Hello(protocol=1), ServerHello)
    assert waiting.ask(Resume(session=welcome.session), Welcome).unread == 1
    assert len(waiting.ask(MailList(), MailPage).mails) == 1
    assert lobby.greeted().ask(Guest(name="joe"), Error).code == "name_taken"
    assert lobby.greeted().ask(Resume(session=joe.session), Welcome).name == "joe"


# -- a disk that refuses, in this process, so that it can be made to


@contextlib.contextmanager
def own_server(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, socket.socket]]:
    monkeypatch.setattr(loop_module, "MAX_WAIT", 0.01)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    paths = Paths(path / "var")
    paths.create()
    paths.user_db.write_text(USERS)
    config = configuration.load(None, ["accounts.hash_memory_kib=8", "accounts.hash_time=1"])
    listener = open_listener("127.0.0.1", 0)
    server = Server(paths, config, [listener])
    try:
        yield server, listener
    finally:
        server._workers.close()
        server._lookers.close()
        server._storage.close()
        listener.close()
        for number, handler in before.items():
            signal.signal(number, handler)


class Turned:
    """A client of a server in this process: turns its loop until the answer is there."""

    def __init__(self, server: Server, listener: socket.socket) -> None:
        self._server = server
        self._sock = socket.create_connection(listener.getsockname())
        self._sock.setblocking(False)
        self._rest = b""

    def ask(self, message: msgspec.Struct, kind: type[M]) -> M:
        self._sock.sendall(encode(message))
        return self.take(kind)

    def take(self, kind: type[M]) -> M:
        deadline = time.monotonic() + LIMIT
        while b"\n" not in self._rest:
            assert time.monotonic() < deadline
            with contextlib.suppress(BlockingIOError):
                self._rest += self._sock.recv(65_536)
            self._server.loop.round()
        line, _, self._rest = self._rest.partition(b"\n")
        found: Any = msgspec.json.decode(line, type=LobbyReply)
        assert isinstance(found, kind), found
        return found

    def close(self) -> None:
        self._sock.close()


def fault(code: int) -> sqlite3.OperationalError:
    why = sqlite3.OperationalError("disk")
    why.sqlite_errorcode = code
    return why


def test_a_full_disk_refuses_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with own_server(tmp_path, monkeypatch) as (server, listener):
        client = Turned(server, listener)
        client.ask(Hello(protocol=1), ServerHello)
        client.ask(Login(name="test_user", password="123"), Welcome)
        faults = [fault(sqlite3.SQLITE_FULL)]
        commit = server._storage.commit

        def failing() -> None:
            if faults and server._storage.stores.mailbox.dirty:
                raise faults.pop()
            commit()

        monkeypatch.setattr(server._storage, "commit", failing)
        assert client.ask(MailSend(to=["test_user"], body="x"), Error).code == "storage"
        assert client.ask(MailList(), MailPage).mails == []
        assert client.ask(MailSend(to=["test_user"], body="x"), MailNew).mail
        client.take(Done)
        assert server._exit == Exit.OK
        client.close()


def test_any_other_fault_ends_the_process_for_a_fresh_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with own_server(tmp_path, monkeypatch) as (server, listener):
        client = Turned(server, listener)
        client.ask(Hello(protocol=1), ServerHello)

        def failing() -> None:
            raise fault(sqlite3.SQLITE_IOERR)

        monkeypatch.setattr(server._storage, "commit", failing)
        client._sock.sendall(encode(Ping()))
        server.loop.run()
        assert server._exit == Exit.STORAGE
        bye = client.take(Bye)
        assert (bye.code, bye.resume) == ("restarting", True)
        client.close()
