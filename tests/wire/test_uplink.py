"""The control link that comes back, over real sockets and a loop that the test turns by hand."""

import os
import socket
from collections.abc import Callable, Iterator

import pytest

from wire import loop as loop_module
from wire import uplink as module
from wire.clock import Now
from wire.control import Probe, Told
from wire.loop import Loop, read_clock
from wire.uplink import Uplink


class Owner:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.fail = False

    def opened(self, uplink: Uplink) -> None:
        if self.fail:
            self.fail = False
            raise BrokenPipeError(32, "Broken pipe")
        self.events.append("opened")
        uplink.send(Probe())

    def lines(self, uplink: Uplink, lines: list[bytes]) -> None:
        self.events += [line.decode() for line in lines]

    def lost(self, uplink: Uplink, why: str) -> None:
        self.events.append(f"lost {why}")


class Server:
    """Hands out the near ends of socket pairs; `ends` are the far ones. `away` makes it refuse."""

    def __init__(self) -> None:
        self.ends: list[socket.socket] = []
        self.away = False
        self.attempts: list[float] = []

    def connect(self) -> socket.socket:
        self.attempts.append(read_clock().mono)
        if self.away:
            raise ConnectionRefusedError(111, "Connection refused")
        near, far = socket.socketpair()
        far.settimeout(60)
        self.ends.append(far)
        return near


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_module, "MAX_WAIT", 0.01)  # what never comes is given up soon
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.005)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    for end in server.ends:
        end.close()


@pytest.fixture
def loop() -> Loop:
    return Loop()


def turn(loop: Loop, until: Callable[[], bool]) -> None:
    """Turn the loop until `until`; a round waits for something, and five hundred are never needed."""
    for _ in range(500):
        if until():
            return
        loop.round()
    raise AssertionError("it did not come to pass")


def test_opens_and_tells_its_state(loop: Loop, server: Server) -> None:
    owner = Owner()
    link = Uplink(loop, server.connect, owner)
    assert not link.up
    link.start()
    turn(loop, lambda: link.up)
    assert owner.events == ["opened"]
    assert server.ends[0].recv(100) == b'{"type":"probe"}\n'


def test_lines_reach_the_owner(loop: Loop, server: Server) -> None:
    owner = Owner()
    link = Uplink(loop, server.connect, owner)
    link.start()
    turn(loop, lambda: link.up)
    server.ends[0].sendall(b'{"a":1}\n{"b"')
    turn(loop, lambda: len(owner.events) == 2)
    server.ends[0].sendall(b":2}\n")
    turn(loop, lambda: len(owner.events) == 3)
    assert owner.events[1:] == ['{"a":1}', '{"b":2}']


def test_comes_back_and_tells_again(loop: Loop, server: Server) -> None:
    owner = Owner()
    link = Uplink(loop, server.connect, owner)
    link.start()
    turn(loop, lambda: link.up)
    assert server.ends[0].recv(100) == b'{"type":"probe"}\n'
    server.ends[0].close()
    turn(loop, lambda: owner.events == ["opened", "lost left", "opened"])
    turn(loop, lambda: link.up)
    assert server.ends[1].recv(100) == b'{"type":"probe"}\n'


def test_tries_until_somebody_is_there(loop: Loop, server: Server) -> None:
    owner = Owner()
    server.away = True
    link = Uplink(loop, server.connect, owner)
    link.start()
    turn(loop, lambda: len(server.attempts) == 4)
    assert owner.events == []
    assert not link.send(Told())
    server.away = False
    turn(loop, lambda: link.up)
    assert owner.events == ["opened"]
    assert server.ends[0].recv(100) == b'{"type":"probe"}\n', "what was sent without a link is dropped"


def test_pauses_grow_and_begin_anew_after_a_steady_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.2)
    monkeypatch.setattr(module, "LONGEST_PAUSE", 1.0)
    loop, server = Loop(), Server()
    server.away = True
    link = Uplink(loop, server.connect, Owner())
    link.start()
    at, pauses = link.next_deadline(), []
    for _ in range(7):
        assert at is not None
        link.tick(Now(at, 0))
        then = link.next_deadline()
        assert then is not None
        pauses.append(round(then - at, 3))
        at = then
    assert pauses[:3] == [0.2, 0.3, 0.45]
    assert pauses[-2:] == [1.0, 1.0]
    server.away = False
    link.tick(Now(at, 0))
    channel = link.channel
    assert channel is not None
    loop.now = Now(at + 5, 0)
    link.lost(channel, "left")
    assert link.next_deadline() == pytest.approx(at + 5.2)


def test_a_link_that_fails_while_it_opens_is_tried_again(loop: Loop, server: Server) -> None:
    owner = Owner()
    owner.fail = True
    link = Uplink(loop, server.connect, owner)
    link.start()
    turn(loop, lambda: "opened" in owner.events)
    assert len(server.ends) == 2


def test_drop_opens_another(loop: Loop, server: Server) -> None:
    owner = Owner()
    link = Uplink(loop, server.connect, owner)
    link.start()
    turn(loop, lambda: link.up)
    link.drop("nonsense")
    assert not link.up
    turn(loop, lambda: link.up)
    assert owner.events == ["opened", "lost nonsense", "opened"]


def test_stop_says_what_was_queued_and_stays_away(loop: Loop, server: Server) -> None:
    owner = Owner()
    link = Uplink(loop, server.connect, owner)
    link.start()
    turn(loop, lambda: link.up)
    link.send(Told())
    link.stop()
    turn(loop, lambda: not loop._channels)
    assert server.ends[0].recv(100) == b'{"type":"probe"}\n{"type":"told"}\n'
    assert server.ends[0].recv(100) == b""
    assert link.next_deadline() is None
    assert link not in loop.timed
    assert owner.events == ["opened"]


def test_descriptors_go_and_come(loop: Loop, server: Server) -> None:
    link = Uplink(loop, server.connect, Owner(), carries_fds=True)
    with pytest.raises(OSError, match="no link"):
        link.send_with_fds(Told(), [0])
    link.start()
    turn(loop, lambda: link.up)
    reading, writing = os.pipe()
    link.send_with_fds(Told(), [writing])
    data, fds, _, _ = socket.recv_fds(server.ends[0], 100, 4)
    assert data.startswith(b'{"type":')
    assert len(fds) == 1
    socket.send_fds(server.ends[0], [b'{"x":1}\n'], [reading])
    channel = link.channel
    assert channel is not None
    turn(loop, lambda: bool(channel.fds))
    for fd in (*fds, reading, writing):
        os.close(fd)
