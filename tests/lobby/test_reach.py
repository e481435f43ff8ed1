"""Where people were, told at their next login; and what is known of rooms that sleep."""

from lobby import roomdesk
from tests.lobby.front import Client, Front
from wire.control import RoomSettings, Traffic
from wire.messages import (
    AdminRooms,
    AdminRoomsPage,
    BackRow,
    Bye,
    Guest,
    Login,
    Place,
    Quit,
    Resume,
    RoomList,
    Rooms,
    Welcome,
)


def public(front: Front, name: str) -> RoomSettings:
    return front.store.catalogue.create(name, "ann", "public", "", 0)


def welcome(front: Front, name: str) -> Welcome:
    client = front.connect().hello()
    return client.ask(Login(name=name, password=f"{name}spassword"), Welcome)


def back(front: Front, name: str) -> dict[str, int]:
    found = welcome(front, name).back
    return {row.room: row.missed for row in found} if isinstance(found, list) else {}


def visit(front: Front, name: str, *places: tuple[str, int]) -> dict[str, int]:
    """A whole visit: what it was told to come back to, when it says at its end where it was."""
    client = front.connect().hello()
    found = client.ask(Login(name=name, password=f"{name}spassword"), Welcome).back
    quit_with(client, *places)
    return {row.room: row.missed for row in found} if isinstance(found, list) else {}


def quit_with(client: Client, *places: tuple[str, int]) -> None:
    client.ask(Quit(places=[Place(room=room, seq=seq) for room, seq in places]), Bye)


def test_a_lost_connection_leaves_one_in_ones_rooms(front: Front) -> None:
    hall, games = public(front, "hall"), public(front, "Games")
    ben = front.login("ben")
    front.register(hall, "link1", "ben")
    front.register(games, "link2", "ann")
    front.tell("link1", Traffic(lines=40, topic=""))
    ben.lose()
    front.tell("link1", Traffic(lines=52, topic=""))
    assert back(front, "ben") == {"hall": 12}


def test_the_first_of_two_connections_ends_nothing(front: Front) -> None:
    hall = public(front, "hall")
    one, two = front.login("ben"), front.login("ben")
    front.register(hall, "link", "ben")
    one.lose()
    assert front.store.places.of("ben") == {}
    two.lose()
    assert front.store.places.of("ben") == {hall.room: 3}


def test_who_quits_says_where_they_were(front: Front) -> None:
    hall, games = public(front, "hall"), public(front, "games")
    ben = front.login("ben")
    front.register(hall, "link1", "ben")
    front.register(games, "link2")
    front.tell("link2", Traffic(lines=7, topic=""))
    quit_with(ben, ("GAMES", 5), ("gone", 3))
    assert visit(front, "ben") == {"games": 2}
    assert visit(front, "ben", ("hall", 1)) == {}
    assert visit(front, "ben") == {"hall": 2}


def test_it_survives_a_new_lobby_and_sleeping_rooms(front: Front) -> None:
    hall = public(front, "hall")
    ben = front.login("ben")
    front.register(hall, "link", "ben")
    front.tell("link", Traffic(lines=40, topic="chess"))
    ben.lose()
    front.tell("link", Traffic(lines=41, topic="chess"))
    roomdesk.lost(front.desk, "link")
    front.end_round()
    front.restart()
    front.nursery(hall.room, "sleeping")
    assert back(front, "ben") == {"hall": 1}
    rows = front.login("ben").ask(Rooms(), RoomList).rooms
    assert [(row.name, row.topic, row.state) for row in rows] == [("hall", "chess", "sleeping")]
    listed = front.login("admin_user").ask(AdminRooms(), AdminRoomsPage).rooms
    assert [(row.name, row.lines, row.state) for row in listed] == [("hall", 41, "sleeping")]


def test_running_rooms_are_kept_from_time_to_time(front: Front) -> None:
    hall = public(front, "hall")
    front.register(hall, "link")
    front.tell("link", Traffic(lines=40, topic=""))
    roomdesk.keep_lines(front.desk)
    front.end_round()
    front.restart()
    assert front.store.catalogue.lines(hall.room) == 40
    roomdesk.keep_lines(front.desk)
    assert not front.store.dirty


def test_only_rooms_one_may_still_see(front: Front) -> None:
    den = front.store.catalogue.create("den", "ann", "private", "", 0)
    front.store.catalogue.invite(den.room, "ben")
    ben = front.login("ben")
    front.register(den, "link", "ben")
    ben.lose()
    assert back(front, "ben") == {"den": 0}
    front.store.catalogue.uninvite(den.room, "ben")
    assert back(front, "ben") == {}


def test_a_room_that_is_closed_is_no_place(front: Front) -> None:
    hall = public(front, "hall")
    quit_with(front.login("ben"), ("hall", 0))
    front.store.catalogue.remove(hall.room)
    assert back(front, "ben") == {}


def test_a_resume_is_told_as_well(front: Front) -> None:
    public(front, "hall")
    quit_with(front.login("ben"), ("hall", 0))
    first = welcome(front, "ben")
    again = front.connect().hello().ask(Resume(session=first.session), Welcome)
    assert again.back == [BackRow(room="hall", seq=0, missed=0)]


def test_guests_are_not_followed(front: Front) -> None:
    hall = public(front, "hall")
    joe = front.guest("joe")
    front.register(hall, "link", "joe")
    joe.lose()
    assert front.store.places.of("joe") == {}
    roomdesk.lost(front.desk, "link")
    front.later(1_000)
    assert not front.connect().hello().ask(Guest(name="joe"), Welcome).back
