"""The keeper: whoever waits for a job is told what became of it, whatever went wrong, and the next job is done."""

import sqlite3
import time
from collections.abc import Callable

import pytest

from roomproc import keeper as keeping
from roomproc.history import History
from roomproc.keeper import Keeper
from roomproc.search import SearchIndex
from roomproc.staged import Work
from wire.loop import Every, Loop
from wire.messages import Line


@pytest.fixture
def loop():
    loop = Loop()
    loop.timed.append(Every(0.05, lambda now: None))
    return loop


@pytest.fixture
def keeper(tmp_path, loop):
    history = History(tmp_path / "log.sqlite3", "process")
    history.open(1)
    work = Work()
    work.add(Line(seq=1, at=1, sender="ann", text="hello"))
    history.commit(work)
    keeper = Keeper(loop, tmp_path / "search.sqlite3", tmp_path / "log.sqlite3")
    yield keeper
    keeper.close()
    history.close()


def until(loop: Loop, condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "nobody was told"
        loop.round()


@pytest.mark.parametrize(
    "fault",
    [sqlite3.OperationalError("disk is full"), OSError(30, "read-only file system"), ValueError("a bug")],
    ids=lambda fault: type(fault).__name__,
)
def test_an_index_that_cannot_be_opened_is_told_and_tried_again(keeper, loop, monkeypatch, fault):
    faults = [fault, fault]

    def opened(index: object, log: object) -> SearchIndex:
        if faults:
            raise faults.pop()
        return SearchIndex(index, log)

    monkeypatch.setattr(keeping, "SearchIndex", opened)
    told: list[object] = []
    keeper.search("hello", 9, 5, lambda lines, more: told.append(lines), lambda: told.append("failed"))
    until(loop, lambda: told)
    keeper.forget(1, told.append)
    until(loop, lambda: len(told) == 2)
    assert told == ["failed", False]
    keeper.search("hello", 9, 5, lambda lines, more: told.append(lines), lambda: told.append("failed"))
    until(loop, lambda: len(told) == 3)
    assert [line.text for line in told[2]] == ["hello"]


def test_a_checkpoint_is_told_whether_or_not_it_worked(keeper, loop, monkeypatch):
    moved = []
    keeper.checkpoint(lambda: moved.append("moved"))
    until(loop, lambda: moved)
    monkeypatch.setattr(SearchIndex, "checkpoint", broken)
    keeper.checkpoint(lambda: moved.append("not moved"))
    until(loop, lambda: moved[1:])


def broken(index):
    raise sqlite3.OperationalError("disk is full")
