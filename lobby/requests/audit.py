"""What an admin says to all, and what admins did: announcements and the audit log. Over the wire and at the shell."""

import logging
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import UNSET

from lobby.desk import Desk
from lobby.effects import ToRoom
from lobby.pages import fit
from lobby.sessions import Connection, Rule, Who
from wire import control
from wire.errors import Refused
from wire.messages import Announce, Announcement, Audit, AuditPage, AuditRow, Done, Request
from wire.names import check_text

ANNOUNCEMENT_MAX: Final = 1_000  # characters: it comes into the middle of what people say

log = logging.getLogger(__name__)


def announce(desk: Desk, connection: Connection, message: Announce) -> None:
    room = say_to_all(desk, message.text, message.room, connection.who.name)
    desk.answer(connection, message, Done(room=room) if room else Done())


def say_to_all(desk: Desk, text: str, room: str, by: str) -> str:
    """Show `text` to the members of `room`, or to everybody who is here when there is none; the room as it is spelled.

    Everybody has a connection here, in whichever rooms they are: so nobody is told twice. Raises Refused.
    """
    check_text(text, what="announcement", limit=ANNOUNCEMENT_MAX)
    at = desk.now.wall
    if not room:
        for person in desk.people:
            desk.notify(person, Announcement(text=text, at=at))
    else:
        settings = desk.catalogue.room(room)
        if settings is None:
            raise Refused("no_such_room", f"there is no room {room}")
        there = desk.registry.get(settings.room)
        if there is None or there.link is None:
            raise Refused("busy", f"{settings.name} does not run just now: nobody would see it")
        room = settings.name
        desk.effects.append(ToRoom(there.link, control.Announce(text=text, at=at)))
    record(desk, by, "announce", room, text)
    return room


def record(desk: Desk, by: str, what: str, target: str = "", text: str = "") -> None:
    """Write down what `by` has just done; with the round or not at all."""
    log.info("%s: %s %s", by, what, target)
    desk.audit.note(desk.now.wall, by, what, target, text)


def page(desk: Desk, connection: Connection, message: Audit) -> None:
    acts, more = acts_before(desk, None if message.before is UNSET else message.before, message.limit)
    desk.answer(connection, message, AuditPage(acts=acts, more=more))


def acts_before(desk: Desk, number: int | None, limit: int) -> tuple[list[AuditRow], bool]:
    """A page of the log, the newest first."""
    acts: Iterable[AuditRow] = desk.audit.before(number)
    return fit(acts, limit)


RULES: Final[Mapping[type[Request], Rule]] = {
    Announce: Rule(announce, Who.ADMINS),
    Audit: Rule(page, Who.ADMINS),
}
