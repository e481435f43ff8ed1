"""Last words arrive although the other end never stopped talking, and nothing lingers for ever."""

import socket

import pytest

import wire.linger
from wire.clock import Now
from wire.loop import Loop


@pytest.fixture
def connection():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    client.settimeout(60)
    server.setblocking(False)
    with client, server:
        yield server, client


def lingering(loop: Loop) -> wire.linger.Linger:
    return next(timed for timed in loop.timed if isinstance(timed, wire.linger.Linger))


def test_last_words_arrive_although_input_is_unread(connection) -> None:
    server, client = connection
    loop = Loop()
    client.sendall(b"unread " * 1_000)
    server.sendall(b"the reason\n")
    lingering(loop).take(server)
    assert client.recv(100) == b"the reason\n"
    assert client.recv(100) == b"", "half-closed"
    client.close()
    while server.fileno() >= 0:
        loop.round()


def test_it_ends_after_its_time_though_the_other_end_stays(connection) -> None:
    server, _ = connection
    loop = Loop()
    linger = lingering(loop)
    linger.take(server)
    deadline = linger.next_deadline()
    assert deadline == pytest.approx(loop.now.mono + wire.linger.SECONDS)
    linger.tick(Now(deadline - 0.01, 0))
    assert server.fileno() >= 0
    linger.tick(Now(deadline, 0))
    assert server.fileno() < 0
    assert linger.next_deadline() is None


def test_beyond_the_bound_the_oldest_goes(monkeypatch) -> None:
    monkeypatch.setattr(wire.linger, "MOST", 2)
    linger = lingering(Loop())
    pairs = [socket.socketpair() for _ in range(3)]
    for ours, _ in pairs:
        linger.take(ours)
    assert [ours.fileno() >= 0 for ours, _ in pairs] == [False, True, True]
    for pair in pairs:
        for sock in pair:
            sock.close()


def test_a_socket_that_is_already_broken_is_closed() -> None:
    sock = socket.socket()
    lingering(Loop()).take(sock)
    assert sock.fileno() < 0
