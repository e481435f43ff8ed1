"""When the room's upkeep asks for a checkpoint: by lines and by commits, and at once for what a dead process left."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from base.config import Config
from roomproc.history import COMMIT_BYTES, History, Work
from roomproc.upkeep import TIDY_COMMITS, TIDY_LINES, TIDY_MOST, Upkeep
from wire.clock import Now


class Asked:
    """The keeper: counts what it is asked for."""

    def __init__(self) -> None:
        self.times = 0

    def tidy(self) -> None:
        self.times += 1


@pytest.fixture
def server(tmp_path: Path) -> Any:
    now = Now(0.0, 0)
    return SimpleNamespace(
        config=Config(), keeper=Asked(), history=SimpleNamespace(behind=0, forget_due=lambda wall: False),
        room=SimpleNamespace(seq=0, roster=["anna"]), channels=["one"], heard={}, links=SimpleNamespace(any_up=True),
        retention=SimpleNamespace(look=lambda now: None), loop=SimpleNamespace(now=now),
    )  # fmt: skip


def look(upkeep: Upkeep, server: Any, *, seq: int, behind: int) -> int:
    """How often the keeper has been asked, after a look with so much done."""
    server.room.seq, server.history.behind = seq, behind
    upkeep.tick(Now(1.0, 1_000))
    return cast("int", server.keeper.times)


def test_lines_are_tidied_once_it_is_quiet_or_when_they_are_many(server: Any) -> None:
    upkeep = Upkeep(server, 0)
    assert look(upkeep, server, seq=TIDY_LINES, behind=1) == 0  # they are coming still
    assert look(upkeep, server, seq=TIDY_LINES, behind=1) == 1
    assert server.history.behind == 0
    assert look(upkeep, server, seq=TIDY_LINES + TIDY_MOST, behind=1) == 2


def test_a_room_that_is_never_quiet_has_a_short_log_all_the_same(server: Any) -> None:
    upkeep = Upkeep(server, 0)
    assert look(upkeep, server, seq=100, behind=TIDY_COMMITS - 1) == 0
    assert look(upkeep, server, seq=101, behind=TIDY_COMMITS) == 1
    assert look(upkeep, server, seq=102, behind=server.history.behind + 1) == 1


def test_what_a_process_left_that_died_counts(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite3"
    history = History(path, "process")
    history.open(1)
    assert history.behind == 0
    work = Work()
    work.facts["topic"] = "x" * 10 * COMMIT_BYTES
    history.commit(work)
    assert history.behind == 1
    again = History(path, "process")  # the first still has the file open, as one that was killed never closed it
    assert again.behind >= 10
    history.close()
    again.close()
