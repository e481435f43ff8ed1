"""What is typed and goes to the server: lines, whispers and direct messages, and what earlier runs left of them.

Law: what was typed is in the drafts' file, with the key it exists once under, before it leaves, and until it is stored
or the typist's again: a client that died sends it again, and there is one of it.
"""

from typing import Final

from client import draftfile, drafts, events, show
from client.address import Address
from client.answers import Refusal
from client.api import Client
from client.floor import DIRECT, Floor, Table
from client.link import read_clock
from client.scrollback import Scrollback
from client.session import new_stream
from client.transcript import Pending
from wire.errors import Refused
from wire.messages import Direct, Say, Tell, Told, Whisper
from wire.names import check_text, fold

LATER: Final = "closed"  # the visit ended before the answer: it may have been stored or not, and waits to be sent again


class Sending(Scrollback):
    def __init__(self, client: Client, address: Address) -> None:
        super().__init__(client, Floor())
        self.address = address
        self.teller = self.floor.teller
        self.drafts = drafts.Drafts()
        self.drafts_changed = False
        self.file: draftfile.DraftFile | None = None
        self._whose = ""  # a name at a server: whose drafts these are
        self._sent_by_us: set[str] = set()  # ids of lines that are on their way

    @property
    def me(self) -> str:
        return self.floor.me

    def draft_given_back(self, room: str) -> None:
        """What stands in the composer of `room` is another text now."""
        raise NotImplementedError

    # -- the drafts

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

    def draft(self, room: str, text: str) -> None:
        if self.drafts.rooms.get(room, "") != text:
            self.drafts.rooms[room] = text
            self.drafts_changed = True

    # -- what an earlier run, or an earlier stay in a room, could not bring to an end

    def waited_for(self) -> list[str]:
        """The rooms that lines of an earlier run wait for; what was begun or told to one person is in a table."""
        for name in (*self.drafts.rooms, *self.drafts.waiting):
            if name.startswith(DIRECT) and (self.drafts.rooms.get(name) or self.drafts.waiting.get(name)):
                self.floor.table(name)  # to be seen at the left
        return [room for room, lines in self.drafts.waiting.items() if lines and not room.startswith(DIRECT)]

    def begun_elsewhere(self) -> list[str]:
        """The rooms we are not in that something was begun in."""
        begun = [room for room, text in self.drafts.rooms.items() if text.strip() and not room.startswith(DIRECT)]
        return [room for room in begun if fold(room) not in self.client.session.rooms]

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
                self.draft_given_back(name)

    # -- lines and whispers

    def _say(self, text: str) -> bool:
        try:
            self.send(Say(text=check_text(text)))
        except (Refused, Refusal) as why:
            self.teller.say(f"-- not sent: {show.word(why.text)}", "error")
            return False
        return True

    def send(self, message: Say | Whisper) -> None:
        """Hand a line over to the room one looks at."""
        here = self.teller.here
        if fold(here) not in self.client.session.rooms:
            raise Refusal(
                "left",
                f"you are not in {here}: /join {here} enters it"
                if here
                else "you are in no room: /join ROOM enters one",
            )
        kind, to = (message.kind, "") if isinstance(message, Say) else ("text", message.to)
        line = drafts.Waiting(self.client.session.new_id(), message.text, read_clock().wall, kind, to)
        self.drafts.wait(here, line)
        self.keep_at_once()
        self._hand_over(here, message, line)

    def _hand_over(self, room: str, message: Say | Whisper, line: drafts.Waiting) -> None:
        self._sent_by_us.add(line.id)
        self.floor.said(room, line.id, message, read_clock())
        self.client.send(room, message, id_=line.id, typed=line.at, stream=line.stream)

    def _fate(self, event: events.Acknowledged | events.NotSent) -> None:
        code = event.code if isinstance(event, events.NotSent) else ""
        self._sent_by_us.discard(event.id)
        if code == LATER:
            return
        line = self.drafts.settled(event.room, event.id)
        if line is not None and code:
            self.drafts.give_back(event.room, line)
            self.draft_given_back(event.room)
        self.drafts_changed = True

    # -- direct messages

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
            told = await self._told(table, self._direct(table, text))
        except (Refused, Refusal):
            if not known and not table.transcript.items:
                self.floor.tables.pop(fold(table.name), None)  # there may be nobody of that name
            raise
        if told is not None and not known:
            table.name = DIRECT + told.to  # as they spell it
        return told

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
