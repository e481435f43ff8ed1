"""What finds people again: the rooms they were in, what waits for them at the login, and whose a name is since when.

Law: places are taken when somebody's last connection ends, and told at the next login, as far as they may see them.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from msgspec import UNSET, UnsetType

from lobby.directs import Side
from lobby.people import Person
from lobby.rights import may_see
from wire.messages import BackRow, Direct, Place, Request

if TYPE_CHECKING:
    from lobby.desk import Desk

PLACES_MAX: Final = 50  # rooms of one person
AGAIN_MAX: Final = 200  # direct messages that a resume is given


def side(desk: "Desk", person: Person) -> Side:
    """One end of a direct message."""
    if person.guest:
        return Side(person.name, guest=True, since=min(c.session_from for c in person.connections))
    account = desk.accounts.get(person.name)
    return Side(person.name, guest=False, since=account.made if account is not None else 0)


def lines(desk: "Desk", room_id: str) -> int:
    """The number of a room's newest line, be it asleep."""
    there = desk.registry.get(room_id)
    return there.lines if there is not None and there.lines else desk.catalogue.lines(room_id)


def leave(desk: "Desk", person: Person, places: Iterable[Place] | UnsetType = UNSET) -> None:
    """Somebody's last connection ended: remember where they are, as they say or as the rooms do."""
    desk.ledger.set_seen(person.name, desk.now.wall)
    if person.guest:
        return
    if places is UNSET:
        found = {room_id: lines(desk, room_id) for room_id in desk.registry.where(person.name)}
    else:
        named = ((desk.catalogue.room(place.room), place.seq) for place in places)
        found = {room.room: seq for room, seq in named if room is not None}
    desk.places.remember(person.name, dict(list(found.items())[:PLACES_MAX]))


def back(desk: "Desk", person: Person) -> list[BackRow] | UnsetType:
    """The rooms somebody was in when they were last here, for the welcome."""
    rows = []
    for room_id, seq in () if person.guest else desk.places.of(person.name).items():
        room = desk.catalogue.by_id(room_id)
        if room is not None and may_see(desk, person, room):
            rows.append(BackRow(room=room.name, seq=seq, missed=max(0, lines(desk, room_id) - seq)))
    return sorted(rows, key=lambda row: row.room.lower()) or UNSET


def directs(desk: "Desk", person: Person, request: Request) -> tuple[int, list[Direct]]:
    """What somebody who comes has not had yet, and the number after which that begins."""
    whose, after = side(desk, person), getattr(request, "directs", UNSET)
    waiting = desk.directs.take_waiting(whose)
    if after is not UNSET:  # a connection broke: what is not confirmed by the number may be lost
        waiting = desk.directs.since(whose, after, AGAIN_MAX)
    before = min((direct.number - 1 for direct in waiting), default=desk.directs.newest(person.name))
    return before, waiting
