"""What an admin does with a room's process: stop, restart, drain, start, limits. Over the wire and at the shell.

Law: that a room is stopped is the catalogue's, so that it survives every process: the room, told its settings, ends by
itself, and the lobby lets nobody new in until it is started again.
"""

from collections.abc import Mapping
from typing import Final, get_args

import msgspec

from base.allowed import misfit
from base.config import Rooms
from lobby import entry
from lobby.desk import Desk
from lobby.effects import Halt, Spawn
from lobby.registry import STOPPED
from lobby.requests.audit import record
from lobby.sessions import Connection, Rule, Who
from wire.control import RoomLimits, RoomSettings
from wire.errors import Refused
from wire.messages import AdminRoom, Deed, Done, Request

DRAIN_SECONDS: Final = 300.0  # members of a drained room have so long to come to an end, unless it is said
LIMITS: Final = tuple(field.name for field in msgspec.structs.fields(RoomLimits))
OPTIONS: Final = {field.name: field.type for field in msgspec.structs.fields(Rooms)}  # what the configuration takes
ENDED: Final = frozenset({"sleeping", "stopped"})  # states in which there is no process, and no reason why


def admin_room(desk: Desk, connection: Connection, message: AdminRoom) -> None:
    seconds = DRAIN_SECONDS if message.seconds is msgspec.UNSET else message.seconds
    room = act(desk, message.room, message.do, seconds, connection.who.name)
    desk.answer(connection, message, Done(room=room.name))


def act(desk: Desk, name: str, do: Deed, seconds: float, by: str, *, rolling: bool = False) -> RoomSettings:
    """Do it to the room of that name, for `by`; `rolling`: as one of many in an upgrade. What follows is seen in the
    listing. Raises Refused."""
    if do not in get_args(Deed):
        raise Refused("bad_message", f"not something to do with a room: {do}")
    room = _room(desk, name)
    match do:
        case "drain":
            done = _stop(desk, room, desk.now.wall + int(seconds * 1_000))
        case "stop":
            desk.effects.append(Halt(room.room, "stopped"))
            done = _stop(desk, room, desk.now.wall)
        case "restart" if room.stopped:
            raise Refused(STOPPED[0], f"{room.name} is stopped or drained: start it")
        case _:
            done = _start(desk, room, again=do == "restart")
    record(desk, by, f"rolling {do}" if rolling else do, room.name, f"{seconds:.0f} s" if do == "drain" else "")
    return done


def limit(desk: Desk, name: str, changes: Mapping[str, int | None], by: str) -> RoomSettings:
    """Change limits of the room's process; None: as the configuration says. In force from its next start."""
    room = _room(desk, name)
    unknown = sorted(changes.keys() - set(LIMITS))
    if unknown:
        raise Refused("bad_message", f"not a limit of a room: {', '.join(unknown)}; there are {', '.join(LIMITS)}")
    for key, value in changes.items():
        if value is not None and (wrong := misfit(key, value, OPTIONS[key])):
            raise Refused("bad_message", wrong)
    limits = {**msgspec.to_builtins(room.limits), **changes}
    new = msgspec.convert({key: value for key, value in limits.items() if value is not None}, RoomLimits)
    room = _change(desk, room, limits=new)
    if changes:
        told = (f"{key}={'' if value is None else value}" for key, value in changes.items())
        record(desk, by, "limit", room.name, " ".join(told))
    there = desk.registry.get(room.room)
    if there is not None and there.running and not room.stopped:
        desk.effects.append(Spawn(room))  # it runs: this only tells the nursery
    return room


def _stop(desk: Desk, room: RoomSettings, until: int) -> RoomSettings:
    return _change(desk, room, stopped=max(1, until))


def _start(desk: Desk, room: RoomSettings, *, again: bool) -> RoomSettings:
    """Let it run; `again`: in a new process, also when it runs."""
    there = desk.registry.get(room.room)
    alive = there is not None and there.state not in ENDED
    if alive and not desk.registry.nursery_up:
        raise Refused("busy", "the nursery is away just now: try again", retry_after=1.0)
    if room.stopped:
        room = _change(desk, room, stopped=0)
    if there is not None and alive and (again or there.state in {"failed", "backoff"}):
        desk.effects += [Spawn(room), Halt(room.room, "restarting")]  # the first, so that the nursery knows its limits
    else:
        desk.heed(desk.registry.want(room, desk.now))
    return room


def _change(desk: Desk, room: RoomSettings, **settings: int | RoomLimits) -> RoomSettings:
    """In the catalogue; the room is told when it runs, and the nursery at its next start."""
    room = desk.catalogue.change(room.room, **settings)
    desk.heed(desk.registry.settle(room))
    entry.assign(desk, room.room)
    return room


def _room(desk: Desk, name: str) -> RoomSettings:
    room = desk.catalogue.room(name)
    if room is None:
        raise Refused("no_such_room", f"there is no room {name}")
    return room


RULES: Final[Mapping[type[Request], Rule]] = {AdminRoom: Rule(admin_room, Who.ADMINS)}
