"""The desk's side towards rooms and nursery: what they tell goes into the registry, and what follows is done.

Law: the catalogue decides which rooms there are. A room that it does not know is not let in; one whose topic changed
is remembered with it, so that a sleeping room is listed as it was.
"""

import logging
from collections.abc import Hashable

from lobby import entry
from lobby.desk import Desk
from lobby.effects import CloseLink
from wire.control import Joined, Left, Register, RoomStatus, RoomToLobby, Told, Traffic

log = logging.getLogger(__name__)


def said(desk: Desk, link: Hashable, message: RoomToLobby) -> None:
    """One message of a room, on the control link `link`."""
    registry = desk.registry
    match message:
        case Register():
            _register(desk, link, message)
        case Joined():
            for member in registry.joined(link, message):
                log.info("%s%s entered %s", "guest " if member.guest else "", member.name, _name(desk, link))
        case Left():
            for member in registry.left(link, message):
                log.info("%s left %s", member.name, _name(desk, link))
        case Traffic():
            if registry.traffic(link, message, desk.now):
                _keep_topic(desk, link)
    desk.gathering.go_on(desk)


def lost(desk: Desk, link: Hashable) -> None:
    """A room's control link ended: its newest number is kept for as long as it sleeps."""
    room = desk.registry.link_lost(link)
    if room is not None:
        with desk.storing():
            desk.catalogue.set_lines({room.id: room.lines})


def keep_lines(desk: Desk) -> None:
    """From time to time, in case the rooms or this process end without a word."""
    with desk.storing():
        desk.catalogue.set_lines({room.id: room.lines for room in desk.registry if room.running})


def _register(desk: Desk, link: Hashable, message: Register) -> None:
    settings = desk.catalogue.by_id(message.settings.room)
    if settings is None:
        log.warning("a room %s registers that is not in the catalogue", message.settings.name)
        desk.effects.append(CloseLink(link, "not in the catalogue"))
        return
    desk.heed(desk.registry.register(link, message, settings, desk.now))
    if desk.registry.of_link(link) is not None:
        entry.assign(desk, settings.room)
        _keep_topic(desk, link)


def _keep_topic(desk: Desk, link: Hashable) -> None:
    room = desk.registry.of_link(link)
    settings = None if room is None else desk.catalogue.by_id(room.id)
    if room is not None and settings is not None and settings.topic != room.topic:
        desk.catalogue.set_topic(room.id, room.topic)


def _name(desk: Desk, link: Hashable) -> str:
    room = desk.registry.of_link(link)
    return room.settings.name if room is not None and room.settings is not None else "a room"


def nursery_said(desk: Desk, message: RoomStatus | Told) -> None:
    match message:
        case RoomStatus():
            settings = desk.catalogue.by_id(message.room)
            desk.heed(desk.registry.status(message, settings, desk.now))
        case Told():
            desk.heed(desk.registry.nursery_told())
    desk.gathering.go_on(desk)
