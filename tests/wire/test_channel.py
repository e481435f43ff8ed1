"""A channel over a socket pair: lines in, shared bytes out, and closing that only marks."""

import os
import socket
from collections.abc import Iterator

import pytest

from wire.channel import READ_BYTES, TOO_LONG, Channel
from wire.framing import LINE_MAX


class Nobody:
    def lines(self, channel: Channel, lines: list[bytes]) -> None:
        raise AssertionError("a channel calls nobody back")

    def lost(self, channel: Channel, why: str) -> None:
        raise AssertionError("a channel calls nobody back")


@pytest.fixture
def pair() -> Iterator[tuple[Channel, socket.socket]]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(60)
    with ours, theirs:
        yield Channel(ours, Nobody()), theirs


def received(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += sock.recv(count - len(data))
    return data


def test_lines_come_in_whole(pair) -> None:
    channel, other = pair
    other.sendall(b"one\ntw")
    assert channel.receive() == [b"one"]
    other.sendall(b"o\nthree\n")
    assert channel.receive() == [b"two", b"three"]


def test_nothing_there_is_no_end(pair) -> None:
    channel, _ = pair
    assert channel.receive() == []
    assert not channel.closing


def test_a_read_is_bounded() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * READ_BYTES)
        theirs.setblocking(False)
        sent = 0
        while True:
            try:
                sent += theirs.send(b"ab\n" * 1_000)
            except BlockingIOError:
                break
        assert sent > READ_BYTES
        assert sum(len(line) + 1 for line in Channel(ours, Nobody()).receive()) <= READ_BYTES


def test_the_other_end_leaves_by_closing_or_half_closing(pair) -> None:
    channel, other = pair
    other.sendall(b"last words\n")
    other.shutdown(socket.SHUT_WR)
    assert channel.receive() == [b"last words"]
    assert channel.receive() == []
    assert (channel.closing, channel.gone, channel.why) == (True, True, "left")


def test_a_reset_is_a_loss() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    with server:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()  # with SO_LINGER 0 the kernel sends a reset
        channel = Channel(server, Nobody())
        assert channel.receive() == []
        assert channel.closing
        assert channel.gone
        assert channel.why


def test_a_line_that_is_too_long_is_answered_and_ends_the_connection(pair) -> None:
    channel, other = pair
    got: list[bytes] = []
    for start in range(0, LINE_MAX, 8_192):
        other.sendall(b"x" * min(8_192, LINE_MAX - start))
        got += channel.receive()
    assert got == []
    assert (channel.closing, channel.gone, channel.why) == (True, False, "line too long")
    assert channel.flush()
    assert received(other, len(TOO_LONG)) == TOO_LONG


def test_frames_leave_in_order_and_are_counted(pair) -> None:
    channel, other = pair
    frames = [b"%d\n" % number for number in range(500)]  # more than one gather
    for frame in frames:
        channel.queue(frame)
    assert channel.pending == sum(map(len, frames))
    assert channel.flush()
    assert channel.pending == 0
    assert received(other, sum(map(len, frames))) == b"".join(frames)


def test_what_the_kernel_does_not_take_stays_queued(pair) -> None:
    channel, other = pair
    channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    frames = [bytes([65 + number % 26]) * 9_999 + b"\n" for number in range(80)]
    for frame in frames:
        channel.queue(frame)
    assert not channel.flush()
    assert 0 < channel.pending < 800_000
    got = b""
    while len(got) < 800_000:
        got += other.recv(65_536)
        channel.flush()
    assert got == b"".join(frames)
    assert channel.pending == 0
    assert channel.flush()


def test_sending_to_nobody_is_a_loss_and_drops_the_queue(pair) -> None:
    channel, other = pair
    other.close()
    channel.queue(b"x\n")
    assert channel.flush(), "nothing is left to send"
    assert (channel.closing, channel.gone, channel.pending) == (True, True, 0)


def test_discarded_frames_are_not_sent(pair) -> None:
    channel, other = pair
    channel.queue(b"staged\n")
    channel.discard()
    channel.queue(b"refused\n")
    channel.flush()
    assert received(other, 8) == b"refused\n"


def test_the_first_reason_stands(pair) -> None:
    channel, _ = pair
    channel.close("first")
    channel.close("second")
    assert channel.why == "first"
    assert channel.fileno() >= 0, "close() only marks"


def test_descriptors_cross_with_a_line() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        sender, receiver = Channel(ours, Nobody()), Channel(theirs, Nobody(), carries_fds=True)
        read_end, write_end = os.pipe()
        sender.send_with_fds(b"take this\n", [write_end])
        os.close(write_end)
        assert receiver.receive() == [b"take this"]
        assert receiver.fds is not None
        (passed,) = receiver.fds
        os.write(passed, b"through")
        os.close(passed)
        assert os.read(read_end, 10) == b"through"
        os.close(read_end)


def test_a_descriptor_that_came_is_not_left_to_the_programs_one_starts() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours, None, carries_fds=True)  # type: ignore[arg-type]
    socket.send_fds(theirs, [b"{}\n"], [theirs.fileno()])
    channel.receive()
    assert channel.fds is not None
    assert [os.get_inheritable(fd) for fd in channel.fds] == [False]
    for fd in channel.fds:
        os.close(fd)
    ours.close()
    theirs.close()
