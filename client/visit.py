"""What all screens share of one visit: the client, the floor, drafts and settings; and what typed lines come to.

Law: commands are those of the line mode, carried out by the same `client.verbs`; what is said goes by `client.sending`.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from client import commands, completing, events, show, tables
from client.address import Address
from client.api import Client, Room
from client.commands import Command, Mistake, Talk
from client.entrance import RoomState
from client.floor import DIRECT, Alert, Table
from client.link import read_clock
from client.lobbystates import LobbyState
from client.maildeeds import MailDeeds, all_of, number, subject_of_reply
from client.memory import Memory, Place, remember
from client.sending import Sending
from client.settings import Settings
from client.show import Spans
from client.telling import Telling
from client.verbs import Goodbye, Verbs
from wire.messages import Mail, RoomRow, Told
from wire.names import fold

TYPING_EVERY: Final = 3.0  # seconds


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


class Visit(Sending):
    def __init__(self, client: Client, address: Address, settings: Settings, memory: Memory) -> None:
        super().__init__(client, address)
        self.settings = settings
        self.memory = memory
        self.floor.aside = self._aside
        self.front: Front
        self.mailing = _Mailing(self)
        self.terminal = _Paper(self)
        self.verbs = Verbs(self)
        self.telling_others = _Telling(self)
        self.motd = ""
        self.rooms_known: dict[str, RoomRow] = {}  # by fold(room), as they were listed last
        self.mail_changes = 0  # rises with whatever may have changed a list of mail
        self._doubted = ""  # what was typed last, where it may have been meant as a command or not
        self._typing_told = 0.0

    def _aside(self, spans: Spans) -> None:
        self.front.aside(spans)

    def draft_given_back(self, room: str) -> None:
        self.front.draft_changed(room)

    # -- who we are

    def logged_in(self, event: events.LoggedIn) -> list[str]:
        """We are in; the rooms that lines of an earlier run wait for."""
        self.floor.me = self.teller.me = event.name
        self.motd = show.clean(event.motd.strip())
        visit = self.memory.visit(str(self.address))
        self.floor.left_at = visit.places(event.name)
        self.floor.back_at = {fold(row.room): row.seq for row in event.back}
        return self.waited_for()

    @property
    def guest(self) -> bool:
        return self.client.session.lobby.guest

    @property
    def admin(self) -> bool:
        return "admin" in self.client.session.lobby.roles

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

    # -- what is typed

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
        for line in tables.fitting(rows, heads, self.front.columns()):
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
        self._visit.front.show_inbox(folder="inbox")

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
