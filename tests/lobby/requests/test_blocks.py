"""The block list: what it keeps away at the lobby, who is told of it, and that it is the account's."""

import pytest

from lobby.blocks import MOST
from tests.lobby.front import Client, Front
from wire.messages import (
    Block,
    Blocked,
    Done,
    Guest,
    Hello,
    Invite,
    Login,
    MailNew,
    MailSend,
    Register,
    Request,
    ServerHello,
    Tell,
    Told,
    Welcome,
)


@pytest.fixture
def ann(front: Front) -> Client:
    client = front.login("ann")
    client.ask(Block(name="BEN"), Blocked)
    return client


@pytest.mark.parametrize(
    "message",
    [
        Tell(to="ann", text="hello?"),
        MailSend(to=["ann"], body="hello?"),
        MailSend(to=["foo_user", "ann"], body="hello?"),
        Invite(room="bens", name="ann"),
    ],
    ids=["tell", "mail", "mail to several", "invite"],
)
def test_what_is_kept_away(front: Front, ann: Client, message: Request) -> None:
    front.store.catalogue.create("bens", "ben", "private", "", 0)
    assert front.login("ben").refused(message) == "blocked"
    assert not ann.inbox
    assert not front.mailbox.count("foo_user"), "nothing is sent to the others either"


def test_nor_can_they_be_told_what_they_could_not_answer(front: Front, ann: Client) -> None:
    front.login("ben")
    assert ann.refused(Tell(to="ben", text="and another thing")) == "blocked"


def test_others_reach_one_as_before(front: Front, ann: Client) -> None:
    foo = front.login("foo_user")
    assert foo.ask(Tell(to="ann", text="hello"), Told).became == "delivered"
    foo.ask(MailSend(to=["ann"], body="hello"), Done)
    ann.inbox.pop(0)
    ann.take(MailNew)


def test_it_is_kept_told_at_the_login_and_on_other_connections(front: Front, ann: Client) -> None:
    front.restart()
    client = front.connect()
    client.ask(Hello(protocol=1), ServerHello)
    assert client.ask(Login(name="ann", password="annspassword"), Welcome).blocked == ["ben"], "as ben spells it"
    other = front.login("ann")
    assert client.ask(Block(name="foo_user"), Blocked).names == ["ben", "foo_user"]
    assert other.take(Blocked).names == ["ben", "foo_user"]
    assert client.ask(Block(name="Ben", remove=True), Blocked).names == ["foo_user"]
    front.login("ben").ask(Tell(to="ann", text="friends again?"), Told)


def test_who_can_be_on_it(front: Front, ann: Client) -> None:
    assert ann.refused(Block(name="ann")) == "not_allowed"
    assert ann.refused(Block(name="nobody1")) == "no_such_user"
    assert ann.ask(Block(name="nobody1", remove=True), Blocked).names == ["ben"], "who is gone can be taken off"
    front.guest("joy")
    assert ann.ask(Block(name="joy"), Blocked).names == ["ben", "joy"]
    for number in range(MOST - 2):
        front.store.ledger.blocks.add("ann", f"n{number}")
    assert ann.refused(Block(name="foo_user")) == "too_many"


def test_a_name_that_passes_on_takes_no_list_with_it(front: Front, ann: Client) -> None:
    joy = front.guest("joy")
    joy.ask(Block(name="ann"), Blocked)
    ann.ask(Block(name="joy"), Blocked)
    joy.lose()
    front.later(3_600)
    somebody = front.connect().hello().ask(Guest(name="joy"), Welcome)
    assert not somebody.blocked
    assert front.store.ledger.blocks.of("ann") == ["ben"]


def test_nor_does_one_that_was_an_accounts(front: Front, ann: Client) -> None:
    front.store.ledger.blocks.add("eva", "ann")
    front.store.ledger.blocks.add("ann", "eva")
    front.connect().hello().ask(Register(name="eva", password="evaspassword"), Welcome)
    assert front.store.ledger.blocks.of("eva") == []
    assert front.store.ledger.blocks.of("ann") == ["ben"]
