"""The room's second thread: checkpoints, the search index, searches, and what retention drops from the index.

Law: the loop never waits for it. Jobs go in by a queue, results come back through `loop.post`. It is started by the
first job, so that an idle room has no thread. It holds SQLite connections of its own and touches no state of the room.
"""

import contextlib
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from roomproc.search import SearchIndex, erase, is_trouble_of_index
from wire.errors import Refused
from wire.loop import Loop
from wire.messages import Entry

FAULTS: Final = (sqlite3.Error, OSError)  # the disk's; anything else is a bug
WAITING: Final = 64  # searches that may wait; more are refused with busy

log = logging.getLogger("room.keeper")
Job = tuple[Callable[[SearchIndex], None], Callable[[], None]]  # what is to be done, and on the loop if that fails


class Keeper:
    """Does the slow work on the files of one room."""

    def __init__(self, loop: Loop, index: Path, log_db: Path) -> None:
        self._loop = loop
        self._index_path = index
        self._log_db = log_db
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._thread: threading.Thread | None = None

    def tidy(self) -> None:
        """Bring the index up to date and the write-ahead logs into the files."""
        if self._jobs.empty():
            self._give(_tidy, lambda: None)

    def checkpoint(self, done: Callable[[], None]) -> None:
        """Bring the write-ahead logs into the files; `done` runs on the loop, whatever came of it."""

        def job(index: SearchIndex) -> None:
            index.checkpoint()
            self._loop.post(done)

        self._give(job, done)

    def search(
        self, text: str, before: int, limit: int, found: Callable[[list[Entry], bool], None], failed: Callable[[], None]
    ) -> None:
        """Search the whole log; `found` or `failed` runs on the loop. Raises Refused(busy)."""
        if self._jobs.qsize() >= WAITING:
            raise Refused("busy", "too many searches are waiting; try again", retry_after=1)

        def job(index: SearchIndex) -> None:
            while index.catch_up():
                pass
            lines, more = index.find(text, before, limit)
            self._loop.post(lambda: found(lines, more))

        self._give(job, failed)

    def forget(self, before: int, done: Callable[[bool], None]) -> None:
        """Take lines below `before` out of the index; `done` runs on the loop with whether that worked, and only
        when it did they may be deleted."""

        def job(index: SearchIndex) -> None:
            index.forget(before)
            self._loop.post(lambda: done(True))

        self._give(job, lambda: done(False))

    def close(self) -> None:
        """End the thread after the job it is at."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join(timeout=1.0)

    def _give(self, work: Callable[[SearchIndex], None], failed: Callable[[], None]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
            self._thread.start()
        self._jobs.put((work, failed))

    def _run(self) -> None:
        index: SearchIndex | None = None
        while (job := self._jobs.get()) is not None:
            work, failed = job
            try:
                index = index or SearchIndex(self._index_path, self._log_db)
                work(index)
            except Exception as why:  # whatever it is, who waits is told, and this thread takes the next job
                log.warning("the search index: %s", why, exc_info=not isinstance(why, FAULTS))
                self._loop.post(failed)
                with contextlib.suppress(*FAULTS):
                    if index is not None:
                        index.close()
                    if is_trouble_of_index(why):
                        erase(self._index_path)
                index = None
        if index is not None:
            index.close()


def _tidy(index: SearchIndex) -> None:
    while index.catch_up():
        pass
    index.checkpoint()
