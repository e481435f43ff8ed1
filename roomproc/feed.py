"""Members as cursors into the log: who is in step and gets each round's frames, and who is fed from the log.

Law: a connection's queue never grows much past its bound. Beyond it queueing stops and its last number is
remembered; when its socket has drained it is given pages, a bounded number a round, until it is in step again. A
newcomer is the same: a cursor at what it has seen. Nobody else is delayed, and nothing is skipped but what the log
itself no longer keeps, which is said (`gap`).
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from wire.channel import Channel
from wire.codec import encode, encode_all
from wire.loop import Loop
from wire.messages import Entry, Gap

PAGE: Final = 256  # entries given to one connection a round
READS: Final = 16  # pages read from the file a round; more wait for the next, so that a round stays short
KEPT: Final = 1_024  # newest entries kept encoded, so that a returning crowd is fed without the file
KEPT_BYTES: Final = 1_048_576  # at most, whatever their length

Read = Callable[[int, int], list[Entry]]


class Cursor(Struct):
    after: int  # the number it has
    missed: bool  # whether presence passed it by, so that it needs a snapshot


class Tail:
    """The newest entries, encoded, by the rounds in which they came. Numbers are contiguous."""

    def __init__(self, seq: int) -> None:
        self._rounds: deque[tuple[int, bytes]] = deque()  # the newest number, and the lines
        self._bytes = 0
        self._before = self._newest = seq  # all above the one and up to the other are here

    def add(self, newest: int, lines: bytes) -> None:
        self._rounds.append((newest, lines))
        self._bytes += len(lines)
        self._newest = newest
        # The newest round stays whatever its size: all in step are sent it from here.
        while len(self._rounds) > 1 and (self._newest - self._rounds[0][0] >= KEPT or self._bytes > 2 * KEPT_BYTES):
            self._before, dropped = self._rounds.popleft()
            self._bytes -= len(dropped)

    def reaches(self, seq: int) -> bool:
        """Whether all entries after `seq` are here."""
        return seq >= self._before

    def after(self, seq: int, limit: int) -> list[bytes]:
        """At most so many lines after `seq`, which `reaches`."""
        found: list[bytes] = []
        before = self._before
        for newest, lines in self._rounds:
            if newest > seq:
                found += lines.splitlines(keepends=True)[max(0, seq - before) :]
            if len(found) >= limit:
                break
            before = newest
        return found[:limit]


class Feeder:
    """Sends entries to all connections of one room. `read(after, limit)` gives entries of the log, oldest first."""

    def __init__(self, loop: Loop, bound: int, seq: int, read: Read, snapshot: Callable[[], Any]) -> None:
        self._loop = loop
        self._bound = bound  # bytes
        self._read = read
        self._snapshot = snapshot
        self._tail = Tail(seq)
        self._live: dict[int, Channel] = {}
        self._behind: dict[int, tuple[Channel, Cursor]] = {}
        self.seq = seq
        self.first = 1  # the oldest number the log keeps

    def start(self, connection: int, channel: Channel, after: int) -> None:
        """A newcomer that has everything up to `after`."""
        self._behind[connection] = (channel, Cursor(after, missed=False))

    def drop(self, connection: int) -> None:
        self._live.pop(connection, None)
        self._behind.pop(connection, None)

    def broadcast(self, entries: list[Entry]) -> None:
        """Entries that have just been stored, to all in step: encoded once, queued as shared bytes."""
        data = encode_all(entries)
        before, self.seq = self.seq, entries[-1].seq
        self._tail.add(self.seq, data)
        if self._loop.stuck:  # else nothing of an earlier round waits for anybody
            self._leave_behind(before)
        self._loop.send_all(self._live.values(), data)

    def transient(self, message: Any, but: tuple[int, ...]) -> None:
        """An unnumbered frame to all in step; the others get a snapshot when they are."""
        data = encode(message)
        self._leave_behind(self.seq)
        for connection, channel in self._live.items():
            if connection not in but:
                self._loop.send(channel, data)
        for _channel, cursor in self._behind.values():
            cursor.missed = True

    def _leave_behind(self, after: int) -> None:
        """Those whose queues are past the bound: they have everything up to `after`."""
        for connection in [one for one, channel in self._live.items() if channel.pending > self._bound]:
            self._behind[connection] = (self._live.pop(connection), Cursor(after, missed=True))

    def turn(self) -> None:
        """Feed who is behind and has drained; asks for another round while some could go on at once."""
        pages: dict[int, tuple[bytes, int]] = {}
        reads = 0
        more = False
        for connection, (channel, cursor) in list(self._behind.items()):
            if channel.pending > self._bound // 4:
                continue  # the loop waits for the socket, and that makes the next round
            if cursor.after not in pages and not self._tail.reaches(cursor.after):
                reads += 1
                if reads > READS:
                    more = True
                    continue
            self._give(channel, cursor, pages)
            if cursor.after >= self.seq:
                del self._behind[connection]
                self._live[connection] = channel
                if cursor.missed:
                    self._loop.send(channel, encode(self._snapshot()))
            else:
                more = True
        if more:
            self._loop.again(_nothing)

    def _give(self, channel: Channel, cursor: Cursor, pages: dict[int, tuple[bytes, int]]) -> None:
        if cursor.after < self.first - 1:
            self._loop.send(channel, encode(Gap(first=cursor.after + 1, last=self.first - 1)))
            cursor.after = self.first - 1
        if cursor.after >= self.seq:
            return
        if cursor.after not in pages:
            pages[cursor.after] = self._page(cursor.after)
        data, cursor.after = pages[cursor.after]
        self._loop.send(channel, data)

    def _page(self, after: int) -> tuple[bytes, int]:
        if not self._tail.reaches(after):
            entries = self._read(after, PAGE)
            if not entries:
                raise LookupError(f"the log has nothing between {after} and {self.seq}")
            return encode_all(entries), entries[-1].seq
        lines = self._tail.after(after, PAGE)
        return b"".join(lines), after + len(lines)


def _nothing() -> None:
    pass
