"""The spelling of one's name, all that the lobby has of one, and the end of the account: what becomes of what."""

import re
from typing import Any

import pytest

from lobby.effects import ToRoom
from tests.lobby.front import Client, Front
from wire.control import Assign, PutOut
from wire.messages import (
    Belongings,
    BelongingsPage,
    Block,
    Blocked,
    Bye,
    DeleteAccount,
    Direct,
    Directs,
    DirectsPage,
    Done,
    Invite,
    Login,
    MailSend,
    Register,
    Respell,
    Respelled,
    Resume,
    Tell,
    Told,
    Welcome,
    Who,
    Whois,
    WhoisPage,
    WhoPage,
)

DAY = 86_400.0


@pytest.fixture
def ann(front: Front) -> Client:
    return front.login("ann")


# -- the spelling


def test_capitals_are_shown_everywhere_from_now_on(front: Front, ann: Client) -> None:
    games = front.store.catalogue.create("games", "ann", "public", "", 0)
    front.register(games, "link", "ann")
    other = front.connect().hello()
    token = other.ask(Login(name="ann", password="annspassword"), Welcome).session
    front.asked_for(ToRoom)
    assert ann.ask(Respell(name="ANN"), Respelled).name == "ANN"
    assert other.take(Respelled).name == "ANN"
    assert [person.name for person in other.ask(Who(), WhoPage).people] == ["ANN"]
    assert b"\nANN:{" in front.paths.user_db.read_bytes()
    told = [order.message for order in front.asked_for(ToRoom)]
    assert [message.settings.owner for message in told if isinstance(message, Assign)][-1] == "ANN"
    (out,) = (message for message in told if isinstance(message, PutOut))
    assert (out.name, out.code, out.resume) == ("ann", "bad_ticket", True), "back by a ticket with the new spelling"
    front.restart()
    assert front.connect().hello().ask(Resume(session=token), Welcome).name == "ANN"
    assert front.login("aNn", "annspassword").ask(Whois(name="ann"), WhoisPage).name == "ANN"


@pytest.mark.parametrize(("name", "code"), [("anne", "bad_name"), ("", "bad_name"), ("a nn", "bad_name")])
def test_another_name_is_no_spelling(ann: Client, name: str, code: str) -> None:
    assert ann.refused(Respell(name=name)) == code


def test_an_operators_edit_at_the_same_time_stands_beside_it(front: Front, ann: Client) -> None:
    text = front.paths.user_db.read_text()
    front.paths.user_db.write_text(re.sub(r"^(ann:.*):user:", r"\1:user,operator:", text, flags=re.MULTILINE))
    ann.send(Respell(name="Ann"))
    front.look()
    account = front.accounts.get("ann")
    assert account is not None
    assert (account.name, account.roles) == ("Ann", ("user", "operator"))


# -- what is here of somebody


def all_of(client: Client, limit: int = 200) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    after = ""
    while True:
        page = client.ask(Belongings(after=after, limit=limit), BelongingsPage)
        rows += [{"kind": row.kind, **row.what} for row in page.belongings]
        if not isinstance(page.next, str):
            return rows
        after = page.next


@pytest.mark.parametrize("limit", [1, 200])
def test_belongings(front: Front, ann: Client, limit: int) -> None:
    front.store.catalogue.create("hers", "ann", "private", "plans", 5)
    bens = front.store.catalogue.create("bens", "ben", "private", "", 0)
    front.store.catalogue.invite(bens.room, "ann")
    ben = front.login("ben")
    for number in range(3):
        ben.ask(Tell(to="ann", text=f"to ann {number}"), Told)
        ben.ask(Tell(to="foo_user", text="not for ann"), Told)
    ann.inbox.clear()
    ann.ask(Tell(to="ben", text="to ben"), Told)
    ann.ask(Block(name="foo_user"), Blocked)
    rows = all_of(ann, limit)
    assert [row["kind"] for row in rows] == ["account", "session", "blocked", "room", "room", *["direct"] * 4]
    assert (rows[0]["name"], rows[0]["roles"]) == ("ann", ("user",))
    assert "secret" not in str(rows)
    assert [(row["room"], row["is"]) for row in rows[3:5]] == [("hers", "owner"), ("bens", "invited")]
    assert [row["text"] for row in rows[5:]] == ["to ann 0", "to ann 1", "to ann 2", "to ben"]


