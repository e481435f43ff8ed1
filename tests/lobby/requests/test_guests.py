"""Guests: their names, and how long those stay theirs."""

from collections.abc import Callable

import pytest

from lobby.effects import ToRoom
from lobby.entry import LEASE_SECONDS, RENEW_SECONDS, renew_leases
from tests.lobby.front import Front
from wire.control import Joined, Left, Present, PutOut
from wire.messages import (
    Bye,
    Create,
    Done,
    Error,
    Guest,
    Invite,
    Invited,
    Join,
    Login,
    MailList,
    Passwd,
    Quit,
    Register,
    Resume,
    RoomList,
    Rooms,
    Welcome,
)
from wire.tickets import TOKEN_SECONDS


def test_a_guest_has_a_name_and_nothing_else(front: Front) -> None:
    client = front.connect().hello()
    welcome = client.ask(Guest(name="Joe"), Welcome)
    assert (welcome.name, welcome.roles, welcome.unread) == ("Joe", [], 0)
    assert client.refused(MailList()) == "not_allowed"
    assert client.refused(Passwd(old="x", new="12345678")) == "not_allowed"


@pytest.mark.parametrize("name", ["", "jo e", "root", "-joe", "jöe", "x" * 33])
def test_a_bad_name(front: Front, name: str) -> None:
    assert front.connect().hello().refused(Guest(name=name)) == "bad_name"


def test_names_of_accounts_and_of_guests_who_are_here(front: Front) -> None:
    front.guest("joe")
    client = front.connect().hello()
    assert client.refused(Guest(name="JOE")) == "name_taken"
    assert client.refused(Guest(name="Test_User")) == "name_taken"
    assert client.refused(Register(name="joe", password="sesame-open")) == "name_taken"
    client.ask(Guest(name="zoe"), Welcome)


def test_guests_can_be_kept_out(make_front: Callable[..., Front]) -> None:
    assert make_front('accounts.guests="no"').connect().hello().refused(Guest(name="joe")) == "not_allowed"


def test_auto_means_loopback(make_front: Callable[..., Front]) -> None:
    assert make_front('server.host="0.0.0.0"').connect().hello().refused(Guest(name="joe")) == "not_allowed"


def test_quit_frees_the_name(front: Front) -> None:
    joe = front.guest("joe")
    joe.ask(Quit(), Bye)
    front.guest("joe")


def test_a_guest_who_is_cut_off_keeps_the_name_for_a_moment(front: Front) -> None:
    client = front.connect().hello()
    token = client.ask(Guest(name="joe"), Welcome).session
    client.lose()
    assert front.connect().hello().refused(Guest(name="joe")) == "name_taken"
    back = front.connect().hello()
    assert back.ask(Resume(session=token), Welcome).name == "joe"
    back.lose()
    front.later(front.config.rooms.grace)
    late = front.connect().hello()
    late.ask(Resume(session=token), Welcome)
    late.lose()
    front.later(front.config.rooms.grace)
    front.guest("joe")
    assert front.connect().hello().refused(Resume(session=token)) == "bad_session"


def test_a_name_outlives_the_lobby(front: Front) -> None:
    client = front.connect().hello()
    token = client.ask(Guest(name="joe"), Welcome).session
    front.restart()
    other = front.connect().hello()
    assert other.refused(Guest(name="joe")) == "name_taken"
    assert other.refused(Register(name="joe", password="sesame-open")) == "name_taken"
    assert front.connect().hello().ask(Resume(session=token), Welcome).name == "joe"


def test_a_guest_who_stays_keeps_the_name(front: Front) -> None:
    front.guest("joe")
    for _ in range(5):
        front.time = front.time._replace(
            mono=front.time.mono + RENEW_SECONDS, wall=front.time.wall + int(RENEW_SECONDS * 1_000)
        )
        renew_leases(front.desk)
        front.end_round()
    front.restart()
    assert front.connect().hello().refused(Guest(name="joe")) == "name_taken"
    front.later(LEASE_SECONDS)
    front.guest("joe")


