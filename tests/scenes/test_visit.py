"""At the lobby: coming in by every way there is, and being refused."""

import pytest

from tests.scenes.stage import Refusal, Stage, Wire, eventually


def refused(call, *args, **kwargs) -> str:
    with pytest.raises(Refusal) as caught:
        call(*args, **kwargs)
    assert caught.value.message["text"], "a refusal is for people too"
    return caught.value.code


def test_it_says_what_it_is(stage: Stage) -> None:
    hello = stage.actor().hello
    assert hello["protocol"] == 1
    assert hello["server"].startswith("parlour/")
    assert (hello["guests"], hello["registration"]) == (True, True)


@pytest.mark.parametrize(
    ("name", "roles"), [("test_user", ["user"]), ("foo_user", ["user"]), ("admin_user", ["user", "admin"])]
)
def test_each_test_account_logs_in(stage: Stage, name: str, roles: list[str]) -> None:
    welcome = stage.login(name, "123").welcome
    assert welcome["name"] == name
    assert set(welcome["roles"]) == set(roles)
    assert welcome["session"]
    assert welcome["unread"] >= 0


def test_a_name_is_found_whatever_its_case(stage: Stage) -> None:
    assert stage.login("Test_USER").name == "test_user"


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [
        ("test_user", "1234", "wrong_password"), ("test_user", "", "wrong_password"), ("nobody", "x", "wrong_password"),
        ("test_user", " 123", "wrong_password"), ("nobody_here", "123", "wrong_password"), ("", "", "bad_name"),
        ("a b", "123", "bad_name"), ("test_user\n", "123", "bad_name"), ("*", "123", "bad_name"),
        ("admin_user:", "123", "bad_name"), ("x" * 500, "y" * 500, "bad_name"),
    ],
)  # fmt: skip
def test_a_refused_login_says_why_and_the_next_is_heard(stage: Stage, name: str, password: str, code: str) -> None:
    actor = stage.actor()
    assert refused(actor.login, name, password) == code
    assert actor.login("test_user").name == "test_user"


def test_a_new_account_is_there_afterwards(stage: Stage) -> None:
    name = stage.new("joy")
    assert stage.actor().register(name, "a good password").name == name
    assert stage.login(name, "a good password").welcome["roles"] == ["user"]
    assert refused(stage.actor().login, name, "a bad password") == "wrong_password"
    assert name in (stage.data / "users" / "user-db").read_text()
    assert "a good password" not in (stage.data / "users" / "user-db").read_text()


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a\nb", "jоy", "_x", "x" * 33, "admin", "ROOT", "a\x1b[2J", "../x", "a:b"]
)
def test_names_that_are_none_are_refused_with_the_reason(stage: Stage, name: str) -> None:
    actor = stage.actor()
    assert refused(actor.register, name, "a good password") == "bad_name"
    assert refused(actor.guest, name) == "bad_name"
    assert actor.guest(stage.new("still")).name


@pytest.mark.parametrize("password", ["", "short"])
def test_new_passwords_have_rules(stage: Stage, password: str) -> None:
    assert refused(stage.actor().register, stage.new("joy"), password) == "bad_password"


def test_nobody_gets_anothers_name(stage: Stage) -> None:
    guest = stage.guest("mia")
    for taken in ("test_user", "TEST_user", guest.name, guest.name.upper()):
        assert refused(stage.actor().register, taken, "a good password") == "name_taken"
        assert refused(stage.actor().guest, taken) == "name_taken"
    assert guest.ask("ping")["type"] == "pong", "and its owner goes on"


def test_a_guest_has_no_rights_beyond_the_name(stage: Stage) -> None:
    guest = stage.guest()
    assert "admin" not in guest.welcome["roles"]
    assert refused(guest.ask, "admin_rooms") == "not_allowed"


def test_a_session_is_resumed_without_a_password(stage: Stage) -> None:
    first = stage.login("test_user")
    first.reset()
    again = stage.actor().resume(first.welcome["session"])
    assert again.name == "test_user"
    guest = stage.guest()
    guest.reset()
    assert stage.actor().resume(guest.welcome["session"]).name == guest.name


def test_quit_ends_the_session_too(stage: Stage) -> None:
    actor = stage.login("test_user")
    actor.send("quit", id="1")
    assert actor.answer("1")["type"] == "bye"
    assert actor.ended() == []
    assert refused(stage.actor().resume, actor.welcome["session"]) == "bad_session"


