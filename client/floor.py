"""All the rooms one is in, with one of them looked at: what each holds, what is unread, who is typing. Pure.

Law: an event changes it once, by `event`; screens look at it and never at the wire. What deserves a notice is answered.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from client import events, show
from client.memory import Place
from client.teller import Teller
from client.transcript import Note, Pending, Transcript
from wire.clock import Now
from wire.messages import Line, Say, Whisper, Whispered
from wire.names import fold

DIRECT: Final = "@"  # begins the name of a table for what one person and we tell each other; no room's name does
TYPING_SECONDS: Final = 6.0  # a sign of typing is good for so long
ANNOUNCED_MOST: Final = 1_000  # characters, as the server takes them
CROWD: Final = 50  # members from which on comings and goings are not told


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a person wants to know of at once. `kind`: mention, whisper, mail or invitation; `room` empty: none."""

    kind: str
    room: str
    sender: str
    text: str


@dataclass
class Table:
    """One room, as its member sees it."""

    name: str
    transcript: Transcript = field(default_factory=Transcript)
    unread: int = 0
    mentions: int = 0
    lost: bool = False
    typing: dict[str, float] = field(default_factory=dict)  # name → until when, monotonic
    to_read: int = 0  # the number of the newest direct message of theirs that we have not said to have read; 0: none
    changed: int = 0  # rises with every change of what is to be seen


