"""The client as it is, with a line in a file for each item of its menus that is done: key, button, choice, command.

`python -m bench.screens.watched OPTIONS` is `parlour client OPTIONS`; the environment's WATCHED names the file. Law: it
looks on and changes nothing that the client does; what it notes has the names of `bench.screens.items`.
"""

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from textual.app import App
from textual.command import Command
from textual.widgets import Button, Checkbox, DataTable, Input, OptionList, TextArea

import client.__main__
from bench.screens import items
from client.screens import palette
from client.screens.composer import Composer
from client.screens.dialogs import Choose
from client.screens.sidebar import Sidebar
from client.verbs import Verbs

Note = Callable[[str], None]


class Watch:
    """What to look at, and what is noted of it."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._opened_by: dict[int, str] = {}  # id of a window of choices → who opened it

    def acts(self, _app: Any, namespace: Any, action: str, params: tuple[object, ...]) -> None:
        if isinstance(namespace, App):
            self._note(items.bound("Keys", action, params))
        for kind in type(namespace).__mro__:
            if kind.__module__.startswith("client."):
                self._note(items.bound(kind.__name__, action, params))

    def uses(self, _message: Any, widget: Any, *_more: Any, **_named: Any) -> None:
        """A button is pressed, a tick set, a row chosen, a field typed in."""
        if not isinstance(widget, Input | TextArea) or widget.has_focus:
            self._note(f"{_owner(widget)}: {widget.id or items.sort(type(widget))}")

    def opens(self, window: Any, *_more: Any, **_named: Any) -> None:
        self._opened_by[id(window)] = sys._getframe(2).f_code.co_qualname  # 0 is here, 1 the wrapper around it

    def chooses(self, message: Any, listed: Any, option: Any, *_more: Any) -> None:
        if isinstance(option, Command):
            self._note(f"Palette: {_in_palette(str(option.hit.text))}")
        elif isinstance(listed, Sidebar):
            kind, _, name = str(option.id).partition("-")
            self._note(f"Sidebar: {name if kind == 'page' else kind}")
        elif isinstance(listed.screen, Choose):
            who = self._opened_by[id(listed.screen)]
            known, what = items.WINDOWS[who], str(option.id)
            first = next((one for one in known if one in ("block", "done")), items.ONE)  # those that have no id
            self._note(f"Windows: {who} {what if what in known else first if not what else items.ONE}")
        self.uses(message, listed)

    def commands(self, _verbs: Any, command: Any) -> None:
        self._note(f"Commands: {command.verb}")

    def types(self, _composer: Any, event: Any) -> None:
        self._note(f"Composer: {event.key}")


def _owner(widget: Any) -> str:
    """The class of ours in which a widget stands."""
    return next((type(one).__name__ for one in widget.ancestors if type(one).__module__.startswith("client.")), "?")


def _in_palette(text: str) -> str:
    kinds = (palette.GO, palette.ENTER, palette.THEME)
    return next((kind for kind in kinds if text.startswith(f"{kind} ")), text)


@contextlib.contextmanager
def watching(note: Note) -> Iterator[None]:
    """While it lasts, what is done with any client of this process is noted."""
    watch = Watch(note)
    looks: list[tuple[Any, str, Callable[..., None]]] = [
        (App, "_dispatch_action", watch.acts), (Choose, "__init__", watch.opens), (Verbs, "run", watch.commands),
        (Composer, "_on_key", watch.types), (OptionList.OptionSelected, "__init__", watch.chooses),
        *((message, "__init__", watch.uses) for message in
          (Button.Pressed, Checkbox.Changed, Input.Changed, TextArea.Changed, DataTable.RowSelected)),
    ]  # fmt: skip
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in looks]
    for owner, name, look in looks:
        setattr(owner, name, _seen(getattr(owner, name), look))
    try:
        yield
    finally:
        for owner, name, was in before:
            setattr(owner, name, was)


def _seen(act: Callable[..., Any], look: Callable[..., None]) -> Callable[..., Any]:
    @functools.wraps(act)
    def seen(*args: Any, **named: Any) -> Any:
        look(*args, **named)
        return act(*args, **named)

    return seen


def main() -> int:
    file = open(os.environ["WATCHED"], "a", encoding="utf-8", buffering=1)  # noqa: SIM115 - as long as the process
    with watching(lambda item: print(item, file=file)):
        return client.__main__.main()


if __name__ == "__main__":
    sys.exit(main())
