"""The user file and inboxes of py-chat-room, as they are written: `user password #KEY` a line, a file a key. Pure.

Law: what is no account costs its own line only, and is named with the reason. Nothing in a file leads out of its
directory: a key is `#` with letters and digits.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wire.errors import Refused
from wire.names import check_person, fold

_KEY = re.compile(r"#[A-Za-z0-9]{1,32}", re.ASCII)
_MAIL = re.compile(r"^From: ([^\n]*)\n(.*?)\n end ?$", re.DOTALL | re.MULTILINE)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
WORDS: Final = 3


@dataclass(frozen=True, slots=True)
class User:
    name: str
    password: str
    key: str
    line: int


@dataclass(frozen=True, slots=True)
class Wrong:
    """A line that is no account: its number, what it calls itself, and why not."""

    line: int
    name: str
    why: str


def users(text: str) -> Iterator[User | Wrong]:
    seen: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        name = words[0]
        why = _why_not(words, seen)
        if why:
            yield Wrong(number, name[:40], why)
        else:
            seen.add(fold(name))
            yield User(name, words[1], words[2], number)


def _why_not(words: list[str], seen: set[str]) -> str:
    if len(words) != WORDS:
        return f"a line is a name, a password and a key, this has {len(words)} words"
    try:
        check_person(words[0])
    except Refused as why:
        return why.text
    if fold(words[0]) in seen:
        return "the name is on an earlier line already"
    return "" if _KEY.fullmatch(words[2]) else "a key is # with letters and digits"


def mails(text: str) -> Iterator[tuple[str, str]]:
    """Sender and text of each mail of an inbox, oldest first."""
    for sender, said in _MAIL.findall(text):
        body = _CONTROL.sub("?", said).strip("\n")
        if body.strip():
            yield _CONTROL.sub("?", sender).strip()[:32] or "?", body
