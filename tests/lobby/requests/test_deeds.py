"""What admins do with a room's process: what the nursery and the room are told, and who is let in meanwhile."""

import msgspec
import pytest

from lobby.effects import Halt, Spawn, ToRoom
from lobby.requests import deeds
from tests.lobby.front import Client, Front
from wire.control import Assign, RoomLimits, RoomSettings
from wire.errors import Refused
from wire.messages import AdminRoom, AdminRooms, AdminRoomsPage, Done, Error, Join, Redirect


@pytest.fixture
def games(front: Front) -> RoomSettings:
    """A room that runs."""
    room = front.store.catalogue.create("games", "ann", "public", "", 0)
    front.desk.registry.nursery_opened()
    front.desk.registry.nursery_told()
    front.register(room, "link", "ann")
    front.nursery(room.room, "running", pid=77)
    front.asked.clear()
    return room


@pytest.fixture
def admin(front: Front) -> Client:
    return front.login("admin_user")


def state(admin: Client) -> str:
    return admin.ask(AdminRooms(), AdminRoomsPage).rooms[0].state


def do(admin: Client, what: str, seconds: float | None = None) -> str | None:
    return admin.ask(
        AdminRoom(room="Games", do=what, seconds=msgspec.UNSET if seconds is None else seconds),  # type: ignore[arg-type]
        Done,
    ).room  # type: ignore[return-value]


def test_a_restart_is_the_nurserys(front: Front, admin: Client, games: RoomSettings) -> None:
    assert do(admin, "restart") == "games"
    assert front.asked_for(Halt) == [Halt(games.room, "restarting")]
    assert state(admin) == "running"


def test_a_drained_room_is_told_and_lets_nobody_in(front: Front, admin: Client, games: RoomSettings) -> None:
    do(admin, "drain", 60)
    (told,) = front.asked_for(ToRoom)
    assert isinstance(told.message, Assign)
    assert told.message.settings.stopped == front.time.wall + 60_000
    assert told.message.settings.revision == games.revision + 1
    assert front.asked_for(Halt) == [], "it ends by itself"
    assert state(admin) == "draining"
    assert front.login("ben").refused(Join(room="games")) == "stopped"
    front.desk.registry.link_lost("link")
    front.nursery(games.room, "gone")
    assert state(admin) == "stopped"
    front.restart()
    admin = front.login("admin_user")
    assert state(admin) == "stopped", "it outlives the lobby"


def test_a_room_that_comes_back_while_it_is_drained_is_told_again(
    front: Front, admin: Client, games: RoomSettings
) -> None:
    do(admin, "drain", 60)
    front.asked.clear()
    front.desk.registry.link_lost("link")
    front.register(games, "link again", incarnation=2)
    (told,) = front.asked_for(ToRoom)
    assert told.message.settings.stopped


def test_a_stopped_room_is_stopped_by_the_nursery_too(front: Front, admin: Client, games: RoomSettings) -> None:
    do(admin, "stop")
    assert front.asked_for(Halt) == [Halt(games.room, "stopped")], "which can end one that is stuck"
    assert admin.refused(AdminRoom(room="games", do="restart")) == "stopped"


def test_who_waits_for_a_room_that_is_stopped_is_told(front: Front, admin: Client) -> None:
    front.store.catalogue.create("games", "ann", "public", "", 0)
    front.desk.registry.nursery_opened()
    ben = front.login("ben")
    ben.send(Join(id="1", room="games"))
    do(admin, "stop")
    assert ben.take(Error).code == "stopped"


def test_start_lets_people_in_again(front: Front, admin: Client, games: RoomSettings) -> None:
    do(admin, "stop")
    front.desk.registry.link_lost("link")
    front.nursery(games.room, "gone")
    front.asked.clear()
    do(admin, "start")
    assert [spawn.settings.stopped for spawn in front.asked_for(Spawn)] == [0]
    front.register(front.room("games"), "new link", incarnation=2)
    front.login("ben").ask(Join(room="games"), Redirect)


@pytest.mark.parametrize("was", ["failed", "backoff"])
def test_start_of_a_room_that_fails_does_not_wait(front: Front, admin: Client, games: RoomSettings, was: str) -> None:
    front.desk.registry.link_lost("link")
    front.nursery(games.room, was, reason="signal 11")
    do(admin, "start")
    assert front.asked_for(Halt) == [Halt(games.room, "restarting")]


def test_without_a_nursery_a_restart_is_refused(front: Front, admin: Client, games: RoomSettings) -> None:
    front.desk.registry.nursery_lost()
    assert admin.refused(AdminRoom(room="games", do="restart")) == "busy"


def test_a_disk_that_refuses_stops_no_room(front: Front, admin: Client, games: RoomSettings) -> None:
    front.fail = OSError(28, "full")
    assert admin.refused(AdminRoom(room="games", do="stop")) == "storage"
    assert front.asked_for(Halt) == []


def test_limits_are_kept_and_told(front: Front, games: RoomSettings) -> None:
    deeds.limit(front.desk, "games", {"memory_mib": 300, "nice": 5}, "the operator")
    changed = deeds.limit(front.desk, "games", {"nice": None}, "the operator")
    front.end_round()
    assert changed.limits == RoomLimits(memory_mib=300) == front.room("games").limits
    assert [spawn.settings.limits for spawn in front.asked_for(Spawn)][-1] == RoomLimits(memory_mib=300)


@pytest.mark.parametrize("wrong", [{"colour": 1}, {"nice": 99}, {"files": -1}])
def test_what_is_no_limit_is_refused(front: Front, games: RoomSettings, wrong: dict[str, int]) -> None:
    with pytest.raises(Refused):
        deeds.limit(front.desk, "games", wrong, "the operator")


def test_a_limit_that_does_not_fit_is_told_in_plain_words(front: Front, games: RoomSettings) -> None:
    with pytest.raises(Refused, match="nice is 99; it takes a whole number from -20 to 19"):
        deeds.limit(front.desk, "games", {"nice": 99}, "the operator")