@pytest.mark.parametrize("session", ["", "x", "1.e30.x", "9" * 4_000])
def test_a_forged_session_is_refused(stage: Stage, session: str) -> None:
    assert refused(stage.actor().resume, session) == "bad_session"


def test_a_session_with_a_changed_character_is_refused(stage: Stage) -> None:
    session = stage.login("test_user").welcome["session"]
    for at in range(0, len(session), 7):
        changed = session[:at] + ("A" if session[at] != "A" else "B") + session[at + 1 :]
        assert refused(stage.actor().resume, changed) == "bad_session"


def test_a_new_password_ends_the_other_sessions(stage: Stage) -> None:
    name = stage.new("pat")
    one = stage.actor().register(name, "the first password")
    two = stage.login(name, "the first password")
    assert refused(two.ask, "passwd", old="wrong", new="the second password") == "wrong_password"
    assert two.ask("passwd", old="the first password", new="the second password")["type"] == "done"
    last = one.ended()
    assert last[-1]["type"] == "bye"
    assert last[-1]["resume"] is False
    assert refused(stage.actor().resume, one.welcome["session"]) == "bad_session"
    assert refused(stage.actor().login, name, "the first password") == "wrong_password"
    assert stage.login(name, "the second password").name == name


def test_hello_comes_first_and_then_a_login(stage: Stage) -> None:
    wire = Wire(stage.host, stage.port)
    assert refused(wire.ask, "login", name="test_user", password="123") == "not_logged_in"
    wire = stage.actor()
    for kind, fields in [
        ("rooms", {}),
        ("join", {"room": "hall"}),
        ("mail_list", {}),
        ("admin_rooms", {}),
        ("who", {}),
    ]:
        assert refused(wire.ask, kind, **fields) == "not_logged_in"


def test_another_version_is_told_so(stage: Stage) -> None:
    with pytest.raises(Refusal) as caught:
        Wire(stage.host, stage.port).ask("hello", protocol=2)
    assert caught.value.code == "version"
    assert "1" in caught.value.message["text"]


def test_things_are_done_once_on_a_connection(stage: Stage) -> None:
    actor = stage.login("test_user")
    assert refused(actor.ask, "hello", protocol=1) == "already"
    assert refused(actor.ask, "login", name="foo_user", password="123") == "already"
    assert actor.ask("whois", name="test_user")["online"] is True


def test_who_is_online(stage: Stage) -> None:
    guest, account = stage.guest(), stage.login("foo_user")
    twice = stage.login("foo_user")
    people = {row["name"]: row for row in pages(account, "who", "people")}
    assert people[guest.name]["guest"] is True
    assert people["foo_user"]["guest"] is False
    eventually(lambda: account.ask("who")["count"] == len(pages(account, "who", "people")))  # others may be leaving
    seat = guest.enter(stage.new("room"))
    whois = account.ask("whois", name=guest.name.upper())
    assert (whois["name"], whois["online"], whois["rooms"]) == (guest.name, True, [seat.entered["room"]])
    assert refused(account.ask, "whois", name="nobody_here") == "no_such_user"
    twice.ask("quit")
    assert account.ask("whois", name="foo_user")["online"] is True


def test_lists_come_in_pages(stage: Stage) -> None:
    actor = stage.login("admin_user")
    rooms = [stage.new("paged") for _ in range(5)]
    for room in rooms:
        actor.ask("create", room=room, topic="one of many")
    seen = [row["name"] for row in pages(actor, "rooms", "rooms", limit=2)]
    assert len(seen) == len(set(seen))
    assert set(rooms) <= set(seen)
    assert "hall" in seen
    names = [row["name"] for row in pages(actor, "who", "people", limit=1)]
    assert "admin_user" in names


def pages(actor: Wire, kind: str, rows: str, **fields: object) -> list[dict]:
    found: list[dict] = []
    after = ""
    while True:
        page = actor.ask(kind, after=after, **fields)
        found += page[rows]
        if not page["more"]:
            return found
        after = page[rows][-1]["name"]


def test_many_mistakes_end_a_connection_and_nothing_else(stage: Stage) -> None:
    wire = stage.actor()
    for _ in range(1_000):
        wire.raw(b"nonsense\n")
        if wire.expect("error", code="bad_message")["fatal"]:
            break
    assert wire.ended() == []
    assert stage.guest().ask("ping")["type"] == "pong"