class Floor:
    def __init__(self, me: str = "") -> None:
        self.me = me
        self.tables: dict[str, Table] = {}  # fold(room) → table, in the order they were entered
        self.shown = ""  # fold(room) one looks at; empty: another page
        self.left_at: dict[str, Place] = {}  # where one was at the last visit
        self.back_at: dict[str, int] = {}  # the same as the lobby told it, for another machine than the last
        self.invitations: dict[str, str] = {}  # fold(room) → who let us in, until we have been there
        self.lobby_lost = False
        self.announced = ""  # what the server's operator said to all, last
        self.aside: Callable[[show.Spans], None] = lambda _spans: None  # words that belong to no room
        self.teller = Teller(self._told)
        self.teller._welcomed = True
        self._about = ""  # the room that the teller speaks of
        self._now = Now(0.0, 0)

    def table(self, room: str) -> Table:
        return self.tables.setdefault(fold(room), Table(room))

    def look_at(self, room: str) -> None:
        """`room` is on the screen from now on; empty: none."""
        self.shown = fold(room)
        self.teller.here = room
        if (table := self.tables.get(self.shown)) is not None:
            table.unread = table.mentions = 0

    def note(self, room: str, spans: show.Spans, now: Now) -> None:
        table = self.table(room)
        table.transcript.append(Note(now.wall, spans))
        table.changed += 1

    def said(self, room: str, id_: str, message: Say | Whisper, now: Now) -> None:
        """A line of ours was handed over under `id_`."""
        to = message.to if isinstance(message, Whisper) else ""
        kind = message.kind if isinstance(message, Say) else "text"
        table = self.table(room)
        pending = table.transcript.pending
        pending[:] = [one for one in pending if one.id != id_]  # it waited since an earlier stay
        pending.append(Pending(id_, now.wall, message.text, kind, to))
        table.changed += 1

    # -- events

    def event(self, event: events.Event, now: Now) -> Alert | None:
        self._now = now
        room = getattr(event, "room", None)
        match event:
            case events.EntryCame():
                return self._entry(event)
            case events.WhisperCame(room, whisper):
                return self._whisper(room, whisper)
            case events.DirectCame() | events.DirectsRead():
                return self._direct(event)
            case events.InvitationCame(invited):
                self.invitations[fold(invited.room)] = show.word(invited.sender)
                return Alert(
                    "invitation", "", show.word(invited.sender), f"{show.word(invited.room)} is in your rooms (F2)"
                )
            case events.MailCame(mail):
                return Alert("mail", "", show.word(mail.sender), show.word(mail.subject, 80) or "(no subject)")
            case events.Acknowledged() | events.NotSent():
                self._fate(event)
            case events.Lost() | events.Back() | events.RoomEntered() | events.LeftRoom():
                self._way(event)
            case _:
                self._other(event, room)
        return None

    def _way(self, event: events.Lost | events.Back | events.RoomEntered | events.LeftRoom) -> None:
        """We are in, out, cut off or back."""
        match event:
            case events.RoomEntered():
                self._entered(event)
            case events.LeftRoom(room, code):
                if code == "left" or fold(room) not in self.tables:
                    self.tables.pop(fold(room), None)
                else:
                    self._tell(room, event)
            case events.Lost(None) | events.Back(None):
                self.lobby_lost = isinstance(event, events.Lost)
            case events.Lost(room) | events.Back(room):
                self.table(room or "").lost = isinstance(event, events.Lost)

    def _other(self, event: events.Event, room: str | None) -> None:
        match event:
            case events.PresenceCame():
                self._presence(event)
            case events.BlocksChanged() | events.Named():
                self.me = getattr(event, "name", self.me)
                self.teller.event(event)
            case events.TypingCame(room, sender):
                if fold(sender) != fold(self.me):
                    self.table(room).typing[show.word(sender, 40)] = self._now.mono + TYPING_SECONDS
            case events.Reloaded(room):
                self.table(room).transcript = Transcript()
                self._tell(room, event)
            case events.Held(room) | events.GapCame(room):
                self._tell(room, event)
            case events.Announced(None, text):
                self.announced = show.word(text, ANNOUNCED_MOST)
                self._tell_in(self.shown, event)
            case events.Announced() | events.Complaint():
                self._tell_in(fold(room or ""), event)

    def _presence(self, event: events.PresenceCame) -> None:
        if event.count < CROWD:
            for told in show.presence(event.room, event.presence, self.me):
                self.note(event.room, [("notice", f"-- {told}")], self._now)
        for name in event.presence.left:
            self.table(event.room).typing.pop(show.word(name, 40), None)

    def _entry(self, event: events.EntryCame) -> Alert | None:
        room, entry = event.room, event.entry
        if fold(entry.sender) in self.teller.ignored and isinstance(entry, Line):
            return None
        table = self.table(room)
        table.changed += 1
        mine = fold(entry.sender) == fold(self.me)
        if mine:
            table.transcript.said_by_us(entry.seq)
        if mine and isinstance(entry, Line):
            self._landed(table, entry)
        table.typing.pop(show.word(entry.sender, 40), None)
        table.transcript.append(entry)
        if event.past or mine or not isinstance(entry, Line):
            return None
        called = self.calls(entry)
        if fold(room) != self.shown:
            table.unread += 1
            table.mentions += called
        return Alert("mention", room, show.word(entry.sender), show.word(entry.text)) if called else None

    def _whisper(self, room: str, whisper: Whispered) -> Alert | None:
        if fold(whisper.sender) in self.teller.ignored:
            return None
        table = self.table(room)
        table.transcript.append(whisper)
        table.changed += 1
        if fold(whisper.sender) == fold(self.me):
            return None
        if fold(room) != self.shown:
            table.unread += 1
            table.mentions += 1
        return Alert("whisper", room, show.word(whisper.sender), show.word(whisper.text))

    def _direct(self, event: events.DirectCame | events.DirectsRead) -> Alert | None:
        """What somebody tells us from anywhere has a table of its own."""
        if isinstance(event, events.DirectsRead):
            read = self.tables.get(fold(DIRECT + event.other))
            if read is not None and (read.transcript.last or 0) <= event.number:
                read.unread = read.mentions = read.to_read = 0
            return None
        direct = event.direct
        mine = fold(direct.sender) == fold(self.me)
        if fold(direct.sender) in self.teller.ignored:
            return None
        table = self.table(DIRECT + (direct.to if mine else direct.sender))
        table.changed += 1
        if mine:  # who answers at another terminal has read what is answered
            table.unread = table.mentions = table.to_read = 0
        if not table.transcript.append(direct) or mine:
            return None
        table.to_read = direct.number
        if fold(table.name) != self.shown:
            table.unread += 1
            table.mentions += 1
        return Alert("whisper", table.name, show.word(direct.sender), show.word(direct.text))

    def calls(self, line: Line) -> bool:
        """Whether a line of somebody else names us, or is followed."""
        if fold(line.sender) == fold(self.me) or not self.me:
            return False
        return names(line.text, self.me) or self.teller._follows(line)

    def _entered(self, event: events.RoomEntered) -> None:
        table = self.table(event.room)
        table.name = event.room
        self.invitations.pop(fold(event.room), None)
        place, told = self.left_at.pop(fold(event.room), None), self.back_at.pop(fold(event.room), None)
        ours = place.seq if place is not None and place.epoch == event.epoch else None
        seen = max((seq for seq in (ours, told) if seq is not None), default=event.seq)  # a client that died knew less
        if not event.again and seen < event.seq:
            table.transcript.new_from, table.transcript.new_to = seen + 1, event.seq

    def _landed(self, table: Table, line: Line) -> None:
        """Our own line came back before its acknowledgement: it is shown once."""
        for pending in table.transcript.pending:
            if pending.text == line.text and not pending.refused and not pending.to:
                table.transcript.pending.remove(pending)
                return

    def _fate(self, event: events.Acknowledged | events.NotSent) -> None:
        table = self.table(event.room)
        table.changed += 1
        waiting = next((one for one in table.transcript.pending if one.id == event.id), None)
        if isinstance(event, events.NotSent) and event.code == "closed" and waiting is not None:
            waiting.refused = "we are out of the room; it is sent when we are in it again"
            return
        if waiting is not None:
            table.transcript.pending.remove(waiting)
        if isinstance(event, events.NotSent):
            why = show.word(event.text) or show.word(event.code)
            self.note(event.room, [("error", f"-- not sent: {why}; it is yours again")], self._now)
        elif isinstance(event.message, Whisper):
            mine = Whispered(sender=self.me, to=event.message.to, text=event.message.text, at=event.at, number=0)
            table.transcript.append(mine)

    # -- words that the line mode has as well

    def _tell(self, room: str, event: events.Event) -> None:
        before, self._about, self.teller.here = self.teller.here, room, room
        self.teller.event(event)
        self._about, self.teller.here = "", before

    def _tell_in(self, key: str, event: events.Event) -> None:
        """In the table under `key`, if there is one."""
        if (table := self.tables.get(key)) is not None:
            self._tell(table.name, event)

    def _told(self, spans: show.Spans) -> None:
        room = self._about or self.teller.here
        if fold(room) in self.tables:
            self.note(room, spans, self._now)
        else:
            self.aside(spans)


def names(text: str, name: str) -> bool:
    """Whether `text` names somebody, as a whole word."""
    return re.search(rf"(?<![\w.\-]){re.escape(name)}(?![\w\-])", text, re.IGNORECASE) is not None
