"""A round that cannot be committed: what is taken back, and what is true all the same."""

import sqlite3

import pytest

from lobby.effects import CloseLink, Spawn, ToRoom
from tests.lobby.front import Front
from wire.codec import encode
from wire.errors import Refused
from wire.messages import (
    Create,
    Direct,
    Done,
    Error,
    Guest,
    Join,
    Login,
    MailList,
    MailNew,
    MailPage,
    MailSend,
    Passwd,
    Ping,
    Pong,
    Quit,
    Register,
    RoomList,
    Rooms,
    Tell,
    Welcome,
    Who,
    WhoPage,
)

FULL = sqlite3.OperationalError("database or disk is full")


def test_all_answers_of_the_round_are_taken_back(front: Front) -> None:
    ann, ben = front.login("ann"), front.login("ben")
    front.desk.take(ben.connection, b'{"type":"rooms","id":"b1"}')
    front.desk.take(ben.connection, b'{"type":"ping","id":"b2"}')
    front.desk.take(ben.connection, b'{"type":"say","id":"b3"}')
    front.fail = FULL
    ann.send(Create(room="games", id="a1"))
    assert [(error.code, error.re) for error in (ann.take(Error), ben.take(Error))] == [
        ("storage", "a1"),
        ("storage", "b1"),
    ]
    assert ben.take(Pong).re == "b2"
    assert ben.take(Error).code == "unknown_type"
    assert front.store.catalogue.room("games") is None
    assert front.asked_for(Spawn) == []
    assert ann.ask(Rooms(), RoomList).rooms == []


def test_a_write_that_fails_at_once_fails_the_round(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = front.login("ann")

    def full(**_: object) -> None:
        raise FULL

    monkeypatch.setattr(front.desk.mailbox, "send", full)
    ann.send(Create(room="games", id="a1"), MailSend(to=["ben"], body="x", id="a2"))
    assert [(error.code, error.re) for error in (ann.take(Error), ann.take(Error))] == [
        ("storage", "a1"),
        ("storage", "a2"),
    ]
    assert front.store.catalogue.room("games") is None


def test_who_came_in_that_round_is_not_in(front: Front) -> None:
    client = front.connect().hello()
    front.fail = FULL
    client.send(Guest(name="joe"))
    error = client.take(Error)
    assert (error.code, error.fatal) == ("storage", True)
    assert client.closed
    assert front.desk.people.find("joe") is None
    front.guest("joe")


def test_a_password_under_way_is_still_verified(front: Front) -> None:
    client = front.connect().hello()
    front.fail = FULL
    client.send(Login(name="test_user", password="123"))
    client.take(Welcome)
    assert client.ask(Who(), WhoPage).count == 1


def test_a_room_that_registers_in_that_round_registers_again(front: Front) -> None:
    room = front.store.catalogue.create("games", "ann", "public", "", 0)
    front.end_round()
    front.fail = FULL
    front.register(room, "link")
    assert front.asked_for(ToRoom) == []
    assert front.asked_for(CloseLink) == [CloseLink("link", "storage")]


def test_who_waits_for_a_room_that_was_to_be_started_is_told(front: Front) -> None:
    front.store.catalogue.create("games", "ann", "public", "", 0)
    ann = front.login("ann")
    front.fail = FULL
    assert ann.refused(Join(room="games")) == "storage"
    ann.send(Join(room="games"))
    assert len(front.asked_for(Spawn)) == 1


def test_quitting_needs_no_disk(front: Front) -> None:
    ann = front.login("ann")
    front.fail = FULL
    ann.send(Quit())
    assert ann.closed
    assert front.desk.people.find("ann") is None


def test_too_much_work_is_refused_and_can_be_tried_again(front: Front) -> None:
    client = front.connect().hello()
    front.hold = True
    client.send(Login(name="test_user", password="123"))
    (work,) = front.slow
    front.slow.clear()
    work.then(Refused("busy", "too many", retry_after=2.0))
    front.end_round()
    error = client.take(Error)
    assert (error.code, error.retry_after) == ("busy", 2.0)
    front.hold = False
    client.ask(Login(name="test_user", password="123"), Welcome)


def test_a_worker_that_fails_costs_one_connection(front: Front) -> None:
    client = front.connect().hello()
    front.hold = True
    client.send(Login(name="test_user", password="123"))
    (work,) = front.slow
    work.then(ZeroDivisionError())
    front.end_round()
    assert client.take(Error).code == "internal"
    assert client.closed


def test_the_disk_may_fail_while_somebody_is_lost(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    joe, ann = front.guest("joe"), front.login("ann")

    def full(*_: object) -> None:
        raise FULL

    monkeypatch.setattr(front.desk.ledger, "lease", full)
    joe.lose()
    monkeypatch.undo()
    assert front.desk.people.find("joe") is None
    ann.ask(Ping(), Pong)
    ann.ask(Create(room="games"), Done)


def test_mail_that_cannot_be_stored_refuses_nobody_else(front: Front) -> None:
    """In one round: a new password, a mail, a direct message."""
    ann, ben = front.login("ann"), front.login("ben")
    front.hold = True
    ann.send(Passwd(old="annspassword", new="another password", id="p"))
    front.fail_mail = FULL
    front.desk.take(ben.connection, encode(MailSend(to=["ann"], subject="chess", body="Tuesday?", id="m")))
    front.desk.take(ben.connection, encode(Tell(to="ann", text="psst", id="t")))
    front.desk.take(ann.connection, encode(Create(room="games", id="c")))
    front.finish_work()
    refused = (ben.take(Error), ben.take(Error))
    assert [(error.re, error.code) for error in refused] == [("m", "storage"), ("t", "storage")]
    answers = [message for message in ann.inbox if isinstance(message, Done)]
    assert [done.re for done in answers] == ["p", "c"]
    assert not [message for message in ann.inbox if isinstance(message, MailNew | Direct)]
    assert front.mailbox.unread("ann") == 0
    front.restart()
    front.login("ann", "another password")
    assert front.store.catalogue.room("games") is not None


def test_nobody_is_told_of_mail_that_was_not_stored_in_the_end(front: Front) -> None:
    """A listing in the same round has seen it: it hangs on the same commit."""
    ann, ben = front.login("ann"), front.login("ben")
    front.fail_mail = FULL
    front.desk.take(ann.connection, encode(Create(room="games", id="c")))
    front.desk.take(ben.connection, encode(MailSend(to=["ann"], subject="chess", body="Tuesday?", id="m")))
    front.desk.take(ann.connection, encode(MailList(id="l")))
    front.end_round()
    assert ben.take(Error).code == "storage"
    assert (ann.take(Done).re, ann.take(Error).re) == ("c", "l")
    assert not [message for message in ann.inbox if isinstance(message, MailPage)]


def test_an_account_is_made_only_once_the_inbox_of_its_names_former_bearer_is_empty(front: Front) -> None:
    ann, zoe = front.login("ann"), front.connect().hello()
    front.accounts.add("zoe", "{PLAIN}herpassword", made=0)
    front.end_round()
    ann.ask(MailSend(to=["zoe"], subject="old news", body="b"), Done)
    front.accounts.remove("zoe")
    front.end_round()
    assert front.mailbox.count("zoe") == 1
    front.fail_mail = FULL
    assert zoe.refused(Register(name="zoe", password="a good password")) == "storage"
    assert front.accounts.get("zoe") is None
    welcome = zoe.ask(Register(name="zoe", password="a good password"), Welcome)
    assert (welcome.unread, front.mailbox.count("zoe")) == (0, 0)
