"""When the room's upkeep has the index brought up to date, and the write-ahead log moved into the file."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from base.config import Config
from roomproc.history import PAGE_BYTES, History
from roomproc.staged import Work
from roomproc.upkeep import LOG_PAGES, TIDY_LINES, TIDY_MOST, Upkeep
from tests.roomproc.inside import Inside
from wire.clock import Now
from wire.messages import Done, Entered, Error, Kick, Line, Say, Whisper


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
    work.add(Line(seq=seq, at=seq, sender="ann", text="x" * 10 * PAGE_BYTES))
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


DAY = 86_400_000  # ms


def keeping(inside: Inside, server: Any) -> Upkeep:
    server.config, server.history, server.room = inside.config, inside.history, inside.room
    server.loop = SimpleNamespace(now=inside.now)
    return Upkeep(server, 0)


def test_a_clock_that_jumps_ahead_lets_no_key_and_no_revocation_go(tmp_path: Path, server: Any) -> None:
    """As after a suspended machine; and who sends again, or comes back by an old token, is as early as before."""
    inside = Inside(tmp_path / "log.sqlite3")
    upkeep = keeping(inside, server)
    inside.enter(1, "ann", stream="stream-of-ann-0001")
    token = inside.enter(2, "bob", stream="stream-of-bob-0001")[0].resume
    seq = inside.do(1, Say(id="a1", text="one"))[-1].seq
    inside.do(1, Whisper(id="w1", to="bob", text="two"))
    inside.do(2, Say(id="b1", text="three"))
    inside.do(1, Kick(name="bob"))
    inside.wall += 3 * DAY
    inside.mono += 61
    upkeep.tick(inside.now)
    later = inside.do(1, Say(id="a2", text="four"))[-1].seq
    inside.crash()
    inside.enter(3, "ann", stream="stream-of-ann-0001")
    whispers = inside.history.whispers_since("ann", 0)
    answers = [inside.do(3, again)[-1] for again in (Say(id="a1", text="one"), Say(id="a2", text="four"))]
    answers.append(inside.do(3, Whisper(id="w1", to="ann", text="two"))[-1])
    assert [answer.seq for answer in answers if isinstance(answer, Done)][:2] == [seq, later]
    assert inside.history.whispers_since("ann", 0) == whispers, "none is stored twice"
    inside.wall -= 3 * DAY
    (refused,) = inside.enter(4, "bob", token=token)
    assert isinstance(refused, Error)
    assert refused.code == "bad_ticket"


def test_a_stream_that_was_let_go_while_it_is_spoken_under_is_noted_again(tmp_path: Path, server: Any) -> None:
    inside = Inside(tmp_path / "log.sqlite3")
    upkeep = keeping(inside, server)
    inside.wall -= 4 * DAY  # it is set back, and right again before the next look
    inside.enter(1, "ann", stream="stream-of-ann-0001")
    inside.enter(2, "bob", stream="stream-of-bob-0001")
    inside.do(1, Whisper(id="w1", to="bob", text="one"))
    inside.do(2, Say(id="b1", text="two"))
    inside.wall += 4 * DAY
    inside.mono += 61
    upkeep.tick(inside.now)
    assert inside.history.stream("ann", "stream-of-ann-0001") is None
    seq = inside.do(1, Say(id="a2", text="three"))[-1].seq
    inside.crash()
    assert isinstance(inside.enter(3, "ann", stream="stream-of-ann-0001")[0], Entered)
    assert inside.do(3, Say(id="a2", text="three"))[-1].seq == seq
