"""Names of deleted accounts: kept from others for their days, however the line went; and lines changed unseen."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lobby.deleted import DAY
from tests.lobby.front import USERS, Front
from wire.messages import (
    Done,
    Error,
    Guest,
    Login,
    MailSend,
    Message,
    Passwd,
    Register,
    Respell,
    Respelled,
    Resume,
    Welcome,
)


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    front = Front(tmp_path)
    front.look()
    yield front
    front.close()


def without_ben(front: Front) -> None:
    front.paths.user_db.write_text(re.sub("(?m)^ben:.*\n", "", front.paths.user_db.read_text()))


def taken(front: Front, name: str = "Ben") -> bool:
    register = front.connect().hello().refused(Register(name=name, password="a good password"))
    guest = front.connect().hello().refused(Guest(name=name))
    return {register, guest} == {"name_taken"}


def registers(front: Front, name: str = "ben") -> None:
    front.connect().hello().ask(Register(name=name, password="a good password"), Welcome)


def test_a_deleted_name_is_free_after_its_days(front: Front) -> None:
    front.login("ben")
    without_ben(front)
    front.look()
    assert taken(front)
    assert front.connect().hello().refused(Login(name="ben", password="benspassword")) == "wrong_password"
    front.later(30 * DAY / 1000 - 1)
    assert taken(front)
    front.later(1)
    registers(front)
    assert front.accounts.get("ben") is not None
    front.later(1)
    front.look()
    assert front.desk.ledger.deleted.free_from("ben", 30) == 0, "it is somebody's again"


def test_who_takes_the_name_later_does_not_read_the_mail_of_before(front: Front) -> None:
    ann = front.login("ann")
    ann.ask(MailSend(to=["ben"], subject="secret", body="for ben alone"), Done)
    without_ben(front)
    front.look()
    front.later(30 * DAY / 1000)
    client = front.connect().hello()
    assert client.ask(Register(name="ben", password="a good password"), Welcome).unread == 0
    assert front.mailbox.count("ben") == 0


def test_the_first_to_ask_after_the_deletion_is_refused(front: Front) -> None:
    """Nobody has looked at the user db since."""
    without_ben(front)
    assert taken(front)


def test_a_line_deleted_while_no_server_runs_is_noticed(front: Front) -> None:
    front.close()
    without_ben(front)
    front.open()
    assert taken(front)
    front.restart()
    assert taken(front), "and remembered"


def test_who_registered_here_is_known(front: Front) -> None:
    registers(front, "cid")
    front.close()
    front.paths.user_db.write_text(USERS)
    front.paths.user_db.with_name(".user-db.recent").unlink()
    front.open()
    assert taken(front, "cid")


def test_a_line_that_comes_back_counts_at_once(front: Front) -> None:
    whole = front.paths.user_db.read_text()
    without_ben(front)
    front.look()
    assert taken(front)
    front.paths.user_db.write_text(whole)
    front.login("ben")
    without_ben(front)
    front.later(60.0)
    front.look()
    assert front.desk.ledger.deleted.free_from("ben", 1) == front.time.wall + DAY, "anew"


def test_a_broken_line_is_no_deletion(front: Front) -> None:
    front.paths.user_db.write_text(USERS.replace("ben:{PLAIN}", "ben:"))
    front.look()
    assert front.desk.ledger.deleted.free_from("ben", 30) == 0
    assert taken(front)


def test_no_days(tmp_path: Path) -> None:
    front = Front(tmp_path, "accounts.deleted_name_days=0")
    front.look()
    without_ben(front)
    front.look()
    registers(front)
    front.close()


def test_what_is_over_is_forgotten(front: Front) -> None:
    front.login("ben")
    without_ben(front)
    front.look()
    front.desk.ledger.deleted.tidy(front.time.wall + DAY, 30)
    assert front.desk.ledger.last_login("ben") is not None
    front.desk.ledger.deleted.tidy(front.time.wall + 30 * DAY, 30)
    assert front.desk.ledger.last_login("ben") is None
    assert front.desk.ledger.deleted.free_from("ben", 30) == 0


def test_a_round_that_fails_is_made_good(front: Front) -> None:
    without_ben(front)
    front.fail = OSError(28, "full")
    front.look()
    front.look()
    assert taken(front)


# -- what was changed while no lobby ran


def edit(front: Front, before: str, after: str) -> None:
    text = front.paths.user_db.read_text()
    assert re.search(before, text, re.MULTILINE)
    front.paths.user_db.write_text(re.sub(before, after, text, flags=re.MULTILINE))


def token_of(front: Front, name: str = "ben") -> str:
    client = front.connect().hello()
    return client.ask(Login(name=name, password=f"{name}spassword"), Welcome).session


def comes_back(front: Front, token: str) -> str:
    """How a resume is answered: welcome, or the code of the refusal."""
    client = front.connect().hello()
    client.send(Resume(session=token))
    message = client.take(Message)
    return message.code if isinstance(message, Error) else type(message).__name__.lower()


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("^ben:{ARGON2ID}[^:]*", "ben:{PLAIN}anotherpassword", "bad_session"),
        ("^(ben:.*):user:", r"\1:user,operator:", "bad_session"),
        ("^(ben:.*:user):", r"\1:locked", "locked"),
        ("^ben:.*\n", "", "bad_session"),
        ("^ben:.*\n", "ben:{PLAIN}of somebody else:user::\n", "bad_session"),
    ],
)
def test_a_change_while_no_lobby_runs_ends_what_was_given_before(
    front: Front, before: str, after: str, code: str
) -> None:
    token, other = token_of(front), token_of(front, "ann")
    front.close()
    edit(front, before, after)
    front.open()
    assert comes_back(front, token) == code
    assert comes_back(front, other) == "welcome"
    assert [revocation.name for revocation in front.store.ledger.revocations()] == ["ben"], "in rooms as well"
    assert [act.target for act in front.store.audit.before(None)] == ["ben"]
    front.restart()
    front.look()
    assert len(front.store.ledger.revocations()) == 1, "it is told once"


def test_what_the_lobby_changes_itself_ends_nothing_at_its_next_start(front: Front) -> None:
    ben = front.connect().hello()
    token = ben.ask(Login(name="ben", password="benspassword"), Welcome).session
    ben.ask(Passwd(old="benspassword", new="another password"), Done)
    ben.ask(Respell(name="BEN"), Respelled)
    cid = front.connect().hello()
    of_cid = cid.ask(Register(name="cid", password="a good password"), Welcome).session
    front.restart()
    assert (comes_back(front, token), comes_back(front, of_cid)) == ("welcome", "welcome")


def test_who_is_unlocked_meanwhile_keeps_nothing_and_loses_nothing(front: Front) -> None:
    front.close()
    edit(front, "^(shut:.*):locked:", r"\1::")
    front.open()
    front.look()
    assert front.store.ledger.revocations() == []


def test_sessions_end_though_the_disk_refused_at_first(front: Front) -> None:
    token = token_of(front)
    edit(front, "^ben:{ARGON2ID}[^:]*", "ben:{PLAIN}anotherpassword")
    front.fail = OSError(28, "full")
    front.look()
    front.look()
    assert comes_back(front, token) == "bad_session"


def test_a_login_in_the_round_of_an_edit_ends_no_session(front: Front) -> None:
    """Its password is hashed anew in that round."""
    client = front.connect().hello()
    front.hold = True
    client.send(Login(name="ben", password="benspassword"))
    edit(front, "^ann:.*\n", "ann:{PLAIN}anotherpassword:user::\n")
    front.finish_work()
    token = client.take(Welcome).session
    front.look()
    assert comes_back(front, token) == "welcome"


def test_of_accounts_of_before_there_were_marks_nothing_is_known(front: Front) -> None:
    token = token_of(front)
    front.store.ledger.deleted._db.write("UPDATE names SET mark = ''")
    front.end_round()
    front.restart()
    assert comes_back(front, token) == "welcome"
    front.restart()
    edit(front, "^(ben:.*):user:", r"\1:user,operator:")
    assert comes_back(front, token) == "bad_session", "from then on"
