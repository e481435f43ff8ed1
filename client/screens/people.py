"""Who is online and where; Enter offers what can be done with somebody."""

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from client import show
from client.answers import Refusal
from client.screens.field import Field
from client.screens.rooms import PARTIAL, REFRESH
from client.visit import Visit
from wire.messages import PersonRow
from wire.names import fold


class PeoplePage(Vertical):
    def __init__(self, visit: Visit) -> None:
        super().__init__(id="people")
        self.visit = visit
        self._rows: list[PersonRow] = []
        self._count = 0

    def compose(self) -> ComposeResult:
        yield Static(" People", classes="heading", id="people-heading")
        yield Field(placeholder="Type to find somebody", id="find-person", compact=True)
        yield OptionList(id="people-list", markup=False)
        yield Static(" Enter: speak in private, write mail, more", classes="hint")

    def opened(self) -> None:
        self.query_one("#find-person", Input).focus()
        self.refresh_rows()

    def tick(self) -> None:
        """Nothing here changes but by asking."""

    @work(exclusive=True, group="people")
    async def refresh_rows(self) -> None:
        try:
            self._rows, self._count = await self.visit.client.people()
        except Refusal as why:
            self.notify(show.word(why.text), severity="warning")
            return
        self._draw()
        if self.visit.client.partial:
            self.set_timer(REFRESH, self._again)

    def _again(self) -> None:
        if self.is_on_screen:
            self.refresh_rows()

    def _draw(self) -> None:
        typed = fold(self.query_one("#find-person", Input).value.strip())
        rows = [row for row in self._rows if typed in fold(row.name)]
        listed = self.query_one("#people-list", OptionList)
        listed.set_options([Option(self._option(row), id=row.name) for row in rows])
        if rows:
            listed.highlighted = 0
        told = f"{self._count} online"
        if self._count > len(self._rows):
            told += f", of whom these are {len(self._rows)}"
        partial = (PARTIAL if self.visit.client.partial else "", "$warning")
        self.query_one("#people-heading", Static).update(Content.assemble(" People  ", (told, "$quiet"), partial))

    def _option(self, row: PersonRow) -> Content:
        you = "you" if fold(row.name) == fold(self.visit.me) else "guest" if row.guest else ""
        where = show.names(row.rooms) or "in the lobby"
        name = (f"{show.word(row.name, 32):<22} ", "bold")
        away = (f"  away: {show.word(row.away, 60)}" if isinstance(row.away, str) and row.away else "", "$warning")
        return Content.assemble(
            name, (f"{you:<6}", "$accent"), (f"since {show.clock(row.since)}  ", "$quiet"), where, away
        )

    @on(Input.Changed)
    def _typed(self) -> None:
        self._draw()

    def on_key(self, event: Key) -> None:
        key = event.key
        listed = self.query_one("#people-list", OptionList)
        if self.query_one("#find-person", Input).has_focus and key in ("up", "down"):
            (listed.action_cursor_up if key == "up" else listed.action_cursor_down)()
            event.stop()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.query_one("#people-list", OptionList).action_select()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.app.action_person(event.option.id or "")  # type: ignore[attr-defined]
