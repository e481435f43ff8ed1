"""How somebody comes in at the lobby, and how what they were given is made void again. Steps that handlers share.

Law: a name is one person's. A guest has theirs by a lease, which outlives their connections and this process for a
while; an account has its for good, and a guest who has it gives way.
"""

import logging
from datetime import UTC, datetime
from typing import Final

from msgspec import UNSET

from lobby import reach
from lobby.desk import Desk
from lobby.effects import ToRoom
from lobby.people import Person
from lobby.sessions import SESSION_SECONDS, Connection, State, token
from wire.control import Assign, PutOut
from wire.errors import Refused
from wire.messages import Invited, ReadElsewhere, Request, Welcome
from wire.names import fold
from wire.tickets import other_sessions, whose

LEASE_SECONDS: Final = 900  # guests whose lobby dies have at least two thirds of this to come back to their names
RENEW_SECONDS: Final = 300.0
REVOCATIONS: Final = 400  # in one message, so that it fits into a line

log = logging.getLogger(__name__)


def check_free(desk: Desk, name: str) -> None:
    """Raises Refused(name_taken) when somebody has the name: an account, or one that was deleted lately, a guest who
    is here, was just here, or is still in a room."""
    if desk.accounts.taken(name):
        raise Refused("name_taken", f"the name {name} belongs to an account")
    free_from = desk.ledger.deleted.free_from(name, desk.config.accounts.deleted_name_days)
    if free_from > desk.now.wall:
        raise Refused("name_taken", f"the name {name} belonged to an account: it is free from {_day(free_from)} on")
    in_use = desk.people.find(name) is not None or desk.ledger.leased(name, desk.now.wall) is not None
    if in_use or desk.registry.where(name):
        raise Refused("name_taken", f"the name {name} is in use")


def _day(wall: int) -> str:
    return datetime.fromtimestamp(wall / 1_000, UTC).date().isoformat()


def forget(desk: Desk, name: str) -> None:
    """The name is somebody else's from now on: nothing that was given to who had it before is theirs."""
    desk.places.forget(name)
    desk.mailbox.empty(name)
    desk.ledger.blocks.forget(name)
    desk.ledger.codes.drop(name)
    desk.ledger.end_sessions(name)
    disown(desk, name)


def disown(desk: Desk, name: str) -> None:
    """Rooms go on without their owner, and invitations end."""
    for room in desk.catalogue.disown(name):
        desk.heed(desk.registry.settle(room))
        assign(desk, room.room)


def begin(desk: Desk, connection: Connection) -> None:
    """A session of its own for a connection that has just logged in."""
    connection.session = desk.new_id()
    connection.session_from = desk.now.wall


def welcome(
    desk: Desk, connection: Connection, request: Request, name: str, *, guest: bool, roles: tuple[str, ...]
) -> None:
    """`connection` is `name`'s from now on."""
    now, config = desk.now, desk.config
    give_way(desk, name, guest)
    expires = now.wall + SESSION_SECONDS * 1_000
    connection.login = desk.ledger.open_session(
        connection.session, name, guest, expires, wall=now.wall, kind=connection.kind, address=connection.address
    )
    if guest:
        lease(desk, name, connection.session)
    person, first = desk.people.arrive(connection, name, guest=guest, roles=roles, wall=now.wall)
    person.name = name if not guest else person.name  # spelled as it is now
    connection.stream = getattr(request, "stream", None) or desk.new_id()
    desk.ready(connection, State.IN)
    before, waiting = reach.directs(desk, person, request)
    log.info("%s%s is here from %s%s", "guest " if guest else "", name, connection.address, "" if first else ", again")
    desk.answer(
        connection,
        request,
        Welcome(
            name=person.name,
            roles=list(roles),
            session=token(desk.session_ring, connection, now.wall),
            unread=0 if guest else desk.mailbox.unread(name),
            motd=desk.motd,
            resend_window=config.rooms.resend_window,
            back=reach.back(desk, person),
            away=desk.places.away(name) or UNSET,
            directs=before,
            blocked=desk.ledger.blocks.of(name) or UNSET,
        ),
    )
    for direct in waiting:
        desk.send(connection, direct)
    for other, number in person.read.items() if waiting else ():
        desk.send(connection, ReadElsewhere(other=other, number=number))
    for room, by, at in () if guest else desk.catalogue.take_invitations(name):
        desk.send(connection, Invited(room=room, sender=by, at=at))
    desk.release(connection)


