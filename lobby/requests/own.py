"""What belongs to oneself: the spelling of one's name, all that the lobby has of one, and the end of the account.

What becomes of what, when somebody deletes their account, is in docs/accounts.md; it is kept true by the tests here.
"""

import logging
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from msgspec import UNSET

from lobby import entry, reach
from lobby.desk import Desk
from lobby.pages import fit
from lobby.people import Person
from lobby.requests.password import own_account, proven
from lobby.requests.users import remove
from lobby.sessions import Connection, Rule, State, Who
from wire.control import RoomSettings
from wire.errors import Refused
from wire.messages import (
    Belonging,
    Belongings,
    BelongingsPage,
    DeleteAccount,
    Done,
    Request,
    Respell,
    Respelled,
)
from wire.names import check_name, fold

LOOKED_AT: Final = 5_000  # direct messages that one page looks at, of whomever: some milliseconds

log = logging.getLogger(__name__)


# -- the spelling of one's name


def respell(desk: Desk, connection: Connection, message: Respell) -> None:
    person = connection.who
    if fold(check_name(message.name)) != person.key:
        raise Refused("bad_name", f"only the capitals can change: {person.name} in other letters is another name")
    if message.name != person.name:
        desk.accounts.change(person.name, spelled=message.name)
        log.info("%s is spelled %s", person.name, message.name)
        person.name = message.name
        for room in desk.catalogue.rooms_of(message.name):
            settings = desk.catalogue.change(room.room, owner=message.name)
            desk.heed(desk.registry.settle(settings))
            entry.assign(desk, settings.room)
        entry.void(desk, person.name, "bad_ticket", "your name is spelled anew", resume=True)
        desk.notify(person, Respelled(name=person.name), but=connection)
    desk.answer(connection, message, Respelled(name=person.name))


# -- the end of the account


def delete_account(desk: Desk, connection: Connection, message: DeleteAccount) -> None:
    account, person = own_account(desk, connection), connection.who
    if "test" in account.flags:
        raise Refused("not_allowed", "this account is everybody's, to try things out: it stays")

    def delete() -> None:
        if connection.state is not State.OVER:
            desk.ready(connection, State.IN)
            desk.answer(connection, message, Done())
            remove(desk, person.name)
            entry.forget(desk, person.name)
            log.info("%s deleted the account", person.name)

    proven(desk, connection, message, account, message.password, "the password is not right", delete)


# -- all that is here of somebody


def belongings(desk: Desk, connection: Connection, message: Belongings) -> None:
    """First what is of themselves, then the direct messages; `after` says where to go on."""
    person = connection.who
    part, _, number = message.after.partition(".")
    at = int(number) if number.isascii() and number.isdigit() and len(number) < 18 else 0
    answer = _directs(desk, person, at, message.limit) if part == "directs" else _few(desk, person, at, message.limit)
    desk.answer(connection, message, answer)


def _few(desk: Desk, person: Person, at: int, limit: int) -> BelongingsPage:
    """Account, sessions, block list and rooms: so few that a page may skip those before it."""
    rows, more = fit(islice(_own(desk, person), at, None), max(1, limit))
    return BelongingsPage(belongings=rows, next=f"own.{at + len(rows)}" if more else "directs.0")


def _own(desk: Desk, person: Person) -> Iterator[Belonging]:
    account = desk.accounts.get(person.name)
    about: dict[str, Any] = {"name": person.name, "guest": person.guest, "away": desk.places.away(person.name)}
    if account is not None and not person.guest:
        about |= {"roles": account.roles, "made": account.made, "last_login": desk.ledger.last_login(person.name)}
    yield Belonging(kind="account", what=about)
    for session in desk.ledger.sessions(person.name, desk.now.wall, guest=person.guest):
        what = {"session": session.number, "client": session.kind, "address": session.address}
        yield Belonging(kind="session", what=what | {"begun": session.begun, "used": session.used})
    for name in desk.ledger.blocks.of(person.name):
        yield Belonging(kind="blocked", what={"name": name})
    for is_what, rooms in (
        ("owner", desk.catalogue.rooms_of(person.name)),
        ("invited", desk.catalogue.invited_to(person.name)),
        ("was in", filter(None, map(desk.catalogue.by_id, desk.places.of(person.name)))),
    ):
        for room in rooms:
            yield Belonging(kind="room", what=_room(room, is_what))


def _room(room: RoomSettings, is_what: str) -> dict[str, Any]:
    return {"room": room.name, "is": is_what, "access": room.access, "topic": room.topic, "made": room.made}


def _directs(desk: Desk, person: Person, at: int, limit: int) -> BelongingsPage:
    found, looked_to = desk.directs.of(reach.side(desk, person), at, LOOKED_AT)
    rows, more = fit((Belonging(kind="direct", what=_direct(direct)) for direct in found), max(1, limit))
    after = found[len(rows) - 1].number if more else looked_to
    return BelongingsPage(belongings=rows, next=UNSET if after is None else f"directs.{after}")


def _direct(direct: Any) -> dict[str, Any]:
    return {"number": direct.number, "from": direct.sender, "to": direct.to, "at": direct.at, "text": direct.text}


RULES: Final[Mapping[type[Request], Rule]] = {
    Respell: Rule(respell, Who.ACCOUNTS),
    DeleteAccount: Rule(delete_account, Who.ACCOUNTS),
    Belongings: Rule(belongings),
}
