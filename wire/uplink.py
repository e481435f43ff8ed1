"""A control link that comes back: connects, tells its owner, and when it is lost connects again, for ever.

Law: an uplink carries soft state and keeps nothing over a loss. What is sent while there is no link is dropped, and
`opened` tells the whole state, at the first link as at every later one.
"""

import logging
import socket
from collections.abc import Callable
from typing import Final, Protocol

from msgspec import Struct

from wire.channel import Channel
from wire.clock import Now
from wire.codec import encode
from wire.loop import Loop

FIRST_PAUSE: Final = 0.2  # seconds before the first new attempt
LONGEST_PAUSE: Final = 1.0
GROWTH: Final = 1.5
STEADY: Final = 1.0  # a link that held for so many seconds was a good one: the pauses begin anew

log = logging.getLogger(__name__)


class UplinkHandler(Protocol):
    """What the owner of an uplink does about it; called in rounds of the loop."""

    def opened(self, uplink: "Uplink") -> None:
        """There is a link: tell the whole state. An OSError raised here drops the link, and it is tried again."""

    def lines(self, uplink: "Uplink", lines: list[bytes]) -> None:
        """Whole lines that came in this round."""

    def lost(self, uplink: "Uplink", why: str) -> None:
        """The link that was `opened` is over; another is on its way."""


class Uplink:
    """One end of a control link, on the side that connects.

    `connect` gives a connected socket or raises OSError, and must not wait: for a Unix socket
    `lambda: connect_control(path, timeout=0)`. It may hand out an inherited socket the first time.
    `carries_fds`: descriptors that come with SCM_RIGHTS are collected in `channel.fds`.
    """

    def __init__(
        self,
        loop: Loop,
        connect: Callable[[], socket.socket],
        handler: UplinkHandler,
        *,
        name: str = "control link",
        carries_fds: bool = False,
    ) -> None:
        self._loop = loop
        self._connect = connect
        self._handler = handler
        self._carries_fds = carries_fds
        self.name = name
        self.channel: Channel | None = None  # the link, while there is one
        self._pause = FIRST_PAUSE
        self._next: float | None = None  # when to try
        self._since = 0.0

    @property
    def up(self) -> bool:
        return self.channel is not None and not self.channel.closing

    def start(self) -> None:
        """Begin to connect, in the next round."""
        self._next = self._loop.now.mono
        self._loop.timed.append(self)

    def stop(self) -> None:
        """End the link, with what is queued sent first, and do not come back; `lost` is not called."""
        self._next = None
        if self in self._loop.timed:
            self._loop.timed.remove(self)
        if self.channel is not None:
            self._loop.close(self.channel, "stopped")
            self.channel = None

    def drop(self, why: str) -> None:
        """End this link and open another, as when the other end broke it."""
        if self.channel is not None:
            self._loop.close(self.channel, why)

    def send(self, message: Struct) -> bool:
        """Queue `message` for the end of the round; False when there is no link (`opened` will tell everything)."""
        if self.channel is None or self.channel.closing:
            return False
        self._loop.send(self.channel, encode(message))
        return True

    def send_with_fds(self, message: Struct, fds: list[int]) -> None:
        """Send `message` at once with descriptors (SCM_RIGHTS); raises OSError, also when there is no link."""
        if self.channel is None or self.channel.closing:
            raise OSError("no link")
        self.channel.send_with_fds(encode(message), fds)

    # -- for the loop

    def next_deadline(self) -> float | None:
        return self._next

    def tick(self, now: Now) -> None:
        self._next = None
        try:
            sock = self._connect()
        except OSError as why:
            log.debug("%s: %s", self.name, why.strerror or why)
            self._retry(now.mono)
            return
        channel = self.channel = Channel(sock, self, carries_fds=self._carries_fds)
        channel.tag = self.name
        self._since = now.mono
        self._loop.add(channel)
        try:
            self._handler.opened(self)
        except OSError as why:
            self._loop.close(channel, why.strerror or str(why))

    def lines(self, channel: Channel, lines: list[bytes]) -> None:
        if channel is self.channel:
            self._handler.lines(self, lines)

    def lost(self, channel: Channel, why: str) -> None:
        if channel is not self.channel:
            return  # stopped
        self.channel = None
        now = self._loop.now.mono
        if now - self._since >= STEADY:
            self._pause = FIRST_PAUSE
        self._retry(now)
        self._handler.lost(self, why)

    def _retry(self, mono: float) -> None:
        self._next = mono + self._pause
        self._pause = min(LONGEST_PAUSE, self._pause * GROWTH)


__all__ = ["Uplink", "UplinkHandler"]
