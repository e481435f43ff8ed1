"""What a play is made of: one step each, and the ways to do what menus, windows and commands offer.

Law: each step waits for something that was not on the screen before, so that what does not work any more is noticed.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from client.screens import doings


@dataclass(frozen=True)
class Step:
    """`keys`: tmux's names of keys; one that begins with a space is typed as it is, after the space, with `{server}`
    and `{code}` (the one-time code that the admin saw last) filled in. It is done when `sees` is
    there and `gone` is not; with `told` the screen is written down."""

    who: str
    keys: tuple[str, ...]
    sees: str = ""
    gone: str = ""
    told: str = ""


Steps = tuple[Step, ...]


def step(who: str, *keys: str, sees: str = "", gone: str = "", told: str = "") -> Step:
    return Step(who, keys, sees, gone, told)


def acting(who: str) -> Callable[..., Step]:
    return partial(step, who)


foo, test, admin = map(acting, ("foo", "test", "admin"))
new, other, guest, back = map(acting, ("new", "other", "guest", "back"))


def chosen(act: Callable[..., Step], offers: Collection[str], what: str, sees: str = "", told: str = "",
           gone: str = "", sure: bool = False) -> Steps:  # fmt: skip
    """One of what a window offers, by its place there; `sure`: it is asked about once more."""
    downs = ["Down"] * list(offers).index(what)
    last = partial(act, sees=sees, gone=gone, told=told)
    return (act(*downs, "Enter", sees="No   "), last("Tab", "Enter")) if sure else (last(*downs, "Enter"),)


def found(act: Callable[..., Step], words: str, name: str, sees: str = "", gone: str = "", told: str = "") -> Steps:
    """An item of the palette, found by a part of its name."""
    return act("C-p", f" {words}", sees=name), act("Enter", sees=sees, gone=gone, told=told)


def with_person(act: Callable[..., Step], up: int, what: str, sees: str = "", told: str = "", gone: str = "",
                sure: bool = False) -> Steps:  # fmt: skip
    """What an operator can do with who said the line so far above the newest one."""
    window = act("F8", *["Up"] * up, "Enter", sees="Name in a line")
    return window, *chosen(act, doings.PERSON, what, sees, told, gone, sure)


def says(act: Callable[..., Step], text: str, sees: str = "", told: str = "", gone: str = "") -> Step:
    """A line or a command, typed in the room one is in."""
    return act(f" {text}", "Enter", sees=sees, told=told, gone=gone)
