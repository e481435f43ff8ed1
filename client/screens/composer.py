"""Where a line is typed: several rows, history, completion by Tab, a paste as one message.

Law: what is typed is nobody's but the typist's until it was taken; whatever is refused stands here again.
"""

from collections.abc import Callable
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from client.screens.field import done_at_once

ROWS_MOST: Final = 8
HISTORY_MOST: Final = 200
NEW_LINE: Final = ("ctrl+j", "alt+enter", "shift+enter")
Words = Callable[[str, bool], list[str]]


class Composer(TextArea):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+u", "clear_all", "Clear", show=False)]

    class Said(Message):
        """Enter: `text` is to be carried out."""

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    class Scroll(Message):
        """The lines above are to be turned a page, -1 or 1."""

        def __init__(self, pages: int) -> None:
            self.pages = pages
            super().__init__()

    def __init__(self, words: Words, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id, compact=True, highlight_cursor_line=False, placeholder="Write a line; Enter sends it")
        self._words = words
        self._said: list[str] = []
        self._at = 0  # in the history; its length: what is being typed
        self._typed = ""
        self._offers: list[str] = []
        self._offer = 0
        self._stem = (0, 0)  # where the completed word begins

    def load(self, text: str) -> None:
        """Another draft."""
        self.text = text
        self.move_cursor(self.document.end)
        self._at = len(self._said)
        self._fit()

    def give_back(self, text: str) -> None:
        """A text was not taken; what was begun meanwhile stays after it."""
        self.load(f"{text}\n{self.text}" if self.text else text)

    async def _on_key(self, event: events.Key) -> None:
        if event.key != "tab":
            self._offers = []
        match event.key:
            case "enter":
                self._stop(event)
                self._send()
            case key if key in NEW_LINE:
                self._stop(event)
                self.insert("\n")
            case "tab" if self.text.strip():
                self._stop(event)
                self._complete()
            case "up" if self.cursor_location[0] == 0:
                self._stop(event)
                self._recall(-1)
            case "down" if self.cursor_location[0] == self.document.line_count - 1 and self._at < len(self._said):
                self._stop(event)
                self._recall(1)
            case "pageup" | "pagedown":
                self._stop(event)
                self.post_message(self.Scroll(-1 if event.key == "pageup" else 1))
            case _:
                await done_at_once(self, event)

    async def _on_paste(self, event: events.Paste) -> None:
        """Line ends of other systems become ours; the rest is TextArea's."""
        event.text = event.text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")

    @staticmethod
    def _stop(event: events.Key) -> None:
        event.stop()
        event.prevent_default()

    def action_clear_all(self) -> None:
        self.load("")

    def on_text_area_changed(self) -> None:
        self._fit()

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        self.styles.height = min(ROWS_MOST, max(1, self.wrapped_document.height))

    def _send(self) -> None:
        text = self.text
        if not text.strip():
            return
        if not self._said or self._said[-1] != text:
            self._said = [*self._said, text][-HISTORY_MOST:]
        self.load("")
        self.post_message(self.Said(text))

    def _recall(self, step: int) -> None:
        wanted = self._at + step
        if not 0 <= wanted <= len(self._said):
            return
        if self._at == len(self._said):
            self._typed = self.text
        text = self._typed if wanted == len(self._said) else self._said[wanted]
        self.load(text)
        self._at = wanted

    def _complete(self) -> None:
        """The word before the cursor becomes the next of what it may be."""
        row, column = self.cursor_location
        if not self._offers:
            line = self.document.get_line(row)[:column]
            begin = line.rfind(" ") + 1
            self._offers = self._words(line[begin:], begin == 0 and row == 0)
            self._offer, self._stem = -1, (row, begin)
        if self._offers:
            self._offer = (self._offer + 1) % len(self._offers)
            self.replace(self._offers[self._offer], self._stem, (row, column))
            self.move_cursor((row, self._stem[1] + len(self._offers[self._offer])))
