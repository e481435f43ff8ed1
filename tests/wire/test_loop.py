"""The round: its order, what leaves when, and that nothing done to one connection reaches another."""

import errno
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.channel import Channel
from wire.clock import Now
from wire.loop import ACCEPTS, Every, Loop, read_clock


class Recorder:
    """A handler that writes down what it is told, and does what the test wants."""

    def __init__(self, heard: Callable[[Channel, bytes], None] = lambda _c, _l: None) -> None:
        self.events: list[tuple[str, object]] = []
        self.heard = heard

    def lines(self, channel: Channel, lines: list[bytes]) -> None:
        for line in lines:
            self.events.append(("line", line))
            self.heard(channel, line)

    def lost(self, channel: Channel, why: str) -> None:
        self.events.append(("lost", why))


@pytest.fixture
def loop() -> Loop:
    loop = Loop()
    loop.timed.append(Every(0.05, lambda now: None))  # a test that waits in vain fails instead of hanging
    return loop


def until(loop: Loop, condition: Callable[[], object], rounds: int = 200) -> None:
    for _ in range(rounds):
        if condition():
            return
        loop.round()
    raise AssertionError("it did not happen")


def joined(loop: Loop, handler: Recorder) -> tuple[Channel, socket.socket]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(60)
    channel = Channel(ours, handler)
    loop.add(channel)
    return channel, theirs


def nothing_there(sock: socket.socket) -> bool:
    sock.setblocking(False)
    try:
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    finally:
        sock.settimeout(60)
    return False


def test_lines_are_heard_and_answers_leave_after_the_commit(loop: Loop) -> None:
    handler = Recorder(lambda channel, line: loop.send(channel, b"heard " + line + b"\n"))
    _, other = joined(loop, handler)
    left_early: list[bool] = []
    loop.end_of_round = lambda: left_early.append(not nothing_there(other))
    other.sendall(b"one\ntwo\n")
    until(loop, lambda: handler.events)
    assert other.recv(100) == b"heard one\nheard two\n"
    assert left_early == [False] * len(left_early)


def test_who_speaks_a_moment_after_the_others_is_in_their_round_if_all_did_in_the_one_before(loop: Loop) -> None:
    heard: list[bytes] = []
    rounds: list[list[bytes]] = []

    def hear(_channel: Channel, line: bytes) -> None:
        heard.append(line)
        if line == b"ann":
            ben.sendall(b"ben\n")  # after the loop looked who speaks

    _, ann = joined(loop, Recorder(hear))
    _, ben = joined(loop, Recorder(hear))
    loop.end_of_round = lambda: rounds.append([heard.pop(0) for _ in tuple(heard)])
    ann.sendall(b"ann\n")
    loop.round()
    loop.round()
    assert rounds == [[b"ann"], [b"ben"]], "who speaks alone waits for nobody"
    rounds.clear()
    ann.sendall(b"cid\n")
    ben.sendall(b"dot\n")
    loop.round()
    ann.sendall(b"ann\n")
    loop.round()
    assert [len(lines) for lines in rounds] == [2, 2]


def test_what_a_failed_commit_discards_is_never_sent(loop: Loop) -> None:
    handler = Recorder(lambda channel, line: loop.send(channel, b"done\n"))
    channel, other = joined(loop, handler)

    def fail() -> None:
        if channel.pending:
            channel.discard()
            loop.send(channel, b"storage\n")

    loop.end_of_round = fail
    other.sendall(b"say\n")
    until(loop, lambda: handler.events)
    assert other.recv(100) == b"storage\n"


def test_a_loss_is_reported_once_and_in_a_later_round(loop: Loop) -> None:
    inside: list[str] = []
    handler = Recorder()

    def close(channel: Channel, line: bytes) -> None:
        loop.close(channel, "first")
        loop.close(channel, "second")
        inside.extend(kind for kind, _ in handler.events)

    handler.heard = close
    _, other = joined(loop, handler)
    other.sendall(b"one\n")
    until(loop, lambda: ("lost", "first") in handler.events)
    loop.round()
    assert inside == ["line"], "no handler is re-entered"
    assert handler.events == [("line", b"one"), ("lost", "first")]


