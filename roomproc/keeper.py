"""The room's second thread: checkpoints, the search index, searches, and what retention drops from the index.

Law: the loop never waits for it. Jobs go in by a queue, results come back through `loop.post`. It is started by the
first job, so that an idle room has no thread. It holds SQLite connections of its own and touches no state of the room.
"""

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from roomproc.search import SearchIndex, is_trouble_of_index
from wire.errors import Refused
from wire.loop import Loop
from wire.messages import Entry

WAITING: Final = 64  # searches that may wait; more are refused with busy

log = logging.getLogger("room.keeper")
Job = Callable[[SearchIndex], None]


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
            self._give(_tidy)

    def search(
        self, text: str, before: int, limit: int, found: Callable[[list[Entry], bool], None], failed: Callable[[], None]
    ) -> None:
        """Search the whole log; `found` or `failed` runs on the loop. Raises Refused(busy)."""
        if self._jobs.qsize() >= WAITING:
            raise Refused("busy", "too many searches are waiting; try again", retry_after=1)

        def job(index: SearchIndex) -> None:
            try:
                while index.catch_up():
                    pass
                lines, more = index.find(text, before, limit)
            except sqlite3.Error:
                self._loop.post(failed)
                raise
            self._loop.post(lambda: found(lines, more))

        self._give(job)

    def forget(self, before: int, done: Callable[[bool], None]) -> None:
        """Take lines below `before` out of the index; `done` runs on the loop with whether that worked, and only
        when it did they may be deleted."""

        def job(index: SearchIndex) -> None:
            try:
                index.forget(before)
            except sqlite3.Error:
                self._loop.post(lambda: done(False))
                raise
            self._loop.post(lambda: done(True))

        self._give(job)

    def close(self) -> None:
        """End the thread after the job it is at."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join(timeout=1.0)

    def _give(self, job: Job) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def _run(self) -> None:
        index: SearchIndex | None = None
        while (job := self._jobs.get()) is not None:
            try:
                index = index or SearchIndex(self._index_path, self._log_db)
                job(index)
            except sqlite3.Error as why:
                log.warning("the search index: %s", why)
                if index is not None:
                    index.close()
                index = None
                if is_trouble_of_index(why):
                    self._index_path.unlink(missing_ok=True)
        if index is not None:
            index.close()


def _tidy(index: SearchIndex) -> None:
    while index.catch_up():
        pass
    index.checkpoint()
