"""The line mode: the dialogs at the door and in the lobby, and the conversation in a room, one line at a time.

Law: it stands on `client.api` alone; whatever happens it ends politely, with an exit code and without a traceback.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from client import commands, events, show, tables
from client.accounting import Accounting
from client.address import Address
from client.answers import Refusal
from client.api import Client, Room
from client.commands import Command, Mistake, Talk
from client.entering import Door
from client.entrance import RoomState
from client.lobbymenu import LobbyMenu
from client.mailing import Mailing
from client.memory import Memory, Place, remember
from client.teller import Teller
from client.telling import Telling
from client.terminal import Cancelled, Interrupted, Terminal
from client.verbs import Goodbye, Verbs
from wire.errors import Refused
from wire.messages import Say, Whisper
from wire.names import check_text, fold

LEFT: Final = 0
NO_SERVER: Final = 2
REFUSED: Final = 3

ANSWER_SECONDS: Final = 10.0
FAREWELL_SECONDS: Final = 2.0  # for what is not acknowledged when a person leaves
PIPE_SECONDS: Final = 60.0  # the same at the end of a pipe, which nobody waits for
UNDER_WAY_MOST: Final = 50  # lines of a pipe that wait for their acknowledgement
CROWD_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for."""

    address: Address
    name: str = ""
    password: str = ""
    room: str = ""
    straight: bool = False
    stages: bool = False
    back: bool = False  # into the rooms of the last visit, without asking


