"""A room's process from within: real sockets and a real file, and a disk that fails as it is told."""

import contextlib
import json
import secrets
import signal
import socket
import sqlite3
import time

import pytest

from base import config as configuration
from base.exits import Exit
from base.locks import Lock
from base.paths import Paths
from roomproc import server as serving
from roomproc.server import RoomServer
from wire.codec import encode
from wire.control import RoomSettings
from wire.messages import Enter, Ping, Say
from wire.tickets import Ticket, sign

KEY = secrets.token_bytes(32)
SETTINGS = RoomSettings(room="0" * 16, name="games", owner="", access="public", topic="", made=1, revision=1)
PLAIN = ["limits.lines_per_second=0", "limits.requests_per_second=0", 'rooms.durability="process"']


class Served:
    def __init__(self, place):
        paths = Paths(place)
        files = paths.room(SETTINGS.room)
        files.home.mkdir(parents=True)
        files.key.write_text(json.dumps({"1": KEY.hex()}))
        (place / "run").mkdir()
        listener = socket.create_server(("127.0.0.1", 0))
        self.link, far = socket.socketpair()
        self.server = RoomServer(listener, far, SETTINGS, paths, configuration.load(None, PLAIN))

    def member(self, name):
        wall = time.time_ns() // 1_000_000
        ticket = Ticket(
            room=SETTINGS.room, name=name, guest=False, roles=[], issued=wall, expires=wall + 30_000, number=name
        )
        wire = socket.create_connection(("127.0.0.1", self.server.port))
        wire.setblocking(False)
        wire.send(encode(Enter(protocol=1, ticket=sign({1: KEY}, ticket))))
        self.until(lambda: self.server.room.roster.get(name))
        return wire

    def until(self, condition):
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline
            self.turn()

    def turn(self):
        self.server.loop.again(lambda: None)
        self.server.loop.round()

    def hear(self, wire):
        """What came by now."""
        heard = b""
        for _ in range(5):
            self.turn()
            with contextlib.suppress(BlockingIOError):
                heard += wire.recv(1 << 20)
        return [json.loads(line) for line in heard.splitlines()]


@pytest.fixture
def served(tmp_path):
    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)]
    served = Served(tmp_path)
    yield served
    served.server.keeper.close()
    served.server.history.close()
    for number, handler in before:
        signal.signal(number, handler)


def fault(code):
    why = sqlite3.OperationalError("the disk")
    why.sqlite_errorcode = code
    return why


def fails(served, monkeypatch, code):
    def commit(work):
        raise fault(code)

    monkeypatch.setattr(served.server.history, "commit", commit)


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY], ids=["full", "read-only"])
def test_a_full_disk_refuses_and_the_room_goes_on(served, monkeypatch, code):
    ann = served.member("ann")
    served.hear(ann)
    fails(served, monkeypatch, code)
    ann.send(encode(Say(id="1", text="hello")))
    assert [message["code"] for message in served.hear(ann)] == ["storage"]
    assert not served.server.loop._stopped


def test_when_only_the_file_knows_what_it_has_nobody_is_told_that_it_was_not_stored(served, monkeypatch):
    ann = served.member("ann")
    served.hear(ann)
    fails(served, monkeypatch, sqlite3.SQLITE_IOERR_FSYNC)
    ann.send(encode(Say(id="1", text="hello")))
    assert served.hear(ann) == [], "they come back, send it again, and the next process answers"
    assert (served.server.loop._stopped, served.server.exit) == (True, Exit.STORAGE)


def test_a_file_that_cannot_be_read_ends_the_process_as_the_disks_fault(served, monkeypatch):
    ann = served.member("ann")

    def before(seq, limit):
        raise fault(sqlite3.SQLITE_IOERR)

    monkeypatch.setattr(served.server.history, "before", before)
    ann.send(b'{"type":"history","id":"1"}\n')
    served.hear(ann)
    assert (served.server.loop._stopped, served.server.exit) == (True, Exit.STORAGE)


def test_who_asks_on_and_on_and_never_reads_is_let_go(served, monkeypatch):
    monkeypatch.setattr(serving, "ANSWERS_MAX", 100_000)
    ann, ben = served.member("ann"), served.member("ben")
    served.server.channels[1].socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    asked = encode(Ping(id="x" * 60)) * 200
    queued = 0
    deadline = time.monotonic() + 60
    while served.server.room.roster.get("ann").connections:
        assert time.monotonic() < deadline, "it grows and grows"
        with contextlib.suppress(BlockingIOError):
            ann.send(asked)
        served.turn()
        queued = max(queued, *(channel.pending for channel in served.server.channels.values()))
    assert queued < 2_000_000
    ben.send(encode(Ping(id="2")))
    assert served.hear(ben)[-1]["type"] == "pong"


def test_a_token_of_a_number_that_is_none_is_only_wrong(served):
    wire = socket.create_connection(("127.0.0.1", served.server.port))
    wire.setblocking(False)
    wire.send(encode(Enter(protocol=1, ticket="\u00b2.a.b")))
    assert [message["code"] for message in served.hear(wire)] == ["bad_ticket"]


def test_after_one_bad_line_too_many_the_rest_is_not_answered(served):
    wire = socket.create_connection(("127.0.0.1", served.server.port))
    wire.setblocking(False)
    wire.send(b"x\n" * 1_000)
    assert len(served.hear(wire)) == serving.BAD_MESSAGES


def test_nor_is_what_the_same_round_reads_of_it_later(served):
    ann, ben = served.member("ann"), served.member("ben")
    served.hear(ann)
    for wire in (ann, ben):  # so that the next round, in which one speaks, looks twice
        wire.send(encode(Ping(id="1")))
    served.turn()
    ann.send(b"x\n" * 32_768 + encode(Say(text="and another thing", id="1")) + b"x\n")
    heard = served.hear(ann)
    assert len([message for message in heard if message.get("fatal")]) == 1
    assert not [message for message in served.hear(ben) if message["type"] == "line"]


def test_a_second_process_of_a_room_goes_and_touches_nothing(tmp_path, monkeypatch):
    for module, act in ((serving.logs, "start"), (serving.flightrecord, "start"), (serving.limits, "apply")):
        monkeypatch.setattr(module, act, lambda *_: None)
    paths = Paths(tmp_path)
    files = paths.room(SETTINGS.room)
    files.home.mkdir(parents=True)
    first = Lock(files.lock)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        end = serving.run(listener, socket.socketpair()[0], SETTINGS, paths, configuration.load(None, PLAIN))
    assert end == Exit.LOCKED
    assert [path.name for path in files.home.iterdir()] == [files.lock.name]
    first.release()
