"""What members say: lines, whispers, and that they type. Pure handlers of the room's core.

Law: a line or whisper that was sent before under the same (account, stream, id) is answered with what became of it
the first time, and exists once.
"""

from collections.abc import Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET, UnsetType

from roomproc.effects import Effect, Send, Transient
from roomproc.people import Connection
from roomproc.staged import StoredWhisper, counts_up
from wire.clock import Now
from wire.errors import Refused
from wire.messages import Done, Line, Say, Typing, TypingNow, Whisper, Whispered
from wire.names import check_name, check_text, surely_said

if TYPE_CHECKING:
    from roomproc.room import Room

RUN: Final = 4  # lines from which on a run pays
TYPING_EVERY: Final = 2.0  # seconds; more often tells nobody anything


def say(room: "Room", connection: Connection, message: Say, now: Now) -> None:
    member, stream, current, message_id = connection.member, connection.stream, room.round, message.id
    if message_id is not UNSET and not stream.rises(message_id) and _answered(room, connection, message_id):
        return
    text = check_text(message.text)
    if room.moderation.strict:
        room.moderation.check_speech(member.name, member.roles, member.said, now.mono, now.wall)
    connection.pace.take(now.mono)
    member.said = now.mono
    at = room.at = now.wall if now.wall > room.at else room.at
    seq = current.seq + 1
    kind: str | UnsetType = "action" if message.kind == "action" else UNSET
    line = Line(seq=seq, at=at, sender=member.name, text=text, kind=kind, guest=True if member.guest else UNSET)
    current.add(line, stream, message_id)
    current.answer(connection.id, Done(re=message_id, seq=seq))


def say_run(room: "Room", connection: Connection, messages: Sequence[Any], now: Now) -> bool:
    """`say` for lines that came at once, when nothing is to be asked or refused of any of them; else False, and they
    are said one by one. Of a burst a line costs 1.2 µs less than it does alone."""
    stream, count = connection.stream, len(messages)
    first_id = messages[0].id if count >= RUN else UNSET
    if first_id is UNSET or room.moderation.strict:
        return False
    if not stream.compared and stream.number is not None:  # once in a process, and only of who has much to say
        stream.compare(room.store.highest(stream.number))
    if not stream.rises(first_id):
        return False
    if {*map(type, messages)} != {Say} or {message.kind for message in messages} != {"text"}:
        return False
    ids = [message.id for message in messages]
    texts = [message.text for message in messages]
    if not counts_up(ids) or not surely_said(texts):
        return False
    if not connection.pace.take_all(count, now.mono):
        return False
    member, current = connection.member, room.round
    member.said = now.mono
    at = room.at = now.wall if now.wall > room.at else room.at
    numbers = range(current.seq + 1, current.seq + 1 + count)
    guest: bool | UnsetType = True if member.guest else UNSET
    lines = [*map(Line, numbers, repeat(at), repeat(member.name), texts, repeat(UNSET), repeat(guest))]
    current.add_run(lines, stream, first_id)
    current.answer_run(connection.id, [Done(re=one, seq=seq) for one, seq in zip(ids, numbers, strict=True)])
    return True


def whisper(room: "Room", connection: Connection, message: Whisper, now: Now) -> None:
    member, stream, current = connection.member, connection.stream, room.round
    if message.id is not UNSET and not stream.rises(message.id) and _answered(room, connection, message.id):
        return
    text = check_text(message.text)
    if room.moderation.strict:
        room.moderation.check_speech(member.name, member.roles, float("-inf"), now.mono, now.wall)
    recipient = room.roster.get(check_name(message.to))
    if recipient is None:
        raise Refused("no_such_member", f"{message.to} is not in this room")
    connection.pace.take(now.mono)
    # Numbers are moments, so that they rise over restarts and after old ones were dropped.
    room.whisper_number = max(room.whisper_number + 1, now.wall)
    stored = StoredWhisper(
        number=room.whisper_number, at=now.wall, sender=member.name, recipient=recipient.name, text=text
    )
    if message.id is not UNSET:
        stored.stream, stored.id = stream, message.id
        current.key(stream, message.id, 0)
    current.work.whispers.append(stored)
    current.answer(connection.id, Done(re=message.id))


def typing(room: "Room", connection: Connection, message: Typing, now: Now) -> None:  # noqa: ARG001
    if now.mono - connection.typed < TYPING_EVERY:
        return
    connection.typed = now.mono
    room.round.transient.append(Transient(TypingNow(sender=connection.member.name), but=(connection.id,)))


def deliver(room: "Room", whispered: StoredWhisper) -> list[Effect]:
    """A stored whisper to all connections of its recipient, and to the sender's other ones."""
    frame = frame_of(whispered)
    recipient, sender = room.roster.get(whispered.recipient), room.roster.get(whispered.sender)
    reached = dict.fromkeys(recipient.connections if recipient else ())
    if sender is not None:
        reached |= {c.id: None for c in sender.connections.values() if c.stream is not whispered.stream}
    return [Send(connection, [frame]) for connection in reached]


def frame_of(whispered: StoredWhisper) -> Whispered:
    return Whispered(
        sender=whispered.sender,
        to=whispered.recipient,
        text=whispered.text,
        at=whispered.at,
        number=whispered.number,
    )


def _answered(room: "Room", connection: Connection, message_id: str) -> bool:
    """Whether this id was stored or staged before; if so its answer is staged."""
    stream, current = connection.stream, room.round
    seq = stream.seq_of(message_id)
    if seq is None:
        if stream.number is not None and not stream.all_here:
            seq = room.store.sent(stream.number, message_id)
        if seq is None:
            return False
    current.answer(connection.id, Done(re=message_id, seq=seq or UNSET))
    return True
