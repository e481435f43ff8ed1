"""When the room's upkeep has the index brought up to date, and the write-ahead log moved into the file."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from base.config import Config
from roomproc.history import PAGE_BYTES, History
from roomproc.staged import Told, Work
from roomproc.upkeep import LOG_PAGES, TIDY_LINES, TIDY_MOST, Upkeep
from wire.clock import Now
from wire.messages import Line


class Asked:
    """The keeper: counts what it is asked for."""

    def __init__(self) -> None:
        self.times = 0
        self.moving: list[Callable[[], None]] = []

    def tidy(self) -> None:
        self.times += 1

    def checkpoint(self, done: Callable[[], None]) -> None:
        self.moving.append(done)


@pytest.fixture
def server(tmp_path: Path) -> Any:
    now = Now(0.0, 0)
    return SimpleNamespace(
        config=Config(), keeper=Asked(), history=SimpleNamespace(behind=0, forget_due=lambda wall: False),
        room=SimpleNamespace(seq=0, roster=["anna"]), channels=["one"], heard={}, links=SimpleNamespace(any_up=True),
        retention=SimpleNamespace(look=lambda now: None), loop=SimpleNamespace(now=now),
    )  # fmt: skip


def look(upkeep: Upkeep, server: Any, *, seq: int) -> int:
    """How often the keeper has been asked to tidy, after a look with so many lines."""
    server.room.seq = seq
    upkeep.tick(Now(1.0, 1_000))
    return cast("int", server.keeper.times)


def test_lines_are_tidied_once_it_is_quiet_or_when_they_are_many(server: Any) -> None:
    upkeep = Upkeep(server, 0)
    assert look(upkeep, server, seq=TIDY_LINES) == 0  # they are coming still
    assert look(upkeep, server, seq=TIDY_LINES) == 1
    assert look(upkeep, server, seq=TIDY_LINES + TIDY_MOST) == 2


def test_a_log_is_moved_when_it_is_long_and_once_at_a_time(server: Any) -> None:
    def rest() -> None:
        server.history.behind = 0

    server.history.checkpoint = rest
    upkeep = Upkeep(server, 0)
    server.history.behind = LOG_PAGES - 1
    upkeep.stored()
    assert not server.keeper.moving
    for _ in range(2):
        server.history.behind += 1
        upkeep.stored()
    assert len(server.keeper.moving) == 1
    server.keeper.moving.pop()()
    assert server.history.behind == 0, "what came while the keeper was at it is moved as well"
    server.history.behind = LOG_PAGES
    upkeep.stored()
    assert server.keeper.moving


def said(history: History, seq: int) -> None:
    work = Work()
    work.entries = [Told(Line(seq=seq, at=seq, sender="ann", text="x" * 10 * PAGE_BYTES))]
    history.commit(work)


def test_a_log_that_was_moved_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite3"
    history = History(path, "process")
    history.open(1)
    for seq in range(1, 10):
        said(history, seq)
    grown = (tmp_path / "log.sqlite3-wal").stat().st_size
    for seq in range(10, 100):
        if seq % 9 == 0:
            history.checkpoint()
        said(history, seq)
    assert (tmp_path / "log.sqlite3-wal").stat().st_size < 2 * grown
    history.close()


def test_what_a_process_left_that_died_counts(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite3"
    history = History(path, "process")
    history.open(1)
    said(history, 1)
    again = History(path, "process")  # the first still has the file open, as one that was killed never closed it
    assert again.behind >= 10
    history.close()
    again.close()
