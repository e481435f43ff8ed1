"""A room's log in a file, through pages: whole or not there, at the pace the room allows."""

import asyncio
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from client.answers import Refusal
from client.api import Room
from client.saving import Form, save
from wire.errors import Refused
from wire.messages import UNSET, History, HistoryPage, Line


class Kept:
    """A room that keeps the lines `first` to `last`, and says `too_fast` now and then."""

    name = "Games"

    def __init__(self, first: int, last: int, *, too_fast: int = 0) -> None:
        self.first, self.last, self.too_fast = first, last, too_fast
        self.client = SimpleNamespace(session=SimpleNamespace(rooms={"games": SimpleNamespace(topic="chess")}))
        self.drops_to = 0  # after the first page

    async def ask(self, request: History) -> HistoryPage:
        if self.too_fast:
            self.too_fast -= 1
            raise Refusal("too_fast", "slowly", 0.001)
        after = self.last - 1 if request.after is UNSET else request.after
        numbers = range(max(after + 1, self.first), self.last + 1)[: request.limit]
        if len(numbers) > 1 and self.drops_to:
            self.first = self.drops_to
        lines = [Line(seq=n, at=n * 1_000, sender="ann", text=f"line {n}") for n in numbers]
        return HistoryPage(lines=lines, more=bool(numbers) and numbers[-1] < self.last)


def saved(kept: Kept, path: Path, form: Form = "json", told: list[Any] | None = None) -> int:
    progress: Any = (lambda *_: None) if told is None else (lambda *done: told.append(done))
    return asyncio.run(save(cast(Room, kept), path, form, progress))


def test_all_that_is_kept_is_written(tmp_path: Path) -> None:
    path, told = tmp_path / "games.jsonl", list[Any]()
    assert saved(Kept(101, 700, too_fast=2), path, told=told) == 600
    header, *lines = map(json.loads, path.read_text().splitlines())
    assert header == {"type": "room", "parlour": 1, "room": "Games", "topic": "chess", "first": 101, "last": 700}
    assert [line["seq"] for line in lines] == list(range(101, 701))
    assert told == [(200, 600), (400, 600), (600, 600)]
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_as_text(tmp_path: Path) -> None:
    assert saved(Kept(1, 2), tmp_path / "games.txt", "text") == 2
    assert (tmp_path / "games.txt").read_text() == (
        "1970-01-01 00:00:01Z  <ann> line 1\n1970-01-01 00:00:02Z  <ann> line 2\n"
    )


def test_a_room_without_lines(tmp_path: Path) -> None:
    assert saved(Kept(1, 0), tmp_path / "games.jsonl") == 0
    assert len((tmp_path / "games.jsonl").read_text().splitlines()) == 1


def test_lines_that_are_dropped_meanwhile_leave_no_file(tmp_path: Path) -> None:
    kept = Kept(1, 900)
    kept.drops_to = 500
    with pytest.raises(Refused, match="dropped"):
        saved(kept, tmp_path / "games.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be written: No such file"):
        saved(Kept(1, 2), tmp_path / "nowhere" / "games.jsonl")
    (tmp_path / "there").touch()
    beside = tmp_path / "there.part"
    beside.write_text("somebody's own")
    with pytest.raises(Refused, match="already"):
        saved(Kept(1, 2), tmp_path / "there")
    assert saved(Kept(1, 2), tmp_path / "new") == 2
    assert {file.name for file in tmp_path.iterdir()} == {"there", "there.part", "new"}
    assert beside.read_text() == "somebody's own"
