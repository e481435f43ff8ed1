"""What was told of a log: nothing twice, nothing missing without a word."""

from msgspec import UNSET

from client.seen import Seen
from wire.messages import Entered


def entered(seq: int, *, first: int = 1, epoch: int = 1) -> Entered:
    return Entered(
        room="hall",
        topic="",
        seq=seq,
        first=first,
        epoch=epoch,
        count=1,
        members=[],
        more=False,
        resume="r",
        resend_window=60,
        whisper=0,
        operator=False,
        after=max(0, seq - 20),
    )


def test_a_newcomer_counts_from_before_the_lines_that_come() -> None:
    seen = Seen(None, None)
    assert seen.entered(entered(41)) == (False, 20)
    assert seen.seq == 21
    assert seen.gap_before(25) is None  # a room may give fewer
    assert seen.take(25)
    assert not seen.take(25)
    assert seen.gap_before(28) == (26, 27)


def test_a_room_may_give_a_newcomer_more_than_was_asked() -> None:
    seen = Seen(None, None)
    seen.entered(entered(41))
    assert seen.take(5)
    assert seen.take(6)


def test_a_room_that_does_not_say_how_many_come_is_taken_as_it_comes() -> None:
    seen = Seen(None, None)
    before = entered(41)
    before.after = UNSET
    assert seen.entered(before) == (False, 0)
    assert seen.take(25)
    assert seen.take(26)


def test_a_break_before_the_first_line_loses_nothing() -> None:
    seen = Seen(None, None)
    seen.entered(entered(41))
    assert seen.entered(entered(60)) == (False, 39)
    assert seen.gap_before(24) == (22, 23)


def test_another_epoch_or_numbers_that_went_back_mean_a_new_log() -> None:
    for later in (entered(50, epoch=2), entered(3)):
        seen = Seen(40, 1)
        assert seen.entered(later) == (True, 0)
        assert seen.seq is None
        assert seen.entered(later)[0] is False


def test_a_reported_gap_is_no_second_gap() -> None:
    seen = Seen(10, 1)
    seen.entered(entered(50, first=30))
    seen.skip(29)
    assert seen.gap_before(30) is None
    assert seen.take(30)


def test_whispers_are_told_once_by_their_number() -> None:
    seen = Seen(None, None)
    assert [seen.whisper(number) for number in (7, 9, 7, 8)] == [True, True, False, True]
    assert seen.whispers == 9
