"""One's own logins: listed, ended one by one or all others; a password by a one-time code."""

import pytest

from lobby.effects import ToRoom
from lobby.entry import RENEW_SECONDS, note_presence
from tests.lobby.front import Client, Front
from wire.control import PutOut
from wire.messages import (
    Bye,
    Done,
    EndSession,
    Error,
    Hello,
    Login,
    Passwd,
    Recover,
    Register,
    Resume,
    ServerHello,
    SessionRow,
    Sessions,
    SessionsPage,
    Welcome,
    Whois,
    WhoisPage,
)

CODE, NEW = "7KQ2-M9XD-01VT-HZ4C", "a new password"


def log_in(front: Front, kind: str, address: str = "127.0.0.1") -> tuple[Client, str]:
    client = front.connect(address)
    client.ask(Hello(protocol=1, client=kind), ServerHello)
    return client, client.ask(Login(name="ann", password="annspassword"), Welcome).session


def listed(client: Client, **page: int) -> list[SessionRow]:
    return client.ask(Sessions(**page), SessionsPage).sessions


def test_each_is_listed_with_what_its_owner_knows_it_by(front: Front) -> None:
    begun = front.time.wall
    one, token = log_in(front, "laptop\x1b[2J\n", "10.0.0.1")
    front.later(30)
    log_in(front, "phone " + "x" * 100)[0].lose()
    front.later(30)
    rows = listed(one)
    assert [(row.kind[:9], row.address, row.begun - begun, row.used - begun) for row in rows] == [
        ("phone xxx", "127.0.0.1", 30_000, 30_000),
        ("laptop[2J", "10.0.0.1", 0, 60_000),
    ]
    assert [(row.here, row.online) for row in rows] == [(False, False), (True, True)]
    assert len(rows[0].kind) == 60
    one.lose()
    front.later(30)
    again = front.connect("10.0.0.2")
    again.ask(Hello(protocol=1, client="laptop"), ServerHello)
    again.ask(Resume(session=token), Welcome)
    (_, mine) = listed(again)
    assert (mine.session, mine.address, mine.begun - begun, mine.here) == (rows[1].session, "10.0.0.2", 0, True)


def test_the_list_comes_in_pages_and_shows_nobody_elses(front: Front) -> None:
    front.login("ben")
    clients = [log_in(front, f"client {number}")[0] for number in range(5)]
    page = clients[0].ask(Sessions(limit=2), SessionsPage)
    assert ([row.kind for row in page.sessions], page.more) == (["client 4", "client 3"], True)
    page = clients[0].ask(Sessions(limit=5, before=page.sessions[-1].session), SessionsPage)
    assert ([row.kind for row in page.sessions], page.more) == (["client 2", "client 1", "client 0"], False)


def test_one_ends_here_and_in_rooms_and_the_others_do_not(front: Front) -> None:
    games = front.store.catalogue.create("games", "ann", "public", "", 0)
    front.register(games, "link", "ann")
    one, _ = log_in(front, "one")
    two, token = log_in(front, "two")
    three, _ = log_in(front, "three")
    number = next(row.session for row in listed(one) if row.kind == "two")
    front.asked_for(ToRoom)
    one.ask(EndSession(session=number), Done)
    assert two.take(Bye).code == "bad_session"
    assert two.closed
    assert not three.closed
    assert front.connect().hello().refused(Resume(session=token)) == "bad_session"
    told = [order.message for order in front.asked_for(ToRoom)]
    assert [message.name for message in told if isinstance(message, PutOut)] == [f"ann#{number}"]
    assert [revocation.name for revocation in front.store.ledger.revocations()] == [f"ann#{number}"]
    assert one.refused(EndSession(session=number)) == "no_such_session"


def test_nobody_ends_a_session_of_somebody_else(front: Front) -> None:
    ann, _ = log_in(front, "one")
    number = listed(ann)[0].session
    assert front.login("ben").refused(EndSession(session=number)) == "no_such_session"
    assert not ann.closed


def test_all_others(front: Front) -> None:
    one, token = log_in(front, "one")
    two, _ = log_in(front, "two")
    one.ask(EndSession(), Done)
    assert two.take(Bye).code == "bad_session"
    assert [row.kind for row in listed(one)] == ["one"]
    front.connect().hello().ask(Resume(session=token), Welcome)


def test_ones_own_is_a_logout(front: Front) -> None:
    one, _ = log_in(front, "one")
    one.send(EndSession(session=listed(one)[0].session))
    one.take(Done)
    assert one.take(Bye).code == "bad_session"


def test_a_guest_ends_only_their_own_and_keeps_the_name_by_another(front: Front) -> None:
    joy = front.guest("joy")
    assert [row.here for row in listed(joy)] == [True]
    joy.ask(EndSession(), Done)
    assert not joy.closed


# -- a one-time code


def give(front: Front, name: str = "ann", seconds: float = 60) -> None:
    front.store.ledger.codes.give(name, CODE, front.time.wall + int(seconds * 1_000))