class LineMode:
    def __init__(self, terminal: Terminal, wishes: Wishes, memory: Memory) -> None:
        self.terminal = terminal
        self.client = Client(wishes.address.host, wishes.address.port, client="parlour line mode")
        self.client.patience = ANSWER_SECONDS
        self.client.listeners.append(self._event)
        self.teller = Teller(terminal.write)
        self.mailing = Mailing(self)
        self.telling_others = Telling(self)
        self.verbs = Verbs(self)
        self.accounting = Accounting(self)
        self.door = Door(self)
        self.menu = LobbyMenu(self)
        self.wishes = wishes
        self._memory = memory
        self.visit = memory.visit(str(wishes.address))
        self._task: asyncio.Task[int] | None = None
        self._ended: events.Ended | None = None
        self._logged_out = False
        self._server_ends = False  # a room said so; the lobby is about to
        self.before = ""  # the room one looked at last
        self.back: list[str] = []  # the rooms one was in at the end of the last visit, as the lobby knows them
        self._may_cancel = False  # a question of a dialog is asked, which Ctrl-C ends and no more
        self._doubted = ""  # what was typed last, where it may have been meant as a command or not
        self._heading = ""  # the room one is on the way to
        self._crowd: asyncio.TimerHandle | None = None

    async def run(self) -> int:
        """The whole visit; its exit code."""
        self._task = asyncio.ensure_future(self._stay())
        code = LEFT
        with contextlib.suppress(asyncio.CancelledError):
            code = await self._task
        if self._ended is not None:
            code = self._tell_end(self._ended)
        self._remember()
        await self.client.quit()
        if code == LEFT:
            self.teller.say("Goodbye")
        return code

    def stop(self) -> None:
        """Leave, whatever is going on (a signal)."""
        if self._task is not None:
            self._task.cancel()

    def cancel(self) -> None:
        """Ctrl-C, where the terminal does not read it as a key."""
        if self._may_cancel:
            self.terminal.interrupt(Cancelled)
        else:
            self.stop()

    # -- what dialogs need

    @contextlib.contextmanager
    def telling(self) -> Iterator[None]:
        """A refusal inside is told, and ends nothing; nor does Ctrl-C at a question."""
        try:
            yield
        except Cancelled:
            self.teller.say("-- nothing was done")
            self.menu.shown = None
        except Refused as why:
            self.teller.say(f"-- {why.text}", "error")
        except Refusal as why:
            if why.code in ("no_server", "quit") or self.client.session.over:
                raise
            self.teller.say(f"-- {show.word(why.text)}", "error")

    async def ask(self, question: str, *, hidden: bool = False, leaving: bool = False) -> str:
        """A line; a question that lost its sense is asked again. `leaving`: Ctrl-C is the end of input. Raises
        EOFError, Cancelled."""
        while True:
            self._may_cancel = not leaving
            try:
                typed = await self.terminal.ask(lambda: question, hidden=hidden)
            except Interrupted:
                continue
            except Cancelled:
                if leaving:
                    raise EOFError from None
                raise
            finally:
                self._may_cancel = False
            self._has_read()
            return typed

    def _has_read(self) -> None:
        """Somebody typed, so what stands above was read: our other terminals need not call it unread."""
        told, self.teller.told = self.teller.told, {}
        if self.terminal.interactive:
            for name, number in told.items():
                self.client.read_directs(name, number)

    def table(self, rows: Sequence[Sequence[object]], heads: Sequence[str]) -> None:
        linear, width = self.terminal.linear, self.terminal.width()
        for line in tables.spoken(rows, heads) if linear else tables.fitting(rows, heads, width):
            self.teller.say(line, "text")

    def room(self) -> Room:
        return Room(self.client, self.teller.here)

    def look_at(self, room: str) -> None:
        self.before = room or self.before
        self.teller.look_at(room)

    def send(self, message: Say | Whisper) -> None:
        """Hand a line over to the room one is in."""
        if fold(self.teller.here) not in self.client.session.rooms:
            self.teller.say("-- you are in no room: /join ROOM enters one", "error")
        else:
            self.client.send(self.teller.here, message)

    async def enter(self, name: str, *, create: bool) -> None:
        """Go into a room, or back to one that is open. Raises Refusal."""
        before, self._heading = self.teller.here, name
        try:
            self.look_at((await self.client.join(name, create=create)).name)
            self.menu.shown = None
        except Refusal:
            self.look_at(before)
            raise
        finally:
            self._heading = ""

    async def drained(self, seconds: float) -> int:
        """Wait until all is acknowledged; how many lines are not, when the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.client.drained()
        return self.client.session.unacknowledged()

    # -- the visit

    async def _stay(self) -> int:
        try:
            if self.wishes.stages:
                self.teller.say("Connecting to server ...")
            await self.client.open()
            await (self.door.straight_in() if self.wishes.straight else self.door.by_the_menu())
            if self.wishes.back:
                await self.menu.go_back()
            while True:
                if self._logged_out:
                    await self._again()
                if self._server_ends:  # no menu is worth showing: the lobby says goodbye next, which ends this
                    self._server_ends = False
                    await asyncio.sleep(FAREWELL_SECONDS)
                await (self._talk() if self.teller.here else self.menu.once())
        except Refusal as why:
            return self._refused(why)
        except Goodbye:
            await self.drained(FAREWELL_SECONDS)
            return LEFT
        except (EOFError, Cancelled):
            return await self._end_of_input()

    async def _again(self) -> None:
        """The lobby does not know our session any more; the rooms may still have us."""
        if not self.terminal.interactive:
            raise Refusal("bad_session", "the session has ended: log in again")
        self.teller.me = ""
        await self.door.by_the_menu()
        self._logged_out = False

    async def _end_of_input(self) -> int:
        left = await self.drained(FAREWELL_SECONDS if self.terminal.interactive else PIPE_SECONDS)
        if not left:
            return LEFT
        self.teller.say(f"-- {show.count(left, 'line')} could not be sent", "error")
        return NO_SERVER

    def _refused(self, why: Refusal) -> int:
        if self._ended is None:
            self.teller.say(f"Server down! {why.text}" if why.code == "no_server" else show.word(why.text), "error")
        return NO_SERVER if why.code in ("no_server", "unreachable") else REFUSED

    def _tell_end(self, ended: events.Ended) -> int:
        if ended.code == "quit":
            return LEFT
        if ended.code in ("going_down", "restarting"):
            self.teller.say(f"-- {show.word(ended.text) or 'the server is going down'}. Goodbye")
            return NO_SERVER
        self.teller.say(f"-- the server ended the visit: {show.word(ended.text) or show.word(ended.code)}", "error")
        return REFUSED

    # -- in a room

    async def _talk(self) -> None:
        try:
            typed = await self.terminal.ask(self._prompt, talk=True)
        except Interrupted:
            return
        except Cancelled:
            raise EOFError from None
        self._has_read()
        meant = commands.parse(typed, self._doubted)
        if meant != Talk(""):
            self._doubted = meant.doubt if isinstance(meant, Mistake) else ""
        match meant:
            case Talk(text) if text:
                await self._say(text)
            case Mistake(text):
                self.teller.say(f"-- {text}", "error")
            case Command() as command:
                if not self.terminal.typed_is_seen and command.verb != "whisper":
                    self.teller.say(f"> {show.word(typed)}")
                with self.telling():
                    await self.verbs.run(command)
                self.menu.shown = None

    async def _say(self, text: str) -> None:
        try:
            self.send(Say(text=check_text(text)))
        except Refused as why:
            self.teller.say(f"-- not sent: {why.text}", "error")
        if not self.terminal.interactive:
            await self.client.drained(UNDER_WAY_MOST)

    def _prompt(self) -> str:
        return f"{show.word(self.teller.here, 32)}{self.teller.elsewhere()}> "

    def words(self, typed: str, first: bool) -> Iterable[str]:
        """What `typed` may become by Tab."""
        side = self.client.session.rooms.get(fold(self.teller.here))
        people = sorted(side.members.values()) if side else []
        if first and typed.startswith("/"):
            return [f"{word} " for word in sorted(commands.SLASH) if word.startswith(typed.lower())]
        if typed.startswith("@"):
            return [f"@{name} " for name in people if fold(name).startswith(fold(typed[1:]))]
        if not typed:
            return []
        names = [*people, *(side.room for side in self.client.session.rooms.values())]
        return [f"{name}{': ' if first else ' '}" for name in names if fold(name).startswith(fold(typed))]

    # -- events

    def _event(self, event: events.Event) -> None:
        match event:
            case events.LoggedIn(again=False):
                self._logged_in(event)
            case events.RoomEntered(room) if fold(room) == fold(self._heading):
                self.look_at(room)
            case events.LeftRoom(room, code) if fold(room) == fold(self.teller.here) and code != "left":
                self.teller.event(event)
                self._server_ends = code == "going_down"
                self.look_at("")
                self.terminal.interrupt()
                return
            case events.LoggedOut():
                self._logged_out = True
                self.terminal.interrupt()
            case events.Ended():
                self._ended = event
                self.stop()
            case _:
                pass
        self.teller.event(event)
        if (self.teller.came or self.teller.went or self.teller.singly) and self._crowd is None:
            self._crowd = asyncio.get_running_loop().call_later(CROWD_SECONDS, self._tell_crowd)

    def _tell_crowd(self) -> None:
        self._crowd = None
        self.teller.tell_crowd()

    def _logged_in(self, event: events.LoggedIn) -> None:
        self.teller.me = event.name
        self.teller.left_at = self.visit.places(event.name)
        self.teller.back_at = {fold(row.room): row.seq for row in event.back}
        self.back = [row.room for row in event.back]
        if not self.wishes.straight:
            self.teller.say(f"You are {show.word(event.name)}{', a guest' if event.guest else ''}.", "good")
        for part in show.paragraphs(event.motd.strip()):
            if part:
                self.teller.say(part, "text")
        if event.unread:
            self.teller.say(f"-- {show.count(event.unread, 'unread mail')}", "good")
        if event.away:
            self.teller.say(f"-- you are marked away: {show.word(event.away)} (/away ends it)")
        for row in event.back:
            since = f": {show.count(row.missed, 'line')} since" if row.missed else ""
            self.teller.say(f"-- you were in {show.word(row.room)}{since}")

    def _remember(self) -> None:
        if not self.terminal.interactive or not self.teller.me:
            return
        self._memory.server = str(self.wishes.address)
        self.visit.name, self.visit.guest = self.teller.me, self.client.session.lobby.guest
        self.visit.rooms = {
            side.room: Place(side.seen.seq or 0, side.seen.epoch or 0)
            for side in self.client.session.rooms.values()
            if side.state is RoomState.IN
        }
        remember(self._memory)
