"""The accounts for admins: pages, finding, what is done to one, and what an admin may not do to themselves."""

import pytest

from tests.lobby.front import Client, Front
from wire.messages import (
    AdminUser,
    AdminUsers,
    AdminUsersPage,
    Bye,
    Code,
    Done,
    Login,
    Recover,
    Register,
    Request,
    Resume,
    UserDeed,
    Welcome,
)


@pytest.fixture
def admin(front: Front) -> Client:
    return front.login("admin_user")


def listed(client: Client, **ask: object) -> list[str]:
    return [row.name for row in client.ask(AdminUsers(**ask), AdminUsersPage).users]  # type: ignore[arg-type]


def do(client: Client, what: UserDeed, name: str = "ann", role: str = "") -> None:
    client.ask(AdminUser(name=name, do=what, role=role), Done)


def test_pages_and_what_is_found(front: Front, admin: Client) -> None:
    front.login("ann")
    assert listed(admin) == ["admin_user", "ann", "ben", "foo_user", "shut", "test_user"]
    page = admin.ask(AdminUsers(limit=2, after="ANN"), AdminUsersPage)
    assert ([row.name for row in page.users], page.count, page.more) == (["ben", "foo_user"], 6, True)
    assert listed(admin, find="_USER") == ["admin_user", "foo_user", "test_user"]
    assert listed(admin, find="locked") == ["shut"]
    assert listed(admin, find="online") == ["admin_user", "ann"]
    assert listed(admin, find="user,") == []


def test_a_row(front: Front, admin: Client) -> None:
    front.login("ann").lose()
    (row,) = admin.ask(AdminUsers(find="ann"), AdminUsersPage).users
    assert (row.roles, row.flags, row.online) == (["user"], [], False)
    assert row.last_login == row.seen == front.time.wall


@pytest.mark.parametrize("message", [AdminUsers(), AdminUser(name="ann", do="lock")])
def test_for_admins_only(front: Front, message: Request) -> None:
    assert front.login("ben").refused(message) == "not_allowed"
    assert front.guest("joy").refused(message) == "not_allowed"


def test_locking_and_unlocking(front: Front, admin: Client) -> None:
    ann = front.login("ann")
    do(admin, "lock", "ANN")
    assert ann.take(Bye).code == "locked"
    login = Login(name="ann", password="annspassword")
    assert front.connect().hello().refused(login) == "locked"
    do(admin, "unlock")
    front.login("ann")


def test_a_role_counts_from_the_next_login(front: Front, admin: Client) -> None:
    ann = front.login("ann")
    do(admin, "role", role="operator")
    assert ann.take(Bye).code == "bad_session"
    assert front.login("ann").connection.who.roles == ("user", "operator")
    assert admin.refused(AdminUser(name="ann", do="role", role="king")) == "bad_message"


def test_ending_sessions(front: Front, admin: Client) -> None:
    ann = front.connect().hello()
    token = ann.ask(Login(name="ann", password="annspassword"), Welcome).session
    do(admin, "log_out")
    assert ann.take(Bye).code == "bad_session"
    assert front.connect().hello().refused(Resume(session=token)) == "bad_session"


def test_a_code_serves_once(front: Front, admin: Client) -> None:
    code = admin.ask(AdminUser(name="ann", do="code"), Code)
    assert (code.name, code.expires) == ("ann", front.time.wall + 24 * 3_600_000)
    client = front.connect().hello()
    client.ask(Recover(name="ann", code=code.code, password="a new password"), Welcome)
    assert admin.refused(AdminUser(name="shut", do="code")) == "locked"


def test_deleting_keeps_the_name_from_others(front: Front, admin: Client) -> None:
    ann = front.login("ann")
    do(admin, "delete")
    assert ann.take(Bye).code == "bad_session"
    assert b"ann:" not in front.paths.user_db.read_bytes()
    client = front.connect().hello()
    assert client.refused(Register(name="ann", password="another one")) == "name_taken"
    assert admin.refused(AdminUser(name="ann", do="unlock")) == "no_such_user"


@pytest.mark.parametrize("what", ["lock", "role", "log_out", "delete"])
def test_nobody_shuts_themselves_out(admin: Client, what: UserDeed) -> None:
    assert admin.refused(AdminUser(name="admin_user", do=what, role="user")) == "not_allowed"


def test_what_was_done_is_written_down(front: Front, admin: Client) -> None:
    do(admin, "lock")
    admin.ask(AdminUser(name="ben", do="code"), Code)
    acts = [(act.by, act.what, act.target) for act in front.desk.audit.before(None)]
    assert acts == [("admin_user", "code", "ben"), ("admin_user", "lock", "ann")]
