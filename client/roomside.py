"""The session's end of one room: what is said in it, what we say, what we ask; the way in is `client.entrance`. Pure.

Law: an entry is told once, in order, and a gap before it is told first; what we say is kept until it is acknowledged or
refused, and sent again under its id.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from msgspec import UNSET

from client import events
from client.asked import Asked, Then
from client.desk import Desk
from client.entrance import FINAL, Entrance, RoomState
from client.events import Outgoing
from client.lobbyside import LobbySide
from client.outbox import Outbox
from wire.clock import Now
from wire.messages import (
    Announcement,
    Closing,
    Done,
    Entered,
    Entry,
    Error,
    Gap,
    History,
    Line,
    Members,
    MembersPage,
    Message,
    Moderated,
    Ping,
    Pong,
    Presence,
    Redirect,
    Topic,
    Typing,
    TypingNow,
    Whisper,
    Whispered,
)
from wire.names import fold

WINDOW: Final = 86_400.0  # seconds; until a room has told its own
OWN_WHISPERS: Final = 100
OVER: Final = "the visit to the room ended before the answer"
SAFE: Final = (Members, History)  # requests that may be repeated
ENDING: Final = frozenset({"restarting", "sleeping"})  # the connection is about to end, and the line goes with the next


class RoomSide(Entrance):
    def __init__(
        self, desk: Desk, lobby: LobbySide, room: str, *, create: bool, since: int | None, epoch: int | None
    ) -> None:
        super().__init__(desk, lobby, room, create=create, since=since, epoch=epoch)
        self.outbox = Outbox()
        self._asked = Asked(desk)
        self._window = WINDOW
        self._whispers: deque[tuple[str, str]] = deque(maxlen=OWN_WHISPERS)  # of this visit, not seen to come back

    # -- verbs

    def say(self, message: Outgoing, now: Now, *, id_: str = "", typed: int | None = None, stream: str = "") -> str:
        """Say or whisper; kept until it is acknowledged or refused. Its id; `id_`, `typed` (epoch ms) and `stream`,
        where that is not ours, of a line that an earlier run could not bring to an end."""
        id_ = id_ or self._desk.new_id()
        message.id = id_
        self.outbox.add(id_, message, now if typed is None else Now(now.mono, typed), stream or self._own_stream)
        if isinstance(message, Whisper):
            self._whispers.append((fold(message.to), message.text))
        self._send_next(now)
        return id_

    def typing(self) -> None:
        """Tell the others that we are typing; not answered, and lost where we are not in."""
        if self.state is RoomState.IN:
            self._desk.send(self._conn, Typing())

    def ask(self, message: Message, then: Then | None = None) -> str:
        """Any other request to the room, now or as soon as we are in; its id."""
        id_ = self._asked.add(message, then, again=isinstance(message, SAFE))
        if self.state is RoomState.IN:
            self._asked.send(self._conn)
        return id_

    # -- the connection

    def received(self, message: Any, now: Now) -> None:
        self._pulse.heard(now)
        HANDLERS.get(type(message), RoomSide._answer)(self, message, now)

    def _inside(self, entered: Entered, now: Now) -> None:
        self._window = float(entered.resend_window)
        self._asked.send(self._conn)
        self._expire(now)
        self._send_next(now)

    def _broken_off(self, now: Now) -> None:
        self.outbox.broken()
        self._asked.broke(now)

    def _ended(self) -> None:
        for waiting in self.outbox.clear():
            self._desk.tell(events.NotSent(self.room, waiting.id, waiting.message, "closed", OVER))
        self._asked.end(OVER)

    # -- time

    def next_deadline(self) -> float | None:
        if self.state is RoomState.OVER:
            return None
        inside = self.state is RoomState.IN
        wanted = [self._deadline, self.outbox.next_deadline(may_send=inside)]
        if inside:
            wanted.append(self._pulse.next_deadline())
        return min((moment for moment in wanted if moment is not None), default=None)

    def tick(self, now: Now) -> None:
        if self.state is RoomState.OVER:
            return
        if self.state is RoomState.IN and self._pulse.dead(now):
            self._drop(now, "no answer")
        elif self.state is RoomState.IN and self._pulse.wants_ping(now):
            self._desk.send(self._conn, Ping())
        self._expire(now)
        if self.outbox.overdue(now):
            self._desk.tell(events.Unconfirmed(self.room, len(self.outbox)))
        self._send_next(now)
        if self._deadline is not None and now.mono >= self._deadline:
            self._deadline = None
            self._due(now)

    # -- what the room says

    def _entry(self, entry: Entry, _now: Now) -> None:
        gap = self.seen.gap_before(entry.seq)
        if gap is not None:
            self._desk.tell(events.GapCame(self.room, *gap))
        if not self.seen.take(entry.seq):
            return
        if isinstance(entry, Topic):
            self.topic = entry.topic
        elif isinstance(entry, Moderated) and fold(entry.name) == fold(self._lobby.name):
            self.operator = {"op": True, "deop": False}.get(entry.what, self.operator)
        self._desk.tell(events.EntryCame(self.room, entry, entry.seq <= self.seen.past))

    def _gap(self, gap: Gap, _now: Now) -> None:
        self.seen.skip(gap.last)
        self._desk.tell(events.GapCame(self.room, gap.first, gap.last))

    def _whispered(self, whisper: Whispered, _now: Now) -> None:
        key = (fold(whisper.to), whisper.text)
        if not self.seen.whisper(whisper.number):
            return
        if fold(whisper.sender) == fold(self._lobby.name) and key in self._whispers:
            self._whispers.remove(key)  # our own copy; its acknowledgement tells of it
        else:
            self._desk.tell(events.WhisperCame(self.room, whisper))

    def _presence(self, presence: Presence, _now: Now) -> None:
        for name in presence.joined:
            self.members[fold(name)] = name
        for name in presence.left:
            self.members.pop(fold(name), None)
        self.count = max(0, self.count + len(presence.joined) - len(presence.left))
        self._desk.tell(events.PresenceCame(self.room, presence, self.count))

    def _snapshot(self, page: MembersPage, now: Now) -> None:
        """An answer, or unasked what passed us by while we were behind."""
        if page.re is UNSET:
            self.count, self.members = page.count, {fold(name): name for name in page.members}
        self._asked.answer(page, now)

    def _typing(self, typing: TypingNow, _now: Now) -> None:
        self._desk.tell(events.TypingCame(self.room, typing.sender))

    def _announced(self, announcement: Announcement, _now: Now) -> None:
        self._desk.tell(events.Announced(self.room, announcement.text, announcement.at))

    def _pong(self, _pong: Pong, _now: Now) -> None:
        """It lives; the pulse knows already."""

    # -- what it answers

    def _done(self, done: Done, now: Now) -> None:
        waiting = self.outbox.take(done.re) if isinstance(done.re, str) else None
        if waiting is None:
            self._asked.answer(done, now)
            return
        seq = None if done.seq is UNSET else done.seq
        self._desk.tell(events.Acknowledged(self.room, waiting.id, waiting.message, seq, now.wall))
        self._send_next(now)

    def _error(self, error: Error, now: Now) -> None:
        re = error.re if isinstance(error.re, str) else ""
        seconds = 1.0 if error.retry_after is UNSET else error.retry_after
        if self.state is RoomState.ENTERING and re in (self._enter_id, ""):
            self._refused(error, now)
        elif error.code == "too_fast" and self.outbox.hold(re, seconds, now):
            self._desk.tell(events.Held(self.room, seconds))
        elif error.code in ENDING and self.outbox.hold(re, seconds, now):
            pass
        elif (waiting := self.outbox.take(re)) is not None:
            self._desk.tell(events.NotSent(self.room, waiting.id, waiting.message, error.code, error.text))
            self._send_next(now)
        elif re in self._asked:
            self._asked.answer(error, now)
        elif error.fatal and error.code in FINAL:
            self._out(error.code, error.text)
        elif not error.fatal:
            self._desk.tell(events.Complaint(self.room, error.code, error.text))

    def _answer(self, reply: Any, now: Now) -> None:
        self._asked.answer(reply, now)

    # -- what we say

    def _send_next(self, now: Now) -> None:
        if self.state is not RoomState.IN:
            return
        if (other := self.outbox.other_stream(now, self._stream)) is not None:
            self._go_on_under(other, now)
        elif (message := self.outbox.next(now, self._stream)) is not None:
            self._desk.send(self._conn, message)

    def _expire(self, now: Now) -> None:
        for old in self.outbox.expired(self._window, now):
            text = "it waited too long and is not sent again"
            self._desk.tell(events.NotSent(self.room, old.id, old.message, "timeout", text))


# What a room may say, and who takes it; anything else is the answer to a request.
HANDLERS: Final[dict[type, Callable[[RoomSide, Any, Now], None]]] = {
    Line: RoomSide._entry,
    Topic: RoomSide._entry,
    Moderated: RoomSide._entry,
    Done: RoomSide._done,
    Error: RoomSide._error,
    Presence: RoomSide._presence,
    MembersPage: RoomSide._snapshot,
    Whispered: RoomSide._whispered,
    TypingNow: RoomSide._typing,
    Announcement: RoomSide._announced,
    Entered: RoomSide._entered,
    Gap: RoomSide._gap,
    Closing: RoomSide._closing,
    Redirect: RoomSide._moved,
    Pong: RoomSide._pong,
}
