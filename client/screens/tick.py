"""A checkbox whose mark is there when it is on, and not when it is off: the same mark in another colour tells nothing
without colours, and nothing to who does not see them.
"""

from textual.widgets import Checkbox


class Tick(Checkbox):
    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]  # noqa: N802 - Textual's word
        return "X" if self.value else " "