def test_a_code_lets_one_set_a_password_and_in(front: Front) -> None:
    old, _ = log_in(front, "old")
    give(front)
    client = front.connect().hello()
    welcome = client.ask(Recover(name="ANN", code=" 7kq2m9xd o1vthz4c", password=NEW), Welcome)
    assert (welcome.name, welcome.roles) == ("ann", ["user"])
    assert old.take(Bye).code == "bad_session"
    assert front.connect().hello().refused(Login(name="ann", password="annspassword")) == "wrong_password"
    front.login("ann", NEW)
    again = Recover(name="ann", code=CODE, password=NEW)
    assert front.connect().hello().refused(again) == "bad_code", "once"


@pytest.mark.parametrize(
    ("name", "code", "password", "why"),
    [
        ("ann", "7KQ2-M9XD-01VT-HZ4D", NEW, "bad_code"),
        ("ben", CODE, NEW, "bad_code"),
        ("nobody1", CODE, NEW, "bad_code"),
        ("ann", "", NEW, "bad_code"),
        ("ann", CODE, "short", "bad_password"),
        ("shut", CODE, NEW, "locked"),
    ],
)
def test_what_is_refused(front: Front, name: str, code: str, password: str, why: str) -> None:
    give(front)
    give(front, "shut")
    client = front.connect().hello()
    assert client.refused(Recover(name=name, code=code, password=password)) == why
    client.ask(Recover(name="ann", code=CODE, password=NEW), Welcome)


def test_a_code_expires_and_guessing_is_slowed_down(front: Front) -> None:
    give(front, seconds=60)
    guesser = front.connect("10.9.9.9").hello()
    codes = [guesser.refused(Recover(name="ann", code=f"{n}", password=NEW)) for n in range(6)]
    assert codes == ["bad_code"] * 5 + ["too_fast"]
    front.later(60)
    assert front.connect().hello().refused(Recover(name="ann", code=CODE, password=NEW)) == "bad_code"


def test_two_at_once_use_it_once(front: Front) -> None:
    give(front)
    one, two = front.connect().hello(), front.connect().hello()
    front.hold = True
    for client in (one, two):
        client.send(Recover(name="ann", code=CODE, password=NEW))
    front.finish_work()
    one.take(Welcome)
    assert two.take(Error).code == "bad_code"


def test_who_remembers_the_password_needs_no_code_any_more(front: Front) -> None:
    give(front)
    front.login("ann").ask(Passwd(old="annspassword", new=NEW), Done)
    assert front.connect().hello().refused(Recover(name="ann", code=CODE, password=NEW)) == "bad_code"


# -- a name that was a guest's before


def test_a_later_guest_of_the_name_is_not_shown_the_sessions_of_the_one_before(front: Front) -> None:
    front.guest("joe", address="10.0.0.1").lose()
    front.later(front.config.rooms.grace + 1)
    joe = front.guest("joe", address="10.0.0.2")
    assert [row.address for row in listed(joe)] == ["10.0.0.2"]
    (number,) = (row.session for row in listed(joe))
    assert joe.refused(EndSession(session=number - 1)) == "no_such_session"


def test_nor_is_who_makes_an_account_of_it(front: Front) -> None:
    front.guest("joe", address="10.0.0.1").lose()
    front.later(front.config.rooms.grace + 1)
    joe = front.connect("10.0.0.2").hello()
    joe.ask(Register(name="joe", password="a good password"), Welcome)
    assert [row.address for row in listed(joe)] == ["10.0.0.2"]


def test_nor_whose_account_the_operator_makes(front: Front) -> None:
    front.guest("joe", address="10.0.0.1").lose()
    with front.paths.user_db.open("a") as file:
        file.write("joe:{PLAIN}joespassword:user::\n")
    joe = front.login("joe", address="10.0.0.2")
    assert [row.address for row in listed(joe)] == ["10.0.0.2"]


def test_one_of_very_many_sessions_can_be_ended(front: Front) -> None:
    ann, _ = log_in(front, "laptop")
    first = listed(ann)[0].session
    for number in range(1_100):
        front.store.ledger.open_session(f"of a script {number}", "ann", False, front.time.wall + 1_000)
    other, _ = log_in(front, "phone")
    other.ask(EndSession(session=first), Done)
    assert ann.take(Bye).code == "bad_session"


def test_what_a_lobby_that_died_knew_of_who_was_here(front: Front) -> None:
    """It writes that down from time to time."""
    _, token = log_in(front, "laptop")
    log_in(front, "phone")
    front.guest("joe")
    front.later(RENEW_SECONDS)
    note_presence(front.desk)
    front.end_round()
    used = front.time.wall
    front.restart()
    front.later(60)
    back = front.connect().hello()
    assert front.login("ben").ask(Whois(name="ann"), WhoisPage).seen == used
    back.ask(Resume(session=token), Welcome)
    assert [row.used for row in listed(back) if not row.online] == [used]
