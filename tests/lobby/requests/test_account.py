"""Login, registration, resuming, quitting."""

from collections.abc import Callable

import pytest

from lobby.effects import Hash, Verify
from lobby.sessions import SESSION_SECONDS
from lobby.userdb import ARGON2ID
from tests.lobby.front import MASTERS, Front
from wire.messages import Bye, Error, Guest, Login, Ping, Pong, Quit, Register, Resume, Rooms, Welcome, Who, WhoPage
from wire.tickets import SessionToken, derive_ring, sign, verify


@pytest.mark.parametrize(
    ("name", "roles"), [("test_user", ["user"]), ("foo_user", ["user"]), ("admin_user", ["user", "admin"])]
)
def test_each_test_account_logs_in(front: Front, name: str, roles: list[str]) -> None:
    welcome = front.connect().hello().ask(Login(name=name.upper(), password="123"), Welcome)
    assert (welcome.name, welcome.roles, welcome.unread, welcome.motd) == (name, roles, 0, "be kind")
    assert welcome.resend_window == 86_400
    token = verify(
        derive_ring(MASTERS, "session"), welcome.session, SessionToken, wall=front.time.wall, code="bad_session"
    )
    assert (token.name, token.guest, token.issued) == (name, False, front.time.wall)
    assert front.store.ledger.session_valid(token.session, front.time.wall)


def test_a_wrong_password_an_unknown_name_and_no_name(front: Front) -> None:
    client = front.connect().hello()
    wrong = client.ask(Login(name="test_user", password="124"), Error)
    unknown = client.ask(Login(name="nobody1", password="123"), Error)
    assert (wrong.code, wrong.text) == (unknown.code, unknown.text) == ("wrong_password", wrong.text)
    assert client.refused(Login(name="test_user", password="")) == "wrong_password"
    assert client.refused(Login(name="", password="123")) == "bad_name"
    assert client.refused(Login(name="te st", password="123")) == "bad_name"
    client.ask(Login(name="test_user", password="123"), Welcome)


def test_an_unknown_name_takes_as_long(front: Front) -> None:
    client = front.connect().hello()
    front.hold = True
    client.send(Login(name="nobody1", password="123"))
    (work,) = front.slow
    assert isinstance(work, Verify)
    assert work.secret is None
    front.finish_work()


def test_a_locked_account_is_told_so_only_with_its_password(front: Front) -> None:
    client = front.connect().hello()
    assert client.refused(Login(name="shut", password="wrong")) == "wrong_password"
    assert client.refused(Login(name="shut", password="shutspassword")) == "locked"


def test_test_accounts_are_locked_beyond_loopback(make_front: Callable[..., Front]) -> None:
    front = make_front('server.host="0.0.0.0"')
    assert front.connect().hello().refused(Login(name="test_user", password="123")) == "locked"
    front.login("ann")


def test_a_password_in_clear_is_hashed_but_not_a_test_accounts(front: Front) -> None:
    front.login("ann")
    front.login("test_user")
    text = front.paths.user_db.read_text()
    assert "annspassword" not in text
    assert f"ann:{ARGON2ID}" in text
    assert "test_user:{PLAIN}123:" in text
    front.login("ann")


def test_two_who_log_in_while_the_password_is_being_hashed(front: Front) -> None:
    one, two = front.connect().hello(), front.connect().hello()
    front.hold = True
    one.send(Login(name="ann", password="annspassword"))
    two.send(Login(name="ann", password="annspassword"))
    front.finish_work()
    one.take(Welcome)
    two.take(Welcome)


def test_a_password_that_changed_while_it_was_verified(front: Front) -> None:
    client = front.connect().hello()
    front.hold = True
    client.send(Login(name="ann", password="annspassword"))
    front.accounts.change("ann", secret="{PLAIN}another-one")
    front.end_round()
    front.finish_work()
    assert client.take(Error).code == "wrong_password"


def test_one_person_over_many_connections(front: Front) -> None:
    one, two = front.login("test_user"), front.login("test_user")
    page = one.ask(Who(), WhoPage)
    assert (page.count, [person.name for person in page.people]) == (1, ["test_user"])
    one.lose()
    assert two.ask(Who(), WhoPage).count == 1
    two.lose()
    assert len(front.desk.people) == 0


def test_guessing_slows_down_the_guesser_and_not_the_owner(front: Front) -> None:
    guesser = front.connect("10.0.0.66").hello()
    codes = [guesser.refused(Login(name="ann", password=f"guess{number}")) for number in range(6)]
    assert codes == ["wrong_password"] * 5 + ["too_fast"]
    error = guesser.ask(Login(name="ann", password="annspassword"), Error)
    assert error.code == "too_fast"
    assert error.retry_after
    front.login("ann", address="10.0.0.1")
    front.later(1)
    guesser.ask(Login(name="ann", password="annspassword"), Welcome)


def test_passwords_are_never_logged(front: Front, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    front.login("ann")
    front.connect().hello().refused(Login(name="ann", password="not-this-one"))
    assert "ann is here" in caplog.text
    assert "login as ann from 127.0.0.1 refused" in caplog.text
    assert "annspassword" not in caplog.text
    assert "not-this-one" not in caplog.text


# -- registration


def test_registering_makes_an_account_and_logs_in(front: Front) -> None:
    client = front.connect().hello()
    welcome = client.ask(Register(name="Jason", password="sesame-open"), Welcome)
    assert (welcome.name, welcome.roles) == ("Jason", ["user"])
    assert f"\nJason:{ARGON2ID}" in front.paths.user_db.read_text()
    front.login("jason", "sesame-open")
    front.restart()
    front.login("JASON", "sesame-open")


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [
        ("", "sesame-open", "bad_name"),
        ("ja son", "sesame-open", "bad_name"),
        ("jason\n", "sesame-open", "bad_name"),
        ("jаson", "sesame-open", "bad_name"),  # a Cyrillic letter
        ("x" * 33, "sesame-open", "bad_name"),
        ("admin", "sesame-open", "bad_name"),
        ("jason", "", "bad_password"),
        ("jason", "short", "bad_password"),
        ("jasonjason", "jasonjason", "bad_password"),
        ("TEST_user", "sesame-open", "name_taken"),
    ],
)
def test_what_cannot_be_registered(front: Front, name: str, password: str, code: str) -> None:
    before = front.paths.user_db.read_text()
    assert front.connect().hello().refused(Register(name=name, password=password)) == code
    assert front.paths.user_db.read_text() == before


