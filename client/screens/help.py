"""The page of help: what can be done, by which keys, and which commands there are."""

import itertools
import textwrap
from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from client.commands import VERBS
from client.screens.keys import KEYS, shown
from client.settings import place
from client.visit import Visit

LEFT: Final = 30  # columns of what is typed, where the page is wide enough for them
LEAST: Final = 24  # columns for what it does, or there is less room on the left

ABOUT = """Everything is in the list at the left, under the keys below, and in the palette (Ctrl+P): type what you want.
Type to talk; Enter sends, Ctrl+J or Alt+Enter begins another line, Tab completes names, rooms, commands and :emoji.
Up and Down in the composer bring back what you said; PageUp and PageDown turn the lines above it.
F8 moves into the lines: arrows choose one, c copies it, Enter offers what can be done with it, Esc comes back.
Esc goes from the composer to the list at the left; a digit there goes to that room.
The mouse selects text; Ctrl+C copies it.
**bold**, *italic*, `code`, ``` fences, > quotes and links are shown as meant."""


class HelpPage(VerticalScroll):
    def __init__(self, visit: Visit) -> None:
        super().__init__(id="help")
        self.visit = visit

    def compose(self) -> ComposeResult:
        yield Static(" Help", classes="heading")
        yield Static(ABOUT, markup=False, classes="about")
        yield self._keys()
        yield self._commands()
        yield Static(Content.styled(f"Keys, themes and notices are set in {place()}", "$quiet"), classes="about")

    def opened(self) -> None:
        self.focus()

    def tick(self) -> None:
        """Nothing here changes."""

    def _keys(self) -> "Pairs":
        rows = [(shown(self.visit.settings.keys.get(key.id, key.keys)), f"{key.what}  [{key.id}]") for key in KEYS]
        return Pairs("Keys (the word in brackets is the id for the settings)", rows)

    @staticmethod
    def _commands() -> "Pairs":
        return Pairs("Commands", [(form.usage, form.what) for form in VERBS.values()])


class Pairs(Static):
    """Rows of what is typed and what it does, each side broken in its own column."""

    def __init__(self, title: str, rows: Sequence[tuple[str, str]]) -> None:
        super().__init__(classes="about")
        self.title = title
        self.rows = rows

    def on_resize(self) -> None:
        parts: list[tuple[str, str]] = [(self.title, "bold $primary")]
        longest = max(len(typed) for typed, _ in self.rows)
        for typed, what in self.rows:
            for one, other in broken(typed, what, min(LEFT, longest + 2), self.content_size.width):
                parts += [("\n  ", ""), (one, "bold"), (other, "")]
        self.update(Content.assemble(*parts))


def broken(typed: str, what: str, left: int, width: int) -> list[tuple[str, str]]:
    """Both in columns beside each other, row by row; the left one is padded."""
    room = max(LEAST, width - 2)  # after the indent
    left = min(left, max(10, room - LEAST))
    lefts = textwrap.wrap(typed, left - 2, subsequent_indent="  ") or [""]
    rights = textwrap.wrap(what, room - left)
    return [(one.ljust(left), other) for one, other in itertools.zip_longest(lefts, rights, fillvalue="")]