def test_last_words_are_sent_before_the_end(loop: Loop) -> None:
    def refuse(channel: Channel, line: bytes) -> None:
        loop.send(channel, b"because\n")
        loop.close(channel, "refused")

    handler = Recorder(refuse)
    _, other = joined(loop, handler)
    other.sendall(b"one\n")
    until(loop, lambda: ("lost", "refused") in handler.events)
    assert other.recv(100) == b"because\n"
    assert other.recv(100) == b""


def test_last_words_reach_somebody_who_is_still_talking(loop: Loop) -> None:
    def refuse(channel: Channel, line: bytes) -> None:
        loop.send(channel, b"because\n")
        loop.close(channel, "refused")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        other = socket.create_connection(listener.getsockname(), timeout=60)
        ours, _ = listener.accept()
    loop.add(Channel(ours, Recorder(refuse)))
    with other:
        other.sendall(b"one\n" + b"unread " * 20_000)
        until(loop, lambda: readable(other))
        loop.round()
        assert other.recv(100) == b"because\n"
        assert other.recv(100) == b"", "an end, not a reset"


def readable(sock: socket.socket) -> bool:
    return not nothing_there(sock)


def test_the_other_end_leaving_is_a_loss(loop: Loop) -> None:
    handler = Recorder()
    _, other = joined(loop, handler)
    other.sendall(b"bye\n")
    other.close()
    until(loop, lambda: len(handler.events) == 2)
    assert handler.events == [("line", b"bye"), ("lost", "left")]


def test_a_closing_connection_is_not_heard_any_more(loop: Loop) -> None:
    handler = Recorder(lambda channel, line: loop.close(channel, "enough"))
    _, other = joined(loop, handler)
    other.sendall(b"one\n")
    until(loop, lambda: handler.events)
    other.sendall(b"two\n")
    until(loop, lambda: len(handler.events) == 2)
    assert handler.events == [("line", b"one"), ("lost", "enough")]


def test_a_bug_costs_one_connection_only(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    def bug(channel: Channel, line: bytes) -> None:
        raise ZeroDivisionError

    broken, well = Recorder(bug), Recorder()
    _, one = joined(loop, broken)
    _, two = joined(loop, well)
    with caplog.at_level(logging.CRITICAL):
        one.sendall(b"x\n")
        until(loop, lambda: ("lost", "internal") in broken.events)
    two.sendall(b"y\n")
    until(loop, lambda: well.events)
    assert well.events == [("line", b"y")]


def test_a_bug_in_lost_costs_nothing(loop: Loop) -> None:
    class Careless(Recorder):
        def lost(self, channel: Channel, why: str) -> None:
            super().lost(channel, why)
            raise ZeroDivisionError

    careless, well = Careless(), Recorder()
    _, one = joined(loop, careless)
    _, two = joined(loop, well)
    one.close()
    two.close()
    until(loop, lambda: careless.events and well.events)


def test_a_reader_that_stops_gets_all_when_it_reads_again_and_nobody_waits(loop: Loop) -> None:
    slow, fast = Recorder(), Recorder()
    slow_channel, slow_end = joined(loop, slow)
    fast_channel, fast_end = joined(loop, fast)
    frame = b"x" * 9_999 + b"\n"
    for _ in range(100):
        loop.send(slow_channel, frame)
    loop.send(fast_channel, b"quick\n")
    loop.round()
    assert fast_end.recv(100) == b"quick\n"
    assert slow_channel.pending > 0
    assert slow_channel in loop.stuck
    got = 0
    while got < 1_000_000:
        got += len(slow_end.recv(65_536))
        loop.round()
    until(loop, lambda: slow_channel not in loop.stuck)
    assert slow_channel.pending == 0


def test_what_is_sent_to_all_costs_no_queue_and_an_answer_comes_after_it(loop: Loop) -> None:
    ends = [joined(loop, Recorder()) for _ in range(3)]
    channels = [channel for channel, _ in ends]
    queued: list[int] = []
    loop.end_of_round = lambda: queued.append(sum(len(channel.out) for channel in channels))
    loop.send(channels[0], b"before\n")
    loop.send_all(channels, b"all\n")
    loop.send(channels[1], b"answer\n")
    loop.round()
    assert [end.recv(100) for _, end in ends] == [b"before\nall\n", b"all\nanswer\n", b"all\n"]
    assert queued == [4], "two each of who has something of their own to be sent"


def test_who_left_while_all_are_sent_something_is_lost_alone(loop: Loop) -> None:
    leaving, staying = Recorder(), Recorder()
    gone, other = joined(loop, leaving)
    there, end = joined(loop, staying)
    other.close()
    loop.end_of_round = lambda: loop.send_all([gone, there], b"all\n") if not leaving.events else None
    until(loop, lambda: leaving.events)
    assert end.recv(4) == b"all\n"
    assert staying.events == []


class Sender(NamedTuple):
    """What one round does: a frame of so many bytes to one connection, or to all (None); or the end of one."""

    to: int | None
    size: int
    ends: bool = False


DEEDS = st.one_of(
    st.builds(Sender, st.sampled_from([None, None, 0, 1, 2]), st.integers(1, 20).map(lambda n: n * n * n * 10)),
    st.builds(Sender, st.integers(0, 2), st.just(0), st.just(True)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.lists(DEEDS, max_size=5), st.integers(0, 2)), max_size=12))
