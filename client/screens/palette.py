"""The palette: whatever can be done, and every room, found by a word."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from client import show
from client.screens.keys import KEYS, shown

OTHERS: Final = {
    "direct": ("Direct message", "to one person, wherever they are"),
    "new_room": ("New room", "make one and go in"),
    "topic": ("Topic of this room", "operators set it"),
    "invite": ("Invite somebody into this room", "of your own, private"),
    "quiet": ("Notices of this room on or off", "bell, title, desktop"),
}  # what has no key of its own, by its action
GO, ENTER, THEME = "Go to", "Enter", "Theme"  # with a name each


class Everything(Provider):
    """Keys, rooms one is in, rooms there are, and settings."""

    def _offers(self) -> Iterator[tuple[str, str, Callable[[], Any]]]:
        app = cast(Any, self.app)
        if not app.visit or not app.visit.me:
            return
        for table in app.visit.floor.tables.values():
            yield f"{GO} {_named(table.name)}", "a room you are in", partial(app.action_room, table.name)
        for key in KEYS:
            if key.id not in ("palette", "admin") or (key.id == "admin" and app.visit.admin):
                what = key.what[0].upper() + key.what[1:]
                yield what, shown(app.settings.keys.get(key.id, key.keys)), partial(app.run_action, f"app.{key.action}")
        for action, (text, about) in OTHERS.items():
            yield text, about, getattr(app, f"action_{action}")
        for theme in sorted(app.available_themes):
            yield f"{THEME} {theme}", "colours", partial(app.action_theme, theme)

    async def discover(self) -> Hits:
        for text, about, act in self._offers():
            if not text.startswith(f"{THEME} "):
                yield DiscoveryHit(text, act, help=about)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for text, about, act in self._offers():
            if (score := matcher.match(text)) > 0:
                yield Hit(score, matcher.highlight(text), act, help=about)
        app = cast(Any, self.app)
        for name in app.rooms_known():
            text = f"{ENTER} {_named(name)}"
            if (score := matcher.match(text)) > 0:
                yield Hit(score, matcher.highlight(text), partial(app.action_enter, name), help="a room")


def _named(name: str) -> str:
    """A name as it may stand where Textual reads markup; it has no bracket while a server keeps to its own rules."""
    return show.word(name).replace("[", "(")
