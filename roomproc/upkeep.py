"""What a room does beside its rounds: looks for silent connections, lets old things go, and falls asleep.

Law: it is done in small pieces, and a disk that refuses costs nothing but the piece: it is tried again.
"""

import logging
import sqlite3
from typing import TYPE_CHECKING, Final

from base.exits import Exit
from roomproc.history import NOTE_EVERY
from wire.clock import Now, Passed
from wire.errors import Refused
from wire.tickets import TOKEN_SECONDS

if TYPE_CHECKING:
    from roomproc.server import RoomServer

EVERY: Final = 1.0  # seconds between two looks while somebody is here
EVERY_EMPTY: Final = 60.0  # and while nobody is: waking up is most of what an idle room costs
ORPHANED_AFTER: Final = 300.0  # seconds without lobby and nursery
WHISPERS_KEPT: Final = 600_000  # ms; architecture, "Cases that look small and are not"
TIDY_LINES: Final = 500  # new lines that are worth a checkpoint and an update of the search index, once it is quiet
QUIET: Final = 200  # lines at most since the last look
# In the middle of a storm: to index a line costs twice of all else that is done with it, and who searches first waits
# for what is not indexed yet, two seconds at most.
TIDY_MOST: Final = 500_000
# Pages of write-ahead log that are moved into the file at once, so that the log begins anew where it is already
# allocated: a sync takes half of the time and CPU that it takes in a log that grows (0.15 against 0.28 ms).
LOG_PAGES: Final = 1_000

log = logging.getLogger("room")


class Upkeep:
    """The upkeep of one room."""

    def __init__(self, server: "RoomServer", tidied: int) -> None:
        self._server = server
        self._tidied = tidied  # the number up to which index and checkpoint were asked for
        self._seen = tidied  # the number at the last look
        self._moving = False  # the keeper moves the log's pages
        window = server.config.rooms.resend_window
        self._passed = Passed(server.loop.now, trust=max(window, TOKEN_SECONDS))
        now = server.loop.now.mono
        self._looked = now
        self._next = now + EVERY  # while nobody is here
        self._noted = now
        self._empty_since = now
        self._alone_since = now

    @property
    def _occupied(self) -> bool:
        return bool(len(self._server.room.roster) or self._server.channels)

    def next_deadline(self) -> float:
        return self._looked + EVERY if self._occupied else self._next

    def tick(self, now: Now) -> None:
        server = self._server
        self._end_silent(now)
        try:
            if server.history.forget_due(now.wall):
                self._forget(now)
            server.retention.look(now)
        except sqlite3.Error as why:
            log.warning("upkeep: %s", why)
        self._tidy(server.room.seq)
        self.stored()
        self._consider_the_end(now.mono)

    def _forget(self, now: Now) -> None:
        """Let go what has had its time. Who resends or comes back may be in time although the wall clock jumped ahead,
        by its setting or a suspended machine: keys and revocations go by the time that passed here as well."""
        server, passed = self._server, self._passed.at(now)
        void_before = passed - TOKEN_SECONDS * 1_000
        went = server.history.forget(
            now.wall,
            whispers_before=now.wall - WHISPERS_KEPT,
            window_before=passed - server.config.rooms.resend_window * 1_000,
            void_before=void_before,
        )
        server.room.door.prune(now.wall, void_before)
        if went or now.mono - self._noted >= NOTE_EVERY / 1_000:
            self._noted = now.mono
            server.room.streams.note()

    def stored(self) -> None:
        """After a commit: the write-ahead log is kept short, by the keeper, so that rounds go on meanwhile."""
        if self._server.history.behind >= LOG_PAGES and not self._moving:
            self._moving = True
            self._server.keeper.checkpoint(self._moved)

    def _moved(self) -> None:
        """Only a log that was moved to its very end begins anew: the little that came meanwhile is moved here."""
        self._moving = False
        try:
            self._server.history.checkpoint()
        except sqlite3.Error as why:
            log.warning("a checkpoint: %s", why)

    def _tidy(self, seq: int) -> None:
        """The keeper shares the core with the loop, so its work is left for a quiet moment."""
        quiet, self._seen = seq - self._seen <= QUIET, seq
        if seq - self._tidied >= (TIDY_LINES if quiet else TIDY_MOST):
            self._tidied = seq
            self._server.keeper.tidy()

    def _end_silent(self, now: Now) -> None:
        server = self._server
        if not server.config.limits.ping_seconds:
            return
        silent = now.mono - server.config.limits.ping_seconds
        for number in [number for number, heard in server.heard.items() if heard < silent]:
            server.room.refuse(number, None, Refused("timeout", "nothing was heard for too long", fatal=True))

    def _consider_the_end(self, mono: float) -> None:
        """Sleep when nobody was here for long enough; end when nobody is left to belong to."""
        server, after = self._server, self._server.config.rooms.sleep_after
        self._looked = mono
        if server.links.any_up:
            self._alone_since = mono
        if self._occupied:
            self._empty_since = mono
            return
        if after and mono - self._empty_since >= after:
            server.end(Exit.SLEPT)
        elif mono - self._alone_since >= ORPHANED_AFTER:
            server.end(Exit.ORPHANED)
        self._next = mono + EVERY_EMPTY
        if after:
            self._next = min(self._next, self._empty_since + after)
