"""Lines that came at once are said together where nothing is to be asked of any of them, and nobody can tell."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roomproc import speech
from tests.roomproc.inside import Inside
from wire.messages import Done, Error, Line, Ping, Say, Slow, Typing, Whisper

HEAD = {"stream": "stream-of-ann-0000"}
ids = st.one_of(st.integers(0, 30).map(str), st.sampled_from(["x1", "007", "+4", "٣", "", str(10**20)]), st.none())
texts = st.sampled_from(
    ["hello", "a b", "é👋", " ", "", "two\nlines", "tab\t", "\x07", "\u2028", "x" * 4_001, "x" * 4_000]
)
says = st.builds(
    lambda one, text, kind: Say(text=text, kind=kind) if one is None else Say(id=one, text=text, kind=kind),
    ids, st.one_of(st.just("hello"), texts), st.sampled_from(["text"] * 9 + ["action"]),
)  # fmt: skip
others = st.sampled_from(
    [Ping(id="p"), Typing(), Whisper(id="w", to="bob", text="psst"), Whisper(id="9", to="ann", text="x")]
)


def run_of(before: str, first: int, count: int, spoilt: Say | None) -> list[Say]:
    """Lines whose ids count up, and one of which may be of another kind than all others, or none that can be said."""
    said = [Say(id=f"{before}{number}", text=f"line {number}") for number in range(first, first + count)]
    if spoilt is not None:
        said[count // 2] = Say(id=said[count // 2].id, text=spoilt.text, kind=spoilt.kind)
    return said


runs = st.builds(
    run_of, st.sampled_from(["", "", "a-", "00"]), st.integers(0, 30), st.integers(1, 12), st.one_of(st.none(), says)
)
bursts = st.lists(st.one_of(runs, st.lists(st.one_of(says, says, says, others), max_size=6)), max_size=5)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(bursts, st.sampled_from([(), ("limits.lines_per_second=3", "limits.lines_burst=7")]), st.data())
def test_as_one_by_one(said: list[list], limits: tuple[str, ...], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rooms = [Inside(Path(folder) / name, *limits) for name in ("together", "alone")]
        for room in rooms:
            room.enter(1, "ann", **HEAD)
            room.enter(2, "bob", guest=True)
        for messages in said:
            rooms[0].do_all(1, messages)
            for message in messages:
                rooms[1].do(1, message, commit=False)
            fail, crash = data.draw(st.booleans()), data.draw(st.integers(0, 5)) == 0
            told = [room.round(fail=fail) for room in rooms]
            assert told[0] == told[1]
            if crash:
                for room in rooms:
                    room.crash()
                    room.enter(1, "ann", **HEAD)
                    room.enter(2, "bob", guest=True)
        assert rooms[0].history.after(0, 1_000) == rooms[1].history.after(0, 1_000)


def test_a_run_is_said_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above would compare a thing with itself."""
    inside = Inside(tmp_path / "log.sqlite3")
    inside.enter(1, "ann", **HEAD)
    monkeypatch.setattr(speech, "say", None)
    inside.do_all(1, [Say(id=str(number), text=f"line {number}") for number in range(5, 15)])
    told = inside.round()[1]
    assert [message.text for message in told if isinstance(message, Line)] == [f"line {n}" for n in range(5, 15)]
    assert [(done.re, done.seq) for done in told if isinstance(done, Done)] == [(str(n), n - 4) for n in range(5, 15)]


def test_a_new_process_looks_once_what_a_stream_said_and_then_at_no_line_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = Inside(tmp_path / "log.sqlite3")
    inside.enter(1, "ann", **HEAD)
    inside.do_all(1, [Say(id=f"r-{number}", text="x") for number in range(5, 15)])
    inside.round()
    inside.crash()
    inside.enter(1, "ann", **HEAD)
    inside.do_all(1, [Say(id=f"r-{number}", text="x") for number in range(12, 20)])
    assert [done.seq for done in inside.round()[1] if isinstance(done, Done)] == [*range(8, 16)]
    monkeypatch.setattr(inside.history, "sent", None)
    monkeypatch.setattr(inside.history, "highest", None)
    monkeypatch.setattr(speech, "say", None)
    for first in (20, 30):
        inside.do_all(1, [Say(id=f"r-{number}", text="x") for number in range(first, first + 10)])
        assert [done.seq for done in inside.round()[1] if isinstance(done, Done)] == [*range(first - 4, first + 6)]


def test_slow_mode_goes_line_by_line(tmp_path: Path) -> None:
    inside = Inside(tmp_path / "log.sqlite3")
    inside.enter(1, "ann", **HEAD)
    inside.enter(2, "bob", stream="stream-of-bob-0000")
    inside.do(1, Slow(id="s", seconds=60))
    inside.do_all(2, [Say(id=str(number), text="x") for number in range(5)])
    told = inside.round()[2]
    assert [type(message) for message in told if isinstance(message, Done | Error)] == [
        Done,
        Error,
        Error,
        Error,
        Error,
    ]
