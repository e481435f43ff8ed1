"""The menus about accounts in the line mode: one's own (password, sessions, block list, name, data, the end), and an
admin's."""

import contextlib
from typing import TYPE_CHECKING

from client import menus, show
from client.accountverbs import DEEDS
from client.commands import Command
from wire.messages import DeleteAccount, Passwd
from wire.names import fold

if TYPE_CHECKING:
    from client.plain import LineMode


class Accounting:
    def __init__(self, mode: "LineMode") -> None:
        self._mode = mode

    async def own(self) -> None:
        """The menu of one's own account, until it is left; a guest has none."""
        if self._mode.client.session.lobby.guest:
            self._mode.teller.say(
                "-- an account keeps your name, your mail, and what people tell you while you are away"
            )
            greeted = self._mode.client.greeted
            free = greeted is not None and greeted.registration
            how = "leave (0) and choose 'Create an account' when you come back" if free else "ask the server's operator"
            self._mode.teller.say(f"-- to have one, {how}")
            return
        await self._dialog(menus.account())

    async def admin(self) -> None:
        await self._dialog(menus.admin())

    async def _dialog(self, menu: menus.Menu) -> None:
        while True:
            verb = await self._mode.menu.choose(menu)
            if verb in ("quit", "back"):
                self._mode.menu.shown = None
                return
            if verb is not None:
                with self._mode.telling():
                    await self._do(verb)

    async def _do(self, verb: str) -> None:
        if (dialog := getattr(self, f"_{verb}", None)) is not None:
            await dialog()
        else:
            await self._mode.verbs.run(Command(verb))

    # -- one's own

    async def _password(self) -> None:
        old = (await self._mode.ask("Your password now, Enter to go back: ", hidden=True)).rstrip("\r")
        if not old:
            return
        new = await self._mode.door.new_password("The new one: ")
        if new is not None:
            await self._mode.client.ask(Passwd(old=old, new=new))
            self._mode.teller.say("-- your password is changed; other sessions of your account have ended", "good")

    async def _sessions(self) -> None:
        await self._mode.verbs.show_sessions()
        typed = (await self._mode.ask("Number to end, o for all others, Enter to go back: ")).strip().lower()
        if typed:
            number = "others" if typed in ("o", "others") else typed
            await self._mode.verbs.run(Command("sessions", ("end", number)))

    async def _blocks(self) -> None:
        await self._mode.verbs.run(Command("ignore"))
        name = (await self._mode.ask("Name to put on or take off, Enter to go back: ")).strip()
        if name:
            await self._mode.verbs.run(Command("ignore", (name,)))

    async def _spelling(self) -> None:
        name = (await self._mode.ask(f"Your name in other capitals [{self._mode.teller.me}]: ")).strip()
        if name:
            await self._mode.verbs.run(Command("respell", (name,)))

    async def _save(self) -> None:
        self._mode.teller.say("-- account, sessions, rooms, messages, mail, and your lines in the rooms you are in")
        path = (await self._mode.ask("File to write: ")).strip()
        if path:
            await self._mode.verbs.run(Command("export", (path,)))

    async def _delete(self) -> None:
        me = show.word(self._mode.teller.me)
        self._mode.teller.say("-- login and mail are deleted for good; what you said in rooms and told people stays;")
        self._mode.teller.say("-- rooms of yours go on without an owner; nobody else has your name for a while")
        typed = (await self._mode.ask(f"To delete it, type its name ({me}); Enter to go back: ")).strip()
        if not typed or fold(typed) != fold(self._mode.teller.me):
            self._mode.teller.say("-- nothing was deleted")
            return
        password = (await self._mode.ask("Your password: ", hidden=True)).rstrip("\r")
        await self._mode.client.ask(DeleteAccount(password=password))
        self._mode.teller.say("-- your account is deleted", "good")

    # -- an admin's

    async def _users(self) -> None:
        find = (await self._mode.ask("Part of a name, a role, locked or online; Enter for all: ")).strip()
        await self._mode.verbs.run(Command("accounts", (find,) if find else ()))
        name = (await self._mode.ask("Name of one, Enter to go back: ")).strip()
        if not name:
            return
        typed = (await self._mode.ask(f"What with {show.word(name)}? ({', '.join(DEEDS)}; Enter: nothing) ")).strip()
        words = typed.lower().split()
        if words == ["role"]:
            words.append((await self._mode.ask("user, operator or admin: ")).strip().lower())
        if words == ["delete"]:
            with contextlib.suppress(EOFError):
                if (await self._mode.ask(f"Delete {show.word(name)}? [y/N] ")).strip().lower() not in ("y", "yes"):
                    return
        if words:
            await self._mode.verbs.run(Command("account", (name, *words)))

    async def _announcing(self) -> None:
        text = (await self._mode.ask("To everybody (or #ROOM and the text): ")).strip()
        if text:
            await self._mode.verbs.run(Command("announce", (text,)))
