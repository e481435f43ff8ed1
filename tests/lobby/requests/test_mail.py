"""Mail: stored before it is acknowledged, told at once, and once only however often it is sent."""

import sqlite3
from collections.abc import Callable

import pytest

from lobby.requests.mail import BODY_MAX
from tests.lobby.front import Front
from wire.codec import encode
from wire.framing import LINE_MAX
from wire.messages import (
    Done,
    Error,
    Login,
    Mail,
    MailDelete,
    MailList,
    MailMark,
    MailNew,
    MailPage,
    MailRead,
    MailSend,
    Register,
    Resume,
    Unread,
    Welcome,
)

STREAM = "q1Zr" * 5


def test_from_one_to_another(front: Front) -> None:
    ann, ben = front.login("ann"), front.login("ben")
    done = ann.ask(MailSend(to=["BEN"], subject="chess", body="Tuesday?\nOr later?"), Done)
    new = ben.take(MailNew)
    assert (new.mail, new.sender, new.subject, new.at, new.unread) == (done.mail, "ann", "chess", front.time.wall, 1)
    page = ben.ask(MailList(), MailPage)
    assert (page.unread, page.more, [(row.mail, row.sender, row.read) for row in page.mails]) == (
        1, False, [(new.mail, "ann", False)],
    )  # fmt: skip
    mail = ben.ask(MailRead(mail=new.mail), Mail)
    assert (mail.sender, mail.to, mail.body, mail.read) == ("ann", ["ben"], "Tuesday?\nOr later?", True)
    assert ben.ask(MailList(), MailPage).unread == 0
    assert ann.ask(MailList(), MailPage).mails == []


def test_it_waits_for_who_is_away_and_for_a_new_lobby(front: Front) -> None:
    front.login("ann").ask(MailSend(to=["ben"], body="hello"), Done)
    front.restart()
    assert front.connect().hello().ask(Login(name="ben", password="benspassword"), Welcome).unread == 1


def test_several_recipients_once_each(front: Front) -> None:
    ann, ben = front.login("ann"), front.login("ben")
    done = ann.ask(MailSend(to=["ben", "Test_User", "BEN"], body="hello"), Done)
    assert ben.take(MailNew).mail == done.mail
    assert ben.inbox == []
    assert ben.ask(MailRead(mail=int(done.mail or 0)), Mail).to == ["ben", "test_user"]
    assert front.login("test_user").ask(MailList(), MailPage).unread == 1


@pytest.mark.parametrize(
    ("to", "code", "named"),
    [
        ([], "no_such_user", "recipient"),
        (["ben", "nix", "nada"], "no_such_user", "nix, nada"),
        (["ben", "shut"], "locked", "shut"),
    ],
)
def test_all_of_the_recipients_or_none(front: Front, to: list[str], code: str, named: str) -> None:
    error = front.login("ann").ask(MailSend(to=to, body="hello"), Error)
    assert error.code == code
    assert named in error.text
    assert front.login("ben").ask(MailList(), MailPage).mails == []


def test_guests_get_no_mail(front: Front) -> None:
    front.guest("joe")
    assert front.login("ann").refused(MailSend(to=["joe"], body="hello")) == "no_such_user"


@pytest.mark.parametrize(
    ("subject", "body", "code"),
    [("", "", "bad_text"), ("", " \n ", "bad_text"), ("", "a\x1b[31m", "bad_text"), ("a\nb", "x", "bad_text"),
     ("x" * 201, "x", "too_long"), ("", "x" * (BODY_MAX + 1), "too_long")],
)  # fmt: skip
def test_what_cannot_be_sent(front: Front, subject: str, body: str, code: str) -> None:
    assert front.login("ann").refused(MailSend(to=["ben"], subject=subject, body=body)) == code


def test_the_longest_mail_arrives_whole(front: Front) -> None:
    names = ["ben"]
    for number in range(99):
        name = f"{'n' * 28}-{number:03}"
        front.connect().hello().ask(Register(name=name, password="sesame-open"), Welcome)
        names.append(name)
    body = "\U0001f600" * BODY_MAX
    front.login("ann").ask(MailSend(to=names, subject="\U0001f600" * 200, body=body), Done)
    ben = front.login("ben")
    mail = ben.ask(MailRead(mail=1), Mail)
    assert mail.body == body
    assert len(encode(mail)) < LINE_MAX
    assert len(encode(MailSend(to=names, subject="\U0001f600" * 200, body=body, id="x" * 64))) < LINE_MAX


