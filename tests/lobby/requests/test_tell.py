"""Direct messages: to somebody in any room or away, once only however often they are told; and being away."""

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from lobby.requests.tell import READ_MAX, WAITING_MAX
from tests.lobby.front import Client, Front
from wire.codec import encode
from wire.framing import LINE_MAX
from wire.messages import (
    Away,
    Direct,
    DirectRead,
    Directs,
    DirectsPage,
    Done,
    Error,
    Guest,
    Login,
    PersonRow,
    Quit,
    ReadElsewhere,
    Register,
    Resume,
    Tell,
    Told,
    Welcome,
    Who,
    Whois,
    WhoisPage,
    WhoPage,
)

STREAM = "q1Zr" * 5


def page(client: Client, other: str, **more: Any) -> list[tuple[str, str]]:
    found = client.ask(Directs(other=other, **more), DirectsPage)
    return [(direct.sender, direct.text) for direct in found.directs]


def test_to_somebody_who_is_here_on_all_connections(front: Front) -> None:
    ann, one, two = front.login("ann"), front.login("ben"), front.login("ben")
    told = ann.ask(Tell(to="BEN", text="are you\nthere?"), Told)
    assert (told.to, told.became, bool(told.away)) == ("ben", "delivered", False)
    for client in (one, two):
        direct = client.take(Direct)
        assert (direct.sender, direct.to, direct.text, direct.at) == ("ann", "ben", "are you\nthere?", front.time.wall)
        assert direct.number == told.number
        assert not direct.guest


def test_the_senders_other_connections_have_it_too(front: Front) -> None:
    one, two = front.login("ann"), front.login("ann")
    front.login("ben")
    one.ask(Tell(to="ben", text="hello"), Told)
    assert two.take(Direct).to == "ben"
    assert one.inbox == []


def test_what_is_read_at_one_connection_is_read_at_all(front: Front) -> None:
    ann, one, two = front.login("ann"), front.login("ben"), front.login("ben")
    number = ann.ask(Tell(to="ben", text="hello"), Told).number
    for client in (one, two):
        client.take(Direct)
    one.ask(DirectRead(other="ann", number=number), Done)
    assert two.take(ReadElsewhere) == ReadElsewhere(other="ann", number=number)
    assert (one.inbox, ann.inbox) == ([], [])
    one.ask(DirectRead(other="Ann", number=1), Done)
    assert two.take(ReadElsewhere).number == number, "it does not become unread again"
    for at in range(READ_MAX + 5):
        one.ask(DirectRead(other=f"p{at}", number=1), Done)
        front.later(1.0)
    assert len(one.connection.who.read) == READ_MAX


def test_what_came_and_was_read_while_a_connection_was_broken(front: Front) -> None:
    ann, one, two = front.login("ann"), front.login("ben"), front.connect().hello()
    welcome = two.ask(Login(name="ben", password="benspassword"), Welcome)
    two.lose()
    number = ann.ask(Tell(to="ben", text="hello"), Told).number
    one.take(Direct)
    one.ask(DirectRead(other="ann", number=number), Done)
    again = front.connect().hello()
    again.ask(Resume(session=welcome.session, directs=0), Welcome)
    assert again.take(Direct).number == number
    assert again.take(ReadElsewhere).number == number


def test_it_is_kept_for_who_is_away_over_a_restart(front: Front) -> None:
    ann = front.login("ann")
    assert [ann.ask(Tell(to="ben", text=text), Told).became for text in ("one", "two")] == ["kept", "kept"]
    front.restart()
    ben = front.connect().hello()
    ben.ask(Login(name="ben", password="benspassword"), Welcome)
    assert [ben.take(Direct).text for _ in range(2)] == ["one", "two"]
    assert front.login("ben").inbox == [], "the next login is not told again"
    assert page(front.login("ben"), "ann") == [("ann", "one"), ("ann", "two")]


def test_what_a_broken_connection_lost_comes_with_the_resume(front: Front) -> None:
    ann, ben = front.login("ann"), front.connect().hello()
    welcome = ben.ask(Login(name="ben", password="benspassword"), Welcome)
    assert welcome.directs == 0
    first = ann.ask(Tell(to="ben", text="seen"), Told).number
    ann.ask(Tell(to="ben", text="lost"), Told)
    ben.lose()
    ann.ask(Tell(to="ben", text="meanwhile"), Told)
    again = front.connect().hello()
    back = again.ask(Resume(session=welcome.session, directs=first), Welcome)
    assert back.directs == first
    assert [again.take(Direct).text for _ in range(2)] == ["lost", "meanwhile"]
    third = front.connect().hello()
    third.ask(Resume(session=welcome.session), Welcome)
    assert third.inbox == []


