"""The lines of a room on the screen: only what is seen is drawn, the rest is heights of rows.

Law: no text reaches it but as spans of `client.grouping`; memory and time do not grow with the length of a room's log.
"""

from bisect import bisect_right
from collections import OrderedDict
from itertools import accumulate
from typing import ClassVar, Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from client import colours, marks
from client.grouping import Page
from client.screens.growing import Growing
from client.show import Spans, plain
from client.transcript import Item, Pending, Transcript

KEPT: Final = 400  # items whose rows are kept as they were made
NEAR: Final = 15  # rows from the top at which older lines are fetched
ROLES: Final = ("text", "time", "notice", "rule", "new", "whisper", "pending", "error", "marked", "action", "code",
                "block", "quote", "bold", "italic", "struck", "link", "good", "room", "own", "title")  # fmt: skip


class Lines(Growing, can_focus=True):
    """One transcript. Posts `Older` and `Newer` when its ends come near, `Turned` as one leaves the end, `Chosen` for
    the line under the cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*(f"lines--{role}" for role in ROLES), "lines--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor(-1)", "Line above", show=False),
        Binding("down", "cursor(1)", "Line below", show=False),
        Binding("enter", "choose", "This line", show=False),
        Binding("c", "copy", "Copy the line", show=False),
        Binding("home", "page('home')", show=False),
        Binding("end", "page('end')", show=False),
        Binding("pageup", "page('up')", show=False),
        Binding("pagedown", "page('down')", show=False),
    ]

    class Older(Message):
        """The oldest line is near."""

    class Newer(Message):
        """The newest line of a window in the past is near."""

    class Turned(Message):
        """One went from the end, or came back to it."""

    class Chosen(Message):
        def __init__(self, item: Item) -> None:
            self.item = item
            super().__init__()

    def __init__(self, page: Page, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.page = page
        self.transcript = Transcript()
        self._heights: list[int] = []  # rows of each item
        self._starts: list[int] = []  # the first row of each item
        self._total = 0
        self._shift = 0
        self._kept: OrderedDict[int, tuple[Item, list[Spans]]] = OrderedDict()
        self._tail: list[Spans] = []  # rows of what is on its way
        self._role_styles: dict[str, Style] = {}
        self._cursor: Item | None = None
        self._follow = True

    # -- what changed

    def open(self, transcript: Transcript) -> None:
        """Another transcript altogether."""
        self.transcript = transcript
        self._cursor = None
        self._measure_all()
        self.to_end()

    def remark(self) -> None:
        """The mark of what is new stands elsewhere; one stays where one is."""
        place = self.place()
        self._measure_all()
        if place is None:
            self.to_end()
        else:
            self.go_back(*place)

    def place(self) -> tuple[Item, int] | None:
        """What stands at the top, and which of its rows; None at the end, where one stays whatever comes."""
        if self._follow or not self._starts:
            return None
        place, inside = self._place(int(self.scroll_offset.y))
        return self.transcript.items[place], inside

    def go_back(self, item: Item, inside: int) -> None:
        """To where `place` was, if that is still here."""
        at = next((n for n, one in enumerate(self.transcript.items) if one is item), None)
        if at is not None:
            self._follow = False
            self.scroll_to(y=self._starts[at] + inside, animate=False, immediate=True, force=True)

    def update(self) -> None:
        """Take in what came at either end of the transcript."""
        items = self.transcript.items
        follow = self.at_end
        moved = self.transcript.shift - self._shift
        if moved or len(self._heights) > len(items):
            self._moved(moved)
        else:
            for place in range(len(self._heights), len(items)):
                self._heights.append(len(self._rows(place, items[place])))
                self._starts.append(self._total)
                self._total += self._heights[-1]
        self._tail = self._pending()
        self._resize()
        if follow:
            self.to_end()
        self.refresh(self.size.region)

    def _moved(self, moved: int) -> None:
        """Items came in or went at the front: what one reads stays where it is, also where the first line needs no
        heading any more.
        """
        place, inside = self._place(int(self.scroll_offset.y))
        below = (self._heights[place] if self._heights else 0) - inside  # rows of it that one sees
        items = self.transcript.items
        if moved >= len(items) or -moved >= len(self._heights):
            self._heights = []
        elif moved > 0:
            self._heights[:0] = [self._height(n) for n in range(moved)]
            self._heights[moved] = self._height(moved)  # it stands after another now
        elif moved < 0:
            del self._heights[:-moved]
            self._heights[0] = self._height(0)
        self._shift = self.transcript.shift
        self._measure()
        kept = place + moved
        if 0 <= kept < len(self._starts):
            self._resize()
            y = self._starts[kept] + self._heights[kept] - below
            self.scroll_to(y=max(0, y), animate=False, immediate=True, force=True)

    def _measure_all(self) -> None:
        self._heights = []
        self._shift = self.transcript.shift
        self._measure()
        self._tail = self._pending()
        self._resize()

    def _measure(self) -> None:
        """Heights of items that have none yet, and where each begins."""
        self._kept.clear()
        items = self.transcript.items
        del self._heights[len(items) :]
        self._heights += [self._height(n) for n in range(len(self._heights), len(items))]
        self._starts = [0, *accumulate(self._heights)]
        self._total = self._starts.pop()

    def _height(self, place: int) -> int:
        return len(self._made(place, self.transcript.items[place]))

    def _pending(self) -> list[Spans]:
        rows: list[Spans] = []
        before: Pending | None = None
        for pending in self.transcript.pending:
            rows += self.page.pending_rows(pending, before)
            before = pending
        return rows

    def _resize(self) -> None:
        rows = self._total + len(self._tail)
        top = max(0, rows - self.size.height) if self._follow else self.scroll_y
        self.grow(Size(self.scrollable_content_region.width, rows), top)

    # -- where one is

    @property
    def at_end(self) -> bool:
        return self._follow

    def to_end(self) -> None:
        self._follow = True
        self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True, force=True)

    def jump(self, seq: int) -> bool:
        """To the entry `seq`, with some lines above it; False when it is not here."""
        place = self.transcript.place_of(seq)
        if place is None:
            return False
        self._follow = self.max_scroll_y == 0  # all of it is on the screen
        self._cursor = self.transcript.items[place]
        self.scroll_to(y=max(0, self._starts[place] - self.size.height // 3), animate=False, immediate=True, force=True)
        self.refresh()
        return True

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        if self.size.height == 0:
            return
        before, self._follow = self._follow, new >= self.max_scroll_y
        if self._follow is not before:
            self.post_message(self.Turned())
        if new < old and new <= NEAR and self.transcript.more_before:
            self.post_message(self.Older())
        elif self._follow and self.transcript.more_after:
            self.post_message(self.Newer())

    def _place(self, row: int) -> tuple[int, int]:
        """The item that stands at `row`, and which of its rows that is."""
        place = max(0, bisect_right(self._starts, row) - 1)
        return place, row - (self._starts[place] if self._starts else 0)

    # -- keys and mouse

    def action_cursor(self, step: int) -> None:
        items = self.transcript.items
        if not items:
            return
        at = items.index(self._cursor) + step if self._cursor in items else self._begin()
        at = min(max(at, 0), len(items) - 1)
        self._cursor = items[at]
        top, bottom = self._starts[at], (self._starts[at + 1] if at + 1 < len(items) else self._total)
        y = int(self.scroll_offset.y)
        if top < y:
            self.scroll_to(y=top, animate=False, immediate=True, force=True)
        elif bottom > y + self.size.height:
            self.scroll_to(y=bottom - self.size.height, animate=False, immediate=True, force=True)
        if at == 0 and self.transcript.more_before:
            self.post_message(self.Older())
        self.refresh()

    def _begin(self) -> int:
        """Where a cursor that is nowhere comes up: at the newest line, or above in what one has scrolled to."""
        return len(self.transcript.items) - 1 if self._follow else self._place(int(self.scroll_offset.y))[0]

    def action_page(self, where: str) -> None:
        height = max(1, self.size.height - 1)
        row = {"home": 0, "end": self.max_scroll_y}.get(
            where, self.scroll_offset.y + (-height if where == "up" else height)
        )
        self.scroll_to(y=row, animate=False, immediate=True, force=True)
        if row <= 0 and self.transcript.more_before:
            self.post_message(self.Older())

    def action_choose(self) -> None:
        if self._cursor is not None:
            self.post_message(self.Chosen(self._cursor))

    def action_copy(self) -> None:
        if self._cursor is not None:
            self.app.copy_to_clipboard(self.page.plain(self._cursor))

    def on_mouse_scroll_up(self) -> None:
        """At the very top nothing moves, and what could not be fetched before is asked for again."""
        if self.scroll_offset.y <= 0 and self.transcript.more_before:
            self.post_message(self.Older())

    def on_click(self, event: events.Click) -> None:
        link = event.style.meta.get("link_to")
        if isinstance(link, str):
            self.app.open_url(link)
            return
        row = int(self.scroll_offset.y) + event.y
        if event.chain == 2 and row < self._total and self.transcript.items:
            self.post_message(self.Chosen(self.transcript.items[self._place(row)[0]]))

    def on_blur(self) -> None:
        self._cursor = None
        self.refresh()

    def on_resize(self) -> None:
        width = max(20, self.scrollable_content_region.width - 1)
        if width != self.page.width or not self._starts:
            follow = self.at_end
            place, _ = self._place(int(self.scroll_offset.y))
            self.page.width = width
            self._measure_all()
            if not follow and place < len(self._starts):
                self.scroll_to(y=self._starts[place], animate=False, immediate=True, force=True)
                return
            self.to_end()
        elif self.at_end:
            self.to_end()

    # -- drawing

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._role_styles.clear()

    def render_line(self, y: int) -> Strip:
        row = int(self.scroll_offset.y) + y
        width = self.scrollable_content_region.width
        base = self.rich_style
        spans, item = self._row(row)
        if spans is None:
            return Strip.blank(width, base)
        if item is not None and item is self._cursor:
            base += self.get_component_rich_style("lines--cursor", partial=True)
        segments = [Segment(text, base + self._style(role, text)) for role, text in spans if text]
        segments = self._selected(segments, plain(spans), row)
        strip = Strip(segments).crop_extend(0, width, base).simplify()  # each segment is two sequences on the wire
        return strip.apply_offsets(0, row)

    def _row(self, row: int) -> tuple[Spans | None, Item | None]:
        if row >= self._total:
            tail = row - self._total
            return (self._tail[tail] if tail < len(self._tail) else None), None
        place, inside = self._place(row)
        item = self.transcript.items[place]
        rows = self._rows(place, item)
        return (rows[inside] if inside < len(rows) else None), item

    def _rows(self, place: int, item: Item) -> list[Spans]:
        kept = self._kept.get(id(item))
        if kept is not None:
            self._kept.move_to_end(id(item))
            return kept[1]
        rows = self._made(place, item)
        self._kept[id(item)] = (item, rows)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return rows

    def _made(self, place: int, item: Item) -> list[Spans]:
        entry = self.transcript.entry_before(place) if self.page.new_from else None
        return self.page.rows(item, self.transcript.items[place - 1] if place else None, entry)

    def _selected(self, segments: list[Segment], text: str, row: int) -> list[Segment]:
        selection: Selection | None = self.text_selection
        if selection is None or (span := selection.get_span(row)) is None:
            return segments
        start, end = span
        end = len(text) if end == -1 else end
        cells = [cell_len(text[:start]), cell_len(text[:end]), cell_len(text)]
        before, inside, after = (list(part) for part in Segment.divide(segments, cells))
        style = self.screen.get_component_rich_style("screen--selection")
        return [*before, *Segment.apply_style(inside, post_style=style), *after]

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        rows = [spans for n in range(self._total + len(self._tail)) if (spans := self._row(n)[0]) is not None]
        return selection.extract("\n".join(plain(spans) for spans in rows)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002
        self.refresh()

    def _style(self, role: str, text: str) -> Style:
        key = f"name {text}" if role == "name" else role
        style = self._role_styles.get(key)
        if style is None:
            style = self._role_styles[key] = self._made_style(role, text)
            if len(self._role_styles) > 4 * KEPT:
                self._role_styles.clear()
        return style

    def _made_style(self, role: str, text: str) -> Style:
        if role == "name":
            return Style(color=colours.of(text, dark=self.app.current_theme.dark), bold=True)
        if role.startswith(marks.LINK):
            address = role.removeprefix(marks.LINK)
            shown = self.get_component_rich_style("lines--link", partial=True)
            return shown + Style(link=address) + Style.from_meta({"link_to": address})
        if role in ROLES:
            return self.get_component_rich_style(f"lines--{role}", partial=True)
        return Style.null()
