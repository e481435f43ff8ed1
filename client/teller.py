"""What the line mode writes about events, one line an event. Knows where one is and what was read; asks nothing.

Law: every text of others passes `client.show`; a line is written once; what happens elsewhere is marked or counted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import tzinfo

from client import events, show
from client.memory import Place
from client.show import Spans
from wire.messages import Entry, Line, Say, Whisper, Whispered
from wire.names import fold

CROWD = 50  # members of a room from which on comings and goings are summed up
SINGLY = 5  # of a smaller room that are told one by one before the next sum: a room may fill or empty at once
PATIENT = 2.0  # seconds a line waits before that is worth a word


@dataclass(slots=True)
class _Coming:
    """What was said before we entered, while it comes: how much of it is new is known at its end."""

    entered: events.RoomEntered
    seen: int  # the last number we had
    held: list[events.EntryCame] = field(default_factory=list)


class Teller:
    """Writes with `write`. `here` is the room one looks at, empty at the menu."""

    def __init__(self, write: Callable[[Spans], None], zone: tzinfo | None = None) -> None:
        self._write = write
        self._zone = zone
        self.me = ""
        self.left_at: dict[str, Place] = {}  # fold(room) → where one was at the last visit
        self.back_at: dict[str, int] = {}  # the same as the lobby told it, for another machine than the last
        self.here = ""
        self.unread: dict[str, int] = {}  # fold(room) → lines since one looked
        self.ignored: set[str] = set()
        self.followed: set[str] = set()
        self.came: set[str] = set()  # of a crowded room, not told yet
        self.went: set[str] = set()
        self.singly = 0  # told one by one since the last sum
        self._days: dict[str, str] = {}
        self._lost: set[str] = set()  # places whose loss was told; "" is the lobby
        self._welcomed = False
        self._coming: _Coming | None = None
        self.told: dict[str, int] = {}  # who told us something → the number of the last, since somebody typed here

    # -- for dialogs

    def say(self, text: str, role: str = "notice") -> None:
        """A line of our own words."""
        self._write([(role, text)])

    def look_at(self, room: str) -> None:
        if fold(room) != fold(self.here):
            self.tell_crowd()  # of the room one leaves
        self.here = room
        self.unread.pop(fold(room), None)

    def elsewhere(self) -> str:
        """Unread counts of other rooms, for the prompt."""
        counts = [f"{room} {number}" for room, number in sorted(self.unread.items()) if number]
        return f" ({', '.join(counts)})" if counts else ""

    def tell_crowd(self) -> None:
        """Who came and went in a crowded room since the last time, in one line."""
        self.singly = 0
        stayed = self.came & self.went
        came, went = sorted(self.came - stayed), sorted(self.went - stayed)
        self.came.clear()
        self.went.clear()
        parts = [
            f"{len(names)} {what} ({show.names(names)})" for names, what in ((came, "came"), (went, "left")) if names
        ]
        if parts and self.here:
            self.say(f"-- {show.word(self.here)}: {', '.join(parts)}")

    # -- events

    def event(self, event: events.Event) -> None:
        if self._coming is None or not self._held(event, self._coming):
            self._tell(event)

    def _tell(self, event: events.Event) -> None:
        match event:
            case events.EntryCame(room, entry, past):
                self._entry(room, entry, past)
            case events.WhisperCame(room, whisper):
                if fold(whisper.sender) not in self.ignored:
                    self._write_all(room, show.whisper(whisper, self.me, self._zone))
            case events.PresenceCame():
                self._presence(event)
            case events.Acknowledged() | events.NotSent() | events.Held() | events.Unconfirmed():
                self._fate(event)
            case events.RoomEntered():
                self._entered(event)
            case events.LeftRoom(room, code, text):
                self._left(room, code, text)
            case events.GapCame(room, first, last):
                self._note(room, f"-- {show.count(last - first + 1, 'earlier line')} no longer kept here")
            case events.Reloaded(room):
                self._note(room, f"-- {show.word(room)} was restored from a copy: what follows is its log anew")
            case _:
                self._visit(event)

    def _visit(self, event: events.Event) -> None:
        match event:
            case events.Lost(room):
                self._connection(room, lost=True)
            case events.Back(room):
                self._connection(room, lost=False)
            case events.MailCame() | events.DirectCame() | events.InvitationCame():
                self._came(event)
            case events.Announced(_, text, _):
                for part in show.paragraphs(text):
                    self.say(f"-- the server's operator says: {part}", "marked")
            case events.Complaint(_, _, text):
                self.say(f"-- the server says: {show.word(text)}", "error")
            case events.BlocksChanged(names):
                self.ignored = {fold(name) for name in names}
            case events.Named(name):
                self.me = name
            case events.LoggedOut(text):
                self.say(f"-- you have to log in again: {show.word(text)}", "error")

    def _came(self, event: events.MailCame | events.DirectCame | events.InvitationCame) -> None:
        """To us alone, from wherever."""
        match event:
            case events.MailCame(mail):
                about = f"{show.word(mail.sender)}: {show.word(mail.subject, 60) or 'no subject'}"
                self.say(f"-- new mail from {about} (/mail for your inbox, {mail.unread} unread)", "good")
            case events.InvitationCame(invited):
                self.say(f"-- {show.invitation(invited)}: /join {show.word(invited.room)} enters it", "good")
            case events.DirectCame(direct, late) if fold(direct.sender) not in self.ignored:
                if fold(direct.sender) != fold(self.me):
                    self.told[direct.sender] = direct.number
                for spans in show.direct(direct, self.me, self._zone, dated=late):
                    self._write(spans)

    def _entry(self, room: str, entry: Entry, past: bool) -> None:
        if fold(entry.sender) in self.ignored:
            return
        if not past and fold(room) != fold(self.here):
            self.unread[fold(room)] = self.unread.get(fold(room), 0) + isinstance(entry, Line)
        self._day(room, entry.at)
        self._write_all(room, show.entry(entry, self.me, self._zone, marked=self._follows(entry)))

    def _follows(self, entry: Entry) -> bool:
        if not self.followed or not isinstance(entry, Line):
            return False
        text = entry.text.lower()
        return fold(entry.sender) in self.followed or any(word in text for word in self.followed)

    def _day(self, room: str, at: int) -> None:
        day = show.day(at, self._zone)
        before = self._days.get(fold(room))
        self._days[fold(room)] = day
        if before is not None and before != day:
            self._note(room, f"-- {day}")

    def _presence(self, event: events.PresenceCame) -> None:
        if fold(event.room) != fold(self.here):
            return
        summed = event.count >= CROWD or self.came or self.went  # in order: what follows a sum is part of it
        changes = len(event.presence.joined) + len(event.presence.left)
        if summed or self.singly + changes > SINGLY:
            self.came.update(event.presence.joined)
            self.went.update(event.presence.left)
            return
        self.singly += changes
        for told in show.presence(event.room, event.presence, self.me):
            self.say(f"-- {told}")

    def _fate(self, event: events.Acknowledged | events.NotSent | events.Held | events.Unconfirmed) -> None:
        match event:
            case events.Acknowledged(room, _, Whisper(to=to, text=text), _, at):
                mine = Whispered(sender=self.me, to=to, text=text, at=at, number=0)
                self._write_all(room, show.whisper(mine, self.me, self._zone))
            case events.NotSent(room, _, Whisper(to=to), code, text):
                hint = f" (/tell {show.word(to)} TEXT reaches people elsewhere)" if code == "no_such_member" else ""
                self._note(room, f"-- not delivered to {show.word(to)}: {show.word(text)}{hint}", "error")
            case events.NotSent(room, _, Say(text=said), _, text):
                self._note(room, f"-- not sent: {show.word(said, 60)} ({show.word(text)})", "error")
            case events.Held(room, seconds) if seconds >= PATIENT:
                self._note(room, f"-- your line goes out in {show.duration(seconds)}; the room is slow or you are fast")
            case events.Unconfirmed(room, count):
                lines = show.count(count, "line of yours is", "lines of yours are")
                self._note(room, f"-- {lines} not stored yet; kept, and sent again by itself")

    def _entered(self, event: events.RoomEntered) -> None:
        room = show.word(event.room)
        if event.again:
            if event.missed:
                self._note(event.room, f"-- {show.count(event.missed, 'line')} meanwhile:")
            return
        about = f": {show.word(event.topic)}" if event.topic else ""
        place = self.left_at.pop(fold(event.room), None)
        seen = self.back_at.pop(fold(event.room), event.seq)
        self.say(f"-- you are in {room}{about}", "room")
        others = [name for name in event.members if fold(name) != fold(self.me)]
        if event.count <= 1 or not others:
            self.say("-- nobody else is here yet")
        else:
            beyond = event.count - 1 - len(others)
            known = show.names(others) if beyond <= 0 else f"{show.names(others[:8])} and {event.count - 9} more"
            self.say(f"-- here too: {known}")
        if place is not None and place.epoch == event.epoch:
            seen = place.seq
        if not self._welcomed:
            self._welcomed = True
            self.say("-- type to talk; /help for the commands, /menu for the menu, Ctrl-D to leave")
        if event.seq > seen:
            self._coming = _Coming(event, seen)
            if not event.missed:
                self._came_in(self._coming)

    def _held(self, event: events.Event, coming: _Coming) -> bool:
        """Whether `event` is one of what was there before us; anything else is told after all that came of it."""
        entered = coming.entered
        match event:
            case events.EntryCame(room, entry, True) if fold(room) == fold(entered.room) and entry.seq <= entered.seq:
                coming.held.append(event)
                if entry.seq == entered.seq:
                    self._came_in(coming)
                return True
        self._came_in(coming)
        return False

    def _came_in(self, coming: _Coming) -> None:
        """Tell it, with a word before the first that is new: of another terminal of ours we know by our own lines."""
        self._coming = None
        mine = [came.entry.seq for came in coming.held if fold(came.entry.sender) == fold(self.me)]
        seen = max([coming.seen, *mine[-1:]])
        word = f"-- {show.count(coming.entered.seq - seen, 'line')} since you left"
        told = seen >= coming.entered.seq
        if not told and not any(came.entry.seq > seen for came in coming.held):
            self.say(word)
            told = True
        for came in coming.held:
            if not told and came.entry.seq > seen:
                self.say(word)
                told = True
            self._entry(came.room, came.entry, came.past)

    def _left(self, room: str, code: str, text: str) -> None:
        self.unread.pop(fold(room), None)
        self._lost.discard(fold(room))
        if code == "left":
            self.say(f"-- you left {show.word(room)}")
        elif code != "going_down":  # the lobby says it, once for all rooms
            self.say(f"-- you are out of {show.word(room)}: {show.word(text) or show.word(code)}", "error")

    def _connection(self, room: str | None, *, lost: bool) -> None:
        """Discreet: one word for all that breaks at once, and one when all is back."""
        place = fold(room or "")
        if lost:
            if not (self._lost if room is None else self._lost - {""}):
                what = "connection lost" if room or not self.here else "the lobby is away"
                self.say(f"({what}, trying again)")
            self._lost.add(place)
        elif place in self._lost:
            self._lost.discard(place)
            if not self._lost:
                self.say("(back)")

    def _note(self, room: str, text: str, role: str = "notice") -> None:
        self._write_all(room, [[(role, text)]])

    def _write_all(self, room: str, lines: list[Spans]) -> None:
        elsewhere = fold(room) != fold(self.here)
        for spans in lines:
            self._write([("room", f"[{show.word(room)}] "), *spans] if elsewhere else spans)
