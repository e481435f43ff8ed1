"""Block lists: putting somebody on one's own, taking them off, and what it keeps away at the lobby."""

import logging
from collections.abc import Mapping
from typing import Final

from lobby.desk import Desk
from lobby.people import Person
from lobby.sessions import Connection, Rule
from wire.errors import Refused
from wire.messages import Block, Blocked, Request
from wire.names import check_name, fold

log = logging.getLogger(__name__)


def block(desk: Desk, connection: Connection, message: Block) -> None:
    person, name, blocks = connection.who, check_name(message.name), desk.ledger.blocks
    if message.remove:
        blocks.remove(person.name, name)
    else:
        if fold(name) == person.key:
            raise Refused("not_allowed", "that is you")
        blocks.add(person.name, _spelled(desk, name))
    names = blocks.of(person.name)
    desk.answer(connection, message, Blocked(names=names))
    desk.notify(person, Blocked(names=names), but=connection)


def _spelled(desk: Desk, name: str) -> str:
    """As they spell it. Raises Refused(no_such_user)."""
    somebody = desk.people.find(name) or desk.accounts.get(name)
    if somebody is None:
        raise Refused("no_such_user", f"there is no account {name}, and no guest of that name is here")
    return somebody.name


def check(desk: Desk, sender: Person, to: str) -> None:
    """Whether `sender` may reach `to`, and may be answered. Raises Refused(blocked)."""
    if desk.ledger.blocks.stands(to, sender.name):
        raise Refused("blocked", f"{to} takes nothing from you")
    if desk.ledger.blocks.stands(sender.name, to):
        raise Refused("blocked", f"you have blocked {to}, who could not answer: /ignore {to} ends that")


RULES: Final[Mapping[type[Request], Rule]] = {Block: Rule(block)}
