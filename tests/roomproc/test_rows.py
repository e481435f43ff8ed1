"""How entries stand in a room's file: whatever a round brought comes back as it was."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.json import decode

from roomproc.rows import A_ROW, A_ROW_TEXT, MANY, entries_of, row_of, row_of_many, rows_of
from wire.messages import Entry, Line, Moderated, Topic

texts = st.text(min_size=1, max_size=20)
senders = st.sampled_from(["ann", "Bob", "cid"])


def of(sender: str, text: str, seq: int, *, action: bool = False, guest: bool = False) -> Line:
    return Line(
        seq=seq, at=7, sender=sender, text=text, kind="action" if action else UNSET, guest=True if guest else UNSET
    )


def entries(rows: Sequence[tuple]) -> list[Entry]:
    return [entry for row in rows for entry in entries_of(row)]


@given(st.lists(st.tuples(senders, texts, st.booleans(), st.booleans()), min_size=1, max_size=300))
def test_many_lines_come_back_as_they_were(said: list[tuple[str, str, bool, bool]]) -> None:
    lines = [of(who, text, seq, action=me, guest=guest) for seq, (who, text, me, guest) in enumerate(said, start=41)]
    rows = list(rows_of(lines, {}))
    assert entries(rows) == lines
    assert entries([row_of_many(lines)]) == lines
    assert len(rows) == -(-len(lines) // A_ROW)
    assert [row[0] for row in rows] == [entries_of(row)[-1].seq for row in rows], "numbered as the newest"


@given(st.lists(st.tuples(senders, st.lists(texts, min_size=1, max_size=200)), min_size=1, max_size=5))
def test_runs_of_one_sender(said: list[tuple[str, list[str]]]) -> None:
    lines: list[Line] = []
    runs: dict[int, int] = {}
    for sender, some in said:
        runs[len(lines) + 1] = len(some)
        lines += [of(sender, text, seq) for seq, text in enumerate(some, start=len(lines) + 1)]
    rows = list(rows_of(lines, runs))
    assert entries(rows) == lines
    assert all(row[2] == MANY for row in rows)
    assert [len(entries_of(row)) for row in rows[:-1]] == [A_ROW] * (len(rows) - 1)
    pieces = sum(len(decode(row[-1])) for row in rows)
    assert pieces <= len(said) + len(rows), "a run is one piece, or one in each of its rows"


def test_long_texts_share_no_row() -> None:
    lines = [of("ann", "x" * (A_ROW_TEXT // 2), seq) for seq in range(1, 10)]
    rows = list(rows_of(lines, {}))
    assert [len(entries_of(row)) for row in rows] == [2, 2, 2, 2, 1]


def test_what_stands_alone() -> None:
    for entry in (
        of("ann", "hello\n👋", 1),
        of("ann", "waves", 2, action=True, guest=True),
        Topic(seq=4, at=40, sender="ann", topic="chess"),
        Moderated(seq=5, at=50, sender="ann", what="ban", name="bob", seconds=60, reason="noise"),
        Moderated(seq=6, at=60, sender="ann", what="op", name="bob"),
    ):
        assert entries_of(row_of(entry)) == [entry]