def test_a_welcome_says_after_which_number_what_was_kept_begins(front: Front) -> None:
    ann, ben = front.login("ann"), front.login("ben")
    seen = ann.ask(Tell(to="ben", text="seen"), Told).number
    ben.lose()
    ann.ask(Tell(to="ben", text="kept"), Told)
    ben = front.connect().hello()
    welcome = ben.ask(Login(name="ben", password="benspassword"), Welcome)
    assert welcome.directs == seen
    ben.lose()  # before it was read, perhaps
    again = front.connect().hello()
    again.ask(Resume(session=welcome.session, directs=seen), Welcome)
    assert again.take(Direct).text == "kept"


def test_told_again_it_exists_once(front: Front) -> None:
    ann, ben = front.connect().hello(), front.login("ben")
    welcome = ann.ask(Login(name="ann", password="annspassword", stream=STREAM), Welcome)
    tell = Tell(to="ben", text="hello", id="t1")
    ann.send(tell)
    number = ann.take(Told).number
    assert ben.take(Direct).number == number
    ann.lose()
    ben.lose()
    front.restart()
    again = front.connect().hello()
    again.ask(Resume(session=welcome.session, stream=STREAM), Welcome)
    again.send(tell)
    told = again.take(Told)
    assert (told.number, told.became, told.re) == (number, "delivered", "t1"), "what became of it the first time"
    assert page(front.login("ben"), "ann") == [("ann", "hello")]


def test_after_the_window_it_is_a_new_one(make_front: Callable[..., Front]) -> None:
    front = make_front("rooms.resend_window=60")
    ann = front.connect().hello()
    ann.ask(Login(name="ann", password="annspassword", stream=STREAM), Welcome)
    numbers = []
    for wait in (0, 50, 11, 0):
        front.later(wait)
        ann.send(Tell(to="ben", text="hello", id="t1"))
        numbers.append(ann.take(Told).number)
    assert numbers == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("to", "text", "code"),
    [("nobody1", "x", "no_such_user"), ("shut", "x", "locked"), ("a b", "x", "bad_name"), ("ben", " ", "bad_text"),
     ("ben", "a\x1b[31m", "bad_text"), ("ben", "x" * 4_001, "too_long"), ("ANN", "x", "not_allowed")],
)  # fmt: skip
def test_what_cannot_be_told(front: Front, to: str, text: str, code: str) -> None:
    ben = front.login("ben")
    ann = front.login("ann")
    assert ann.refused(Tell(to=to, text=text)) == code
    assert ben.inbox == ann.inbox == []


def test_what_cannot_be_stored_is_not_shown(front: Front) -> None:
    ann, ben = front.login("ann"), front.login("ben")
    front.fail = sqlite3.OperationalError("database or disk is full")
    assert ann.refused(Tell(to="ben", text="hello")) == "storage"
    assert ben.inbox == []
    assert page(ann, "ben") == []


def test_a_rate_that_a_new_login_does_not_mend(make_front: Callable[..., Front]) -> None:
    front = make_front("limits.tells_per_minute=2")
    ann = front.login("ann")
    for _ in range(2):
        ann.ask(Tell(to="ben", text="x"), Told)
    error = ann.ask(Tell(to="ben", text="x"), Error)
    assert (error.code, error.retry_after) == ("too_fast", 30.0)
    ann.lose()
    assert front.login("ann").refused(Tell(to="ben", text="x")) == "too_fast"
    front.later(30)
    front.login("ann").ask(Tell(to="ben", text="x"), Told)


def test_not_too_many_wait_for_one(make_front: Callable[..., Front]) -> None:
    front = make_front("limits.tells_per_minute=0", "limits.requests_per_second=0")
    ann = front.login("ann")
    for _ in range(WAITING_MAX):
        ann.ask(Tell(to="ben", text="x"), Told)
    assert ann.refused(Tell(to="ben", text="x")) == "full"
    ben = front.login("ben")
    assert len(ben.inbox) == WAITING_MAX
    assert ann.ask(Tell(to="ben", text="x"), Told).became == "delivered"


# --- the history


def test_a_history_of_two_in_pages(front: Front) -> None:
    ann, ben, cid = front.login("ann"), front.login("ben"), front.login("test_user")
    for number in range(4):
        (ann, ben)[number % 2].ask(Tell(to=("ben", "ann")[number % 2], text=f"t{number}"), Told)
        (ben, ann)[number % 2].take(Direct)
    ann.ask(Tell(to="test_user", text="to another"), Told)
    for client in (ann, ben, cid):
        client.inbox.clear()
    expected = [("ann", "t0"), ("ben", "t1"), ("ann", "t2"), ("ben", "t3")]
    assert page(ann, "BEN") == page(ben, "ann") == expected
    newest = ann.ask(Directs(other="ben", limit=3), DirectsPage)
    assert (newest.other, newest.more, [direct.text for direct in newest.directs]) == ("ben", True, ["t1", "t2", "t3"])
    older = ann.ask(Directs(other="ben", limit=3, before=newest.directs[0].number), DirectsPage)
    assert (older.more, [direct.text for direct in older.directs]) == (False, ["t0"])
    assert page(cid, "ben") == []
    assert page(cid, "nobody1") == []