def test_everybody_gets_what_was_sent_to_them_in_its_order(rounds: list[tuple[list[Sender], int]]) -> None:
    """Whoever reads when, of bursts that no kernel buffer takes at once."""
    loop = Loop()
    ends = [joined(loop, Recorder()) for _ in range(3)]
    expected, got = [b""] * 3, [b""] * 3
    number = 0
    for channel, end in ends:
        channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8_192)
        end.setblocking(False)

    def read(which: int) -> bool:
        try:
            data = ends[which][1].recv(1 << 20)
        except BlockingIOError:
            return False
        got[which] += data
        return bool(data)

    def work(deeds: list[Sender], reading: int) -> None:
        nonlocal number
        read(reading)  # so that a socket drains after the loop looked whether it did
        for deed in deeds:
            number += 1
            frame = b"%d" % number * deed.size
            open_ones = [n for n, (channel, _) in enumerate(ends) if not channel.closing]
            if deed.to is None:
                loop.send_all([ends[n][0] for n in open_ones], frame)
                for n in open_ones:
                    expected[n] += frame
            elif deed.to in open_ones and deed.ends:
                loop.close(ends[deed.to][0], "enough")
            elif deed.to in open_ones:
                loop.send(ends[deed.to][0], frame)
                expected[deed.to] += frame

    for deeds, reading in [*rounds, *[([], 0)] * 3]:
        loop.end_of_round = lambda deeds=deeds, reading=reading: work(deeds, reading)  # type: ignore[misc]
        loop.again(lambda: None)
        loop.round()
    loop.end_of_round = lambda: None
    while any([read(0), read(1), read(2)]) or any(c.pending for c, _ in ends if not c.closing):
        loop.again(lambda: None)
        loop.round()
    for n, (channel, end) in enumerate(ends):
        assert got[n] == expected[n][: len(got[n])]
        assert channel.closing or got[n] == expected[n], "last words are tried once; all else comes"
        channel.socket.close()
        end.close()


def test_sending_to_a_connection_that_is_over_does_nothing(loop: Loop) -> None:
    handler = Recorder()
    channel, other = joined(loop, handler)
    other.close()
    until(loop, lambda: handler.events)
    loop.send(channel, b"too late\n")
    loop.round()
    loop.round()
    assert handler.events == [("lost", "left")]


# -- timers


