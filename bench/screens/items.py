"""Every item of every menu of the full-screen client, read off the client's own tables, bindings and source.

Law: an item is `where: what`; nothing is listed here by hand that the client has a table of, so that what it gets
anew is an item at once, and missing in the recorded session until that is played with it.
"""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Collection, Iterator, Mapping
from types import ModuleType
from typing import Any, Final

from textual.actions import parse
from textual.binding import Binding
from textual.widgets import Button, Checkbox, DataTable, Input, OptionList, TextArea

from client import commands, screens, settings
from client.screens import account, accounts, adminrooms, dialogs, doings, palette
from client.screens.composer import NEW_LINE, Composer
from client.screens.keys import KEYS, bindings
from client.screens.sidebar import PAGES, Sidebar

USED: Final = (Button, Checkbox, Input, TextArea, OptionList, DataTable)  # widgets that one does something with
OTHERWISE: Final = (Sidebar, Composer)  # what is done with these has items of its own
FAMILIES: Final[dict[str, Collection[str]]] = {"do-": account.DOINGS, "notice-": settings.NOTICES}  # ids by a table
ONE: Final = "one of them"  # a choice that has no fixed name: a link, a session, a person
WINDOWS: Final[dict[str, Collection[str]]] = {
    "Doings.action_person": doings.PERSON,
    "Doings.action_links": (*doings.LINK, ONE),
    "AdminRooms._act": adminrooms.CHOICES,
    "AdminAccounts._act": (*accounts.CHOICES, "done"),
    "AuditLog._selected": ("done",),
    "OwnAccount._sessions": ("others", ONE),
    "OwnAccount._blocks": ("block", ONE),
}  # what windows offer, by who opens them
TYPING: Final = ("enter", *NEW_LINE, "tab", "up", "down", "pageup", "pagedown")
UNTOLD: Final = {"Composer: shift+enter"}  # a terminal does not tell it from Enter unless asked to; tmux is not


def items() -> set[str]:
    found = {*_bound(), *_drawn(), *_offered()}
    found |= {f"Windows: {who} {what}" for who, offers in WINDOWS.items() for what in offers}
    found |= {f"Commands: {verb}" for verb in commands.VERBS}
    found |= {f"Palette: {text}" for text, _ in palette.OTHERS.values()}
    found |= {f"Palette: {kind}" for kind in (palette.GO, palette.ENTER, palette.THEME)}
    found |= {*(f"Sidebar: {page}" for page in PAGES), "Sidebar: room"}
    found |= {f"Composer: {key}" for key in TYPING}
    return found - UNTOLD


# -- keys


def bound(where: str, action: str, params: tuple[object, ...] = ()) -> str:
    """A key that does `action`; those that work everywhere by their ids, rooms' numbers as one."""
    if action == "room_number":
        return "Keys: room_number"
    written = action + (f"({', '.join(map(repr, params))})" if params else "")
    known = {key.action: key.id for key in KEYS}
    return f"Keys: {known.get(written, written)}" if where == "Keys" else f"{where}: {written}"


def _bound() -> Iterator[str]:
    for binding in bindings():
        yield bound("Keys", *parse(binding.action)[1:])
    for module in _modules():
        for name, kind in vars(module).items():
            if isinstance(kind, type) and kind.__module__ == module.__name__:
                yield from _bound_in(name, vars(kind).get("BINDINGS", ()))


def _modules() -> Iterator[ModuleType]:
    for module in pkgutil.iter_modules(screens.__path__, "client.screens."):
        yield importlib.import_module(module.name)


def _bound_in(where: str, made: Collection[Any]) -> Iterator[str]:
    for one in made:
        assert isinstance(one, Binding), f"{where} has a binding of another form"
        target, action, params = parse(one.action)
        yield bound("Keys" if target == "app" else where, action, params)


# -- what stands in the source: widgets with their ids, windows by who opens them


def _calls() -> Iterator[tuple[str, Any, ast.Call]]:
    """(class and function in which it stands, what is called, the call)"""
    for module in _modules():
        for kind in ast.parse(inspect.getsource(module)).body:
            for part in kind.body if isinstance(kind, ast.ClassDef) else ():
                for node in ast.walk(part):
                    if isinstance(node, ast.Call):
                        called = getattr(module, _name(node.func), None) or getattr(dialogs, _name(node.func), None)
                        yield f"{kind.name}.{getattr(part, 'name', '')}", called, node  # type: ignore[union-attr]


def _name(what: ast.expr) -> str:
    match what:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=value):
            return _name(value)
    return ""


def _drawn() -> Iterator[str]:
    for place, called, call in _calls():
        if isinstance(called, type) and issubclass(called, USED) and called not in OTHERWISE:
            where = place.partition(".")[0]
            given = next((word.value for word in call.keywords if word.arg == "id"), ast.Constant(sort(called)))
            for name in _ids(given):
                yield f"{where}: {name}"


def sort(widget: type) -> str:
    """What is said of a widget that has no id."""
    return next(kind.__name__ for kind in USED if issubclass(widget, kind))


def _ids(given: ast.expr) -> Collection[str]:
    match given:
        case ast.Constant(value=str(name)):
            return [name]
        case ast.JoinedStr(values=[ast.Constant(value=str(begin)), _]):
            return [begin + rest for rest in FAMILIES.get(begin, ["?"])]
    return [ast.unparse(given)]


def _offered() -> Iterator[str]:
    """Windows of choices that `WINDOWS` does not know."""
    for place, called, _ in _calls():
        if called is dialogs.Choose and place not in WINDOWS:
            yield f"Windows: {place} ?"


# -- the page


def listed(done: Mapping[str, int]) -> str:
    """What was done, each with the number of the screen by which it was, as Markdown."""
    rows: dict[str, list[str]] = {}
    for item, number in sorted(done.items()):
        where, _, what = item.partition(": ")
        rows.setdefault(where, []).append(f"`{what}` {number}")
    return "\n".join(f"- **{where}**: {', '.join(row)}" for where, row in rows.items())


def read(page: str) -> set[str]:
    """The items that a page lists."""
    rows = re.findall(r"^- \*\*(.+?)\*\*: (`.*)$", page, re.MULTILINE)
    return {f"{where}: {what}" for where, row in rows for what in re.findall(r"`([^`]+)` \d+", row)}
