"""What all screens share of one visit: the client, the floor, drafts and settings; and what typed lines come to.

Law: commands are those of the line mode, carried out by the same `client.verbs`. What was typed is in the drafts' file,
with the key it exists once under, before it leaves, and until it is stored or the typist's again: a client that died
sends it again, and there is one of it.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from client import commands, completing, draftfile, drafts, events, show, tables
from client.address import Address
from client.answers import Refusal
from client.api import Client, Room
from client.commands import Command, Mistake, Talk
from client.entrance import RoomState
from client.floor import DIRECT, Alert, Floor, Table
from client.link import read_clock
from client.lobbystates import LobbyState
from client.maildeeds import MailDeeds, all_of, number, subject_of_reply
from client.memory import Memory, Place, remember
from client.scrollback import Scrollback
from client.session import new_stream
from client.settings import Settings
from client.show import Spans
from client.telling import Telling
from client.transcript import Pending
from client.verbs import Goodbye, Verbs
from wire.errors import Refused
from wire.messages import Direct, Mail, Say, Tell, Told, Whisper
from wire.names import check_text, fold

TYPING_EVERY: Final = 3.0  # seconds
LATER: Final = "closed"  # the visit ended before the answer: it may have been stored or not, and waits to be sent again


class Front(Protocol):
    """What a command may ask of the screen."""

    def look_at(self, room: str) -> None: ...
    def show_inbox(self, number: int = 0, *, folder: str = "", words: str = "") -> None: ...
    def write_mail(
        self, to: str, subject: str = "", answers: int | None = None, body: str = "", draft: int | None = None
    ) -> None: ...
    def aside(self, spans: Spans) -> None: ...
    def columns(self) -> int: ...
    def draft_changed(self, room: str) -> None: ...
    def goodbye(self) -> None: ...


class Visit(Scrollback):
    def __init__(self, client: Client, address: Address, settings: Settings, memory: Memory) -> None:
        super().__init__(client, Floor())
        self.address = address
        self.settings = settings
        self.memory = memory
        self.floor.aside = self._aside
        self.teller = self.floor.teller
        self.front: Front
        self.mailing = _Mailing(self)
        self.terminal = _Paper(self)
        self.verbs = Verbs(self)
        self.telling_others = _Telling(self)
        self.drafts = drafts.Drafts()
        self.drafts_changed = False
        self.motd = ""
        self.mail_changes = 0  # rises with whatever may have changed a list of mail
        self._doubted = ""  # what was typed last, where it may have been meant as a command or not
        self._typing_told = 0.0
        self._whose = ""  # a name at a server: whose drafts these are
        self.file: draftfile.DraftFile | None = None
        self._sent_by_us: set[str] = set()  # ids of lines that are on their way

    def _aside(self, spans: Spans) -> None:
        self.front.aside(spans)

    # -- who we are

    def speak_as(self, name: str) -> None:
        """Before the login: what `name` left here, to go on under the same stream where something waits to be sent."""
        who = f"{fold(name)}@{self.address}"
        if who == self._whose:
            return
        self._whose = who
        self.close_drafts()
        self.file = draftfile.DraftFile(who)
        self.drafts = self.file.take_over()
        self._sent_by_us.clear()
        if not self.drafts.on_their_way or not self.drafts.stream:
            self.drafts.stream = new_stream()
        self.client.session.speak_under(self.drafts.stream)

    def logged_in(self, event: events.LoggedIn) -> list[str]:
        """We are in; the rooms that lines of an earlier run wait for."""
        self.floor.me = self.teller.me = event.name
        self.motd = show.clean(event.motd.strip())
        visit = self.memory.visit(str(self.address))
        self.floor.left_at = visit.places(event.name)
        self.floor.back_at = {fold(row.room): row.seq for row in event.back}
        for name in (*self.drafts.rooms, *self.drafts.waiting):
            if name.startswith(DIRECT) and (self.drafts.rooms.get(name) or self.drafts.waiting.get(name)):
                self.floor.table(name)  # to be seen at the left, as what was begun there is not told elsewhere
        return [room for room, lines in self.drafts.waiting.items() if lines and not room.startswith(DIRECT)]

    def begun_elsewhere(self) -> list[str]:
        """The rooms we are not in that something was begun in."""
        begun = [room for room, text in self.drafts.rooms.items() if text.strip() and not room.startswith(DIRECT)]
        return [room for room in begun if fold(room) not in self.client.session.rooms]

    @property
    def me(self) -> str:
        return self.floor.me

    @property
    def admin(self) -> bool:
        return "admin" in self.client.session.lobby.roles

    def keep_drafts(self) -> None:
        if self.drafts_changed and self.me and self.file is not None:
            self.drafts_changed = False
            self.file.keep(self.drafts)

    def keep_at_once(self) -> None:
        """Before it leaves, or a crash between the two would lose what it was sent under."""
        self.drafts_changed = True
        self.keep_drafts()

    def close_drafts(self) -> None:
        """Another client of ours may go on with them."""
        if self.file is not None:
            self.keep_drafts()
            self.file.close()
            self.file = None

    def remember(self) -> None:
        if not self.me:
            return
        self.memory.server = str(self.address)
        visit = self.memory.visit(str(self.address))
        visit.name, visit.guest = self.me, self.client.session.lobby.guest
        sides = [side for side in self.client.session.rooms.values() if side.state is RoomState.IN]
        visit.rooms = {side.room: Place(side.seen.seq or 0, side.seen.epoch or 0) for side in sides}
        remember(self.memory)

    # -- what happens

    def event(self, event: events.Event) -> Alert | None:
        if isinstance(event, events.Acknowledged | events.NotSent):
            self._fate(event)
        if isinstance(event, events.MailCame | events.UnreadChanged | events.MailboxChanged | events.Back):
            self.mail_changes += 1
        alert = self.floor.event(event, read_clock())
        if isinstance(event, events.RoomEntered | events.LeftRoom) and self.client.session.lobby.state is LobbyState.IN:
            self.remember()  # a client that dies was in these rooms
        return alert

    def _fate(self, event: events.Acknowledged | events.NotSent) -> None:
        code = event.code if isinstance(event, events.NotSent) else ""
        self._sent_by_us.discard(event.id)
        if code == LATER:
            return
        line = self.drafts.settled(event.room, event.id)
        if line is not None and code:
            self.drafts.give_back(event.room, line)
            self.front.draft_changed(event.room)
        self.drafts_changed = True

    # -- what an earlier run, or an earlier stay in a room, could not bring to an end

    def send_again(self, room: str) -> None:
        """Lines that wait for `room`, under the ids they had; to be called as soon as we are on our way into it."""
        for line in tuple(self.drafts.waiting.get(room, [])):
            if line.id not in self._sent_by_us:
                message = Whisper(to=line.to, text=line.text) if line.to else Say(text=line.text, kind=line.kind)
                self._hand_over(room, message, line)

    async def tell_again(self) -> None:
        """Direct messages that wait. Those that might exist twice by now are the typist's again."""
        oldest = read_clock().wall - self.client.session.lobby.window * 1000
        for name, lines in tuple(self.drafts.waiting.items()):
            for line in tuple(lines) if name.startswith(DIRECT) else ():
                if line.at > oldest and await self._tell_line(self.floor.table(name), line):
                    continue
                self.drafts.settled(name, line.id)
                self.drafts.give_back(self.floor.table(name).name, line)
                self.keep_at_once()
                self.front.draft_changed(name)

    # -- what is typed

    def draft(self, room: str, text: str) -> None:
        if self.drafts.rooms.get(room, "") != text:
            self.drafts.rooms[room] = text
            self.drafts_changed = True

    async def typed(self, text: str) -> bool:
        """Carry out a typed text in the room one looks at; False: it was not taken and is the typist's again."""
        meant = commands.parse(text, self._doubted)
        self._doubted = meant.doubt if isinstance(meant, Mistake) else ""
        match meant:
            case Talk(said) if self.teller.here.startswith(DIRECT):
                return bool(said) and await self._tell(said)
            case Talk(said):
                return bool(said) and self._say(said)
            case Mistake(why):
                self.teller.say(f"-- {why}", "error")
                return False
            case Command() as command:
                try:
                    await self.verbs.run(command)
                except Goodbye:
                    self.front.goodbye()
        return True

    def _say(self, text: str) -> bool:
        try:
            self.send(Say(text=check_text(text)))
        except (Refused, Refusal) as why:
            self.teller.say(f"-- not sent: {show.word(why.text)}", "error")
            return False
        return True

    async def _tell(self, text: str) -> bool:
        """Say it to the one person whose table we look at, wherever they are."""
        table = self.floor.table(self.teller.here)
        try:
            line = self._direct(table, text)
        except Refused as why:
            self.teller.say(f"-- not sent: {show.word(why.text)}", "error")
            return False
        return await self._tell_line(table, line)

    def _direct(self, table: Table, text: str) -> drafts.Waiting:
        """A direct message, in the drafts before it leaves. Raises Refused."""
        line = drafts.Waiting(self.client.session.new_id(), check_text(text), read_clock().wall)
        self.drafts.wait(table.name, line)
        self.keep_at_once()
        return line

    async def tell(self, to: str, text: str) -> Told | None:
        """The same by a command, whatever one looks at; None: it waits for the next visit. Raises Refused, Refusal."""
        known = fold(DIRECT + to) in self.floor.tables
        table = self.floor.table(DIRECT + to)
        try:
            return await self._told(table, self._direct(table, text))
        except (Refused, Refusal):
            if not known and not table.transcript.items:
                self.floor.tables.pop(fold(table.name), None)  # there may be nobody of that name
            raise

    async def _tell_line(self, table: Table, line: drafts.Waiting) -> bool:
        """False: it is not told, and nobody will try again."""
        try:
            told = await self._told(table, line)
        except Refusal as why:
            table.transcript.pending.append(Pending(line.id, line.at, line.text, to=table.name[1:], refused=why.text))
            return False
        away = f": {show.word(told.away)}" if told is not None and isinstance(told.away, str) and told.away else ""
        if told is not None and (told.became != "delivered" or away):
            where = "away" if away else "not here; it is kept"
            self.floor.note(table.name, [("notice", f"-- {show.word(told.to)} is {where}{away}")], read_clock())
        return True

    async def _told(self, table: Table, line: drafts.Waiting) -> Told | None:
        """What became of it, however long that takes to be known; None: the visit ended before. Raises Refusal."""
        to, text = table.name.removeprefix(DIRECT), line.text
        pending = Pending(line.id, line.at, text, to=to)
        table.transcript.pending.append(pending)
        table.changed += 1
        try:
            told: Told = await self.client.ask(
                Tell(to=to, text=text), id_=line.id, asked=line.at, stream=line.stream, lasting=True
            )
        except Refusal:
            if self.client.session.over:
                return None  # it waits for the next visit
            self.drafts.settled(table.name, line.id)
            raise
        finally:
            table.changed += 1
            self.drafts_changed = True
            table.transcript.pending.remove(pending)
        self.drafts.settled(table.name, line.id)
        table.transcript.append(Direct(number=told.number, sender=self.me, to=told.to, text=text, at=read_clock().wall))
        return told

    def send(self, message: Say | Whisper) -> None:
        """Hand a line over to the room one looks at."""
        here = self.teller.here
        if fold(here) not in self.client.session.rooms:
            raise Refusal("left", f"you are not in {here}" if here else "you are in no room: /join ROOM enters one")
        kind, to = (message.kind, "") if isinstance(message, Say) else ("text", message.to)
        line = drafts.Waiting(self.client.session.new_id(), message.text, read_clock().wall, kind, to)
        self.drafts.wait(here, line)
        self.keep_at_once()
        self._hand_over(here, message, line)

    def _hand_over(self, room: str, message: Say | Whisper, line: drafts.Waiting) -> None:
        self._sent_by_us.add(line.id)
        self.floor.said(room, line.id, message, read_clock())
        self.client.send(room, message, id_=line.id, typed=line.at, stream=line.stream)

    def read_directs(self, table: Table) -> None:
        """Somebody looks at the table of a person, and moves: our other terminals need not call it unread."""
        if table.to_read:
            self.client.read_directs(table.name.removeprefix(DIRECT), table.to_read)
            table.to_read = 0

    def typing(self, room: str) -> None:
        """Somebody types; the room hears of it now and then."""
        now = read_clock().mono
        if now - self._typing_told >= TYPING_EVERY:
            self._typing_told = now
            self.client.typing(room)

    def words(self, typed: str, first: bool) -> list[str]:
        side = self.client.session.rooms.get(fold(self.teller.here))
        people = sorted(side.members.values(), key=fold) if side else []
        others = [name for name in people if fold(name) != fold(self.me)]
        return completing.words(typed, first, others, [table.name for table in self.floor.tables.values()])

    # -- what commands ask (the same as of the line mode)

    async def enter(self, name: str, *, create: bool) -> None:
        room = await self.join(name, create=create)
        self.floor.table(room.name)
        self.front.look_at(room.name)

    async def join(self, name: str, *, create: bool = False) -> Room:
        """Go into a room, and send what waits for it."""
        room = await self.client.join(name, create=create)
        self.send_again(room.name)
        return room

    def look_at(self, room: str) -> None:
        self.front.look_at(room)

    def room(self) -> Room:
        return Room(self.client, self.teller.here)

    def table(self, rows: Sequence[Sequence[object]], heads: Sequence[str]) -> None:
        for line in tables.lines(rows, heads):
            self.teller.say(line, "block")

    async def drained(self, seconds: float) -> int:  # noqa: ARG002 - the screen does not wait
        return self.client.session.unacknowledged()


