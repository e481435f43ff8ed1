"""Connections: every (state, message) pair, transitions, limits of number and rate, silence, and what is no message."""

from collections.abc import Callable
from typing import get_args

import pytest

from base.config import Limits
from lobby.requests import RULES
from lobby.sessions import BAD_MAX, HELD_MAX, TRANSITIONS, Connection, Sessions, State, Who, refusal
from tests.lobby.front import Front
from wire.clock import Now
from wire.errors import Refused
from wire.messages import (
    Error,
    Guest,
    Hello,
    LobbyRequest,
    Login,
    MailList,
    Message,
    Ping,
    Pong,
    Quit,
    Recover,
    Register,
    Resume,
    RoomList,
    Rooms,
    ServerHello,
    Welcome,
)

MESSAGES = get_args(LobbyRequest)
ENTRANCES = {Login, Register, Guest, Resume, Recover}


def expected(state: State, kind: type[Message]) -> str:
    """What the table is to say: a handler, held, or the code of the refusal."""
    if kind is Quit:
        return "handler"
    if kind is Ping:
        return "handler" if state is not State.NEW else "not_logged_in"
    if state is State.NEW:
        return "handler" if kind is Hello else "not_logged_in"
    if state is State.BUSY:
        return "held"
    if kind is Hello:
        return "already"
    if state is State.GREETED:
        return "handler" if kind in ENTRANCES else "not_logged_in"
    return "already" if kind in ENTRANCES else "handler"


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("state", [State.NEW, State.GREETED, State.BUSY, State.IN])
def test_every_pair_of_state_and_message(state: State, kind: type[Message]) -> None:
    missing = "held" if state is State.BUSY else refusal(state, kind).code  # type: ignore[arg-type]
    assert ("handler" if (state, kind) in RULES else missing) == expected(state, kind)


def test_nothing_is_heeded_when_it_is_over() -> None:
    assert not [pair for pair in RULES if pair[0] is State.OVER]


def test_who_may_is_in_the_table() -> None:
    names = {(state, kind.__name__) for state, kind in RULES}
    admins = {kind.__name__ for (_, kind), rule in RULES.items() if rule.who is Who.ADMINS}
    accounts = {kind.__name__ for (_, kind), rule in RULES.items() if rule.who is Who.ACCOUNTS}
    assert admins == {"AdminRoom", "AdminRooms", "AdminUser", "AdminUsers", "Announce", "Audit"}
    own = {"Passwd", "DeleteAccount", "Respell"}
    assert accounts == own | {kind for _, kind in names if kind.startswith("Mail")}


def test_transitions() -> None:
    sessions = Sessions(Limits())
    for state in State:
        for wanted in State:
            connection = sessions.open("127.0.0.1", Now(0, 0))
            connection.state = state
            if wanted in TRANSITIONS[state]:
                sessions.to(connection, wanted)
                assert connection.state is wanted
            else:
                with pytest.raises(ValueError, match="no way"):
                    sessions.to(connection, wanted)


# -- numbers


def test_connections_of_one_address() -> None:
    sessions = Sessions(Limits(connections_per_address=2))
    first = sessions.open("10.0.0.1", Now(0, 0))
    sessions.open("10.0.0.1", Now(0, 0))
    sessions.open("10.0.0.2", Now(0, 0))
    with pytest.raises(Refused) as refused:
        sessions.open("10.0.0.1", Now(0, 0))
    assert (refused.value.code, refused.value.fatal) == ("too_many", True)
    sessions.over(first)
    sessions.over(first)  # harmless
    sessions.open("10.0.0.1", Now(0, 0))


def test_a_whole_ipv6_network_is_one_address() -> None:
    sessions = Sessions(Limits(connections_per_address=1))
    sessions.open("2001:db8::1", Now(0, 0))
    with pytest.raises(Refused):
        sessions.open("2001:db8::ffff:2", Now(0, 0))
    sessions.open("2001:db8:0:1::1", Now(0, 0))
    sessions.open("::ffff:10.0.0.1", Now(0, 0))
    with pytest.raises(Refused):
        sessions.open("10.0.0.1", Now(0, 0))


