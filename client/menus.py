"""The numbered menus: at the door, and in the lobby once one is in. Pure.

Law: a number means the same thing at every visit, so that fingers can learn it; Enter takes what most people want next.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from client.show import count, word

QUIT = ("0", "q", "quit", "exit", "exit()", "<quit>", "!q", "!exit", "*exit", "/quit")


@dataclass(frozen=True, slots=True)
class Item:
    key: str
    verb: str
    label: str


@dataclass(frozen=True, slots=True)
class Menu:
    """`default`: the verb that Enter means, `hint` says it in words."""

    items: tuple[Item, ...]
    default: str
    hint: str

    def lines(self, *, linear: bool = False) -> list[str]:
        """Two columns, read downwards; `linear`: one choice a line."""
        if linear:
            return [f"{item.key} {item.label}" for item in self.items]
        cells = [f"{item.key:>3}  {item.label}" for item in self.items]
        half = (len(cells) + 1) // 2
        left, right = cells[:half], [*cells[half:], ""]
        return [f"{a:<34}{b}".rstrip() for a, b in zip(left, right, strict=False)]

    def choose(self, typed: str) -> str | None:
        """The verb that `typed` chooses: a number, a verb's name, or nothing for the default."""
        choice = typed.strip().lower()
        if not choice:
            return self.default
        if choice in QUIT:
            return "quit"
        for item in self.items:
            if choice in (item.key, item.verb):
                return item.verb
        return None


def door(*, guests: bool, registration: bool, knows_account: bool) -> Menu:
    """Before one is in."""
    items = [Item("1", "login", "Log in")]
    if registration:
        items.append(Item("2", "register", "Create an account"))
    if guests:
        items.append(Item("3", "guest", "Continue as a guest"))
    items.append(Item("4", "code", "I have a one-time code"))
    items.append(Item("0", "quit", "Quit"))
    default = "guest" if guests and not knows_account else "login"
    hint = "continue as a guest" if default == "guest" else "log in"
    return Menu(tuple(items), default, hint)


def lobby(*, unread: int, admin: bool, guest: bool, ahead: Sequence[str], inside: bool) -> Menu:
    """Once one is in. `ahead`: the rooms that Enter leads to; `inside`: one is in them already."""
    items = [
        Item("1", "rooms", "Rooms"),
        Item("2", "enter", "Enter a room"),
        Item("3", "create", "Create a room"),
        Item("4", "people", "People"),
    ]
    if guest:
        items.append(Item("7", "account", "How to have an account"))
    else:
        items.append(Item("5", "inbox", f"Inbox ({unread} unread)" if unread else "Inbox"))
        items.append(Item("6", "write", "Write mail"))
        items.append(Item("7", "account", "Account: password, sessions …"))
    if admin:
        items.append(Item("8", "admin", "Admin: rooms, accounts …"))
    items.append(Item("0", "quit", "Quit"))
    if not ahead:
        return Menu(tuple(items), "rooms", "list the rooms")
    return Menu(tuple(items), "ahead", f"{'back to' if inside else 'go to'} {_some(ahead)}")


BACK = Item("0", "back", "Back")


def account() -> Menu:
    """One's own account."""
    items = (
        Item("1", "password", "Change the password"),
        Item("2", "sessions", "Where you are logged in"),
        Item("3", "blocks", "Whom you have blocked"),
        Item("4", "spelling", "Capitals of your name"),
        Item("5", "save", "All that is here of you"),
        Item("6", "delete", "Delete this account"),
        BACK,
    )
    return Menu(items, "back", "back")


def admin() -> Menu:
    items = (
        Item("1", "admin", "Rooms and their processes"),
        Item("2", "users", "Accounts"),
        Item("3", "audit", "What admins did"),
        Item("4", "announcing", "Say something to everybody"),
        BACK,
    )
    return Menu(items, "back", "back")


def _some(rooms: Sequence[str]) -> str:
    if len(rooms) <= 3:
        return ", ".join(word(room, 32) for room in rooms)
    return f"{word(rooms[0], 32)} and {count(len(rooms) - 1, 'more room')}"
