"""What the client says beside the screens, in a row or two at the top right; and what leaves it: texts and links.

Law: words of others never come here as markup, and no aside covers where one types; each goes by itself, by a click, or
by the next key once it could be read.
"""

import asyncio
import os
from typing import Final

from textual import work
from textual.app import App
from textual.events import Event, Key
from textual.notifications import SeverityLevel
from textual.widget import Widget
from textual.widgets import Input
from textual.widgets._toast import Toast

from client import handing, show
from client.link import read_clock

LONGEST: Final = 104  # characters: two rows
IN_A_ROW: Final = 44  # of a link or a text, that is not broken
MOST: Final = 2  # at once: what is older is gone, or counted in the list at the left
SECONDS: Final = 4.0
EACH: Final = 1 / 25  # seconds more for a character: people read about so many a second
READ: Final = 1.5  # seconds from which on a key takes away what is said: somebody who types would never see it


class Asides(App[int]):
    _said_at = 0.0  # monotonic; 0: nothing is on the screen

    def notify(
        self, message: str, *, title: str = "", severity: SeverityLevel = "information", timeout: float | None = None,
        markup: bool = False,  # noqa: ARG002 - Textual's word; whatever it says, nothing here is markup
    ) -> None:  # fmt: skip
        text = show.word(f"{title}: {message}" if title else message, LONGEST)
        self._said_at = read_clock().mono
        seconds = SECONDS + EACH * len(text) if timeout is None else timeout
        super().notify(text, severity=severity, timeout=seconds, markup=False)
        self.call_later(self._take_away, all_but=MOST)

    async def on_event(self, event: Event) -> None:
        """Textual's own first look at what comes in."""
        if isinstance(event, Key) and self._said_at and read_clock().mono - self._said_at >= READ:
            self.hush()
        await super().on_event(event)

    def hush(self) -> None:
        """Nothing is said any more."""
        self._said_at = 0.0
        self._take_away(all_but=0)
        self.clear_notifications()

    def _take_away(self, *, all_but: int) -> None:
        """The older ones, with the row each has: Textual's own way leaves it behind, empty."""
        said = list(self._notifications)
        gone = said[: max(0, len(said) - all_but)]
        for notification in gone:
            self._unnotify(notification, refresh=False)
        for screen in self.screen_stack:
            for toast in screen.query(Toast):
                if toast._notification in gone and isinstance(toast.parent, Widget):
                    toast.parent.remove()

    # -- what leaves

    def copy_to_clipboard(self, text: str) -> None:
        if self._copied(text):
            self.notify(f"Copied: {show.word(text.strip(), IN_A_ROW)}")

    def _copied(self, text: str) -> bool:
        """Whether it went to the clipboard, which a password never does."""
        if isinstance(self.focused, Input) and self.focused.password:
            return False
        self._clipboard = text
        if not self.is_headless:
            self._write(handing.copy(text, os.environ))
        return True

    @work(group="links")
    async def open_url(self, url: str, *, new_tab: bool = True) -> None:  # type: ignore[override] # noqa: ARG002
        """In the browser; where there is none, the link is copied."""
        try:
            await asyncio.to_thread(handing.open_link, url, os.environ)
        except handing.NotOpened as why:
            self._copied(url)
            self.notify(f"Copied, as {why}: {show.word(url, IN_A_ROW)}")
        else:
            self.notify(f"Opened: {show.word(url, IN_A_ROW)}")

    def _write(self, sequence: str) -> None:
        """To the terminal itself."""
        if self._driver is not None and not self.is_headless and sequence:
            self._driver.write(sequence)
