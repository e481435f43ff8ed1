"""The full-screen client: what the session tells goes to the floor and the screens, what one asks goes to the visit.

Law: events are only noted as they come; the screen is drawn from what is noted at a bounded rate (`ways.FRAMES`), so
that a room with a hundred lines a second costs no more than a quiet one with as many frames.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final

from textual import work
from textual.binding import BindingType
from textual.events import DescendantFocus
from textual.filter import Monochrome
from textual.widgets import Input, TextArea

from client import colours, events, notice, settings, show
from client.address import Address
from client.answers import Refusal
from client.api import Client
from client.floor import Alert
from client.lettering import go_on
from client.memory import Memory
from client.plain import LEFT, NO_SERVER, REFUSED, Wishes
from client.screens import themes, widths
from client.screens.colourless import Colourless
from client.screens.doings import Doings
from client.screens.keys import bindings
from client.screens.main import Main
from client.screens.palette import Everything
from client.screens.welcome import Welcome
from client.visit import Visit
from wire.names import fold

FAREWELL_SECONDS: Final = 2.0
DRAFTS_SECONDS: Final = 0.5
ANSWER_SECONDS: Final = 10.0
Maker = Callable[[str, int], Client]


def real_client(host: str, port: int) -> Client:
    client = Client(host, port, client="parlour")
    client.patience = ANSWER_SECONDS
    return client


async def _logged_in(client: Client, how: str, name: str, password: str, code: str) -> events.LoggedIn:
    match how:
        case "guest":
            return await client.guest(name)
        case "register":
            return await client.register(name, password)
        case "recover":
            return await client.recover(name, code, password)
        case _:
            return await client.login(name, password)


STYLES: Final = Path(__file__).parent / "screens"


class ParlourApp(Doings):
    CSS_PATH = STYLES / "parlour.tcss"
    TITLE = "Parlour"
    COMMANDS: ClassVar[set[Any]] = {Everything}
    BINDINGS: ClassVar[list[BindingType]] = list(bindings())
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        wishes: Wishes,
        memory: Memory,
        chosen: settings.Settings,
        complaint: str = "",
        *,
        make: Maker = real_client,
    ) -> None:
        bare = colours.unwanted(os.environ)
        super().__init__(css_path=[self.CSS_PATH, STYLES / "colourless.tcss"] if bare else None)
        self.no_color = bare
        self._filters = [Colourless()] if bare else [each for each in self._filters if not isinstance(each, Monochrome)]
        self.wishes = wishes
        self.memory = memory
        self.settings = chosen
        self.visit: Visit | None = None
        self.code = LEFT
        self.last_words = ""
        self._complaint = complaint
        self._make = make
        self._focused = True
        self._window = ""
        self._over = False
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = chosen.theme if chosen.theme in self.available_themes else settings.DARK
        self.set_keymap(chosen.keys)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """For themes that are not ours: what our own say beside Textual's colours."""
        return themes.variables(dark=self.current_theme.dark)

    # -- coming

    def on_mount(self) -> None:
        self.animation_level = "none"  # over ssh each frame is bytes
        if self._complaint:
            self.notify(self._complaint, severity="warning")
        known = self.memory.visit(str(self.wishes.address))
        name = self.wishes.name or known.name
        account = bool(known.name) and not known.guest
        self.push_screen(Welcome(self.connect, self.log_in, str(self.wishes.address), name, known=account))
        self.set_interval(DRAFTS_SECONDS, self._keep_drafts)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """No cursor blinks: over ssh each blink is bytes."""
        if isinstance(event.widget, Input | TextArea):
            event.widget.cursor_blink = False

    async def connect(self, where: Address) -> events.Greeted:
        """Be greeted by the server at `where`; another than before ends that visit."""
        if self.visit is not None:
            self.visit.client.listeners.clear()
            self.visit.close_drafts()
            asyncio.ensure_future(self.visit.client.quit())  # noqa: RUF006 - nobody waits for a farewell
        client = self._make(where.host, where.port)
        client.listeners.append(self._event)
        self.visit = Visit(client, where, self.settings, self.memory)
        self.visit.front = self
        greeted = await client.open()
        if self.wishes.straight and self.wishes.name:
            self._straight_in()
        return greeted

    @work
    async def _straight_in(self) -> None:
        with contextlib.suppress(Refusal):
            await self.log_in("login" if self.wishes.password else "guest", self.wishes.name, self.wishes.password)

    async def log_in(self, how: str, name: str, password: str, code: str = "") -> None:
        if self._visit().client.session.over:
            await self.connect(self._visit().address)
        visit = self._visit()
        visit.speak_as(name)
        self._move_in(await _logged_in(visit.client, how, name, password, code))

    @work
    async def _move_in(self, event: events.LoggedIn) -> None:
        """To where one was at the last visit, or asked to go; else to the list of rooms."""
        visit = self._visit()
        waiting = visit.logged_in(event)
        await self.switch_screen(Main(visit))
        wanted = (
            [self.wishes.room]
            if self.wishes.room
            else (self.memory.visit(str(visit.address)).rooms_of(event.name) or [row.room for row in event.back])
        )
        entered = ""
        for room in dict.fromkeys([*waiting, *wanted]):
            place = visit.floor.left_at.get(fold(room))
            with contextlib.suppress(Refusal):
                entered = (await visit.join(room, create=bool(self.wishes.room))).name
                if place is not None:
                    await visit.older(entered)
        self.look_at(entered)
        for room in waiting:
            if fold(room) not in visit.client.session.rooms:
                told = f"What you wrote in {show.word(room)} waits: it is sent when you are in it again."
                self.notify(told)
        for room in visit.begun_elsewhere():
            self.notify(f"What you had begun to write in {show.word(room)} is there when you enter it.")
        await self._mail_again()
        await visit.tell_again()  # for as long as it takes

    async def _mail_again(self) -> None:
        """The mails that were being written when clients ended, and what became of those that were on their way."""
        try:
            await go_on(self._visit(), self.notify)
        except Refusal as why:
            self.notify(f"Your mail is not sent: {show.word(why.text)}", severity="warning")
        if any(self._visit().drafts.letter.fields):
            self.write_mail("")

    # -- what happens

    def _event(self, event: events.Event) -> None:
        visit = self.visit
        if visit is None:
            return
        alert = visit.event(event)
        match event:
            case events.LoggedOut(text):
                self._log_in_again(text)
            case events.Ended():
                self._ended(event)
            case events.LeftRoom(room, code) if fold(room) == visit.floor.shown and code == "left":
                self._after_leaving()
            case events.RoomRefused(room, _, text):
                visit.floor.tables.pop(fold(room), None)
            case events.Announced(None, text):
                self.notify(text, title="The server's operator says")
        if alert is not None:
            self._alert(alert)
        self._soon()

    def _log_in_again(self, text: str) -> None:
        visit = self._visit()
        self.push_screen(Welcome(self._same, self._again, str(visit.address), visit.me, known=True))
        self.notify(show.word(text), severity="warning")

    async def _same(self, _where: Address) -> events.Greeted:
        greeted = self._visit().client.greeted
        assert greeted is not None
        return greeted

    async def _again(self, how: str, name: str, password: str, code: str = "") -> None:
        await _logged_in(self._visit().client, how, name, password, code)
        if isinstance(self.screen, Welcome):
            self.pop_screen()

    def _ended(self, event: events.Ended) -> None:
        if event.code == "quit" or self._over or self.main is None:
            return
        self.last_words = show.word(event.text) or show.word(event.code)
        self.code = NO_SERVER if event.code in ("going_down", "restarting") else REFUSED
        self._over = True
        self._leave()

    # -- notices

    def _alert(self, alert: Alert) -> None:
        visit = self._visit()
        if not notice.wanted(alert, self.settings, visit.floor.shown, focused=self._focused):
            return
        if self.settings.notices.bell:
            self.bell()
        if self.settings.notices.desktop:
            self._write(notice.desktop(notice.heading(alert), alert.text, os.environ))
        if self._focused:
            self.notify(alert.text, title=notice.heading(alert))

    def drawn(self) -> None:
        visit = self._visit()
        if not self.settings.notices.title:
            return
        mentions = sum(table.mentions for table in visit.floor.tables.values()) + visit.client.session.lobby.unread
        here = visit.floor.tables.get(visit.floor.shown)
        wanted = f"{f'({mentions}) ' if mentions else ''}{here.name if here else 'Parlour'}"
        if wanted != self._window:
            self._window = wanted
            self._write(notice.title(wanted, os.environ))

    def on_app_focus(self) -> None:
        self._focused = True

    def on_app_blur(self) -> None:
        self._focused = False

    @work(exclusive=True, group="leave")
    async def action_get_account(self) -> None:
        """A guest leaves, and is at the first screen again, where accounts are made; in the same rooms afterwards."""
        visit = self._visit()
        visit.client.listeners.clear()
        visit.remember()
        self.wishes = replace(self.wishes, name=visit.me, straight=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await visit.client.quit()
        visit.close_drafts()
        await self.switch_screen(
            Welcome(self.connect, self.log_in, str(visit.address), visit.me, known=True, makes=True)
        )
        self.notify("Choose a password for your account, and press Enter.")

    # -- leaving

    def goodbye(self) -> None:
        self._leave()

    async def action_quit(self) -> None:
        self._leave()

    @work(exclusive=True, group="leave")
    async def _leave(self) -> None:
        visit = self.visit
        if visit is not None:
            visit.keep_drafts()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_SECONDS):
                    await visit.client.drained()
            visit.remember()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_SECONDS):
                    await visit.client.quit()
            visit.keep_drafts()
        self.exit(self.code)

    def on_unmount(self) -> None:
        self._close_drafts()

    def _close_drafts(self) -> None:
        """What is still in them is the next client's."""
        if self.visit is not None:
            self.visit.close_drafts()

    def _keep_drafts(self) -> None:
        if self.visit is not None:
            self.visit.keep_drafts()


def run(wishes: Wishes, memory: Memory) -> tuple[int, str]:
    """The whole visit; its exit code, and last words for the terminal."""
    chosen, complaint = settings.load()
    widths.reckon(os.environ)
    app = ParlourApp(wishes, memory, chosen, complaint)
    code = app.run()
    return (app.code if code is None else code), app.last_words
