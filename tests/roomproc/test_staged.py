"""Ids that count: whatever a client makes of them, each is found in its run, and none in another's."""

from hypothesis import given
from hypothesis import strategies as st

from roomproc.people import Stream
from roomproc.staged import Sent, counted, counts_up, ids_from

befores = st.sampled_from(["", "a-", "0", "00", "1", "9" * 20, "a0", "3f9", "9" * 17])
numbers = st.one_of(st.integers(0, 120), st.integers(10**18 - 10, 10**18 + 10), st.integers(10**19 - 9, 10**19 + 9))


@given(befores, numbers, st.integers(1, 20))
def test_ids_that_count_up(before: str, number: int, count: int) -> None:
    ids = ids_from(before, number, count)
    if counts_up(ids):
        stream = Stream("ann", "s", None)
        stream.remember_run(ids[0], count, 7)
        assert [stream.seq_of(one) for one in ids] == [*range(7, 7 + count)]
        assert list(Sent(stream, ids[0], 7, count).each()) == list(enumerate(ids, start=7))
        assert not any(map(stream.rises, ids))
    else:
        assert counted(ids[-1])[0] != counted(ids[0])[0] or ids != ids_from(*counted(ids[0]), count), "a rare turn"


@given(st.text("019ax-", min_size=1, max_size=24))
def test_of_any_id_what_it_counts(one: str) -> None:
    before, number = counted(one)
    if number < 0:
        assert before == one
        assert not counts_up([one])
    else:
        assert f"{before}{number}" == one
        assert number < 10**18


def test_what_does_not_count_up() -> None:
    for ids in (
        ["1", "3"],
        ["1", "1"],
        ["2", "1"],
        ["a", "b"],
        ["a1", "b2"],
        ["9", "010"],
        ["", ""],
        ["\u0661", "\u0662"],
    ):
        assert not counts_up(ids), ids
    assert counts_up(["9", "10", "11"])
