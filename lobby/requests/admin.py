"""The admins' listing of rooms, over the wire and for the operator's own socket."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import UNSET

from lobby import reach
from lobby.admin import Figures, row
from lobby.desk import Desk
from lobby.effects import Look
from lobby.pages import fit
from lobby.sessions import Connection, Rule, State, Who
from wire.control import RoomSettings
from wire.messages import AdminRoomRow, AdminRooms, AdminRoomsPage, Request

PAGE: Final = 1_000


def rooms(desk: Desk, connection: Connection, message: AdminRooms) -> None:
    """A page of all rooms, sleeping and failed ones too. It is answered when the processes have been looked at."""
    found, more = desk.catalogue.rooms(message.after, message.limit, visible_to=("", True))

    def looked(rows: list[AdminRoomRow] | Exception) -> None:
        if connection.state is State.OVER:
            return
        with desk.guarding(connection, message.id):
            if isinstance(rows, Exception):
                raise rows
            page, cut = fit(rows, message.limit)
            desk.answer(
                connection, message, AdminRoomsPage(rooms=page, more=more or cut, notice=desk.disk.notice or UNSET)
            )

    _look(desk, found, looked)


def all_rooms(desk: Desk, then: Callable[[list[AdminRoomRow] | Exception], None]) -> None:
    """All rooms at once."""
    found: list[RoomSettings] = []
    more = True
    while more:
        page, more = desk.catalogue.rooms(found[-1].name if found else "", PAGE, visible_to=("", True))
        found += page
    _look(desk, found, then)


def _look(desk: Desk, found: list[RoomSettings], then: Callable[[list[AdminRoomRow] | Exception], None]) -> None:
    pids = []
    for room in found:
        there = desk.registry.get(room.room)
        pid = there.process if there is not None else 0
        if pid:
            pids.append(pid)

    def looked(figures: dict[int, Figures] | Exception) -> None:
        if isinstance(figures, Exception):
            then(figures)
        else:
            then([_row(desk, room, figures) for room in found])

    desk.effects.append(Look(tuple(pids), looked))


def _row(desk: Desk, room: RoomSettings, figures: dict[int, Figures]) -> AdminRoomRow:
    return row(room, desk.registry.get(room.room), figures, desk.now, reach.lines(desk, room.room))


RULES: Final[Mapping[type[Request], Rule]] = {AdminRooms: Rule(rooms, Who.ADMINS)}
