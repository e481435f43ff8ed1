"""Names and texts: what is well-formed. Pure; every side checks with these and nothing else.

Source of the rule: docs/protocol.md, "Names and texts".
"""

import re
from typing import Final

from wire.errors import Refused

NAME_MAX: Final = 32
SUBJECT_MAX: Final = 200  # characters of a mail's subject; a line of a listing
BODY_MAX: Final = 12_000  # of its text: with four bytes each, 100 recipients and a subject it still is one line
TEXT_MAX: Final = 4_000  # characters, so that a line of 4-byte characters stays well under a frame's 64 KiB
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.\-]*[A-Za-z0-9])?", re.ASCII)
# Names that would let somebody pass for the system, or that commands use as words.
# fmt: off
RESERVED: Final = frozenset({
    "admin", "administrator", "all", "everyone", "guest", "here", "lobby", "me", "moderator", "nobody", "operator",
    "owner", "parlour", "postmaster", "root", "room", "server", "staff", "system", "you",
})
# fmt: on
# C0, DEL and C1, but newline and tab; the line and paragraph separators break lines in terminals as well.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_LOW_CONTROL = bytes(range(0x20)) + b"\x7f"
_LONE_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def fold(name: str) -> str:
    """The form in which names are compared and looked up: without case."""
    return name.lower()


def check_name(name: str, *, what: str = "name") -> str:
    """Return `name` if it is well-formed, 1 to 32 characters; raises Refused(bad_name) with the reason."""
    if not name:
        raise Refused("bad_name", f"a {what} cannot be empty")
    if len(name) > NAME_MAX:
        raise Refused("bad_name", f"a {what} has at most {NAME_MAX} characters")
    if not _NAME.fullmatch(name):
        raise Refused(
            "bad_name",
            f"a {what} has letters a-z, digits, '_', '-' and '.', and begins and ends with a letter or digit",
        )
    return name


def check_person(name: str) -> str:
    """As `check_name`, and refuses the names reserved for the system."""
    check_name(name)
    if fold(name) in RESERVED:
        raise Refused("bad_name", f"the name {name} is reserved")
    return name


def check_text(text: str, *, what: str = "text", limit: int = TEXT_MAX) -> str:
    """Return `text` if it may be said: not blank, at most `limit` characters, no control characters but newline
    and tab; raises Refused(too_long) or Refused(bad_text)."""
    if len(text) > limit:
        raise Refused("too_long", f"a {what} has at most {limit} characters, this has {len(text)}")
    if not text.isprintable() and _CONTROL.search(text):  # the first is a quarter of the second's cost, and mostly true
        raise Refused("bad_text", f"a {what} has no control characters but newline and tab")
    if not text or text.isspace():
        raise Refused("bad_text", f"a {what} cannot be empty")
    return text


def surely_said(texts: list[str]) -> bool:
    """Whether `check_text` takes each of these, as it does nearly always; False is no answer."""
    return _printable("".join(texts)) and all(map(str.strip, texts)) and max(map(len, texts)) <= TEXT_MAX


def _printable(text: str) -> bool:
    if not text.isascii():
        return text.isprintable()
    return len(text.encode().translate(None, _LOW_CONTROL)) == len(text)  # the same in half the time


def check_single_line(text: str, *, what: str, limit: int) -> str:
    """As `check_text` for a topic or a subject: may be empty, has no newline or tab either."""
    if len(text) > limit:
        raise Refused("too_long", f"a {what} has at most {limit} characters, this has {len(text)}")
    if _LONE_CONTROL.search(text):
        raise Refused("bad_text", f"a {what} is one line without control characters")
    return text