def test_connections_of_all() -> None:
    sessions = Sessions(Limits(connections=2))
    sessions.open("10.0.0.1", Now(0, 0))
    sessions.open("10.0.0.2", Now(0, 0))
    with pytest.raises(Refused, match="no place"):
        sessions.open("10.0.0.3", Now(0, 0))


def test_no_limits() -> None:
    sessions = Sessions(Limits(connections=0, connections_per_address=0, hello_seconds=0, ping_seconds=0))
    for _ in range(1_000):
        sessions.open("10.0.0.1", Now(0, 0))
    assert sessions.next_deadline() is None


# -- silence


def opened(limits: Limits) -> tuple[Sessions, Connection]:
    sessions = Sessions(limits)
    return sessions, sessions.open("127.0.0.1", Now(100, 0))


def test_whoever_says_nothing_goes_after_hello_seconds() -> None:
    sessions, connection = opened(Limits(hello_seconds=10, ping_seconds=90))
    assert sessions.next_deadline() == 110
    assert sessions.silent(Now(109.9, 0)) == []
    assert sessions.silent(Now(110, 0)) == [connection]
    assert sessions.silent(Now(1_000, 0)) == []


def test_after_hello_a_ping_is_enough() -> None:
    sessions, connection = opened(Limits(hello_seconds=10, ping_seconds=90))
    sessions.greeted(connection, Now(105, 0))
    assert sessions.silent(Now(110, 0)) == []
    connection.seen = 190
    assert sessions.silent(Now(195, 0)) == []
    assert sessions.next_deadline() == 280
    assert sessions.silent(Now(280, 0)) == [connection]


def test_a_ping_time_shorter_than_the_hello_time() -> None:
    sessions, connection = opened(Limits(hello_seconds=10, ping_seconds=2))
    sessions.greeted(connection, Now(101, 0))
    assert sessions.next_deadline() == 103
    assert sessions.silent(Now(103, 0)) == [connection]


def test_who_has_gone_is_not_looked_for() -> None:
    sessions, connection = opened(Limits())
    sessions.over(connection)
    assert sessions.silent(Now(10_000, 0)) == []
    assert sessions.next_deadline() is None


def test_silence_is_told_and_ends_the_connection(front: Front) -> None:
    silent, busy = front.connect(), front.login("test_user")
    front.later(10)
    error = silent.take(Error)
    assert (error.code, error.fatal, silent.closed) == ("timeout", True, "timeout")
    front.later(79)
    busy.ask(Ping(), Pong)
    front.later(20)
    assert not busy.closed
    front.later(71)
    assert busy.take(Error).code == "timeout"
    assert busy.closed
    assert len(front.desk.people) == 0


def test_junk_does_not_put_hello_off(front: Front) -> None:
    client = front.connect()
    front.later(9)
    client.send_raw(b"junk")
    front.later(1)
    assert client.closed == "timeout"


# -- how the desk takes what comes


def test_hello_first_then_login(front: Front) -> None:
    client = front.connect()
    assert client.refused(Rooms()) == "not_logged_in"
    assert client.refused(Login(name="test_user", password="123")) == "not_logged_in"
    client.hello()
    assert client.refused(Rooms()) == "not_logged_in"
    assert client.refused(Hello(protocol=1)) == "already"
    client.ask(Login(name="test_user", password="123"), Welcome)
    assert client.refused(Login(name="test_user", password="123")) == "already"
    assert not client.closed


def test_another_version_is_fatal(front: Front) -> None:
    client = front.connect()
    error = client.ask(Hello(protocol=2), Error)
    assert (error.code, error.fatal, client.closed) == ("version", True, "version")
    client.send(Rooms())
    assert client.inbox == []