class _Paper:
    """Where commands write lines of spans."""

    linear = False
    typed_is_seen = False

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    def write(self, spans: Spans) -> None:
        self._visit.teller._write(spans)

    def width(self) -> int:
        return self._visit.front.columns()


class _Telling(Telling):
    """What a command tells stands in the table of the two as well, and is kept over a crash."""

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self._visit = visit

    async def _ask(self, to: str, text: str) -> Told | None:
        return await self._visit.tell(to, text)


class _Mailing(MailDeeds):
    """Commands about mail lead to the inbox's page, and do there what they say."""

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit.client, visit.teller)
        self._visit = visit

    async def command(self, command: Command) -> None:
        await super().command(command)
        self._visit.mail_changes += 1

    async def show_inbox(self, before: int | None = None) -> None:  # noqa: ARG002
        self._visit.front.show_inbox()

    async def read(self, typed: str) -> None:
        self._visit.front.show_inbox(number(typed))

    async def show_folder(self, folder: str) -> None:
        self._visit.front.show_inbox(folder=folder)

    async def find(self, words: str) -> None:
        self._visit.front.show_inbox(words=words)

    async def show_thread(self, mail: Mail) -> None:
        self._visit.front.show_inbox(mail.mail)

    async def go_on(self, mail: Mail) -> None:
        answers = mail.answers if isinstance(mail.answers, int) else None
        self._visit.front.write_mail(", ".join(mail.to), mail.subject, answers, mail.body, mail.mail)

    async def reply(self, mail: Mail, *, to_all: bool = False) -> None:
        names = all_of(mail, self._visit.me) if to_all else [mail.sender]
        self._visit.front.write_mail(", ".join(names), subject_of_reply(mail), mail.mail)

    async def write(self, to: str = "", subject: str = "", answers: int | None = None) -> None:
        self._visit.front.write_mail(to, subject, answers)
