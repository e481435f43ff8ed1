"""The keys that work everywhere; each has an id by which the settings may give it others."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Key:
    id: str
    keys: str
    action: str
    what: str
    footer: str = ""  # a word for the bottom row


KEYS: Final = (
    Key("help", "f1", "page('help')", "this help", "Help"),
    Key("rooms", "f2", "page('rooms')", "all rooms", "Rooms"),
    Key("inbox", "f3", "page('inbox')", "your inbox", "Inbox"),
    Key("people", "f4", "page('people')", "who is online", "People"),
    Key("account", "f5", "page('account')", "your account"),
    Key("next", "ctrl+n", "next_room", "the next room, one with news first", "Next"),
    Key("below", "alt+down", "step_room(1)", "the room below in the list"),
    Key("above", "alt+up", "step_room(-1)", "the room above"),
    Key("back", "ctrl+b,f6", "previous", "back to where you were before"),
    Key("lines", "f8", "lines", "move in the lines"),
    Key("find", "ctrl+f", "find", "find lines in this room", "Find"),
    Key("end", "ctrl+g", "end", "to the newest line"),
    Key("links", "ctrl+l", "links", "links in this room: open or copy"),
    Key("write", "f9", "write", "write a mail"),
    Key("members", "f10", "members", "show or hide who is in the room"),
    Key("leave", "ctrl+w", "leave", "leave this room"),
    Key("admin", "f12", "page('admin')", "every room and its process (admins)"),
    Key("palette", "ctrl+p", "command_palette", "find anything by a word", "Anything"),
    Key("quit", "ctrl+q", "quit", "leave Parlour", "Quit"),
)


# Of a page with fields to fill in: Tab counts before the next key, however fast that comes. A password is no part of a
# name, nor a mail of its address.
FIELDS: Final = (
    Binding("tab", "app.focus_next", show=False, priority=True),
    Binding("shift+tab", "app.focus_previous", show=False, priority=True),
)


class Beside(StrEnum):
    """Keys that most terminals send and Textual does not know; Alt+Enter would send the line it is to go on with."""

    ALT_ENTER = "alt+enter"


def bindings() -> list[Binding]:
    """For the app; those keys come before what a widget makes of them."""
    for n in range(10):  # Textual takes Alt with a digit for the sign that a Mac's keyboard makes of it
        cast(dict[str, object], ANSI_SEQUENCES_KEYS).pop(f"\x1b{n}", None)
    cast(dict[str, object], ANSI_SEQUENCES_KEYS)["\x1b\r"] = (Beside.ALT_ENTER,)
    made = [Binding(key.keys, key.action, key.what, id=key.id, priority=True, show=False) for key in KEYS]
    rooms = (Binding(f"alt+{n}", f"room_number({n})", f"room {n}", priority=True, show=False) for n in range(1, 10))
    return [*made, *rooms]


def shown(keys: str) -> str:
    """Keys as people write them."""
    names = {"pageup": "PageUp", "pagedown": "PageDown"}
    one = [names.get(key, "+".join(part.capitalize() for part in key.split("+"))) for key in keys.split(",")]
    return " ".join(one[:2])


def short(keys: str) -> str:
    """The first of them, in as little room as can be."""
    return shown(keys.split(",", maxsplit=1)[0]).replace("Ctrl+", "^")