def test_sent_again_it_exists_once(front: Front) -> None:
    ann, ben = front.connect().hello(), front.login("ben")
    welcome = ann.ask(Login(name="ann", password="annspassword", stream=STREAM), Welcome)
    mail = MailSend(to=["ben"], body="hello", id="m1")
    ann.send(mail)
    number = ann.take(Done).mail
    ben.take(MailNew)
    ann.lose()
    front.restart()
    again = front.connect().hello()
    again.ask(Resume(session=welcome.session, stream=STREAM), Welcome)
    again.send(mail)
    done = again.take(Done)
    assert (done.mail, done.re) == (number, "m1")
    assert len(front.login("ben").ask(MailList(), MailPage).mails) == 1


def test_without_a_stream_every_login_is_another(front: Front) -> None:
    for _ in range(2):
        client = front.login("ann")
        client.send(MailSend(to=["ben"], body="hello", id="m1"))
        client.take(Done)
    assert front.login("ben").ask(MailList(), MailPage).unread == 2


def test_a_mail_that_cannot_be_stored_is_not_told(front: Front) -> None:
    ann, ben = front.login("ann"), front.login("ben")
    front.fail = sqlite3.OperationalError("database or disk is full")
    assert ann.refused(MailSend(to=["ben"], body="hello")) == "storage"
    assert ben.inbox == []
    assert ben.ask(MailList(), MailPage).mails == []
    ann.ask(MailSend(to=["ben"], body="hello"), Done)
    ben.take(MailNew)


def test_other_connections_hear_what_is_unread(front: Front) -> None:
    one, two = front.login("ben"), front.login("ben")
    ann = front.login("ann")
    for _ in range(2):
        ann.ask(MailSend(to=["ben"], body="hello"), Done)
    for client in (one, two):
        assert [client.take(MailNew).unread, client.take(MailNew).unread] == [1, 2]
    one.ask(MailRead(mail=1), Mail)
    assert two.take(Unread).unread == 1
    one.ask(MailRead(mail=1), Mail)
    assert two.inbox == [], "nothing changed"
    two.ask(MailMark(mail=1, read=False), Done)
    assert one.take(Unread).unread == 2
    one.ask(MailDelete(mail=2), Done)
    assert two.take(Unread).unread == 1
    one.ask(MailRead(mail=1), Mail)
    two.take(Unread)
    one.ask(MailDelete(mail=1), Done)
    assert one.inbox == two.inbox == []


def test_another_ones_mail_does_not_exist(front: Front) -> None:
    ann = front.login("ann")
    ann.ask(MailSend(to=["ben"], body="hello"), Done)
    for request in (MailRead(mail=1), MailMark(mail=1, read=True), MailDelete(mail=1), MailRead(mail=2**53)):
        assert ann.refused(request) == "no_such_mail"


def test_an_inbox_in_pages(front: Front) -> None:
    ann, ben = front.login("ann"), front.login("ben")
    for number in range(5):
        ann.ask(MailSend(to=["ben"], subject=f"s{number}", body="x"), Done)
    ben.inbox.clear()
    page = ben.ask(MailList(limit=3), MailPage)
    assert ([row.subject for row in page.mails], page.more, page.unread) == (["s4", "s3", "s2"], True, 5)
    page = ben.ask(MailList(limit=3, before=page.mails[-1].mail), MailPage)
    assert ([row.subject for row in page.mails], page.more) == (["s1", "s0"], False)


def test_a_rate_that_a_new_login_does_not_mend(make_front: Callable[..., Front]) -> None:
    front = make_front("limits.mail_per_minute=2")
    ann = front.login("ann")
    for _ in range(2):
        ann.ask(MailSend(to=["ben"], body="x"), Done)
    error = ann.ask(MailSend(to=["ben"], body="x"), Error)
    assert (error.code, error.retry_after) == ("too_fast", 30.0)
    ann.lose()
    assert front.login("ann").refused(MailSend(to=["ben"], body="x")) == "too_fast"
    front.later(30)
    front.login("ann").ask(MailSend(to=["ben"], body="x"), Done)


def test_a_full_inbox(make_front: Callable[..., Front]) -> None:
    front = make_front("limits.mailbox=1")
    ann, ben = front.login("ann"), front.login("ben")
    ann.ask(MailSend(to=["ben"], body="x"), Done)
    error = ann.ask(MailSend(to=["test_user", "ben"], body="x"), Error)
    assert error.code == "full"
    assert "ben" in error.text
    ben.inbox.clear()
    ben.ask(MailDelete(mail=1), Done)
    ann.ask(MailSend(to=["test_user", "ben"], body="x"), Done)


def test_bodies_are_never_logged(front: Front, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    front.login("ann").ask(MailSend(to=["ben"], subject="the-subject", body="the-body"), Done)
    assert "ann sent mail 1 to ben" in caplog.text
    assert "the-body" not in caplog.text
    assert "the-subject" not in caplog.text
