"""Guests: a name for the time of a visit, where the operator allows it."""

from collections.abc import Mapping
from typing import Final

from lobby import edits, entry
from lobby.desk import Desk
from lobby.sessions import Connection, Rule, State
from wire.errors import Refused
from wire.messages import Guest, Request
from wire.names import check_person


def guest(desk: Desk, connection: Connection, message: Guest) -> None:
    if not desk.config.guests_allowed:
        raise Refused("not_allowed", "guests are not received here: log in, or make an account")
    name = check_person(message.name)
    edits.look(desk)
    entry.check_free(desk, name)
    desk.places.forget(name)
    desk.ledger.blocks.forget(name)
    desk.ledger.end_sessions(name)
    desk.catalogue.uninvite_all(name)
    if desk.ledger.last_login(name) is not None:  # lately: who that was may come back into rooms, but not under it
        entry.void(desk, name, "replaced", "the name is somebody else's now")
    entry.begin(desk, connection)
    desk.ledger.set_last_login(name, desk.now.wall)
    entry.welcome(desk, connection, message, name, guest=True, roles=())


RULES: Final[Mapping[type[Request], Rule]] = {Guest: Rule(guest, states=frozenset({State.GREETED}))}
