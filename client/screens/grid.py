"""A table as the admin's page has them: columns as wide as what is in them.

Law: rows are never left as they were drawn before their columns were measured. Textual measures new cells when it is
idle, and keeps what it drew before that, cut off, until something else changes (its issues 3533 and 4470).
"""

from rich.text import Text
from textual.geometry import Size
from textual.widgets import DataTable


class Grid(DataTable[Text]):
    def on_mount(self) -> None:
        self.watch(self, "virtual_size", self._measured, init=False)

    def _measured(self, _size: Size) -> None:
        self.notify_style_update()  # forgets all that was drawn
