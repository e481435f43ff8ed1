"""The window of a room's log: in order, once, bounded, and open at both ends."""

from hypothesis import given
from hypothesis import strategies as st

from client.transcript import MOST, SLACK, Note, Transcript
from wire.messages import Direct, Line


def line(seq: int) -> Line:
    return Line(seq=seq, at=seq, sender="ann", text=f"line {seq}")


def numbers(transcript: Transcript) -> list[int]:
    return [item.seq for item in transcript.items if isinstance(item, Line)]


def test_what_is_there_is_not_taken_twice() -> None:
    made = Transcript()
    assert [made.append(line(seq)) for seq in (1, 2, 2, 1, 3)] == [True, True, False, False, True]
    assert numbers(made) == [1, 2, 3]


def test_pages_before_join_without_overlap_and_shift_says_by_how_much() -> None:
    made = Transcript(items=[line(5), line(6)])
    assert made.put_before([line(3), line(4), line(5)], more=False) == 2
    assert (numbers(made), made.shift, made.more_before) == ([3, 4, 5, 6], 2, False)


def test_it_is_bounded_and_what_went_can_be_fetched() -> None:
    made = Transcript(more_before=False)
    for seq in range(1, MOST + SLACK + 2):
        made.append(line(seq))
    assert len(made.items) == MOST
    assert made.more_before
    assert made.shift == -(SLACK + 1)


def test_far_back_the_newest_goes_and_comes_again() -> None:
    made = Transcript(items=[line(seq) for seq in range(20_000, 20_000 + MOST)])
    made.put_before([line(seq) for seq in range(19_000, 20_000)], more=True)
    assert made.more_after
    assert len(made.items) == MOST
    last = made.last or 0
    assert not made.append(line(30_000)), "the present is not shown in the past"
    made.put_after([line(last + 1)], more=False)
    assert (made.last, made.more_after) == (last + 1, False)


def test_direct_messages_are_numbered_too_and_notes_are_not() -> None:
    made = Transcript()
    told = Direct(number=7, sender="ann", to="ben", text="hi", at=0)
    assert made.append(told)
    assert not made.append(told)
    assert made.append(Note(0, [("notice", "x")]))
    assert (made.first, made.last, made.place_of(7)) == (7, 7, 0)


@given(st.lists(st.integers(1, 40), max_size=60))
def test_whatever_comes_it_stays_in_order(seqs: list[int]) -> None:
    made = Transcript()
    for seq in seqs:
        made.append(line(seq))
    assert numbers(made) == sorted(set(numbers(made)))
