"""The ways about: from page to page and room to room, by keys, commands and mouse.

Law: what has changed is drawn at most `FRAMES` times a second, and on a big screen less often, however much comes in.
"""

from typing import Final

from textual import work
from textual.command import CommandPalette

from client import show
from client.drafts import Letter
from client.lettering import Lettering
from client.link import read_clock
from client.screens import dialogs
from client.screens.asides import Asides
from client.screens.guest import NO_MAIL
from client.screens.main import Main
from client.settings import Settings
from client.show import Spans
from client.visit import Visit
from client.wrapping import TIMED
from wire.names import fold

FRAMES: Final = 8.0  # a second, at most; what comes after a pause is drawn at once
CELLS: Final = 30_000  # a second, at most: a frame of a big screen is many bytes over ssh, 50 kB a second so
AT_ONCE: Final = 0.01  # seconds, so that what comes together is drawn together
EVERYWHERE: Final = ("quit", "help_quit")
OWN: Final = ("next_room", "previous", "lines", "find", "end", "links", "write", "members", "leave", "room_number",
              "step_room", "command_palette")  # fmt: skip


class Ways(Asides):
    visit: Visit | None = None
    settings: Settings
    _dirty = False
    _drawn_at = 0.0  # monotonic
    _back = ""  # fold(room) one looked at before this one

    @property
    def main(self) -> Main | None:
        return next((screen for screen in self.screen_stack if isinstance(screen, Main)), None)

    def _visit(self) -> Visit:
        assert self.visit is not None
        return self.visit

    def _soon(self) -> None:
        if not self._dirty and self.is_running:
            self._dirty = True
            pause = max(1 / FRAMES, self.size.width * self.size.height / CELLS)
            self.set_timer(max(AT_ONCE, self._drawn_at + pause - read_clock().mono), self._frame)

    def _frame(self) -> None:
        self._dirty = False
        self._drawn_at = read_clock().mono
        if (main := self.main) is not None:
            main.tick()
            self.drawn()

    def drawn(self) -> None:
        """The screen has been drawn anew."""

    # -- what commands ask (client.visit.Front)

    def look_at(self, room: str) -> None:
        main = self.main
        if main is None:
            return
        shown = self._visit().floor.shown
        if not room:
            self._to_page("rooms")
            return
        if shown and shown != fold(room):
            self._back = shown
        main.show_room(room)
        self._soon()

    def show_inbox(self, number: int = 0, *, folder: str = "", words: str = "") -> None:
        self._to_page("inbox", number=number, folder=folder, words=words)

    def write_mail(
        self, to: str, subject: str = "", answers: int | None = None, body: str = "", draft: int | None = None
    ) -> None:
        visit = self._visit()
        if visit.guest:
            self.notify(f"{NO_MAIL} F3 says how to have an account.")
            return
        begun = visit.drafts.letter
        if any(begun.fields) and (to or subject or body):
            self.notify("First the mail that you had begun: send it, keep it as a draft, or discard it.")
        letter = begun if any(begun.fields) else Letter(show.word(to, 4_000), show.word(subject), body, answers, draft)
        self.push_screen(dialogs.WriteMail(Lettering(visit, letter), stored=letter.draft is not None))

    def aside(self, spans: Spans) -> None:
        self.notify(show.plain(spans).removeprefix("-- "))

    def draft_changed(self, room: str) -> None:
        """What stands in a composer is another text now."""
        if self.main is not None and fold(room) == self._visit().floor.shown:
            self.main.room.composer.load(self._visit().drafts.rooms.get(room, ""))

    def columns(self) -> int:
        """Those of a command's words, which stand after the time."""
        return (self.main.room.page.width if self.main is not None else self.size.width) - TIMED

    @work(exclusive=True, group="page")
    async def _to_page(self, page: str, **more: int | str) -> None:
        await self.action_page(page, **more)

    # -- what keys and mouse ask

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Over a window, and before one is in, the keys of pages mean nothing."""
        if action in EVERYWHERE:
            return True
        own = action in OWN or action.startswith("page")
        return not own or isinstance(self.screen, Main)

    async def action_page(self, page: str, **more: int | str) -> None:
        if (main := self.main) is not None and (page != "admin" or self._visit().admin):
            if self._visit().floor.shown:
                self._back = self._visit().floor.shown
            await main.show_page(page, **more)
            self._soon()

    def action_room(self, room: str) -> None:
        if (table := self._visit().floor.tables.get(fold(room))) is not None:
            self.look_at(table.name)

    def action_room_number(self, number: int) -> None:
        tables = list(self._visit().floor.tables.values())
        if number <= len(tables):
            self.look_at(tables[number - 1].name)

    def action_step_room(self, step: int) -> None:
        keys = list(self._visit().floor.tables)
        if keys:
            at = keys.index(self._visit().floor.shown) if self._visit().floor.shown in keys else -1
            self.action_room(keys[(at + step) % len(keys)])

    def action_next_room(self) -> None:
        """Mentions first, then what is unread, then the next in the list."""
        floor = self._visit().floor
        keys = list(floor.tables)
        at = keys.index(floor.shown) if floor.shown in keys else -1
        others = [key for key in (*keys[at + 1 :], *keys[: max(at, 0)]) if key != floor.shown]
        others.sort(key=lambda key: (not floor.tables[key].mentions, not floor.tables[key].unread))
        if others:
            self.look_at(floor.tables[others[0]].name)

    def action_previous(self) -> None:
        if self._back:
            self.action_room(self._back)

    def action_lines(self) -> None:
        if (main := self.main) is not None and main.page == "room":
            main.room.lines.focus()
            main.room.lines.action_cursor(-1)

    def action_end(self) -> None:
        if (main := self.main) is not None and main.page == "room":
            main.room.to_end()

    def action_command_palette(self) -> None:
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="Search: a room, a page, what you want to do", id="palette"))

    def action_write(self) -> None:
        self.write_mail("")

    def action_members(self) -> None:
        if (main := self.main) is not None:
            main.room.toggle_members()
