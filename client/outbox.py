"""Lines and whispers on their way to one room, in the order they were typed. Pure.

Law: one is under way at a time. So a line that is refused as too fast, or lost with a connection, is never overtaken by
the one after it; and each keeps its id until it is acknowledged, refused or too old to be sent again.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from client.events import Outgoing
from wire.clock import Now

MARGIN: Final = 0.05  # seconds beyond retry_after: clocks differ
PATIENCE: Final = 4.0  # seconds without an acknowledgement before it is worth a word


@dataclass(slots=True)
class Waiting:
    id: str
    message: Outgoing
    typed: Now
    stream: str  # what it exists once under


class Outbox:
    def __init__(self) -> None:
        self._queue: deque[Waiting] = deque()
        self._under_way = False
        self._not_before = 0.0
        self._said = False

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, id_: str, message: Outgoing, now: Now, stream: str = "") -> None:
        self._queue.append(Waiting(id_, message, now, stream))

    def next(self, now: Now, stream: str = "") -> Outgoing | None:
        """What is to be sent now under this stream; it is under way from then on."""
        if self._next_stream(now) != stream:
            return None
        self._under_way = True
        return self._queue[0].message

    def other_stream(self, now: Now, stream: str) -> str | None:
        """The one to go on under, as what is to be sent now was said under it."""
        wanted = self._next_stream(now)
        return None if wanted == stream else wanted

    def _next_stream(self, now: Now) -> str | None:
        if self._under_way or not self._queue or now.mono < self._not_before:
            return None
        return self._queue[0].stream

    def take(self, id_: str) -> Waiting | None:
        """`id_` was acknowledged or refused: it is ours no longer. None when it is not the one under way."""
        if not self._queue or self._queue[0].id != id_:
            return None
        self._under_way = False
        if len(self._queue) == 1:
            self._said = False
        return self._queue.popleft()

    def hold(self, id_: str, seconds: float, now: Now) -> bool:
        """`id_` came too fast: send it again in `seconds`, and the others after it."""
        if not self._queue or self._queue[0].id != id_:
            return False
        self._under_way = False
        self._not_before = now.mono + seconds + MARGIN
        return True

    def broken(self) -> None:
        """The connection is gone: whatever was under way is sent again on the next one."""
        self._under_way = False
        self._not_before = 0.0

    def clear(self) -> list[Waiting]:
        """All that is left, taken out."""
        left = list(self._queue)
        self._queue.clear()
        self._under_way = False
        return left

    def expired(self, window: float, now: Now) -> list[Waiting]:
        """Those older than `window` seconds, taken out: sent again they might exist twice."""
        old = []
        while self._queue and now.wall - self._queue[0].typed.wall >= window * 1000:
            old.append(self._queue.popleft())
            self._under_way = False
        return old

    def overdue(self, now: Now) -> bool:
        """True once when the oldest has waited long; again only after everything was acknowledged."""
        if self._said or not self._queue or now.mono < self._queue[0].typed.mono + PATIENCE:
            return False
        self._said = True
        return True

    def next_deadline(self, *, may_send: bool) -> float | None:
        """When `overdue`, or (while the room takes lines) `next`, has something new to say."""
        if not self._queue:
            return None
        wanted = [] if self._said else [self._queue[0].typed.mono + PATIENCE]
        if may_send and not self._under_way:
            wanted.append(self._not_before)
        return min(wanted, default=None)
