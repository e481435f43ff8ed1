"""Which entries retention drops, and in which order it does it."""

import pytest

from roomproc import retention
from roomproc.history import History
from roomproc.retention import DAY, Retention
from roomproc.staged import Work
from wire.clock import Now
from wire.messages import Line

TODAY = 1_795_197_600_000


def keep(days=0, lines=0):
    return {"keep_days": days, "keep_lines": lines}


class FakeKeeper:
    """The index forgets when it is told to."""

    def __init__(self):
        self.asked = []

    def forget(self, before, done):
        self.asked.append((before, done))


@pytest.fixture
def history(tmp_path):
    history = History(tmp_path / "log.sqlite3", "process")
    history.open(1)
    work = Work()
    work.entries = [Line(seq=n, at=TODAY - (10 - n) * DAY, sender="ann", text="x") for n in range(1, 11)]
    history.commit(work)
    return history


def test_by_count_by_age_and_never_the_newest(history):
    def cut(**rules):
        return Retention(lambda: keep(**rules), history, FakeKeeper(), lambda first: None).cut(1, 10, TODAY)

    assert cut() == 1
    assert cut(lines=3) == 8
    assert cut(lines=100) == 1
    assert cut(days=4) == 6
    assert cut(days=4, lines=3) == 8
    assert Retention(lambda: keep(days=1), history, FakeKeeper(), print).cut(1, 10, TODAY + 99 * DAY) == 10


def test_first_the_index_then_the_log_in_bounded_steps(history, monkeypatch):
    monkeypatch.setattr(retention, "CHUNK", 2)
    keeper, kept = FakeKeeper(), []
    drop = Retention(lambda: keep(lines=5), history, keeper, kept.append)
    drop.look(Now(100, TODAY))
    drop.look(Now(101, TODAY))
    assert [before for before, _done in keeper.asked] == [6]
    assert history.extent() == (1, 10)
    keeper.asked[0][1](True)
    for second in range(102, 106):
        drop.look(Now(second, TODAY))
    assert kept == [3, 5, 6]
    assert history.extent() == (6, 10)


def test_an_index_that_could_not_forget_is_asked_again(history):
    keeper = FakeKeeper()
    drop = Retention(lambda: keep(lines=5), history, keeper, lambda first: None)
    drop.look(Now(100, TODAY))
    keeper.asked[0][1](False)
    drop.look(Now(101, TODAY))
    drop.look(Now(131, TODAY))
    assert len(keeper.asked) == 2
    assert history.extent() == (1, 10)
