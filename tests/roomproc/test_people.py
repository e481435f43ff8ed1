"""When a stream may skip the look-up of an id: never when the file could have it."""

from hypothesis import given
from hypothesis import strategies as st

from roomproc import people
from roomproc.people import Stream

ids_used = st.text("0123456789ab", max_size=3)


@given(st.lists(ids_used), st.integers(1, 5), st.lists(ids_used, max_size=4), st.sampled_from([None, 0, 2]))
def test_surely_new_is_never_wrong(ids, remembered, in_file, compared_at):
    """`in_file`: of an earlier process; `compared_at`: before which id the file is asked for its highest."""
    before, people.REMEMBERED = people.REMEMBERED, remembered
    try:
        stream, used = Stream("ann", "s", 1 if in_file else None), {*in_file}
        for number, message_id in enumerate(ids):
            if number == compared_at and not stream.compared:
                stream.compare(max(in_file, key=lambda one: (len(one), one)))
            if stream.rises(message_id) or (stream.seq_of(message_id) is None and stream.all_here):
                assert message_id not in used
            if message_id not in used:
                used.add(message_id)
                stream.remember(message_id, 1)
                stream.rest()
    finally:
        people.REMEMBERED = before


def test_what_is_above_all_is_new_whatever_came_out_of_order_before():
    stream = Stream("ann", "s", None)
    for one in ("5", "3", "x1"):
        stream.remember(one, 1)
    assert stream.rises("x2")
    assert not stream.rises("9")


def test_a_client_that_counts_never_needs_a_look_up():
    stream = Stream("ann", "s", None)
    for number in range(1, 20_000):
        assert stream.rises(str(number))
        stream.remember(str(number), number)
        stream.rest()
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
        stream.rest()
    assert len(stream._runs) < 2 * people.RUNS
    assert stream.seq_of(str(10 * number + 2)) == 5 * number + 2
    assert stream.seq_of("2") is None
    assert not stream.all_here, "so the file is asked"