def test_pages_of_the_longest_fit_a_line(front: Front) -> None:
    ann, ben = front.login("ann"), front.login("ben")
    for number in range(10):
        ann.ask(Tell(to="ben", text=f"{number}" + "\U0001f600" * 3_999), Told)
    ben.inbox.clear()
    seen: list[str] = []
    before: dict[str, Any] = {}
    more = True
    while more:
        found = ben.ask(Directs(other="ann", **before), DirectsPage)
        assert len(encode(found)) < LINE_MAX
        seen = [direct.text[0] for direct in found.directs] + seen
        before, more = {"before": found.directs[0].number}, found.more
    assert seen == [str(number) for number in range(10)]


# --- guests


def test_guests_tell_and_are_told_while_they_are_here(front: Front) -> None:
    ann, joe = front.login("ann"), front.guest("joe")
    assert ann.ask(Tell(to="joe", text="hi"), Told).became == "delivered"
    joe.take(Direct)
    joe.ask(Tell(to="ann", text="hello"), Told)
    assert ann.take(Direct).guest is True
    assert joe.ask(Tell(to="ben", text="are you there?"), Told).became == "kept"
    assert page(joe, "ann") == [("ann", "hi"), ("joe", "hello")]
    joe.send(Quit())
    assert ann.refused(Tell(to="joe", text="still there?")) == "no_such_user"
    assert page(ann, "joe") == [("ann", "hi"), ("joe", "hello")]


def test_the_next_of_a_guests_name_reads_nothing(front: Front) -> None:
    ann, joe = front.login("ann"), front.guest("joe")
    ann.ask(Tell(to="joe", text="for joe alone"), Told)
    joe.take(Direct)
    joe.ask(Away(text="at lunch"), Done)
    joe.send(Quit())
    front.later(5)
    another = front.guest("joe")
    assert page(another, "ann") == []
    assert not another.ask(Whois(name="joe"), WhoisPage).away
    another.send(Quit())
    account = front.connect().hello()
    account.ask(Register(name="joe", password="sesame-open"), Welcome)
    assert account.inbox == []
    assert page(account, "ann") == []


def test_a_guest_who_resumes_has_what_was_lost(front: Front) -> None:
    ann, joe = front.login("ann"), front.connect().hello()
    welcome = joe.ask(Guest(name="joe"), Welcome)
    ann.ask(Tell(to="joe", text="hi"), Told)
    joe.lose()
    again = front.connect().hello()
    again.ask(Resume(session=welcome.session, directs=0), Welcome)
    assert again.take(Direct).text == "hi"


# --- away


def test_away_is_told_to_who_asks_and_who_tells(front: Front) -> None:
    ann, ben = front.login("ann"), front.login("ben")
    ben.ask(Away(text=" at lunch "), Done)
    assert ann.ask(Tell(to="ben", text="x"), Told).away == "at lunch"
    assert ann.ask(Whois(name="BEN"), WhoisPage).away == "at lunch"
    people: dict[str, PersonRow] = {row.name: row for row in ann.ask(Who(), WhoPage).people}
    assert (people["ben"].away, bool(people["ann"].away)) == ("at lunch", False)
    ben.lose()
    front.restart()
    ann = front.login("ann")
    told = ann.ask(Tell(to="ben", text="x"), Told)
    assert (told.became, told.away) == ("kept", "at lunch")
    ben = front.connect().hello()
    assert ben.ask(Login(name="ben", password="benspassword"), Welcome).away == "at lunch"
    ben.inbox.clear()
    ben.ask(Away(text=""), Done)
    assert not ann.ask(Tell(to="ben", text="x"), Told).away


@pytest.mark.parametrize(("text", "code"), [("x" * 201, "too_long"), ("a\nb", "bad_text"), ("a\x1bb", "bad_text")])
def test_a_word_about_being_away_is_a_line(front: Front, text: str, code: str) -> None:
    assert front.login("ann").refused(Away(text=text)) == code


def test_texts_are_never_logged(front: Front, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    ann = front.login("ann")
    ann.ask(Tell(to="ben", text="the-text"), Told)
    assert "ann tells ben something (kept)" in caplog.text
    assert "the-text" not in caplog.text
