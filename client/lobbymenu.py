"""The lobby's menu in the line mode, and the dialogs behind it."""

import contextlib
from typing import TYPE_CHECKING

from client import commands, menus
from client.answers import Refusal
from client.commands import Command, Mistake
from client.entering import HALL
from client.verbs import Goodbye
from wire.messages import RoomRow, Rooms
from wire.names import check_name, fold

if TYPE_CHECKING:
    from client.plain import LineMode


class LobbyMenu:
    """`shown` is the menu that is on the screen: it is written again only when it has changed or was left."""

    def __init__(self, mode: "LineMode") -> None:
        self._mode = mode
        self.shown: menus.Menu | None = None

    async def once(self) -> None:
        """One choice, and what it means."""
        ahead = await self._ahead()
        menu = menus.lobby(
            unread=self._mode.client.session.lobby.unread,
            admin="admin" in self._mode.client.session.lobby.roles,
            guest=self._mode.client.session.lobby.guest,
            ahead=ahead,
            inside=bool(self._mode.client.session.rooms),
        )
        verb = await self.choose(menu)
        if verb is not None:
            with self._mode.telling():
                await self._do(verb, ahead)

    async def _do(self, verb: str, ahead: list[str]) -> None:
        match verb:
            case "quit":
                raise Goodbye
            case "ahead":
                self._mode.back = []  # offered once: what cannot be entered is not offered again and again
                for room in ahead:
                    with self._mode.telling():
                        await self._mode.enter(room, create=False)
            case "enter":
                await self._enter_asked()
            case "create":
                await self._create()
            case "inbox":
                await self._mode.mailing.browse()
            case "write":
                await self._mode.mailing.write()
            case "account":
                await self._mode.accounting.own()
            case "admin":
                await self._mode.accounting.admin()
            case _:
                await self._mode.verbs.run(Command(verb))

    async def go_back(self) -> None:
        """Into the rooms one was in when one was last here; the last of them is looked at."""
        rooms = self._mode.back or self._mode.visit.rooms_of(self._mode.teller.me)
        self._mode.back = []
        for room in rooms:
            with self._mode.telling():
                await self._mode.enter(room, create=False)

    async def _ahead(self) -> list[str]:
        """Where Enter leads: the rooms one is in, those of the last visit, or the likeliest."""
        inside = [side.room for side in self._mode.client.session.rooms.values()]
        if inside:
            return [room for room in inside if fold(room) == fold(self._mode.before)] or inside[-1:]
        if self._mode.wishes.room:
            return [self._mode.wishes.room]
        if self._mode.back:
            return list(self._mode.back)
        last = self._mode.visit.rooms_of(self._mode.teller.me)
        if last and self._mode.terminal.interactive:
            return last
        likely = await self.likely_room()
        return [likely] if likely else []

    async def likely_room(self) -> str:
        rows: list[RoomRow] = []
        with contextlib.suppress(Refusal):
            rows = (await self._mode.client.ask(Rooms())).rooms
        for row in rows:
            if fold(row.name) == HALL:
                return row.name
        return max(rows, key=lambda row: row.members).name if rows else ""

    async def _enter_asked(self) -> None:
        name = (await self._mode.ask("Room: ")).strip()
        if not name:
            return
        check_name(name, what="room's name")
        try:
            await self._mode.enter(name, create=False)
        except Refusal as why:
            if why.code != "no_such_room":
                raise
            if (await self._mode.ask(f"There is no room {name}. Make it? [y/N] ")).strip().lower() in ("y", "yes"):
                await self._mode.enter(name, create=True)

    async def _create(self) -> None:
        name = (await self._mode.ask("Name of the room: ")).strip()
        if not name:
            return
        private = (await self._mode.ask("May everybody come in? [Y/n] ")).strip().lower() in ("n", "no")
        await self._mode.verbs.run(Command("create", (name, "private") if private else (name,)))

    async def choose(self, menu: menus.Menu) -> str | None:
        """A verb of the menu; what is no choice is told, and a command is done."""
        if menu != self.shown:
            self.shown = menu
            for line in menu.lines(linear=self._mode.terminal.linear):
                self._mode.teller.say(line, "text")
        typed = await self._mode.ask(f"Your choice [Enter: {menu.hint}]: ", leaving=True)
        verb = menu.choose(typed)
        if verb is not None:
            return verb
        match commands.parse(typed):
            case Command() as command if self._mode.teller.me and command.verb != "help":
                with self._mode.telling():
                    await self._mode.verbs.run(command)
            case Mistake(text):
                self._mode.teller.say(f"-- {text}", "error")
            case _:
                self._mode.teller.say("-- choose by number, or Enter")
                self.shown = None
        return None
