"""What both sides of the session share: connection numbers, request ids, and the tray of effects and events. Pure.

Law: a connection number is used once, so whatever is reported late about an old connection belongs to nobody.
"""

import random
from collections.abc import Callable
from typing import Any, Protocol

from client.events import Close, Effect, Event, Open, Send
from wire.clock import Now
from wire.messages import Message


class Side(Protocol):
    """One end of a connection: the lobby's or a room's."""

    def connected(self, now: Now) -> None: ...
    def failed(self, why: str, now: Now) -> None: ...
    def lost(self, why: str, now: Now) -> None: ...
    def received(self, message: Any, now: Now) -> None: ...


class Desk:
    def __init__(self, rng: random.Random, stream: Callable[[], str]) -> None:
        self.rng = rng
        self.new_stream = stream
        self.effects: list[Effect] = []
        self.events: list[Event] = []
        self._owners: dict[int, Side] = {}
        self._conns = 0
        self._ids = 0
        self._run = stream()[-6:]  # an earlier run may have used the same stream: its ids are not ours

    def new_id(self) -> str:
        self._ids += 1
        return f"{self._run}-{self._ids}"

    def open(self, side: Side, host: str, port: int) -> int:
        self._conns += 1
        self._owners[self._conns] = side
        self.effects.append(Open(self._conns, host, port))
        return self._conns

    def send(self, conn: int, message: Message) -> None:
        self.effects.append(Send(conn, message))

    def close(self, conn: int) -> None:
        if self._owners.pop(conn, None) is not None:
            self.effects.append(Close(conn))

    def gone(self, conn: int) -> Side | None:
        """The link reports the end of `conn`; whose it was, if anybody's still."""
        return self._owners.pop(conn, None)

    def owner(self, conn: int) -> Side | None:
        return self._owners.get(conn)

    def tell(self, event: Event) -> None:
        self.events.append(event)
