"""What operators of a room do: topic, kick, ban, mute, op, slow mode. Pure handlers of the room's core.

Law: each is one numbered entry of the log, stored in the same commit as what it changes.
"""

from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from roomproc.moderation import FOR_EVER, OPERATOR, OWNER
from roomproc.people import Connection
from roomproc.round import PutOut
from roomproc.staged import Standing
from wire.clock import Now
from wire.errors import Refused
from wire.messages import Ban, Deop, Done, Kick, Moderated, Mute, Op, Request, SetTopic, Slow, Topic, Unban
from wire.names import check_name, check_single_line, fold

if TYPE_CHECKING:
    from roomproc.room import Room

TOPIC_MAX: Final = 200  # characters; it is shown in one line of a listing
REASON_MAX: Final = 200


def set_topic(room: "Room", connection: Connection, message: SetTopic, now: Now) -> None:
    _need(room, connection, OPERATOR)
    topic = check_single_line(message.topic, what="topic", limit=TOPIC_MAX)
    at = _at(room, now)
    room.round.add(Topic(seq=room.round.seq + 1, at=at, sender=connection.member.name, topic=topic))
    room.round.work.facts["topic"] = topic
    room.round.answer(connection.id, Done(re=message.id, seq=room.round.seq))


def kick(room: "Room", connection: Connection, message: Kick, now: Now) -> None:
    reason = _reason(message.reason)
    member = room.roster.get(check_name(message.name))
    if member is None:
        raise Refused("no_such_member", f"{message.name} is not in this room")
    room.moderation.check_over(connection.member.name, connection.member.roles, member.name, member.roles)
    _put_out(room, member.name, "kicked", f"{connection.member.name} put you out of the room", reason, now)
    _entry(room, connection, message, now, "kick", member.name, reason=reason)


def ban(room: "Room", connection: Connection, message: Ban, now: Now) -> None:
    name, reason = _over(room, connection, message.name), _reason(message.reason)
    until = now.wall + message.seconds * 1_000 if message.seconds else FOR_EVER
    room.round.work.standing.append(Standing(what="ban", name=name, until=until, at=now.wall))
    _put_out(room, name, "banned", f"{connection.member.name} banned you from the room", reason, now)
    _entry(room, connection, message, now, "ban", name, seconds=message.seconds, reason=reason)


def unban(room: "Room", connection: Connection, message: Unban, now: Now) -> None:
    name = _over(room, connection, message.name)
    room.round.work.standing.append(Standing(what="ban", name=name, until=0, at=now.wall))
    _entry(room, connection, message, now, "unban", name)


def mute(room: "Room", connection: Connection, message: Mute, now: Now) -> None:
    name, reason = _over(room, connection, message.name), _reason(message.reason)
    until = now.wall + message.seconds * 1_000 if message.seconds else 0
    room.round.work.standing.append(Standing(what="mute", name=name, until=until, at=now.wall))
    what = "mute" if message.seconds else "unmute"
    _entry(room, connection, message, now, what, name, seconds=message.seconds, reason=reason)


def op(room: "Room", connection: Connection, message: Op, now: Now) -> None:
    _set_op(room, connection, message, now, "op", FOR_EVER)


def deop(room: "Room", connection: Connection, message: Deop, now: Now) -> None:
    _set_op(room, connection, message, now, "deop", 0)


def slow(room: "Room", connection: Connection, message: Slow, now: Now) -> None:
    _need(room, connection, OPERATOR)
    room.round.work.facts["slow"] = message.seconds
    _entry(room, connection, message, now, "slow", "", seconds=message.seconds)


def _set_op(room: "Room", connection: Connection, message: Op | Deop, now: Now, what: str, until: int | None) -> None:
    _need(room, connection, OWNER)
    name = check_name(message.name)
    room.round.work.standing.append(Standing(what="op", name=name, until=until, at=now.wall))
    _entry(room, connection, message, now, what, name)


def _need(room: "Room", connection: Connection, rank: int) -> None:
    if room.moderation.rank(connection.member.name, connection.member.roles) < rank:
        raise Refused("not_allowed", "only operators of the room may do this")


def _over(room: "Room", connection: Connection, name: str) -> str:
    """The name as its member spells it, if the connection's member may moderate it. They need not be here."""
    check_name(name)
    member = room.roster.get(name)
    target, roles = (member.name, member.roles) if member else (name, ())
    room.moderation.check_over(connection.member.name, connection.member.roles, target, roles)
    return target


def _put_out(room: "Room", name: str, code: str, text: str, reason: str, now: Now) -> None:
    """End their connections, and void the tokens with which they would come straight back."""
    room.round.work.revoked.append((fold(name), room.door.stamps.revoke(now.wall)))
    room.round.out.append(PutOut(fold(name), code, f"{text}: {reason}" if reason else text))


def _entry(
    room: "Room",
    connection: Connection,
    message: Request,
    now: Now,
    what: str,
    name: str,
    *,
    seconds: int | None = None,
    reason: str = "",
) -> None:
    entry = Moderated(
        seq=room.round.seq + 1,
        at=_at(room, now),
        sender=connection.member.name,
        what=what,
        name=name,
        seconds=UNSET if seconds is None else seconds,
        reason=reason or UNSET,
    )
    room.round.add(entry)
    room.round.answer(connection.id, Done(re=message.id, seq=entry.seq))


def _reason(text: str) -> str:
    return check_single_line(text, what="reason", limit=REASON_MAX)


def _at(room: "Room", now: Now) -> int:
    room.at = max(room.at, now.wall)
    return room.at
