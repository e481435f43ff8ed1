"""People: who is here, and what is known about one of them. Rooms are named only to those who may see them."""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import UNSET

from lobby.desk import Desk
from lobby.pages import fit
from lobby.people import Person
from lobby.rights import may_see
from lobby.sessions import Connection, Rule
from wire.errors import Refused
from wire.messages import PersonRow, Request, Who, Whois, WhoisPage, WhoPage
from wire.names import check_name

ROOMS_MAX: Final = 50  # rooms named for one person, so that a page has room for many


def who(desk: Desk, connection: Connection, message: Who) -> None:
    if desk.gathering.waits(connection, message, desk.now):
        return
    rows, more = fit(_rows(desk, connection.who, message.after), message.limit)
    partial = desk.gathering.partial or UNSET
    desk.answer(connection, message, WhoPage(people=rows, count=len(desk.people), more=more, partial=partial))


def _rows(desk: Desk, asker: Person, after: str) -> Iterator[PersonRow]:
    seen: dict[str, str] = {}
    for person in desk.people.page(after):
        rooms = _rooms(desk, asker, person.name, seen)
        away = desk.places.away(person.name) or UNSET
        yield PersonRow(name=person.name, guest=person.guest, rooms=rooms, since=person.since, away=away)


def _rooms(desk: Desk, asker: Person, name: str, seen: dict[str, str]) -> list[str]:
    """The names of the rooms somebody is in that `asker` may see; `seen` keeps what was looked up, "" for no."""
    names = []
    for room_id in desk.registry.where(name):
        if room_id not in seen:
            there = desk.registry.get(room_id)
            room = there.settings if there is not None else None
            seen[room_id] = room.name if room is not None and may_see(desk, asker, room) else ""
        if seen[room_id]:
            names.append(seen[room_id])
    return sorted(names, key=str.lower)[:ROOMS_MAX]


def whois(desk: Desk, connection: Connection, message: Whois) -> None:
    name = check_name(message.name)
    person, account = desk.people.find(name), desk.accounts.get(name)
    if person is None and account is None:
        raise Refused("no_such_user", f"there is no account or guest {name}")
    last = desk.ledger.last_login(name) if account is not None else None
    seen = desk.ledger.seen(name) if account is not None and person is None else None
    spelled = person.name if person is not None else account.name if account is not None else name
    answer = WhoisPage(
        name=spelled,
        guest=person.guest if person is not None else False,
        online=person is not None,
        roles=list(person.roles if person is not None else account.roles if account is not None else ()),
        rooms=_rooms(desk, connection.who, name, {}),
        since=person.since if person is not None else UNSET,
        last_login=UNSET if last is None else last,
        away=desk.places.away(name) or UNSET,
        seen=UNSET if seen is None else seen,
        made=account.made or UNSET if account is not None else UNSET,
    )
    desk.answer(connection, message, answer)


RULES: Final[Mapping[type[Request], Rule]] = {Who: Rule(who), Whois: Rule(whois)}
