"""A view whose height grows all the time, with a frame that costs what is new in it.

Law: a change of height lays the screen out anew only where the scrollbar comes or goes (Textual does so for each, and
draws the bar once more after that); and the bar is drawn where it looks different, which in a long log is seldom. It is
a column of its own, and would cost as much over ssh as a third of the lines.
"""

from math import ceil

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar


class Growing(ScrollView):
    def grow(self, size: Size, y: float) -> None:
        """To another virtual size, with row `y` at the top."""
        if self.show_vertical_scrollbar != (size.height > self.size.height) or size.width != self.virtual_size.width:
            self.virtual_size = size
            self._move_bar(y)
            return
        self.set_reactive(Growing.virtual_size, size)
        self._move_bar(y)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        self._move_bar(new_value)
        super().watch_scroll_y(old_value, new_value)

    def _move_bar(self, y: float) -> None:
        bar, rows = self.vertical_scrollbar, self.virtual_size.height
        before, now = thumb(bar.window_size, bar.window_virtual_size, bar.position), thumb(self.size.height, rows, y)
        if before == now or not self.show_vertical_scrollbar:
            bar.set_reactive(ScrollBar.window_virtual_size, rows)
            bar.set_reactive(ScrollBar.position, y)
        else:
            bar.window_virtual_size, bar.position = rows, y


def thumb(height: int, rows: int, y: float) -> tuple[int, int]:
    """Where a scrollbar's thumb begins and how long it is, in the eighths of a row that are drawn."""
    long = max(1.0, height * height / max(1, rows))
    return int((height - long) * y / max(1, rows - height) * 8), ceil(long * 8)