def test_a_guest_who_is_still_in_a_room_keeps_the_name(front: Front) -> None:
    room = front.store.catalogue.create("games", "ann", "public", "", 0)
    front.register(room, "link")
    front.tell("link", Joined(members=[Present("joe", guest=True)]))
    client = front.connect().hello()
    assert client.refused(Guest(name="joe")) == "name_taken"
    front.tell("link", Left(names=["joe"]))
    client.ask(Guest(name="joe"), Welcome)


def test_an_account_that_an_operator_adds_comes_before_a_guest(front: Front) -> None:
    joe = front.guest("joe")
    room = front.store.catalogue.create("games", "ann", "public", "", 0)
    front.register(room, "link", "joe")
    with front.paths.user_db.open("a") as file:
        file.write("Joe:{PLAIN}joespassword:user::\n")
    client = front.connect().hello()
    assert client.ask(Login(name="joe", password="joespassword"), Welcome).name == "Joe"
    assert joe.take(Bye).code == "replaced"
    assert joe.closed
    put_out = [order.message for order in front.asked_for(ToRoom) if isinstance(order.message, PutOut)]
    assert [(order.name, order.code) for order in put_out] == [("joe", "replaced")]
    client.ask(Passwd(old="joespassword", new="another-one"), Done)


def test_a_guest_whose_name_became_an_accounts_cannot_resume(front: Front) -> None:
    client = front.connect().hello()
    token = client.ask(Guest(name="joe"), Welcome).session
    client.lose()
    with front.paths.user_db.open("a") as file:
        file.write("Joe:{PLAIN}joespassword:user::\n")
    error = front.connect().hello().ask(Resume(session=token), Error)
    assert error.code == "bad_session"


def test_a_guest_is_not_invited_where_the_one_before_of_that_name_was(front: Front) -> None:
    before, ann = front.guest("joe"), front.login("ann")
    ann.ask(Create(room="den", access="private"), Done)
    ann.ask(Invite(room="den", name="joe"), Done)
    before.take(Invited)
    before.ask(Quit(), Bye)
    joe = front.guest("joe")
    assert "den" not in [room.name for room in joe.ask(Rooms(), RoomList).rooms]
    assert joe.refused(Join(room="den")) == "no_such_room"


# -- what rooms gave to the guest before


def withdrawn(front: Front) -> list[str]:
    return [revocation.name for revocation in front.store.ledger.revocations()]


def test_what_the_guest_before_holds_of_rooms_is_void_for_the_next_bearer(front: Front) -> None:
    front.guest("joe").ask(Quit(), Bye)
    assert withdrawn(front) == [], "nobody had it before"
    front.guest("Joe").ask(Quit(), Bye)
    assert withdrawn(front) == ["joe"]
    front.connect().hello().ask(Register(name="joe", password="sesame-open"), Welcome)
    assert withdrawn(front) == ["joe", "joe"]
    front.look()
    assert withdrawn(front) == ["joe", "joe"]


def test_and_for_an_account_that_the_operator_makes(front: Front) -> None:
    front.look()
    front.guest("joe").ask(Quit(), Bye)
    with front.paths.user_db.open("a") as file:
        file.write("joe:{PLAIN}joespassword:user::\nnew:{PLAIN}newspassword:user::\n")
    front.look()
    assert withdrawn(front) == ["joe"]
    assert front.store.ledger.last_login("joe") is None


def test_a_guests_name_is_remembered_as_long_as_their_tokens_live(front: Front) -> None:
    front.look()
    front.guest("joe")
    front.login("ann")
    front.later(TOKEN_SECONDS / 2)  # which ends their connections
    front.desk.ledger.deleted.tidy(front.time.wall + TOKEN_SECONDS * 1_000 - 1, 30)
    assert front.store.ledger.last_login("joe") is not None
    front.desk.ledger.deleted.tidy(front.time.wall + TOKEN_SECONDS * 1_000, 30)
    assert front.store.ledger.last_login("joe") is None
    assert front.store.ledger.last_login("ann") is not None, "that is an account's"
