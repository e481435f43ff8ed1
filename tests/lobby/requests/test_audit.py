"""Announcements reach whom they are for, once each; and what admins did is written down, for admins to read."""

import errno

from msgspec import UNSET

from lobby.effects import ToRoom
from lobby.requests import deeds
from lobby.requests.audit import ANNOUNCEMENT_MAX, say_to_all
from tests.lobby.front import USERS, Client, Front
from wire import control
from wire.control import RoomSettings
from wire.messages import (
    AdminRoom,
    Announce,
    Announcement,
    Audit,
    AuditPage,
    AuditRow,
    CloseRoom,
    Create,
    Done,
    Error,
)


def games(front: Front) -> RoomSettings:
    """A room that runs."""
    room = front.store.catalogue.create("games", "ann", "public", "", 0)
    front.desk.registry.nursery_opened()
    front.desk.registry.nursery_told()
    front.register(room, "link", "ann")
    front.asked.clear()
    return room


def acts(admin: Client, before: int | None = None, limit: int = 50) -> list[AuditRow]:
    return admin.ask(Audit(before=UNSET if before is None else before, limit=limit), AuditPage).acts


def told(row: AuditRow) -> tuple[str, str, str, str]:
    return row.by, row.what, row.target, row.text


def test_everybody_hears_it_once_on_each_connection(front: Front) -> None:
    games(front)
    admin, ann, ann_too, joe = front.login("admin_user"), front.login("ann"), front.login("ann"), front.guest("joe")
    admin.send(Announce(text="down at noon", id="a"))
    assert admin.take(Announcement).text == "down at noon"
    assert admin.take(Done).re == "a"
    for client in (ann, ann_too, joe):
        heard = client.take(Announcement)
        assert (heard.text, heard.at) == ("down at noon", front.time.wall)
        assert client.inbox == []
    assert front.asked_for(ToRoom) == [], "who is in a room is here as well"


def test_one_room_hears_it_and_nobody_else(front: Front) -> None:
    games(front)
    admin, ben = front.login("admin_user"), front.login("ben")
    assert admin.ask(Announce(text="too loud", room="Games"), Done).room == "games"
    (effect,) = front.asked_for(ToRoom)
    assert effect.link == "link"
    assert effect.message == control.Announce(text="too loud", at=front.time.wall)
    assert ben.inbox == []


def test_what_cannot_be_announced(front: Front) -> None:
    front.store.catalogue.create("attic", "ann", "public", "", 0)
    admin = front.login("admin_user")
    assert admin.refused(Announce(text="x", room="nowhere")) == "no_such_room"
    assert admin.refused(Announce(text="x", room="attic")) == "busy"
    assert admin.refused(Announce(text=" ")) == "bad_text"
    assert admin.refused(Announce(text="x" * (ANNOUNCEMENT_MAX + 1))) == "too_long"
    assert acts(admin) == [], "nothing was done"
    for other in (front.login("ann"), front.guest("joe")):
        assert other.refused(Announce(text="x")) == "not_allowed"
        assert other.refused(Audit()) == "not_allowed"


def test_every_deed_is_written_down_whoever_did_it(front: Front) -> None:
    games(front)
    admin, ben = front.login("admin_user"), front.login("ben")
    admin.ask(AdminRoom(room="Games", do="drain", seconds=60.0), Done)
    deeds.act(front.desk, "games", "start", 0, "the operator")
    deeds.limit(front.desk, "games", {"nice": 5, "files": None}, "the operator")
    say_to_all(front.desk, "late", "", "the operator")
    front.end_round()
    admin.take(Announcement)
    ben.take(Announcement)
    ben.ask(Create(room="bens"), Done)
    ben.ask(CloseRoom(room="bens"), Done)
    written = acts(admin)
    assert [told(row) for row in reversed(written)] == [
        ("admin_user", "drain", "games", "60 s"),
        ("the operator", "start", "games", ""),
        ("the operator", "limit", "games", "nice=5 files="),
        ("the operator", "announce", "", "late"),
        ("ben", "close", "bens", ""),
    ]
    assert {row.at for row in written} == {front.time.wall}
    front.restart()
    assert acts(front.login("admin_user")) == written, "it is kept"


def test_an_edit_of_the_user_db_is_written_down(front: Front) -> None:
    front.paths.user_db.write_text(
        USERS.replace("ben:{PLAIN}benspassword:user::", "ben:{PLAIN}benspassword:user:locked:")
    )
    front.look()
    assert [told(row) for row in acts(front.login("admin_user"))] == [
        ("the user db", "account", "ben", "the account ben is locked"),
    ]  # fmt: skip


def test_it_comes_in_pages(front: Front) -> None:
    for number in range(7):
        say_to_all(front.desk, f"text {number}", "", "the operator")
    front.end_round()
    admin = front.login("admin_user")
    page = admin.ask(Audit(limit=3), AuditPage)
    assert ([row.text for row in page.acts], page.more) == (["text 6", "text 5", "text 4"], True)
    page = admin.ask(Audit(limit=5, before=page.acts[-1].number), AuditPage)
    assert ([row.text for row in page.acts], page.more) == (["text 3", "text 2", "text 1", "text 0"], False)


def test_what_was_not_stored_was_not_said(front: Front) -> None:
    admin, ann = front.login("admin_user"), front.login("ann")
    front.fail = OSError(errno.ENOSPC, "disk full")
    assert admin.ask(Announce(text="down at noon"), Error).code == "storage"
    assert (ann.inbox, acts(admin)) == ([], [])
