"""Mail: stored before it is acknowledged, told at once, and once only however often it is sent."""

import sqlite3
from collections.abc import Callable

import pytest
from msgspec import UNSET

from tests.lobby.front import Front
from wire.codec import encode
from wire.framing import LINE_MAX
from wire.messages import (
    Audit,
    AuditPage,
    Done,
    Error,
    Login,
    Mail,
    MailChanged,
    MailDelete,
    MailDraft,
    MailExport,
    MailExportPage,
    MailKeep,
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
from wire.names import BODY_MAX

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
    assert ben.take(Unread).unread == 0
    assert ben.ask(MailList(), MailPage).unread == 0
    assert ann.ask(MailList(), MailPage).mails == []
    assert [row.to for row in ann.ask(MailList(folder="sent"), MailPage).mails] == [["ben"]]


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


def test_every_connection_hears_what_is_unread_and_the_others_what_changed(front: Front) -> None:
    one, two = front.login("ben"), front.login("ben")
    ann = front.login("ann")
    for _ in range(2):
        ann.ask(MailSend(to=["ben"], body="hello"), Done)
    for client in (one, two):
        assert [client.take(MailNew).unread, client.take(MailNew).unread] == [1, 2]
    one.ask(MailRead(mail=1), Mail)
    assert one.take(Unread).unread == two.take(Unread).unread == 1
    assert two.take(MailChanged) == MailChanged(mail=1, folder="inbox", read=True, starred=False)
    one.ask(MailRead(mail=1), Mail)
    assert one.inbox == two.inbox == [], "nothing changed"
    two.ask(MailMark(mail=1, read=False), Done)
    assert one.take(Unread).unread == two.take(Unread).unread == 2
    assert one.take(MailChanged).read is False
    one.ask(MailMark(mail=1, starred=True), Done)
    assert two.take(MailChanged).starred is True
    one.ask(MailDelete(mail=2), Done)
    assert one.take(Unread).unread == two.take(Unread).unread == 1
    assert two.take(MailChanged).folder == "trash"
    one.ask(MailDelete(mail=2), Done)
    assert two.take(MailChanged) == MailChanged(mail=2)
    assert one.inbox == two.inbox == []


def test_another_ones_mail_does_not_exist(front: Front) -> None:
    foo = front.login("foo_user")
    front.login("ann").ask(MailSend(to=["ben"], body="hello"), Done)
    for request in (MailRead(mail=1), MailMark(mail=1, read=True), MailDelete(mail=1), MailRead(mail=2**53)):
        assert foo.refused(request) == "no_such_mail"


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


def test_a_full_mailbox(make_front: Callable[..., Front]) -> None:
    front = make_front("limits.mailbox=2")
    ann, ben = front.login("ann"), front.login("ben")
    ann.ask(MailSend(to=["test_user", "ben"], body="x"), Done)
    ben.inbox.clear()
    ben.ask(MailSend(to=["foo_user"], body="x"), Done)
    ben.inbox.clear()
    error = ann.ask(MailSend(to=["test_user", "ben"], body="x"), Error)
    assert (error.code, error.text) == ("full", "the mailbox is full: ben; nothing was sent")
    assert ben.refused(MailSend(to=["ann"], body="x")) == "full", "what one sends is kept too"
    ben.ask(MailDelete(mail=1), Done)
    ann.ask(MailSend(to=["test_user", "ben"], body="y"), Done)
    ben.inbox.clear()
    assert ben.ask(MailList(folder="trash"), MailPage).mails == [], "it gave way"


def test_a_mailbox_is_full_by_bytes_too(make_front: Callable[..., Front]) -> None:
    front = make_front("limits.mailbox_mib=1", "limits.mail_per_minute=0")
    ann = front.login("ann")
    for number in range(21):
        ann.ask(MailSend(to=["foo_user" if number % 2 else "test_user"], body="\U0001f600" * BODY_MAX), Done)
    assert ann.refused(MailSend(to=["ben"], body="\U0001f600" * BODY_MAX)) == "full"
    ann.ask(MailSend(to=["ben"], body="x"), Done)


def test_a_mail_that_filled_the_mailbox_is_known_when_it_is_sent_again(make_front: Callable[..., Front]) -> None:
    front = make_front("limits.mailbox=1", "limits.mail_per_minute=1")
    ann = front.login("ann")
    mail = MailSend(to=["ben"], body="hello", id="m1")
    ann.send(mail, mail)
    assert ann.take(Done).mail == ann.take(Done).mail == 1


# -- drafts


def test_a_draft_is_seen_in_the_other_terminal_and_gone_when_it_is_sent(front: Front) -> None:
    one, two = front.login("ann"), front.login("ann")
    draft = one.ask(MailDraft(to=["be"], body="Dear"), Done).mail
    assert isinstance(draft, int)
    assert two.take(MailChanged).folder == "drafts"
    assert two.ask(MailDraft(to=["ben"], body="Dear Ben", mail=draft), Done).mail == draft
    one.inbox.clear()
    assert one.ask(MailRead(mail=draft), Mail).body == "Dear Ben"
    assert [row.to for row in one.ask(MailList(folder="drafts"), MailPage).mails] == [["ben"]]
    sent = one.ask(MailSend(to=["ben"], body="Dear Ben", draft=draft), Done).mail
    assert [(change.mail, change.folder) for change in (two.take(MailChanged), two.take(MailChanged))] == [
        (sent, "sent"), (draft, UNSET),
    ]  # fmt: skip
    assert one.ask(MailList(folder="drafts"), MailPage).mails == []
    assert one.refused(MailDraft(body="x", mail=draft)) == "no_such_mail"
    one.ask(MailSend(to=["ben"], body="x", draft=sent), Done)
    assert one.ask(MailRead(mail=sent), Mail).folder == "sent", "only a draft goes"


@pytest.mark.parametrize(
    ("draft", "code"),
    [(MailDraft(body="a\x1b"), "bad_text"), (MailDraft(body="x" * (BODY_MAX + 1)), "too_long"),
     (MailDraft(to=["a\nb"]), "bad_text"), (MailDraft(to=["x" * 201]), "too_long"),
     (MailDraft(to=["\U0001f600" * 50] * 30), "too_long")],
)  # fmt: skip
def test_what_cannot_be_a_draft(front: Front, draft: MailDraft, code: str) -> None:
    assert front.login("ann").refused(draft) == code


def test_an_empty_draft_is_one(front: Front) -> None:
    ann = front.login("ann")
    draft = ann.ask(MailDraft(body=" \n "), Done).mail
    assert ann.ask(MailRead(mail=int(draft or 0)), Mail).body == ""


# -- to everyone


def test_an_operator_writes_to_everyone(front: Front) -> None:
    admin, ben, guest = front.login("admin_user"), front.login("ben"), front.guest("joe")
    done = admin.ask(MailSend(to=["Everyone"], subject="tonight", body="We move."), Done)
    assert ben.take(MailNew).subject == "tonight"
    assert guest.inbox == []
    assert ben.ask(MailRead(mail=int(done.mail or 0)), Mail).to == ["everyone"]
    assert front.login("ann").ask(MailList(), MailPage).unread == 1
    assert front.mailbox.count("shut") == 0
    assert admin.ask(MailList(), MailPage).unread == 0
    assert admin.ask(MailList(folder="sent"), MailPage).mails[0].to == ["everyone"]
    act = admin.ask(Audit(), AuditPage).acts[0]
    assert (act.by, act.what, act.target, act.text) == ("admin_user", "mail", "everyone", "tonight")


def test_nobody_else_does(front: Front) -> None:
    error = front.login("ann").ask(MailSend(to=["ben", "everyone"], body="x"), Error)
    assert (error.code, "everyone" in error.text) == ("not_allowed", True)
    assert front.mailbox.count("ben") == 0


def test_mail_to_everyone_reaches_full_mailboxes(make_front: Callable[..., Front]) -> None:
    front = make_front("limits.mailbox=1")
    ann = front.login("ann")
    ann.ask(MailSend(to=["ben"], body="x"), Done)
    front.login("admin_user").ask(MailSend(to=["everyone"], body="x"), Done)
    assert front.mailbox.count("ben") == 2


# -- from elsewhere


def test_mail_from_elsewhere_is_kept_once_and_told(front: Front) -> None:
    one, two = front.login("ann"), front.login("ann")
    mail = MailKeep(sender="Zoe <zoe@example.org>", to=["list@example.org"], body="news", at=5, read=False)
    number = one.ask(mail, Done).mail
    assert one.take(Unread).unread == two.take(Unread).unread == 1
    assert two.take(MailChanged).mail == number
    assert one.ask(mail, Done).mail == number
    assert one.inbox == two.inbox == []


def test_only_as_much_as_fits(make_front: Callable[..., Front]) -> None:
    ann = make_front("limits.mailbox=1").login("ann")
    ann.ask(MailKeep(sender="z", body="1", at=5), Done)
    assert ann.refused(MailKeep(sender="z", body="2", at=5)) == "full"


def test_the_greatest_mail_from_elsewhere_fits_a_line(front: Front) -> None:
    ann = front.login("ann")
    names = ["\U0001f600" * 200, "x" * 200] * 4
    body = "\U0001f600" * BODY_MAX
    ann.ask(MailKeep(sender="\U0001f600" * 200, to=names, subject="\U0001f600" * 200, body=body, at=2**53), Done)
    page = ann.ask(MailExport(), MailExportPage)
    assert (len(page.mails), page.more) == (1, False)
    assert len(encode(page)) < LINE_MAX


def test_bodies_are_never_logged(front: Front, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    front.login("ann").ask(MailSend(to=["ben"], subject="the-subject", body="the-body"), Done)
    assert "ann sent mail 1 to ben" in caplog.text
    assert "the-body" not in caplog.text
    assert "the-subject" not in caplog.text
