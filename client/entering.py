"""How one gets in, in the line mode: by the menu at the door, or straight in as the command line says."""

import contextlib
import getpass
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from client import menus, show
from client.answers import Refusal
from client.verbs import Goodbye
from wire.errors import Refused
from wire.names import check_person

if TYPE_CHECKING:
    from client.plain import LineMode

HALL = "hall"  # the default room's usual name


class Door:
    def __init__(self, mode: "LineMode") -> None:
        self._mode = mode

    async def straight_in(self) -> None:
        if self._mode.wishes.stages:
            self._mode.teller.say("Connection to server established. Sending intro message...")
        if self._mode.wishes.password:
            await self._mode.client.login(self._mode.wishes.name, self._mode.wishes.password)
        else:
            await self._straight_as_guest()
        if self._mode.wishes.stages:
            self._mode.teller.say("Registration successful.  Ready for messaging!")
        room = self._mode.wishes.room
        if not room:
            room = await self._mode.menu.likely_room() or HALL
        await self._mode.enter(room, create=True)

    async def _straight_as_guest(self) -> None:
        try:
            await self._mode.client.guest(self._mode.wishes.name)
        except Refusal as why:
            if why.code != "name_taken" or not self._mode.terminal.interactive:
                raise
            self._mode.teller.say(f"{show.word(why.text)}. If it is your account: its password; Enter alone leaves.")
            password = await self._mode.ask("Password: ", hidden=True)
            if not password:
                raise
            await self._mode.client.login(self._mode.wishes.name, password)

    async def by_the_menu(self) -> None:
        greeted = self._mode.client.greeted
        assert greeted is not None
        self._mode.teller.say(f"Parlour at {self._mode.wishes.address}", "title")
        known = self._mode.wishes.name or self._mode.visit.name
        menu = menus.door(
            guests=greeted.guests,
            registration=greeted.registration,
            knows_account=bool(self._mode.visit.name) and not self._mode.visit.guest,
        )
        doors: dict[str, Callable[[str], Awaitable[None]]] = {
            "login": self._login,
            "register": self._register,
            "guest": self._guest,
            "code": self._code,
        }
        while not self._mode.teller.me:
            verb = await self._mode.menu.choose(menu)
            if verb == "quit":
                raise Goodbye
            if verb in doors:
                with self._mode.telling():
                    await doors[verb](known)

    async def _name(self, known: str) -> str:
        suggested = known or self._own_name()
        typed = (await self._mode.ask(f"Name [{suggested}]: " if suggested else "Name: ")).strip()
        return check_person(typed or suggested)

    @staticmethod
    def _own_name() -> str:
        """The name on this machine, where it would do."""
        with contextlib.suppress(Refused, OSError, KeyError, ImportError):
            return check_person(getpass.getuser())
        return ""

    async def _login(self, known: str) -> None:
        name = await self._name(known)
        await self._mode.client.login(name, (await self._mode.ask("Password: ", hidden=True)).rstrip("\r"))

    async def _guest(self, known: str) -> None:
        free = self._mode.visit.guest or self._mode.wishes.name  # the name of an account is not a guest's
        await self._mode.client.guest(await self._name(known if free else ""))

    async def _register(self, known: str) -> None:
        name = await self._name("" if not self._mode.visit.guest else known)
        password = await self.new_password("Password: ")
        if password is not None:
            await self._mode.client.register(name, password)

    async def _code(self, known: str) -> None:
        self._mode.teller.say("-- an operator hands a code to who has forgotten the password")
        name = await self._name(known)
        code = (await self._mode.ask("The code: ")).strip()
        password = await self.new_password("Your new password: ")
        if code and password is not None:
            await self._mode.client.recover(name, code, password)

    async def new_password(self, question: str) -> str | None:
        password = (await self._mode.ask(question, hidden=True)).rstrip("\r")
        if self._mode.terminal.interactive and password != (await self._mode.ask("The same again: ", hidden=True)):
            self._mode.teller.say("-- the two are not the same", "error")
            return None
        return password