def test_two_who_register_one_name_at_once(front: Front) -> None:
    one, two = front.connect().hello(), front.connect().hello()
    front.hold = True
    one.send(Register(name="jason", password="sesame-open"))
    two.send(Register(name="JASON", password="another-word"))
    assert [type(work) for work in front.slow] == [Hash, Hash]
    front.finish_work()
    one.take(Welcome)
    assert two.take(Error).code == "name_taken"
    front.login("jason", "sesame-open")


def test_registration_can_be_closed(make_front: Callable[..., Front]) -> None:
    front = make_front("accounts.registration=false")
    assert front.connect().hello().refused(Register(name="jason", password="sesame-open")) == "not_allowed"


def test_a_registration_that_cannot_be_stored(front: Front) -> None:
    client = front.connect().hello()
    front.hold = True
    client.send(Register(name="jason", password="sesame-open"))
    front.fail = OSError(28, "No space left on device")
    front.finish_work()
    error = client.take(Error)
    assert (error.code, error.fatal) == ("storage", True)
    assert client.closed
    assert len(front.desk.people) == 0
    assert front.accounts.get("jason") is None
    front.connect().hello().ask(Register(name="jason", password="sesame-open"), Welcome)


# -- resuming


def session(front: Front, name: str = "test_user") -> tuple[str, str]:
    client = front.connect().hello()
    welcome = client.ask(Login(name=name, password="123"), Welcome)
    client.lose()
    return welcome.session, name


def test_a_session_outlives_connection_and_lobby(front: Front) -> None:
    token, name = session(front)
    front.restart()
    client = front.connect().hello()
    welcome = client.ask(Resume(session=token), Welcome)
    assert (welcome.name, welcome.roles) == (name, ["user"])
    front.later(SESSION_SECONDS - 10)
    late = front.connect().hello()
    late.ask(Resume(session=welcome.session), Welcome)


def test_a_session_ends_by_quit(front: Front) -> None:
    client = front.connect().hello()
    token = client.ask(Login(name="test_user", password="123"), Welcome).session
    second = front.connect().hello()
    second.ask(Resume(session=token), Welcome)
    other = front.login("test_user")
    bye = client.ask(Quit(), Bye)
    assert (bye.code, bye.resume, client.closed) == ("quit", False, "quit")
    assert second.take(Bye).code == "quit"
    assert not other.closed, "it has a session of its own"
    assert front.connect().hello().refused(Resume(session=token)) == "bad_session"


@pytest.mark.parametrize("token", ["", "x", "1.2.3", "1.e30.AAAA", "9.e30.AAAA"])
def test_what_is_no_session(front: Front, token: str) -> None:
    client = front.connect().hello()
    assert client.refused(Resume(session=token)) == "bad_session"
    client.ask(Login(name="test_user", password="123"), Welcome)


def test_a_forged_and_a_late_session(front: Front) -> None:
    token = SessionToken(session="s", name="admin_user", guest=False, issued=0, expires=2**52)
    assert front.connect().hello().refused(Resume(session=sign({1: b"x" * 32}, token))) == "bad_session"
    real, _ = session(front)
    front.later(SESSION_SECONDS + 1)
    assert front.connect().hello().refused(Resume(session=real)) == "bad_session"


def test_a_session_of_a_locked_or_removed_account(front: Front) -> None:
    token, _ = session(front)
    text = front.paths.user_db.read_text()
    front.paths.user_db.write_text(
        text.replace("test_user:{PLAIN}123:user:test", "test_user:{PLAIN}123:user:test,locked")
    )
    assert front.connect().hello().refused(Resume(session=token)) == "locked"
    assert front.connect().hello().refused(Login(name="test_user", password="123")) == "locked"


def test_a_session_of_an_account_that_was_locked_while_the_lobby_was_away(front: Front) -> None:
    token, _ = session(front)
    front.close()
    text = front.paths.user_db.read_text()
    front.paths.user_db.write_text(text.replace("test_user:{PLAIN}123:user:test", "test_user:{PLAIN}123:user:locked"))
    front.open()
    assert front.connect().hello().refused(Resume(session=token)) == "locked"


# -- quitting


def test_quit_at_any_moment(front: Front) -> None:
    for client in (front.connect(), front.connect().hello()):
        assert client.ask(Quit(), Bye).code == "quit"
        assert client.closed
    client = front.connect().hello()
    front.hold = True
    client.send(Login(name="test_user", password="123"), Quit())
    assert client.take(Bye).code == "quit"
    front.finish_work()
    assert client.inbox == []
    assert len(front.desk.people) == 0


def test_nothing_is_heeded_after_quit(front: Front) -> None:
    client = front.login("test_user")
    client.send(Quit(), Ping(), Rooms())
    client.take(Bye)
    assert client.inbox == []


def test_ping(front: Front) -> None:
    front.guest("joe").ask(Ping(), Pong)
    assert front.connect().hello().refused(Guest(name="test_user")) == "name_taken"
