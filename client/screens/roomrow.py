"""A room in the list of the lobby's page, in columns: name, people, what there is to know of it, topic. Pure.

Law: the columns are as wide as what stands in them now, and a topic gets what is left.
"""

from collections.abc import Sequence
from typing import Final

from textual.content import Content

from client import show
from client.floor import Floor
from wire.messages import RoomRow
from wire.names import fold

NAMES: Final = range(10, 25)  # columns of names; a longer one pushes the rest of its row
MARKS_MOST: Final = 26
TOPIC_LEAST: Final = 10
Part = tuple[str, str]


def options(rows: Sequence[RoomRow], floor: Floor, width: int) -> tuple[Content, list[Content]]:
    """The head of the columns, and a row for each room, `width` columns wide."""
    names = max((len(show.word(row.name, 32)) for row in rows), default=0)
    names = min(max(names, NAMES[0]), NAMES[-1])
    marks = [_marks(row, floor) for row in rows]
    wide = min(MARKS_MOST, max((_length(each) for each in marks), default=0))
    made = [_row(row, told, names, wide, width) for row, told in zip(rows, marks, strict=True)]
    topics = any(row.topic for row in rows)
    head = f"{'room':<{names}}{'people':>8}{' ' * (wide + 2)}{'topic' if topics else ''}"
    return Content.styled(f" {head}", "$quiet"), made


def _row(row: RoomRow, marks: list[Part], names: int, wide: int, width: int) -> Content:
    people = f"{row.members:>8}" if row.members else f"{'–':>8}"
    parts: list[Part] = [
        (f"{show.word(row.name, 32):<{names}}", "bold"),
        (people, "$success" if row.members else "$quiet"), *marks,
    ]  # fmt: skip
    used = max(_length(parts), names + len(people) + wide)
    if row.topic and width - used - 2 > TOPIC_LEAST:
        parts.append((" " * (used - _length(parts) + 2), ""))
        parts.append((show.word(row.topic, width - used - 2), "$quiet"))
    return Content.assemble(*parts)


def _marks(row: RoomRow, floor: Floor) -> list[Part]:
    """What is to be known of a room beside who is in it: that one is in it, what is unread, who may come in."""
    table = floor.tables.get(fold(row.name))
    parts: list[Part] = []
    if table is not None:
        parts.append(("  in" if not table.unread else f"  {table.unread} new", "$warning"))
        if table.mentions:
            parts.append((f" @{table.mentions}", "bold $warning"))
    if (by := floor.invitations.get(fold(row.name))) is not None:
        parts.append((f"  {by} invites you", "bold $warning"))
    if row.access != "public":
        parts.append((f"  {show.word(row.access, 10)}", "$accent"))
    if row.state in ("failed", "starting"):
        parts.append((f"  {row.state}", "$error"))
    return parts


def _length(parts: Sequence[Part]) -> int:
    return sum(len(text) for text, _ in parts)
