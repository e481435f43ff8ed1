"""The page of help: what can be done, by which keys, and which commands there are."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from client.commands import VERBS
from client.screens.keys import KEYS, shown
from client.settings import place
from client.visit import Visit

ABOUT = """Everything is in the list at the left, under the keys below, and in the palette (Ctrl+P): type what you want.
Type to talk; Enter sends, Ctrl+J begins another line, Tab completes names, rooms, commands and :emoji.
Up and Down in the composer bring back what you said; PageUp and PageDown turn the lines above it.
F8 moves into the lines: arrows choose one, c copies it, Enter offers what can be done with it, Esc comes back.
Esc goes from the composer to the list at the left; a digit there goes to that room.
The mouse selects text; Ctrl+C copies it. **bold**, *italic*, `code`,
``` fences, > quotes and links are shown as meant."""


class HelpPage(VerticalScroll):
    def __init__(self, visit: Visit) -> None:
        super().__init__(id="help")
        self.visit = visit

    def compose(self) -> ComposeResult:
        yield Static(" Help", classes="heading")
        yield Static(ABOUT, markup=False, classes="about")
        yield Static(self._keys(), classes="about")
        yield Static(self._commands(), classes="about")
        yield Static(Content.styled(f"Keys, themes and notices are set in {place()}", "$quiet"), classes="about")

    def opened(self) -> None:
        self.focus()

    def tick(self) -> None:
        """Nothing here changes."""

    def _keys(self) -> Content:
        parts: list[tuple[str, str]] = [("Keys (the word in brackets is the id for the settings)\n", "bold $primary")]
        for key in KEYS:
            keys = self.visit.settings.keys.get(key.id, key.keys)
            parts += [(f"  {shown(keys):<22}", "bold"), (key.what, ""), (f"  [{key.id}]\n", "$quiet")]
        return Content.assemble(*parts)

    @staticmethod
    def _commands() -> Content:
        parts: list[tuple[str, str]] = [("Commands\n", "bold $primary")]
        for form in VERBS.values():
            parts += [(f"  {form.usage:<30}", "bold"), (f"{form.what}\n", "")]
        return Content.assemble(*parts)
