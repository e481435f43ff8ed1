"""When a stream may skip the look-up of an id: never when the file could have it."""

from hypothesis import given
from hypothesis import strategies as st

from roomproc import people
from roomproc.people import Stream


@given(st.lists(st.text("0123456789ab", min_size=1, max_size=3)), st.integers(1, 5), st.booleans())
def test_surely_new_is_never_wrong(ids, remembered, known):
    before, people.REMEMBERED = people.REMEMBERED, remembered
    try:
        stream, used = Stream("ann", "s", 1 if known else None), set()
        if known:
            used.add("7")  # of an earlier process
        for message_id in ids:
            if stream.rises(message_id) or (stream.seq_of(message_id) is None and stream.all_here):
                assert message_id not in used
            if message_id not in used:
                used.add(message_id)
                stream.remember(message_id, 1)
    finally:
        people.REMEMBERED = before


def test_a_client_that_counts_never_needs_a_look_up():
    stream = Stream("ann", "s", None)
    for number in range(1, 20_000):
        assert stream.rises(str(number))
        stream.remember(str(number), number)
    assert len(stream._recent) + len(stream._older) <= 2 * people.REMEMBERED
    assert (stream.seq_of("19999"), stream.seq_of("5")) == (19_999, None)
    assert not stream.rises("5")
    assert not stream.all_here


def test_runs_are_remembered_and_forgotten():
    stream = Stream("ann", "s", None)
    stream.remember("3", 1)
    stream.remember_run("10", 5, 2)
    stream.remember_run("20", 5, 7)
    assert [stream.seq_of(one) for one in ("3", "9", "10", "14", "15", "22", "010", "x", "")] == [
        1, None, 2, 6, None, 9, None, None, None,
    ]  # fmt: skip
    stream.remember_run("x-98", 5, 12)
    assert [stream.seq_of(one) for one in ("x-97", "x-98", "x-102", "x-103", "98", "x-")] == [None, 12, 16, *[None] * 3]
    stream.forget("20", 5)
    assert (stream.seq_of("22"), stream.seq_of("12")) == (None, 4)
    assert not stream.rises("22"), "it was used, if for nothing"
    assert stream.all_here


def test_of_very_many_runs_the_newest_are_in_memory():
    stream = Stream("ann", "s", None)
    for number in range(10 * people.RUNS):
        assert stream.rises(str(10 * number + 1))
        stream.remember_run(str(10 * number + 1), 5, 5 * number + 1)
    assert len(stream._runs) < 2 * people.RUNS
    assert stream.seq_of(str(10 * number + 2)) == 5 * number + 2
    assert stream.seq_of("2") is None
    assert not stream.all_here, "so the file is asked"