def test_timers_run_when_their_moment_has_come_and_before_reading(loop: Loop) -> None:
    order: list[str] = []
    handler = Recorder(lambda channel, line: order.append("line"))
    _, other = joined(loop, handler)

    class Soon:
        at: float | None = 0.0

        def next_deadline(self) -> float | None:
            return self.at

        def tick(self, now: Now) -> None:
            assert now.mono >= 0.0
            self.at = None
            order.append("tick")

    other.sendall(b"x\n")
    loop.timed.append(Soon())
    until(loop, lambda: len(order) == 2)
    assert order == ["tick", "line"]


def test_after_being_held_up_what_came_meanwhile_is_heard_before_any_timer(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was stopped, or its machine: nobody is judged by the clock before they were listened to."""
    handler = Recorder()
    _, other = joined(loop, handler)
    loop.round()
    other.sendall(b"one\n")
    loop.timed.append(Every(0.2, lambda now: handler.events.append(("timer", None)), first=loop.now.mono + 0.2))
    late = read_clock()
    monkeypatch.setattr("wire.loop.read_clock", lambda: Now(late.mono + 3.0, late.wall + 3_000))
    loop.round()
    assert handler.events == [("line", b"one")]
    loop.round()
    assert handler.events == [("line", b"one"), ("timer", None)]


def test_a_timer_may_take_itself_away(loop: Loop) -> None:
    ticks: list[float] = []

    class Once:
        def next_deadline(self) -> float:
            return 0.0

        def tick(self, now: Now) -> None:
            ticks.append(now.mono)
            loop.timed.remove(self)

    loop.timed.append(Once())
    loop.round()
    loop.round()
    assert len(ticks) == 1


def test_every_counts_from_when_it_ran() -> None:
    seen: list[float] = []
    every = Every(2.0, lambda now: seen.append(now.mono), first=1.0)
    assert every.next_deadline() == 1.0
    every.tick(Now(5.0, 0))
    assert (every.next_deadline(), seen) == (7.0, [5.0])


# -- what wakes it


def test_a_thread_wakes_the_loop() -> None:
    loop = Loop()  # nothing else would wake this one
    loop.now = Now(loop.now.mono, loop.now.wall)
    ran: list[int] = []
    thread = threading.Thread(target=lambda: loop.post(lambda: ran.append(threading.get_ident())))
    thread.start()
    while not ran:
        loop.round()
    thread.join()
    assert ran == [threading.get_ident()], "it runs in the loop's thread"


def test_again_runs_once_in_the_next_round(loop: Loop) -> None:
    ran: list[str] = []
    loop.again(lambda: (ran.append("first"), loop.again(lambda: ran.append("second"))))  # type: ignore[func-returns-value]
    loop.round()
    assert ran == ["first"]
    loop.round()
    assert ran == ["first", "second"]


def test_signal_handlers_only_queue(loop: Loop) -> None:
    got: list[int] = []
    before = signal.getsignal(signal.SIGUSR1)
    try:
        loop.on_signals(got.append, signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR1)
        assert got == []
        until(loop, lambda: got)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert got == [signal.SIGUSR1]


def test_stop_ends_run_after_the_round(loop: Loop) -> None:
    committed: list[bool] = []
    loop.end_of_round = lambda: committed.append(True)
    loop.again(loop.stop)
    loop.run()
    assert committed == [True]


def test_a_watched_descriptor(loop: Loop) -> None:
    read_end, write_end = os.pipe()
    got: list[bytes] = []
    loop.watch(read_end, lambda: got.append(os.read(read_end, 10)))
    os.write(write_end, b"x")
    until(loop, lambda: got)
    loop.unwatch(read_end)
    loop.unwatch(read_end)  # a second time is harmless
    os.write(write_end, b"y")
    loop.round()
    assert got == [b"x"]
    os.close(read_end)
    os.close(write_end)


# -- listening


def listening(loop: Loop, accepted: Callable[[socket.socket], None]) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    loop.listen(listener, accepted)
    return listener


def test_connections_are_accepted_without_delay_a_bounded_number_a_round(loop: Loop) -> None:
    loop.round()  # the timer's first beat
    accepted: list[socket.socket] = []
    with listening(loop, accepted.append) as listener:
        clients = [socket.create_connection(listener.getsockname()) for _ in range(ACCEPTS + 5)]
        until(loop, lambda: accepted)
        assert len(accepted) <= ACCEPTS
        until(loop, lambda: len(accepted) == ACCEPTS + 5)
        assert all(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for sock in accepted)
        for sock in (*clients, *accepted):
            sock.close()


def test_after_unlisten_connections_wait_in_the_backlog(loop: Loop) -> None:
    accepted: list[socket.socket] = []
    with listening(loop, accepted.append) as listener:
        loop.unlisten(listener)
        loop.unlisten(listener)  # a second time is harmless
        with socket.create_connection(listener.getsockname()):
            loop.round()
            assert accepted == []
            loop.listen(listener, accepted.append)
            until(loop, lambda: accepted)
            accepted[0].close()


class OutOfDescriptors:
    """A listener whose accept fails, as when the process has no descriptors left."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.failing = True
        self.tries = 0

    def fileno(self) -> int:
        return self.listener.fileno()

    def setblocking(self, flag: bool) -> None:
        self.listener.setblocking(flag)

    def accept(self) -> tuple[socket.socket, object]:
        self.tries += 1
        if self.failing:
            raise OSError(errno.EMFILE, "Too many open files")
        return self.listener.accept()


def test_out_of_descriptors_the_rest_waits_and_the_loop_does_not_spin(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as real, socket.create_connection(real.getsockname()):
        listener = OutOfDescriptors(real)
        accepted: list[socket.socket] = []
        loop.listen(listener, accepted.append)  # type: ignore[arg-type]
        with monkeypatch.context() as held:
            moment = read_clock()
            held.setattr("wire.loop.read_clock", lambda: moment)
            until(loop, lambda: listener.tries)
            loop.round()
            assert listener.tries == 1, "it breathes first"
        listener.failing = False
        until(loop, lambda: accepted)
        accepted[0].close()


def test_unlisten_while_it_breathes_is_for_good(loop: Loop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as real, socket.create_connection(real.getsockname()):
        listener = OutOfDescriptors(real)
        timers = len(loop.timed)
        loop.listen(listener, lambda sock: None)  # type: ignore[arg-type]
        until(loop, lambda: listener.tries)
        loop.unlisten(listener)  # type: ignore[arg-type]
        assert len(loop.timed) == timers


def test_what_was_unlistened_in_this_round_accepts_nobody(loop: Loop) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    accepted: list[socket.socket] = []
    loop.listen(listener, accepted.append)
    with socket.create_connection(listener.getsockname()):
        loop.again(lambda: loop.unlisten(listener))
        for _ in range(3):
            loop.round()
        assert accepted == []
        assert listener.accept(), "they wait for whoever listens next"


def test_a_listener_that_breathes_may_be_unlistened_at_that_very_moment(loop: Loop) -> None:
    class Full:
        def accept(self) -> None:
            raise OSError(errno.EMFILE, "too many open files")

        def setblocking(self, flag: bool) -> None:
            pass

        def fileno(self) -> int:
            return real.fileno()

        __hash__ = object.__hash__

    real = socket.create_server(("127.0.0.1", 0))
    listener = Full()
    loop.listen(listener, lambda sock: None)  # type: ignore[arg-type]
    with socket.create_connection(real.getsockname()):
        until(loop, lambda: loop._paused)
        resume = loop._paused[listener]  # type: ignore[index]
        loop.timed.insert(0, Every(0.0, lambda now: loop.unlisten(listener)))  # type: ignore[arg-type]
        while resume.next_deadline() > read_clock().mono:
            pass
        loop.round()
        assert not loop._paused
        assert resume not in loop.timed
