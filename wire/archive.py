"""The form of a room's log outside of Parlour: JSON Lines that can be read back, and text for people. Pure.

Law: the first line of JSON is a `Header`, each further one an entry as it is on the wire; nothing is left out.
"""

from datetime import UTC, datetime
from typing import Final

from msgspec import UNSET, Struct

from wire.messages import Entry, Moderated, Topic

VERSION: Final = 1


class Header(Struct, tag="room", tag_field="type", kw_only=True):
    """The first line of an export."""

    parlour: int  # the version of this form
    room: str
    topic: str
    first: int
    last: int


def text(entry: Entry) -> str:
    """An entry as people read it, with its line's end."""
    when = datetime.fromtimestamp(entry.at / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(entry, Topic):
        return f"{when}  * {entry.sender} set the topic: {entry.topic}\n"
    if isinstance(entry, Moderated):
        reason = "" if entry.reason is UNSET else f" ({entry.reason})"
        return f"{when}  * {entry.sender}: {entry.what} {entry.name}{reason}\n"
    said = entry.text.replace("\n", "\n" + " " * 24)
    who = f"  * {entry.sender} {said}" if entry.kind == "action" else f"  <{entry.sender}> {said}"
    return f"{when}{who}\n"
