"""Mail by the operator's hand: to some or to everyone, and into a mailbox."""

from collections.abc import Callable

import pytest

from lobby import adminmail
from tests.lobby.front import Front
from wire.control import AdminKeep, AdminKept, AdminMail, AdminMailed
from wire.errors import Refused
from wire.messages import Mail, MailChanged, MailKeep, MailList, MailNew, MailPage, MailRead, Unread


def heed(front: Front, message: AdminMail | AdminKeep) -> AdminMailed | AdminKept:
    answer = adminmail.heed(front.desk, message)
    front.end_round()
    return answer


def test_the_postmaster_writes_to_everyone(front: Front) -> None:
    ben = front.login("ben")
    answer = heed(front, AdminMail(to=["everyone"], subject="tonight", body="We move."))
    assert answer == AdminMailed(mail=1, recipients=5)
    assert ben.take(MailNew).sender == "postmaster"
    assert ben.ask(MailRead(mail=1), Mail).to == ["everyone"]
    assert front.mailbox.count("postmaster") == 0
    assert next(iter(front.desk.audit.before(2**53))).target == "everyone"


def test_in_the_name_of_an_account_to_some(front: Front) -> None:
    ann = front.login("ann")
    answer = heed(front, AdminMail(to=["ben"], subject="s", body="b", sender="ANN"))
    assert answer == AdminMailed(mail=1, recipients=1)
    assert ann.take(MailChanged).folder == "sent"
    assert front.login("ben").ask(MailList(), MailPage).mails[0].sender == "ann"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (AdminMail(to=["ben", "nix"], subject="", body="b"), "no_such_user"),
        (AdminMail(to=["shut"], subject="", body="b"), "locked"),
        (AdminMail(to=["ben"], subject="", body="b", sender="nix"), "no_such_user"),
        (AdminMail(to=["ben"], subject="", body=""), "bad_text"),
        (AdminMail(to=["ben"], subject="a\nb", body="b"), "bad_text"),
        (AdminKeep(owner="nix", mail=MailKeep(sender="z", body="b", at=1)), "no_such_user"),
        (AdminKeep(owner="ben", mail=MailKeep(sender="z", body="\x1b", at=1)), "bad_text"),
    ],
)
def test_what_is_refused(front: Front, message: AdminMail | AdminKeep, code: str) -> None:
    with pytest.raises(Refused) as refused:
        adminmail.heed(front.desk, message)
    assert refused.value.code == code
    assert front.mailbox.count("ben") == 0


def test_a_mailbox_is_filled_and_its_owner_sees_it(front: Front) -> None:
    ben = front.login("ben")
    message = AdminKeep(owner="BEN", mail=MailKeep(sender="zoe", body="b", at=1, read=False))
    assert heed(front, message) == AdminKept(mail=1, fresh=True)
    assert ben.take(MailChanged).folder == "inbox"
    assert ben.take(Unread).unread == 1
    assert heed(front, message) == AdminKept(mail=1, fresh=False)
    assert ben.inbox == []


def test_no_more_than_its_quota(make_front: Callable[..., Front]) -> None:
    front = make_front("limits.mailbox=1")
    heed(front, AdminKeep(owner="ben", mail=MailKeep(sender="zoe", body="b", at=1)))
    with pytest.raises(Refused, match="full"):
        adminmail.heed(front.desk, AdminKeep(owner="ben", mail=MailKeep(sender="zoe", body="c", at=1)))
