"""The select loop every server process runs: rounds of report, timers, read, commit, send, select.

Law: the clock is read here and nowhere else; `lost` is reported at the start of a round, so no handler is ever
re-entered; nothing that was queued in a round leaves before `end_of_round` returned (that is where servers commit).
"""

import contextlib
import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from wire.channel import Channel
from wire.clock import Now
from wire.linger import Linger

ACCEPTS: Final = 64  # connections accepted a round from one listener, so that thousands coming back starve nobody
# Seconds by which a round is late when the process or its machine was stopped: then what came meanwhile is heard before
# any timer is, or whoever spoke in that time would be let go as silent.
HELD_UP: Final = 0.5
MAX_WAIT: Final = 60.0  # seconds; an idle process wakes once a minute, which costs nothing

log = logging.getLogger(__name__)
Callback = Callable[[], None]


class Timed(Protocol):
    """Something that wants to be told when a moment has come."""

    def next_deadline(self) -> float | None:
        """Monotonic seconds of the next moment, None for never."""

    def tick(self, now: Now) -> None:
        """That moment, or a later one, has come."""


class Every:
    """Calls `act` every `seconds`."""

    def __init__(self, seconds: float, act: Callable[[Now], None], first: float = 0.0) -> None:
        self._seconds = seconds
        self._act = act
        self._next = first

    def next_deadline(self) -> float:
        return self._next

    def tick(self, now: Now) -> None:
        self._next = now.mono + self._seconds
        self._act(now)


