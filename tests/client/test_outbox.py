"""One line under way at a time, kept until it is answered or too old."""

from client.outbox import MARGIN, PATIENCE, Outbox
from wire.clock import Now
from wire.messages import Say

NOW = Now(100.0, 1_000_000)


def later(seconds: float) -> Now:
    return Now(NOW.mono + seconds, NOW.wall + round(seconds * 1000))


def filled(*texts: str) -> Outbox:
    outbox = Outbox()
    for number, text in enumerate(texts, 1):
        outbox.add(str(number), Say(text=text, id=str(number)), NOW)
    return outbox


def text(message: object) -> str | None:
    return message.text if isinstance(message, Say) else None


def test_one_is_under_way_at_a_time() -> None:
    outbox = filled("a", "b")
    assert text(outbox.next(NOW)) == "a"
    assert outbox.next(NOW) is None
    assert outbox.take("1") is not None
    assert text(outbox.next(NOW)) == "b"


def test_an_answer_to_something_else_changes_nothing() -> None:
    outbox = filled("a", "b")
    outbox.next(NOW)
    assert outbox.take("2") is None
    assert not outbox.hold("2", 1.0, NOW)
    assert len(outbox) == 2


def test_what_was_too_fast_waits_as_long_as_was_said() -> None:
    outbox = filled("a", "b")
    outbox.next(NOW)
    assert outbox.hold("1", 2.0, NOW)
    assert outbox.next(later(1.9)) is None
    assert outbox.next_deadline(may_send=True) == NOW.mono + 2.0 + MARGIN
    assert text(outbox.next(later(2.0 + MARGIN))) == "a"


def test_a_break_sends_the_same_again_and_ends_the_wait() -> None:
    outbox = filled("a", "b")
    outbox.next(NOW)
    outbox.hold("1", 60.0, NOW)
    outbox.broken()
    assert text(outbox.next(NOW)) == "a"


def test_what_is_too_old_is_given_up() -> None:
    outbox = filled("a")
    outbox.add("2", Say(text="b", id="2"), later(50))
    outbox.next(NOW)
    assert outbox.expired(60, later(59)) == []
    assert [waiting.id for waiting in outbox.expired(60, later(60))] == ["1"]
    assert text(outbox.next(later(60))) == "b"


def test_a_long_wait_is_said_once_until_all_is_acknowledged() -> None:
    outbox = filled("a")
    assert not outbox.overdue(later(PATIENCE - 1))
    assert outbox.overdue(later(PATIENCE))
    assert not outbox.overdue(later(PATIENCE + 1))
    outbox.take("1")
    outbox.add("2", Say(text="b"), later(100))
    assert outbox.overdue(later(100 + PATIENCE))


def test_without_a_room_there_is_no_deadline_to_send() -> None:
    outbox = filled("a")
    assert outbox.overdue(later(PATIENCE))
    assert outbox.next_deadline(may_send=False) is None
    assert outbox.next_deadline(may_send=True) is not None


def test_clear_gives_back_what_was_not_sent() -> None:
    assert [waiting.id for waiting in filled("a", "b").clear()] == ["1", "2"]
