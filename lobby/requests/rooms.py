"""Rooms: the list, making one, entering, inviting, closing for good."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET, UnsetType

from lobby import entry, reach
from lobby.desk import Desk
from lobby.effects import ToRoom
from lobby.pages import fit
from lobby.people import Person
from lobby.registry import STOPPED, state
from lobby.requests import blocks
from lobby.requests.audit import record
from lobby.rights import may_see, owns
from lobby.sessions import Connection, Rule, State
from wire.control import PutOut, RoomSettings
from wire.errors import Refused
from wire.messages import (
    Access,
    CloseRoom,
    Create,
    Done,
    Invite,
    Invited,
    Join,
    Redirect,
    Request,
    RoomList,
    RoomRow,
    Rooms,
)
from wire.names import check_name, check_single_line, fold
from wire.tickets import TICKET_SECONDS, Ticket, derive_ring, sign

SHOWN: Final = {"backoff": "starting", "stopping": "starting"}  # to members it is all the same
TOPIC_MAX: Final = 200  # characters, as in a room: it is shown in one line of a listing

log = logging.getLogger(__name__)


# -- finding one


def find(desk: Desk, person: Person, name: str) -> RoomSettings:
    """The room of that name. Raises Refused(no_such_room), also for one that the person may not see."""
    room = desk.catalogue.room(check_name(name, what="room name"))
    if room is None or not may_see(desk, person, room):
        raise Refused("no_such_room", f"there is no room {name}")
    return room


def own(desk: Desk, person: Person, name: str) -> RoomSettings:
    """A room that the person may dispose of. Raises Refused(no_such_room, not_allowed)."""
    room = find(desk, person, name)
    if not (person.is_admin or owns(person, room)):
        raise Refused("not_allowed", f"only the owner of {room.name} may do this")
    return room


# -- the list


def rooms(desk: Desk, connection: Connection, message: Rooms) -> None:
    if desk.gathering.waits(connection, message, desk.now):
        return
    person = connection.who
    found, more = desk.catalogue.rooms(message.after, message.limit, visible_to=(person.name, person.is_admin))
    rows, cut = fit(_rows(desk, person, found), message.limit)
    desk.answer(connection, message, RoomList(rooms=rows, more=more or cut, partial=desk.gathering.partial or UNSET))


def _rows(desk: Desk, person: Person, found: list[RoomSettings]) -> Iterator[RoomRow]:
    for room in found:
        if not may_see(desk, person, room):
            continue
        there = desk.registry.get(room.room)
        yield RoomRow(
            name=room.name,
            topic=there.topic if there is not None and there.running else room.topic,
            access=room.access,
            members=len(there.members) if there is not None else 0,
            owner=room.owner,
            state=SHOWN.get(shown := state(room, there), shown),
            made=room.made,
        )


# -- making


def create(desk: Desk, connection: Connection, message: Create) -> None:
    room = _make(desk, connection.who, message.room, message.topic, message.access)
    desk.answer(connection, message, Done(room=room.name))


def _make(desk: Desk, person: Person, name: str, topic: str = "", access: Access = "public") -> RoomSettings:
    """A new room; it is started at once, so that what lives can be counted."""
    check_name(name, what="room name")
    check_single_line(topic, what="topic", limit=TOPIC_MAX)
    there = desk.catalogue.room(name)
    if there is not None and may_see(desk, person, there):
        raise Refused("name_taken", f"there is a room {name} already")
    if there is not None:  # decision 0008: that it cannot be had is all that is said of it
        raise Refused("name_taken", f"the name {name} is not to be had; private rooms are entered by invitation")
    desk.disk.check()
    _check_numbers(desk, person)
    _check_live(desk)
    room = desk.catalogue.create(name, person.name, access, topic, desk.now.wall, guest_made=person.guest)
    log.info("%s made the room %s", person.name, name)
    desk.heed(desk.registry.want(room, desk.now))
    return room


def _check_numbers(desk: Desk, person: Person) -> None:
    """Raises Refused(too_many) when the person, or anybody, may make no more rooms."""
    limits, accounts = desk.config.limits, desk.config.accounts
    if limits.rooms and desk.catalogue.count() >= limits.rooms:
        raise Refused("too_many", "the server has as many rooms as it may have")
    if not person.guest:
        if accounts.account_rooms and desk.catalogue.owned_by(person.name) >= accounts.account_rooms:
            raise Refused("too_many", f"you own {accounts.account_rooms} rooms already")
        return
    if accounts.guest_rooms and desk.registry.live_guest_rooms(person.name) >= accounts.guest_rooms:
        raise Refused("too_many", f"a guest may have {accounts.guest_rooms} rooms at a time")
    if accounts.guest_rooms_total and desk.registry.live_guest_rooms() >= accounts.guest_rooms_total:
        raise Refused("too_many", "guests have as many rooms as they may have")


def _check_live(desk: Desk) -> None:
    """Raises Refused(too_many) when one more room would be one process too many."""
    limit = desk.config.limits.live_rooms
    if limit and desk.registry.live() >= limit:
        raise Refused("too_many", "as many rooms are awake as may be: try again later", retry_after=30.0)


# -- entering


@dataclass(frozen=True)
class Visitor:
    """Who asked to be let into a room, and may by then not be here any more."""

    connection: Connection
    re: str | UnsetType

    def admit(self, desk: Desk, room_id: str) -> None:
        there = desk.registry.get(room_id)
        if self.connection.state not in {State.IN, State.BUSY} or there is None or there.settings is None:
            return
        person, now = self.connection.who, desk.now.wall
        ticket = Ticket(
            room=room_id,
            name=person.name,
            guest=person.guest,
            roles=list(person.roles),
            issued=desk.stamp(there.withdrew),
            expires=now + TICKET_SECONDS * 1_000,
            number=desk.new_id(),
            session=str(self.connection.login),
            since=0 if person.guest else reach.side(desk, person).since,
        )
        answer = Redirect(
            re=self.re,
            room=there.settings.name,
            host=desk.config.server.public_host,
            port=there.port,
            ticket=sign(derive_ring(desk.masters, "room", room_id), ticket),
        )
        desk.send(self.connection, answer)

    def turn_away(self, desk: Desk, code: str, text: str) -> None:
        desk.refuse(self.connection, self.re, Refused(code, text))


def join(desk: Desk, connection: Connection, message: Join) -> None:
    person = connection.who
    try:
        room = find(desk, person, message.room)
    except Refused as why:
        if why.code != "no_such_room" or not message.create:
            raise
        room = _make(desk, person, message.room)
    if room.stopped:
        raise Refused(*STOPPED)
    there = desk.registry.get(room.room)
    if there is None or not there.live:
        _check_live(desk)
    desk.heed(desk.registry.want(room, desk.now, Visitor(connection, message.id)))


# -- disposing


def invite(desk: Desk, connection: Connection, message: Invite) -> None:
    person = connection.who
    room = own(desk, person, message.room)
    name = check_name(message.name)
    if message.remove:
        desk.catalogue.uninvite(room.room, name)
        if room.access == "private":
            _put_out(desk, room, name)
    else:
        if desk.accounts.get(name) is None and desk.people.find(name) is None:
            raise Refused("no_such_user", f"there is no account {name}")
        blocks.check(desk, person, name)
        if desk.catalogue.invite(room.room, name):
            _tell(desk, person, room, name)
    log.info("%s %s %s %s", person.name, "no longer invites" if message.remove else "invites", name, room.name)
    desk.answer(connection, message, Done(room=room.name))


def _tell(desk: Desk, by: Person, room: RoomSettings, name: str) -> None:
    """Who is invited hears of it, now or when they come."""
    there = desk.people.find(name)
    if there is None:
        desk.catalogue.keep_invitation(room.room, name, by.name, desk.now.wall)
    elif there is not by:
        desk.notify(there, Invited(room=room.name, sender=by.name, at=desk.now.wall))


def _put_out(desk: Desk, room: RoomSettings, name: str) -> None:
    """Whoever is not invited any more does not stay; their tokens for it are void."""
    there = desk.registry.get(room.room)
    if there is None or there.link is None or room.room not in desk.registry.where(name):
        return
    desk.revoke(name)
    entry.assign(desk, room.room)
    text = f"you are no longer invited to {room.name}"
    desk.effects.append(ToRoom(there.link, PutOut(name=fold(name), code="kicked", text=text)))


def close_room(desk: Desk, connection: Connection, message: CloseRoom) -> None:
    room = own(desk, connection.who, message.room)
    desk.catalogue.remove(room.room)
    desk.heed(desk.registry.close_for_good(room.room))
    record(desk, connection.who.name, "close", room.name)
    desk.answer(connection, message, Done(room=room.name))


RULES: Final[Mapping[type[Request], Rule]] = {
    Rooms: Rule(rooms),
    Create: Rule(create),
    Join: Rule(join),
    Invite: Rule(invite),
    CloseRoom: Rule(close_room),
}