def read_clock() -> Now:
    return Now(time.monotonic(), time.time_ns() // 1_000_000)


class Loop:
    """One process's loop. Set `end_of_round` to commit; add `timed` cores."""

    def __init__(self) -> None:
        self.now = read_clock()
        self._linger = Linger(self)
        self.timed: list[Timed] = [self._linger]
        self.end_of_round: Callback = lambda: None
        self._selector = selectors.DefaultSelector()
        self._channels: set[Channel] = set()
        self._dirty: dict[Channel, None] = {}
        # Who is sent the same, and has nothing else to send in this round: no queue of theirs is filled for it.
        self._sharing: dict[Channel, None] = {}
        self._shared = b""
        self.stuck: set[Channel] = set()  # whose sockets have to drain; the loop waits for that
        self._closing: list[Channel] = []
        self._again: list[Callback] = []
        self._posted: list[Callback] = []
        self._paused: dict[socket.socket, _Once] = {}  # listeners that breathe after a failed accept
        self._soonest = 0.0  # the moment at which one of `timed` wants to be told, or earlier
        self._stopped = False
        self._expected = 0.0  # by when this round was to begin
        self._held_up = False
        self._heard = 0  # how many connections had something in the round before
        # Threads and signal handlers wake the loop by a byte in here.
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self.watch(self._wake_in.fileno(), self._drain_wake)

    # -- what is watched

    def add(self, channel: Channel) -> None:
        self._channels.add(channel)
        self._selector.register(channel.socket, selectors.EVENT_READ, channel)

    def watch(self, fd: int, ready: Callback) -> None:
        """Call `ready` whenever `fd` is readable (pidfds, pipes)."""
        self._selector.register(fd, selectors.EVENT_READ, ready)

    def unwatch(self, fd: int) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(fd)

    def listen(self, listener: socket.socket, accepted: Callable[[socket.socket], None]) -> None:
        """Accept from `listener`, a bounded number a round; connections of Internet sockets get TCP_NODELAY."""
        listener.setblocking(False)

        def accept() -> None:
            for _ in range(ACCEPTS):
                try:
                    sock, _address = listener.accept()
                except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                    return
                except OSError as why:  # out of descriptors: leave the rest in the backlog and breathe
                    log.warning("accept failed: %s", why)
                    self._pause(listener)
                    return
                if sock.family != socket.AF_UNIX:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                accepted(sock)

        self._selector.register(listener, selectors.EVENT_READ, accept)

    def unlisten(self, listener: socket.socket) -> None:
        pause = self._paused.pop(listener, None)
        if pause is not None:
            self.timed.remove(pause)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(listener)

    def on_signals(self, handle: Callable[[int], None], *signals: int) -> None:
        """Signal handlers only queue; `handle` runs in the next round."""
        for number in signals:
            signal.signal(number, lambda n, _frame: self.post(lambda: handle(n)))

    # -- what handlers ask for

    def send(self, channel: Channel, frame: bytes) -> None:
        """Queue whole lines; they leave after this round's commit."""
        self._touch(channel)
        channel.queue(frame)

    def send_all(self, channels: Iterable[Channel], frame: bytes) -> None:
        """`send` to each of them, the same shared bytes: in one go, since this is most of what a full room does."""
        for channel in tuple(self._sharing):
            self._touch(channel)
        self._sharing, self._shared = dict.fromkeys(channels), frame
        for channel in (*self._dirty, *self.stuck):
            if channel in self._sharing:
                self._touch(channel)

    def close(self, channel: Channel, why: str) -> None:
        """End a connection: what is queued is tried once, and the loss reported in the next round."""
        if not channel.closing:
            self._touch(channel)
            channel.close(why)

    def post(self, act: Callback) -> None:
        """Run `act` in the next round, or in this one's second look. For other threads and signal handlers."""
        self._posted.append(act)
        with contextlib.suppress(OSError):  # full: a wake is already on its way
            self._wake_out.send(b"\0")

    def again(self, act: Callback) -> None:
        """Run `act` in the next round, which then follows without waiting. For this thread."""
        self._again.append(act)

    def stop(self) -> None:
        """Return from `run` at the end of this round."""
        self._stopped = True

    # -- the round

    def run(self) -> None:
        while not self._stopped:
            self.round()

    def round(self) -> None:
        events = self._selector.select(self._timeout())
        self.now = now = read_clock()
        self._report_lost()
        self._held_up = now.mono > self._expected + HELD_UP and not self._held_up
        if self._held_up:
            events = self._selector.select(0)  # one that was interrupted beyond its time tells of nobody
        elif self._soonest <= now.mono:
            self._run_timers(now)
        again, self._again = self._again, []
        for act in again:
            act()
        heard = self._handle(events)
        if heard < self._heard:  # the others speak by now, and share the commit: a third of a busy room's CPU
            heard += self._handle(event for event in self._selector.select(0) if isinstance(event[0].data, Channel))
        self._heard = heard
        self.end_of_round()
        self._flush()

    def _handle(self, events: Iterable[tuple[selectors.SelectorKey, int]]) -> int:
        """How many of them were connections."""
        connections = 0
        for key, mask in events:
            if isinstance(key.data, Channel):
                connections += 1
                self._channel_ready(key.data, mask)
            elif self._selector.get_map().get(key.fd) is key:  # and nothing before it in this round ended that
                key.data()
        return connections

    def _run_timers(self, now: Now) -> None:
        for timed in tuple(self.timed):
            deadline = timed.next_deadline()
            if deadline is not None and deadline <= now.mono:
                timed.tick(now)

    def _timeout(self) -> float:
        self._expected = self.now.mono
        self._soonest = 0.0
        if self._closing or self._again or self._posted:
            return 0.0
        soonest = MAX_WAIT + self.now.mono
        for timed in self.timed:
            deadline = timed.next_deadline()
            if deadline is not None and deadline < soonest:
                soonest = deadline
        self._soonest = soonest  # all are asked once a round and not again when it begins
        self._expected = max(self._expected, soonest)
        return max(0.0, soonest - time.monotonic())

    def _channel_ready(self, channel: Channel, mask: int) -> None:
        if channel.closing:
            return
        if mask & selectors.EVENT_WRITE:
            self._touch(channel)
        if mask & selectors.EVENT_READ:
            lines = channel.receive()
            if channel.closing:
                self._touch(channel)
            if lines:
                try:
                    channel.handler.lines(channel, lines)
                except Exception:  # a bug: it costs this one connection, never the process
                    log.exception("handling lines of %s failed", channel.tag)
                    self.close(channel, "internal")

    def _touch(self, channel: Channel) -> None:
        """It has something to do at the end of this round, after what it shares."""
        if self._sharing.pop(channel, self) is None:
            channel.queue(self._shared)
        self._dirty[channel] = None

    def _share(self) -> None:
        """Of 100 members each costs 0.3 µs less than by a queue, in a round of one line a sixth of all."""
        sharing, self._sharing, frame = self._sharing, {}, self._shared
        whole = len(frame)
        for channel in sharing:
            try:
                sent = channel.transmit(frame)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as why:
                channel.broke(why)
                self._dirty[channel] = None
                continue
            if sent != whole:
                channel.queue(frame)
                channel.took(sent)
                self._dirty[channel] = None

    def _flush(self) -> None:
        if self._sharing:
            self._share()
        dirty, self._dirty = self._dirty, {}
        for channel in dirty:
            drained = channel.flush()
            if channel.closing:
                self._closing.append(channel)
            elif drained is (channel in self.stuck):
                (self.stuck.discard if drained else self.stuck.add)(channel)
                wanted = selectors.EVENT_READ if drained else selectors.EVENT_READ | selectors.EVENT_WRITE
                self._selector.modify(channel.socket, wanted, channel)

    def _report_lost(self) -> None:
        closing, self._closing = self._closing, []
        for channel in closing:
            if channel not in self._channels:
                continue
            self._channels.discard(channel)
            self.stuck.discard(channel)
            self._selector.unregister(channel.socket)
            if channel.gone:
                channel.socket.close()
            else:
                self._linger.take(channel.socket)
            for fd in channel.fds or ():
                os.close(fd)
            try:
                channel.handler.lost(channel, channel.why)
            except Exception:
                log.exception("reporting the loss of %s failed", channel.tag)

    def _pause(self, listener: socket.socket) -> None:
        accept = self._selector.unregister(listener).data

        def resume() -> None:
            pause = self._paused.pop(listener, None)
            if pause is not None:  # unlistened in this very round
                self.timed.remove(pause)
                self._selector.register(listener, selectors.EVENT_READ, accept)

        self._paused[listener] = _Once(self.now.mono + 0.1, resume)
        self.timed.append(self._paused[listener])

    def _drain_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake_in.recv(4096)
        posted, self._posted = self._posted, []
        for act in posted:
            act()


class _Once:
    """One moment; `act` takes it away."""

    def __init__(self, at: float, act: Callback) -> None:
        self._at = at
        self._act = act

    def next_deadline(self) -> float:
        return self._at

    def tick(self, now: Now) -> None:  # noqa: ARG002
        self._act()
