"""Export and import: what comes out goes back in, and what is not whole changes nothing."""

import io
import json

import pytest

from base.locks import Lock, Locked
from base.paths import RoomPaths
from roomproc.archive import ArchiveError, export, load
from roomproc.history import History
from roomproc.staged import Work
from wire.messages import Line, Moderated, Topic

ENTRIES = [
    Line(seq=3, at=1_795_197_600_000, sender="ann", text="hello\nworld 👋"),
    Line(seq=4, at=1_795_197_600_000, sender="eve", text="waves", kind="action", guest=True),
    Topic(seq=5, at=1_795_197_601_000, sender="ann", topic="chess"),
    Moderated(seq=6, at=1_795_197_602_000, sender="ann", what="kick", name="eve", reason="noise"),
]


@pytest.fixture
def files(tmp_path):
    files = RoomPaths(tmp_path / "one")
    files.home.mkdir()
    history = History(files.log_db, "process")
    history.open(1)
    work = Work()
    work.entries = list(ENTRIES)
    work.facts["topic"] = "chess"
    history.commit(work)
    return files


def exported(files, form="jsonl"):
    out = io.StringIO()
    assert export("games", files, out, form, lambda done, of: None) == 4
    return out.getvalue()


def test_json_lines(files):
    lines = [json.loads(line) for line in exported(files).splitlines()]
    assert lines[0] == {"type": "room", "parlour": 1, "room": "games", "topic": "chess", "first": 3, "last": 6}
    assert [line["type"] for line in lines[1:]] == ["line", "line", "topic", "moderated"]
    assert lines[1]["text"] == "hello\nworld 👋"


def test_text(files):
    assert exported(files, "text").splitlines() == [
        "2026-11-20 18:00:00Z  <ann> hello",
        "                        world 👋",
        "2026-11-20 18:00:00Z  * eve waves",
        "2026-11-20 18:00:01Z  * ann set the topic: chess",
        "2026-11-20 18:00:02Z  * ann: kick eve (noise)",
    ]


def test_there_and_back(files, tmp_path):
    other = RoomPaths(tmp_path / "two")
    seen = []
    assert load(io.StringIO(exported(files)), other, 1, lambda done, of: seen.append((done, of))) == 4
    assert seen[-1] == (4, 4)
    history = History(other.log_db, "process")
    assert history.after(0, 10) == ENTRIES
    opened = history.open(2)
    assert (opened.seq, opened.first, opened.topic) == (6, 3, "chess")


def test_lines_that_were_said_at_once(tmp_path):
    files, other = RoomPaths(tmp_path / "one"), RoomPaths(tmp_path / "two")
    files.home.mkdir()
    history = History(files.log_db, "process")
    history.open(1)
    work = Work()
    work.entries = [Line(seq=seq, at=7, sender="ann", text=f"line {seq}") for seq in range(1, 301)]
    history.commit(work)
    history.drop_before(100, 1_000)
    out = io.StringIO()
    assert export("games", files, out, "jsonl", lambda done, of: None) == 201
    assert load(io.StringIO(out.getvalue()), other, 1, lambda done, of: None) == 201
    assert History(other.log_db, "process").after(0, 400) == work.entries[99:]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda lines: lines[1:], "line 1: this is no export"),
        (lambda lines: lines[:-1], "line 5: the file ends too early"),
        (lambda lines: [*lines, lines[-1]], "more lines"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "line 2: expected entry 3"),
        (lambda lines: [*lines[:2], "rubbish\n", *lines[3:]], "line 3: "),
        (lambda lines: [*lines[:1], lines[1].replace("hello", "\\u001b[2J"), *lines[2:]], "line 2: a text has no"),
        (lambda lines: [lines[0].replace('"parlour":1', '"parlour":9'), *lines[1:]], "version 1, this has 9"),
        (lambda lines: [], "line 1"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_whole_changes_nothing(files, tmp_path, spoil, words):
    other = RoomPaths(tmp_path / "two")
    lines = spoil(exported(files).splitlines(keepends=True))
    with pytest.raises(ArchiveError, match=words):
        load(io.StringIO("".join(lines)), other, 1, lambda done, of: None)
    if other.log_db.exists():
        assert History(other.log_db, "process").extent() == (1, 0)


def test_not_into_a_room_that_has_lines(files):
    with pytest.raises(ArchiveError, match="has lines already"):
        load(io.StringIO(exported(files)), files, 1, lambda done, of: None)


def test_not_while_the_room_runs(files, tmp_path):
    other = RoomPaths(tmp_path / "two")
    other.home.mkdir()
    held = Lock(other.lock)
    with pytest.raises(Locked):
        load(io.StringIO(exported(files)), other, 1, lambda done, of: None)
    held.release()


def test_a_room_without_a_file(tmp_path):
    with pytest.raises(ArchiveError, match="no lines yet"):
        export("games", RoomPaths(tmp_path / "none"), io.StringIO(), "text", lambda done, of: None)
