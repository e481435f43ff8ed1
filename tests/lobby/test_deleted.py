"""Names of deleted accounts: kept from others for their days, however the line went."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lobby.deleted import DAY
from tests.lobby.front import USERS, Front
from wire.messages import Done, Guest, Login, MailSend, Register, Welcome


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
    front.desk.ledger.deleted.take_stock(front.accounts, front.time.wall)
    front.end_round()
    assert taken(front)
