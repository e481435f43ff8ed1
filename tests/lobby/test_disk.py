"""The watermark of free space: what is refused below it, what goes on, and who is told; figures are injected."""

import pytest

from lobby.disk import MIB, Disk
from tests.lobby.front import Front
from wire.errors import Refused
from wire.messages import (
    AdminRooms,
    AdminRoomsPage,
    Create,
    Done,
    Join,
    MailDraft,
    MailKeep,
    MailSend,
    Request,
    Tell,
    Told,
)


def test_short_below_the_watermark_until_a_tenth_above_it() -> None:
    disk = Disk(100)
    looks = [(200, False), (100, False), (99, True), (105, True), (109, True), (110, False), (105, False), (99, True)]
    for mib, short in looks:
        disk.look(mib * MIB)
        assert disk.short is short, mib


def test_a_look_says_whether_anything_changed() -> None:
    disk = Disk(100)
    assert [disk.look(mib * MIB) for mib in (200, 50, 40, 200, 300)] == [False, True, False, True, False]


def test_none_is_no_watermark() -> None:
    disk = Disk(0)
    disk.look(0)
    disk.check()
    assert not disk.notice


def test_the_notice_says_how_much_and_what_follows() -> None:
    disk = Disk(256)
    disk.look(90 * MIB)
    assert disk.notice.startswith("the disk has 90 MiB free, less than limits.free_disk_mib (256):")
    with pytest.raises(Refused) as refused:
        disk.check()
    assert refused.value.code == "disk_low"


@pytest.mark.parametrize(
    "message",
    [
        MailSend(to=["ben"], body="hello"),
        MailDraft(body="hello"),
        MailKeep(sender="eva", body="hello", at=1),
        Create(room="games"),
        Join(room="games", create=True),
    ],
    ids=["mail", "draft", "import of mail", "room", "room by entering"],
)
def test_what_can_wait_is_refused(front: Front, message: Request) -> None:
    ann = front.login("ann")
    front.desk.disk.look(MIB)
    assert ann.refused(message) == "disk_low"
    front.desk.disk.look(1_000 * MIB)
    ann.send(message)
    assert "disk_low" not in str(ann.inbox)


def test_people_still_talk_and_enter_rooms(front: Front) -> None:
    front.store.catalogue.create("games", "ann", "public", "", 0)
    front.login("ben")
    ann = front.login("ann")
    front.desk.disk.look(MIB)
    ann.ask(Tell(to="ben", text="the disk is full"), Told)
    ann.send(Join(room="games"))
    assert "disk_low" not in str(ann.inbox)


def test_admins_are_told_with_the_rooms(front: Front) -> None:
    admin = front.login("admin_user")
    assert not admin.ask(AdminRooms(), AdminRoomsPage).notice
    front.desk.disk.look(MIB)
    assert "1 MiB free" in str(admin.ask(AdminRooms(), AdminRoomsPage).notice)


def test_it_is_done_once_there_is_room(front: Front) -> None:
    front.desk.disk.look(MIB)
    front.desk.disk.look(1_000 * MIB)
    front.login("ann").ask(MailSend(to=["ben"], body="hello"), Done)