def test_the_messages_of_others_are_passed_in_bounded_looks(front: Front, ann: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("lobby.requests.own.LOOKED_AT", 2)
    ben = front.login("ben")
    for _ in range(5):
        ben.ask(Tell(to="foo_user", text="x"), Told)
    ben.ask(Tell(to="ann", text="at last"), Told)
    ann.take(Direct)
    assert [row["text"] for row in all_of(ann) if row["kind"] == "direct"] == ["at last"]


# -- the end of the account


def delete(client: Client) -> None:
    client.send(DeleteAccount(password="annspassword"))
    client.take(Done)
    assert client.take(Bye).code == "bad_session"


def test_the_password_is_asked(ann: Client, front: Front) -> None:
    assert ann.refused(DeleteAccount(password="wrong")) == "wrong_password"
    assert front.accounts.get("ann") is not None
    assert front.login("test_user").refused(DeleteAccount(password="123")) == "not_allowed"


def test_the_account_is_gone_everywhere_and_its_name_is_kept(front: Front, ann: Client) -> None:
    other = front.login("ann")
    delete(ann)
    assert other.take(Bye).code == "bad_session"
    assert b"ann:" not in front.paths.user_db.read_bytes()
    client = front.connect().hello()
    assert client.refused(Login(name="ann", password="annspassword")) == "wrong_password"
    assert client.refused(Register(name="ann", password="another one")) == "name_taken"
    front.restart()
    assert front.accounts.get("ann") is None
    front.later(31 * DAY)
    front.connect().hello().ask(Register(name="ann", password="another one"), Welcome)


def test_what_becomes_of_rooms_invitations_mail_and_messages(front: Front, ann: Client) -> None:
    games = front.store.catalogue.create("games", "ann", "public", "", 0)
    bens = front.store.catalogue.create("bens", "ben", "private", "", 0)
    front.register(games, "link", "ann")
    ben = front.login("ben")
    ben.ask(Invite(room="bens", name="ann"), Done)
    ben.ask(MailSend(to=["ann"], body="to be lost"), Done)
    ben.ask(Tell(to="ann", text="do not go"), Told)
    ann.inbox.clear()
    ann.ask(Tell(to="ben", text="goodbye"), Told)
    ben.take(Direct)
    delete(ann)
    assert front.room("games").owner == "", "it goes on, and is nobody's"
    assert not front.store.catalogue.invited(bens.room, "ann")
    assert front.mailbox.count("ann") == 0
    kept = [direct.text for direct in ben.ask(Directs(other="ann"), DirectsPage).directs]
    assert kept == ["do not go", "goodbye"], "they are ben's as well"


def test_who_has_the_name_next_inherits_nothing(front: Front, ann: Client) -> None:
    front.store.catalogue.create("games", "ann", "public", "", 0)
    bens = front.store.catalogue.create("bens", "ben", "private", "", 0)
    front.store.catalogue.invite(bens.room, "ann")
    text = front.paths.user_db.read_text()
    front.paths.user_db.write_text("".join(line for line in text.splitlines(True) if not line.startswith("ann:")))
    front.look()  # an operator deleted the line
    front.later(31 * DAY)
    front.connect().hello().ask(Register(name="ann", password="another one"), Welcome)
    assert front.room("games").owner == ""
    assert not front.store.catalogue.invited(bens.room, "ann")


def test_an_editors_older_copy_does_not_bring_it_back(front: Front, ann: Client) -> None:
    ann.ask(Respell(name="Ann"), Respelled)  # so that there is a copy with a version
    copy = front.paths.user_db.read_text()
    delete(ann)
    front.paths.user_db.write_text(copy + "eva:{PLAIN}evaspassword:user::\n")
    front.look()
    front.restart()
    assert front.accounts.get("ann") is None
    front.login("eva")


def test_a_deletion_that_cannot_be_stored_is_none(front: Front, ann: Client) -> None:
    front.hold = True
    ann.send(DeleteAccount(password="annspassword"))
    front.fail = OSError(28, "No space left on device")
    front.finish_work()
    bye = ann.take(Bye)
    assert (bye.code, bye.resume) == ("storage", True), "and not that the account was removed"
    assert front.accounts.get("ann") is not None
