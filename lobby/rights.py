"""Who may see a room, and whose it is. Pure but for the catalogue's table of those who are invited."""

from typing import TYPE_CHECKING

from lobby.people import Person
from wire.control import RoomSettings
from wire.names import fold

if TYPE_CHECKING:
    from lobby.desk import Desk


def owns(person: Person, room: RoomSettings) -> bool:
    """A guest's room is theirs while they have the name: who takes the name later takes no rooms with it."""
    if fold(room.owner) != person.key or room.guest_made is not person.guest:
        return False
    return not person.guest or any(room.made >= connection.session_from for connection in person.connections)


def may_see(desk: "Desk", person: Person, room: RoomSettings) -> bool:
    if room.access == "public" or person.is_admin or owns(person, room):
        return True
    return desk.catalogue.invited(room.room, person.name)
