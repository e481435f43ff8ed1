"""Direct messages: telling somebody in any room or away, what was told before, and saying that one is away.

Law: the sender is told what became of it, and it is shown to nobody before it is stored. A guest is told only while
they are here; what is told to an account waits for them.
"""

import logging
from collections.abc import Mapping
from typing import Final

from msgspec import UNSET

from lobby import reach
from lobby.desk import Desk
from lobby.directs import Side
from lobby.pages import fit
from lobby.requests import blocks
from lobby.sessions import Connection, Rule
from wire.errors import Refused
from wire.messages import Away, DirectRead, Directs, DirectsPage, Done, ReadElsewhere, Request, Tell, Told
from wire.names import check_name, check_single_line, check_text, fold

AWAY_MAX: Final = 200  # characters; a line of a listing
READ_MAX: Final = 100  # people of whom is known what of theirs is read, for a connection that comes back
WAITING_MAX: Final = 200  # messages that wait for one person: all of them fit into a client's queue at the login

log = logging.getLogger(__name__)


def tell(desk: Desk, connection: Connection, message: Tell) -> None:
    sender, wall = connection.who, desk.now.wall
    text = check_text(message.text)
    id_ = None if message.id is UNSET else message.id
    since = wall - desk.config.rooms.resend_window * 1_000
    kept = desk.directs.again(sender.name, connection.stream, id_, since=since)
    if kept is None:
        to = _recipient(desk, check_name(message.to))
        if fold(to.name) == sender.key:
            raise Refused("not_allowed", "that is you")
        blocks.check(desk, sender, to.name)
        here = desk.people.find(to.name)
        if here is None and desk.directs.waiting(to.name) >= WAITING_MAX:
            raise Refused("full", f"{WAITING_MAX} messages wait for {to.name} already: write a mail")
        desk.tell_pace.take(sender.key, desk.config.limits.tells_per_minute, desk.now.mono)
        kept = desk.directs.keep(
            reach.side(desk, sender),
            to,
            text,
            waiting=here is None,
            stream=connection.stream,
            id=id_,
            wall=wall,
        )
        assert kept.direct is not None
        log.info("%s tells %s something (%s)", sender.name, to.name, kept.became)
        desk.notify(here, kept.direct)
        desk.notify(sender, kept.direct, but=connection)
    away = desk.places.away(kept.to)
    desk.answer(
        connection, message, Told(number=kept.number, to=kept.to, became=kept.became, away=away if away else UNSET)
    )


def _recipient(desk: Desk, name: str) -> Side:
    """Who is meant. Raises Refused(no_such_user, locked)."""
    person = desk.people.find(name)
    if person is not None:
        return reach.side(desk, person)
    account = desk.accounts.get(name)
    if account is None:
        raise Refused("no_such_user", f"there is no account {name}, and no guest of that name is here")
    desk.accounts.usable(account)
    return Side(account.name, guest=False, since=account.made)


def directs(desk: Desk, connection: Connection, message: Directs) -> None:
    other = check_name(message.other)
    before = None if message.before is UNSET else message.before
    found, more = desk.directs.page(reach.side(desk, connection.who), other, before, message.limit)
    newest, cut = fit(reversed(found), message.limit)
    desk.answer(connection, message, DirectsPage(other=other, directs=newest[::-1], more=more or cut))


def read(desk: Desk, connection: Connection, message: DirectRead) -> None:
    person, key = connection.who, fold(check_name(message.other))
    number = max(message.number, person.read.pop(key, 0))
    person.read[key] = number  # at the end: the newest are kept
    if len(person.read) > READ_MAX:
        del person.read[next(iter(person.read))]
    desk.notify(person, ReadElsewhere(other=message.other, number=number), but=connection)
    desk.answer(connection, message, Done())


def away(desk: Desk, connection: Connection, message: Away) -> None:
    text = check_single_line(message.text.strip(), what="word about being away", limit=AWAY_MAX)
    desk.places.set_away(connection.who.name, text)
    desk.answer(connection, message, Done())


RULES: Final[Mapping[type[Request], Rule]] = {
    Tell: Rule(tell),
    Directs: Rule(directs),
    DirectRead: Rule(read),
    Away: Rule(away),
}
