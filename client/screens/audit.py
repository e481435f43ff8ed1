"""The audit log in the admin's page: who did what to whom, and when; older acts as one goes down."""

from typing import Final

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from client import show
from client.answers import Refusal
from client.screens.dialogs import Choose
from client.screens.grid import Grid
from client.visit import Visit

COLUMNS: Final = ("when", "who", "what", "to whom", "")
PAGE: Final = 100
NEAR: Final = 10  # rows from the end at which older acts are fetched


class AuditLog(Vertical):
    def __init__(self, visit: Visit) -> None:
        super().__init__()
        self.visit = visit
        self._oldest: int | None = None
        self._more = False

    def compose(self) -> ComposeResult:
        yield Grid(id="audit-table", cursor_type="row", zebra_stripes=False)
        yield Static(" Enter: all of it  ·  a: announce", classes="hint")

    def on_mount(self) -> None:
        self.query_one(Grid).add_columns(*COLUMNS)

    def opened(self) -> None:
        self.query_one(Grid).focus()
        self.refetch()

    def refetch(self) -> None:
        """The newest acts, wherever one is."""
        self._fetch(anew=True)

    @on(Grid.RowHighlighted)
    def _highlighted(self, event: Grid.RowHighlighted) -> None:
        if self._more and event.cursor_row >= event.data_table.row_count - NEAR:
            self._fetch(anew=False)

    @on(Grid.RowSelected)
    def _selected(self, event: Grid.RowSelected) -> None:
        """An act whole, as a row may be cut off."""
        when, who, what, *rest = (str(cell) for cell in event.data_table.get_row_at(event.cursor_row))
        self.app.push_screen(Choose(f"{who}: {what}", [("", "Done")], "\n".join((when, *rest)).rstrip()))

    @work(exclusive=True, group="audit")
    async def _fetch(self, *, anew: bool) -> None:
        try:
            page = await self.visit.client.audit(None if anew else self._oldest, PAGE)
        except Refusal as why:
            self.notify(show.word(why.text), severity="warning")
            return
        table = self.query_one(Grid)
        if anew:
            table.clear()
        quiet = self.app.theme_variables["quiet"]
        for act in page.acts:
            table.add_row(
                Text(show.stamp(act.at), quiet), Text(show.word(act.by, 20), "bold"), Text(show.word(act.what, 16)),
                Text(show.whom(act)), Text(show.word(act.text, 1_000)),
            )  # fmt: skip
        self._more = page.more
        self._oldest = page.acts[-1].number if page.acts else self._oldest