def test_what_comes_while_a_password_is_verified_waits_in_order(front: Front) -> None:
    client = front.connect().hello()
    front.hold = True
    client.send(Login(name="test_user", password="123"), Rooms(id="a"), Ping(id="p"), MailList(id="b"))
    assert [type(message).__name__ for message in client.inbox] == ["Pong"], "a ping does not wait"
    client.inbox.clear()
    front.finish_work()
    assert [type(message).__name__ for message in client.inbox] == ["Welcome", "RoomList", "MailPage"]


def test_what_waited_is_refused_when_the_password_is_wrong(front: Front) -> None:
    client = front.connect().hello()
    front.hold = True
    client.send(Login(name="test_user", password="wrong"), Rooms(id="a"))
    front.finish_work()
    assert [client.take(Error).code, client.take(Error).code] == ["wrong_password", "not_logged_in"]


def test_two_logins_at_once_are_one_and_a_refusal(front: Front) -> None:
    client = front.connect().hello()
    client.send(Login(name="test_user", password="123"), Login(name="foo_user", password="123", id="b"))
    assert client.take(Welcome).name == "test_user"
    assert client.take(Error).code == "already"


def test_what_waits_is_bounded(make_front: Callable[..., Front]) -> None:
    front = make_front("limits.requests_per_second=0")
    client = front.connect().hello()
    front.hold = True
    client.send(Login(name="test_user", password="123"), *(Rooms() for _ in range(HELD_MAX + 1)))
    assert client.take(Error).code == "too_fast"
    front.finish_work()
    client.take(Welcome)
    assert len(client.inbox) == HELD_MAX


def test_a_connection_that_goes_while_its_password_is_verified(front: Front) -> None:
    client = front.connect().hello()
    front.hold = True
    client.send(Login(name="test_user", password="123"), Rooms())
    client.lose()
    front.finish_work()
    assert client.inbox == []
    assert len(front.desk.people) == 0


def test_requests_have_a_rate(make_front: Callable[..., Front]) -> None:
    front = make_front("limits.requests_per_second=2", "limits.requests_burst=4")
    client = front.login("test_user")
    for _ in range(2):  # hello and login were two of the four
        client.ask(Ping(), Pong)
    error = client.ask(Ping(), Error)
    assert (error.code, error.retry_after) == ("too_fast", 0.5)
    front.later(0.5)
    client.ask(Ping(), Pong)


def test_what_is_no_message_is_told_and_twenty_are_too_many(front: Front) -> None:
    client = front.login("test_user")
    lines = [b"\xff\xfe", b"[1]", b'{"type":7}', b'{"type":"say","id":"x"}', b'{"type":"join","id":"y","room":5}']
    errors = [client.send_raw(line) for line in lines]
    codes = [(error.code, error.re or None) for error in errors if isinstance(error, Error)]
    assert codes == [
        *[("bad_message", None)] * 3,
        ("unknown_type", "x"),
        ("bad_message", "y"),
    ]
    client.ask(Rooms(), RoomList)
    for _ in range(BAD_MAX - len(lines) - 1):
        client.send_raw(b"junk")
    assert not client.closed
    last = client.send_raw(b"junk")
    assert isinstance(last, Error)
    assert last.fatal
    assert client.closed


def test_a_bug_costs_one_connection(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    client, other = front.login("test_user"), front.login("foo_user")
    monkeypatch.setattr(front.desk.catalogue, "rooms", lambda *_a, **_k: 1 / 0)
    error = client.ask(Rooms(), Error)
    assert (error.code, error.fatal) == ("internal", True)
    assert client.closed
    other.ask(Ping(), Pong)


def test_the_server_says_what_it_offers(make_front: Callable[..., Front]) -> None:
    front = make_front('accounts.guests="no"', "accounts.registration=false")
    hello = front.connect().ask(Hello(protocol=1), ServerHello)
    assert (hello.protocol, hello.guests, hello.registration) == (1, False, False)
    assert hello.server.startswith("parlour/")
