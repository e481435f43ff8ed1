"""Changing a password, and edits of the user db by hand: both end what was handed out before."""

import sqlite3

from lobby.effects import CloseLink, ToRoom
from tests.lobby.front import Front
from wire.control import Assign, PutOut
from wire.messages import Bye, Done, Error, Login, Passwd, Ping, Pong, Resume, Welcome

NEW = "another-one"


def test_the_new_password_opens_and_the_old_one_does_not(front: Front) -> None:
    front.login("ann").ask(Passwd(old="annspassword", new=NEW), Done)
    assert front.connect().hello().refused(Login(name="ann", password="annspassword")) == "wrong_password"
    front.login("ann", NEW)


def test_what_is_refused(front: Front) -> None:
    client = front.login("ann")
    assert client.refused(Passwd(old="wrong", new=NEW)) == "wrong_password"
    assert client.refused(Passwd(old="annspassword", new="short")) == "bad_password"
    client.ask(Ping(), Pong)
    front.login("ann")


def test_guessing_the_old_password_is_slowed_down(front: Front) -> None:
    client = front.login("ann")
    codes = [client.refused(Passwd(old=f"guess{number}", new=NEW)) for number in range(6)]
    assert codes == ["wrong_password"] * 5 + ["too_fast"]


def test_every_other_session_ends(front: Front) -> None:
    one = front.connect().hello()
    mine = one.ask(Login(name="ann", password="annspassword"), Welcome).session
    two = front.connect().hello()
    theirs = two.ask(Login(name="ann", password="annspassword"), Welcome).session
    ben = front.login("ben")
    one.ask(Passwd(old="annspassword", new=NEW), Done)
    bye = two.take(Bye)
    assert (bye.code, bye.resume) == ("bad_session", False)
    assert two.closed
    assert not one.closed
    assert not ben.closed
    assert front.connect().hello().refused(Resume(session=theirs)) == "bad_session"
    front.connect().hello().ask(Resume(session=mine), Welcome)


def orders(front: Front) -> list[tuple[object, object]]:
    return [(order.link, order.message) for order in front.asked_for(ToRoom)]


def test_tokens_of_rooms_are_revoked(front: Front) -> None:
    games = front.store.catalogue.create("games", "ann", "public", "", 0)
    other = front.store.catalogue.create("other", "ann", "public", "", 0)
    front.register(games, "link1", "ann")
    front.register(other, "link2", "ben")
    orders(front)
    client = front.login("ann")
    client.ask(Passwd(old="annspassword", new=NEW), Done)
    told = orders(front)
    revocations = front.store.ledger.revocations(0)
    assert [(revocation.name, revocation.before) for revocation in revocations] == [("ann!1", front.time.wall)]
    assert told == [
        ("link1", Assign(settings=games, revocations=revocations)),
        ("link1", PutOut(name="ann!1", code="bad_session", text="the password was changed: log in again")),
        ("link2", Assign(settings=other, revocations=revocations)),
    ]


def test_a_room_that_was_away_catches_up(front: Front) -> None:
    games = front.store.catalogue.create("games", "ann", "public", "", 0)
    first = front.store.ledger.revoke("ann", 5)
    second = front.store.ledger.revoke("ben", 6)
    front.register(games, "link", revoked=first.number)
    assert orders(front) == [("link", Assign(settings=games, revocations=[second]))]


def test_many_revocations_are_told_in_pieces(front: Front) -> None:
    games = front.store.catalogue.create("games", "ann", "public", "", 0)
    for number in range(1_000):
        front.store.ledger.revoke(f"name{number}", 5)
    front.register(games, "link")
    pieces = [message.revocations for _, message in orders(front) if isinstance(message, Assign)]
    assert [len(piece) for piece in pieces] == [400, 400, 200]
    assert [revocation.number for piece in pieces for revocation in piece] == list(range(1, 1_001))


def test_a_change_that_cannot_be_stored_is_none(front: Front) -> None:
    games = front.store.catalogue.create("games", "ann", "public", "", 0)
    front.register(games, "link", "ann")
    client = front.login("ann")
    orders(front)
    front.hold = True
    client.send(Passwd(old="annspassword", new=NEW))
    (verify,) = front.slow
    front.slow.clear()
    verify.then((True, None))  # type: ignore[arg-type]
    front.end_round()
    (hashing,) = front.slow
    front.slow.clear()
    hashing.then("{PLAIN}another-one")  # type: ignore[arg-type]
    front.fail = sqlite3.OperationalError("database or disk is full")
    front.end_round()
    assert client.take(Error).code == "storage"
    assert orders(front) == [], "no room hears of a revocation that is not stored"
    assert [effect.link for effect in front.asked_for(CloseLink)] == ["link", "link"]
    front.hold = False
    front.login("ann")


# -- edits by hand


def edit(front: Front, old: str, new: str) -> None:
    text = front.paths.user_db.read_text()
    assert old in text
    front.paths.user_db.write_text(text.replace(old, new))
    front.look()


def test_a_locked_account_is_put_out(front: Front) -> None:
    games = front.store.catalogue.create("games", "ann", "public", "", 0)
    front.register(games, "link", "test_user")
    client, other = front.login("test_user"), front.login("foo_user")
    edit(front, "test_user:{PLAIN}123:user:test", "test_user:{PLAIN}123:user:test,locked")
    bye = client.take(Bye)
    assert (bye.code, bye.resume) == ("locked", False)
    assert client.closed
    assert not other.closed
    assert [order.code for _, order in orders(front) if isinstance(order, PutOut)] == ["locked"]


def test_a_removed_account_and_a_changed_password(front: Front) -> None:
    one, two = front.login("test_user"), front.login("foo_user")
    edit(front, "test_user:{PLAIN}123:user:test:\n", "")
    assert one.take(Bye).code == "bad_session"
    edit(front, "foo_user:{PLAIN}123", "foo_user:{PLAIN}1234")
    assert two.take(Bye).code == "bad_session"
    front.login("foo_user", "1234")


def test_a_role_that_was_taken_away_counts_at_once(front: Front) -> None:
    client = front.login("admin_user")
    edit(front, "admin_user:{PLAIN}123:user,admin", "admin_user:{PLAIN}123:user")
    assert client.take(Bye).code == "bad_session"
    welcome = front.connect().hello().ask(Login(name="admin_user", password="123"), Welcome)
    assert welcome.roles == ["user"]


def test_an_edit_is_seen_by_the_next_login_without_waiting(front: Front) -> None:
    text = front.paths.user_db.read_text()
    front.paths.user_db.write_text(text + "new_one:{PLAIN}welcome1:user::\n")
    front.login("new_one", "welcome1")