def lease(desk: Desk, name: str, session: str) -> None:
    desk.ledger.lease(name, desk.now.wall + LEASE_SECONDS * 1_000, session)


def renew_leases(desk: Desk) -> None:
    """Guests who are here keep their names."""
    for person in desk.people:
        if person.guest:
            lease(desk, person.name, next(iter(person.connections)).session)


def note_presence(desk: Desk) -> None:
    """Who is here is seen now, and uses their sessions: what is said of it should this process die."""
    for person in desk.people:
        desk.ledger.set_seen(person.name, desk.now.wall)
        for session in {connection.session for connection in person.connections}:
            desk.ledger.used_session(session, desk.now.wall)


def give_way(desk: Desk, name: str, guest: bool) -> None:
    """An account comes in where a guest of that name is (the operator wrote it into the user db): the guest goes."""
    there = desk.people.find(name)
    if there is not None and there.guest is not guest:
        void(desk, name, "replaced", "the name belongs to an account now")
        desk.end_person(name, "replaced", "the name belongs to an account now")
        desk.ledger.end_sessions(name)
        desk.ledger.release(name)


def end_session(desk: Desk, person: Person, session: str, code: str = "quit", text: str = "") -> None:
    """A session ends on all its connections; when it was a guest's last, the name is free."""
    for connection in tuple(person.connections):
        if connection.session == session:
            desk.end(connection, code, text)
    desk.ledger.end_session(session)
    if person.guest and not person.connections:
        desk.ledger.release(person.name)


def log_out(desk: Desk, name: str, code: str, text: str) -> None:
    """End all that an account has: sessions, connections, what it holds of rooms."""
    desk.ledger.end_sessions(name)
    void(desk, name, code, text)
    person = desk.people.find(name)
    if person is not None and not person.guest:
        desk.end_person(name, code, text)


def end_other_sessions(desk: Desk, connection: Connection, code: str, text: str) -> None:
    """All but that of `connection` end, here and in rooms."""
    person = connection.who
    desk.ledger.end_sessions(person.name, except_id=connection.session)
    void(desk, other_sessions(person.name, str(connection.login)), code, text)
    for other in tuple(person.connections):
        if other.session != connection.session:
            desk.end(other, code, text)


def void(desk: Desk, scope: str, code: str, text: str, *, resume: bool = False) -> None:
    """What somebody, or the sessions of theirs that `scope` names, hold of rooms, tickets and tokens, is worth nothing
    from now on, and they are put out; `resume`: to come back by a new ticket."""
    desk.revoke(scope)
    there = set(desk.registry.where(whose(scope)))
    for room in desk.registry:
        if room.link is None:
            continue
        assign(desk, room.id)
        if room.id in there:
            order = PutOut(name=fold(scope), code=code, text=text, resume=resume)
            desk.effects.append(ToRoom(room.link, order))


def assign(desk: Desk, room_id: str) -> None:
    """Tell a room that runs its settings, and the revocations that it has not been told."""
    room = desk.registry.get(room_id)
    if room is None or room.link is None or room.settings is None:
        return
    missing = desk.ledger.revocations(room.revoked)
    for start in range(0, max(1, len(missing)), REVOCATIONS):
        page = missing[start : start + REVOCATIONS]
        desk.effects.append(ToRoom(room.link, Assign(settings=room.settings, revocations=page)))
        room.revoked = max((revocation.number for revocation in page), default=room.revoked)
