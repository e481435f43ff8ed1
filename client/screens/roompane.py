"""One room on the screen: its topic, its lines, who is in it, and the composer."""

from collections.abc import Awaitable
from typing import Final

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.style import Style
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from client import show
from client.answers import Refusal
from client.floor import DIRECT, Table
from client.grouping import Page
from client.link import read_clock
from client.screens.composer import Composer
from client.screens.emptyroom import EmptyRoom
from client.screens.keys import KEYS, shown
from client.screens.lines import Lines
from client.screens.rooms import RoomsPage
from client.screens.steady import Steady
from client.transcript import Item
from client.visit import Visit
from wire.messages import Direct, Line, Whispered
from wire.names import fold

WIDE: Final = 84  # columns of the pane from which on members stand beside the lines
ROOMY: Final = 30  # rows from which on there is an empty one before each heading


class RoomPane(Vertical):
    def __init__(self, visit: Visit) -> None:
        super().__init__(id="room")
        self.visit = visit
        self.page = Page(visit.me, cell_len)
        self.page.wanted = visit.floor.calls
        self._seen = (-1, -1)  # what of the table was drawn: its changes and the room's members
        self._members: list[str] = []  # as they were drawn
        self._looked_up = ""  # fold(room) that was looked for in the list of rooms, for what kind of room it is
        self._beside = False  # whether members stand beside the lines of a narrow screen
        self._open = ""  # fold(room) whose lines are on the screen
        self._places: dict[str, tuple[Item, int]] = {}  # by fold(room), where one was when one went to another

    def compose(self) -> ComposeResult:
        yield Steady(id="topic")
        yield EmptyRoom(self.visit)
        with Horizontal():
            yield Lines(self.page, id="lines")
            yield OptionList(id="members", compact=True, markup=False)
        yield Steady(id="typing")
        yield Composer(self.visit.words, id="composer")

    def on_mount(self) -> None:
        self.query_one("#members", OptionList).display = False

    @property
    def lines(self) -> Lines:
        return self.query_one("#lines", Lines)

    @property
    def composer(self) -> Composer:
        return self.query_one("#composer", Composer)

    @property
    def table(self) -> Table | None:
        return self.visit.floor.tables.get(self.visit.floor.shown)

    # -- which room

    def open(self) -> None:
        """Show the room that the floor looks at."""
        if (table := self.table) is None:
            return
        self._keep_place()
        self.page.me = self.visit.me
        self.page.new_from = table.transcript.new_from
        self._seen = (-1, -1)
        self.composer.load(self.visit.drafts.rooms.get(table.name, ""))
        self.lines.open(table.transcript)
        self._open = fold(table.name)
        self.tick()
        if (place := self._places.pop(self._open, None)) is not None:
            self.lines.go_back(*place)
            self._draw_typing(table)
        self.composer.focus()
        self.visit.read_directs(table)
        if table.name.startswith(DIRECT) and table.transcript.more_before and self.lines.max_scroll_y == 0:
            self._older()  # what came first opened the table; there is room for what was told before

    def _keep_place(self) -> None:
        place = self.lines.place() if self._open else None
        if place is not None:
            self._places[self._open] = place

    def tick(self) -> None:
        """Draw what has changed."""
        if (table := self.table) is None:
            return
        side = self.visit.client.session.rooms.get(self.visit.floor.shown)
        seen = (table.changed, side.count if side else 0)
        if seen != self._seen:
            marked, self.page.new_from = self.page.new_from, table.transcript.new_from
            if self.lines.transcript is not table.transcript:
                self.lines.open(table.transcript)
            elif marked != self.page.new_from:
                self.lines.remark()
            self.lines.update()
            self._seen = seen
            self._draw_members()
        self._draw_topic(table)
        self._draw_typing(table)
        unknown = self.query_one(EmptyRoom).tick(table)
        if unknown and self._looked_up != self._open:
            self._looked_up = self._open
            self.screen.query_one(RoomsPage).refresh_rows()

    def _draw_topic(self, table: Table) -> None:
        side = self.visit.client.session.rooms.get(fold(table.name))
        count, topic = (side.count, show.word(side.topic)) if side else (0, "")
        hint = "" if self._members_shown else f" ({self._members_key})"
        about = f" {show.count(count, 'person', 'people')}{hint}  " if side else " you are not in it"
        if table.name.startswith(DIRECT):
            about = " what you two tell each other, wherever you are"
        name = (f" {show.word(table.name)} ", "bold $primary")
        people = Content.styled(about, "$quiet").stylize(Style.from_meta({"@click": "app.members"}))
        self.query_one("#topic", Steady).say(Content.assemble(name, people, topic))

    def _draw_typing(self, table: Table) -> None:
        now = read_clock().mono
        table.typing = {name: until for name, until in table.typing.items() if until > now}
        who = show.names(sorted(table.typing))
        told = f" {who} {'is' if len(table.typing) == 1 else 'are'} typing …" if who else ""
        past = table.transcript.more_after or not self.lines.at_end
        row = self.query_one("#typing", Steady)
        row.set_class(past, "past")
        newest = Content(" These are earlier lines  ·  Ctrl+G goes to the newest")
        row.say(newest.stylize(Style.from_meta({"@click": "app.end"})) if past else Content(told))

    @property
    def _wide(self) -> bool:
        return self.size.width >= WIDE

    @property
    def _members_shown(self) -> bool:
        return self.visit.settings.members if self._wide else self._beside

    @property
    def _members_key(self) -> str:
        key = next(key for key in KEYS if key.id == "members")
        return shown(self.visit.settings.keys.get(key.id, key.keys))

    def toggle_members(self) -> None:
        """Show or hide who is here; a wide screen's choice is a setting, a narrow one's is for now."""
        if self._wide:
            self.visit.settings.members = not self.visit.settings.members
        else:
            self._beside = not self._beside
        self.on_resize()
        self.tick()

    def _draw_members(self) -> None:
        members = self.query_one("#members", OptionList)
        members.display = self._members_shown and not self.visit.floor.shown.startswith(DIRECT)
        members.set_class(not self._wide, "narrow")
        side = self.visit.client.session.rooms.get(self.visit.floor.shown)
        if not members.display or side is None:
            return
        names = sorted(side.members.values(), key=fold)
        if names == self._members:
            return
        self._members = names
        at = members.highlighted
        members.set_options([Option(show.word(name, 32), id=fold(name)) for name in names])
        members.border_title = f"{side.count}"
        if at is not None and names:
            members.highlighted = min(at, len(names) - 1)

    def on_resize(self) -> None:
        self.page.roomy = self.size.height >= ROOMY
        self._draw_members()

    # -- lines

    @on(Lines.Turned)
    def _turned(self) -> None:
        """Whether these are the newest lines is said at once."""
        if (table := self.table) is not None:
            self._draw_typing(table)

    @on(Lines.Older)
    def _near_the_top(self) -> None:
        """A wheel says it many times, and one page is enough."""
        if all(worker.is_finished for worker in self.workers if worker.node is self and worker.group == "older"):
            self._older()

    @work(exclusive=True, group="older")
    async def _older(self) -> None:
        if (table := self.table) is not None and await self._came(self.visit.older(table.name)):
            table.changed += 1
            self.tick()

    @on(Lines.Newer)
    @work(exclusive=True, group="older")
    async def _newer(self) -> None:
        if (table := self.table) is not None and await self._came(self.visit.newer(table.name)):
            table.changed += 1
            self.tick()

    async def _came(self, page: Awaitable[None]) -> bool:
        """Whether a page of history came; a room that is away for a moment is told, and asked again by the next step
        that one takes.
        """
        try:
            await page
        except Refusal as why:
            self.notify(show.word(why.text), severity="warning")
            return False
        return True

    @work(exclusive=True, group="older")
    async def jump(self, seq: int) -> None:
        """To an entry, wherever in the log."""
        if (table := self.table) is None or not await self._came(self.visit.around(table.name, seq)):
            return
        if self.lines.transcript.place_of(seq) is not None:
            self.lines.open(table.transcript)
            self.lines.jump(seq)
            self.lines.focus()
        self.tick()

    @work(exclusive=True, group="older")
    async def to_end(self) -> None:
        if (table := self.table) is None:
            return
        if table.transcript.more_after:
            if not await self._came(self.visit.newest(table.name)):
                return
            self.lines.open(table.transcript)
        self.lines.to_end()
        self.composer.focus()
        self.tick()

    def links(self) -> list[str]:
        """The addresses in the lines we have, newest first, each once."""
        from client.marks import addresses  # noqa: PLC0415

        items = self.table.transcript.items if self.table else []
        found = [link for item in reversed(items) if isinstance(item, Line | Whispered | Direct)
                 for link in addresses(show.clean(item.text))]  # fmt: skip
        return list(dict.fromkeys(found))

    def speak_to(self, item: Item | str) -> None:
        """Begin a line to somebody."""
        name = item if isinstance(item, str) else getattr(item, "sender", "")
        if name:
            self.composer.insert(f"@{show.word(name)} ")
            self.composer.focus()

    # -- the composer

    @on(Composer.Scroll)
    def _scroll(self, event: Composer.Scroll) -> None:
        self.lines.action_page("up" if event.pages < 0 else "down")

    @on(Composer.Changed)
    def _typed(self) -> None:
        if (table := self.table) is not None:
            self.visit.draft(table.name, self.composer.text)
            self.visit.read_directs(table)
            if self.composer.text and not self.composer.text.startswith("/"):
                self.visit.typing(table.name)

    @on(Composer.Said)
    async def _said(self, event: Composer.Said) -> None:
        event.stop()
        self._carry_out(event.text)

    @work
    async def _carry_out(self, text: str) -> None:
        if not await self.visit.typed(text):
            self.composer.give_back(text)
        self.lines.to_end()
        self.tick()
