"""The admins' listing."""

from lobby.requests.admin import all_rooms
from tests.lobby.front import Front
from wire.messages import AdminRoomRow, AdminRooms, AdminRoomsPage


def test_every_room_with_its_process(front: Front) -> None:
    games = front.store.catalogue.create("games", "ann", "private", "", 0)
    front.store.catalogue.create("attic", "", "public", "", 0)
    broken = front.store.catalogue.create("broken", "ben", "public", "", 0)
    front.register(games, "link", "ann", "ben")
    front.nursery(games.room, "running", pid=77, restarts=2)
    front.nursery(broken.room, "failed", reason="signal 11")
    page = front.login("admin_user").ask(AdminRooms(), AdminRoomsPage)
    assert [(row.name, row.state) for row in page.rooms] == [
        ("attic", "sleeping"), ("broken", "failed"), ("games", "running"),
    ]  # fmt: skip
    row = page.rooms[2]
    assert (row.pid, row.port, row.members, row.lines, row.restarts) == (77, 5_000, 2, 3, 2)
    assert (row.cpu, row.rss, row.uss, row.uptime) == (1.5, 20_000_000, 5_000_000, 60)
    assert (row.owner, row.access) == ("ann", "private")
    assert page.rooms[1].reason == "signal 11"
    assert not page.more


def test_it_comes_in_pages(front: Front) -> None:
    for number in range(5):
        front.store.catalogue.create(f"room{number}", "", "public", "", 0)
    client = front.login("admin_user")
    page = client.ask(AdminRooms(limit=3), AdminRoomsPage)
    assert ([row.name for row in page.rooms], page.more) == (["room0", "room1", "room2"], True)
    page = client.ask(AdminRooms(limit=3, after="room2"), AdminRoomsPage)
    assert ([row.name for row in page.rooms], page.more) == (["room3", "room4"], False)


def test_others_are_not_allowed(front: Front) -> None:
    assert front.login("test_user").refused(AdminRooms()) == "not_allowed"
    assert front.guest("joe").refused(AdminRooms()) == "not_allowed"


def test_all_at_once_for_the_operator(front: Front) -> None:
    for number in range(1_500):
        front.store.catalogue.create(f"room{number:04}", "", "public", "", 0)
    found: list[list[AdminRoomRow] | Exception] = []
    all_rooms(front.desk, found.append)
    front.end_round()
    (rows,) = found
    assert isinstance(rows, list)
    assert [row.name for row in rows] == [f"room{number:04}" for number in range(1_500)]
