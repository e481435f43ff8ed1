"""Without colours, as NO_COLOR asks: what they say is said by reverse, bold, underline and lines (`colourless.tcss`).

Law: it is the last that happens to a row before the terminal, so no widget, theme or library brings a colour back.
What stands on REVERSED in the styles is reversed: Textual has no other way that holds in all widgets and up to the
edge of a row.
"""

from functools import lru_cache
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

REVERSED: Final = (0xFE, 0x01, 0xFE)


@lru_cache(4_096)
def bare(style: Style) -> Style:
    """All of it but the colours; Textual's own filters make greys of them, or the terminal's default by name."""
    marked = style.bgcolor is not None and style.bgcolor.triplet == REVERSED
    made = Style(
        bold=style.bold, dim=style.dim, italic=style.italic, underline=style.underline, underline2=style.underline2,
        strike=style.strike, reverse=style.reverse or marked or None, link=style.link,
    )  # fmt: skip
    return made + Style.from_meta(style.meta) if style.meta else made


class Colourless(LineFilter):
    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's word
        return [Segment(text, bare(style) if style else None, control) for text, style, control in segments]
