"""How the items of a transcript look: rows of spans, grouped by person and day. Pure.

Law: only headings begin at the left edge; every row of somebody's text is indented, so no text can pass for a heading,
a notice or another person's line.
"""

from collections.abc import Callable
from datetime import tzinfo
from typing import Final

from client import marks, show
from client.show import PAD, Spans
from client.transcript import Item, Note, Pending
from client.wrapping import TIMED, wrap
from wire.messages import Direct, Line, Moderated, Topic, Whispered
from wire.names import fold

TABLES: Final = ("text", "block")  # roles of what commands answer in rows
APART: Final = 5 * 60_000  # ms after which the same person gets a heading again


class Page:
    """What the rows depend on beside the items: who we are, where, how wide, and what is marked."""

    def __init__(self, me: str, measure: Callable[[str], int], zone: tzinfo | None = None) -> None:
        self.me = me
        self.measure = measure
        self.zone = zone
        self.width = 80
        self.new_from = 0
        self.roomy = False  # an empty row before each heading
        self.wanted: Callable[[Line], bool] = lambda _line: False  # whether a line is marked

    def rows(self, item: Item, before: Item | None, entry: Item | None = None) -> list[Spans]:
        """The rows of `item` that stands after `before`, and `entry` is the last of the log before it."""
        rows = self._rules(item, before, entry or before)
        apart = bool(rows) or not self._together(item, before)
        for spans in self._spans(item, before, apart):
            rows += wrap(spans, self.width, self.measure)
        return rows

    def pending_rows(self, pending: Pending, before: Pending | None) -> list[Spans]:
        """The rows of a line of ours that is on its way, or was refused."""
        role = "error" if pending.refused else "pending"
        state = f"not sent: {show.word(pending.refused)}" if pending.refused else "not stored yet"
        rows: list[Spans] = []
        if before is None or before.refused != pending.refused or before.to != pending.to:
            to = f" → {show.word(pending.to)}, in private" if pending.to else ""
            rows.append([("name", show.word(self.me)), ("time", f"{to}  "), (role, state)])
        sign = f"* {show.word(self.me)} " if pending.kind == "action" else ""
        for number, text in enumerate(show.paragraphs(pending.text)):
            rows += wrap([("pad", PAD), (role, (sign if number == 0 else "") + text)], self.width, self.measure)
        return rows

    def plain(self, item: Item) -> str:
        """The text of an item, to be copied."""
        match item:
            case Line() | Whispered() | Direct():
                return show.clean(item.text)
            case Note():
                return show.plain(item.spans)
            case _:
                return "\n".join(show.plain(spans) for spans in show.entry(item, self.me, self.zone))

    # -- parts

    def _rules(self, item: Item, before: Item | None, entry: Item | None) -> list[Spans]:
        """What is drawn across the page before an item: another day, where one had left."""
        rows: list[Spans] = []
        day = show.day(item.at, self.zone)
        if before is None or show.day(before.at, self.zone) != day:
            rows.append([("rule", self._rule(day))])
        if self.new_from and self._is_new(item) and not self._is_new(entry):
            rows.append([("new", self._rule("new since you left"))])
        return [[("pad", "")], *rows] if rows and self.roomy and before is not None else rows

    def _is_new(self, item: Item | None) -> bool:
        return isinstance(item, Line | Topic | Moderated) and item.seq >= self.new_from

    def _rule(self, text: str) -> str:
        left = "── "
        rest = self.width - len(left) - self.measure(text) - 1
        return f"{left}{text} {'─' * max(2, rest)}"

    def _together(self, item: Item, before: Item | None) -> bool:
        """Whether `item` goes on under the heading of `before`."""
        if before is None or type(item) is not type(before) or item.at - before.at >= APART:
            return False
        match item, before:
            case Line(), Line():
                spoken = item.kind != "action" and before.kind != "action"
                return spoken and fold(item.sender) == fold(before.sender) and item.guest == before.guest
            case Direct(), Direct():
                return fold(item.sender) == fold(before.sender)
            case Whispered(), Whispered():
                return (fold(item.sender), fold(item.to)) == (fold(before.sender), fold(before.to))
        return False

    def _note(self, note: Note, before: Item | None) -> Spans:
        """Our own words after their time; a table has it at its first row, and a line that is quoted has its own."""
        when, role = show.clock(note.at, self.zone), note.spans[0][0]
        if role == "time":
            return [("time", " " * TIMED), *note.spans]
        same = isinstance(before, Note) and before.spans[0][0] == role and show.clock(before.at, self.zone) == when
        return [("time", " " * len(when) if same and role in TABLES else when), ("pad", " "), *note.spans]

    def _spans(self, item: Item, before: Item | None, apart: bool) -> list[Spans]:
        match item:
            case Note():
                return [self._note(item, before)]
            case Topic() | Moderated():
                return show.entry(item, self.me, self.zone)
            case Line() if item.kind == "action":
                return self._action(item)
            case _:
                return [*(self._heading(item) if apart else []), *self._text(item)]

    def _heading(self, item: Line | Whispered | Direct) -> list[Spans]:
        heading: Spans = [("name", show.word(item.sender))]
        if isinstance(item, Whispered):
            to = "you" if fold(item.to) == fold(self.me) else show.word(item.to)
            heading.append(("whisper", f" → {to}, in private"))
        elif item.guest is True:
            heading.append(("notice", " guest"))
        heading.append(("time", f"  {show.clock(item.at, self.zone)}"))
        return [[("pad", "")], heading] if self.roomy else [heading]

    def _text(self, item: Line | Whispered | Direct) -> list[Spans]:
        role = "marked" if isinstance(item, Line) and self.wanted(item) else "text"
        return [[("pad", PAD), *spans] for spans in marks.rows(show.paragraphs(item.text), role)]

    def _action(self, item: Line) -> list[Spans]:
        first, *rest = marks.rows(show.paragraphs(item.text), "action")
        guest: Spans = [("notice", " guest")] if item.guest is True else []
        head: Spans = [("time", show.clock(item.at, self.zone)), ("action", " * "), ("name", show.word(item.sender))]
        return [[*head, *guest, ("action", " "), *first], *([("pad", PAD), *spans] for spans in rest)]
