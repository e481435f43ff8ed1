"""Two themes of Parlour's own, calm in the dark and in the light; Textual's others may be chosen as well."""

from typing import Final

from textual.theme import Theme

from client.settings import DARK, LIGHT

DARK_BACKGROUND: Final = "#14171c"
LIGHT_BACKGROUND: Final = "#fbfaf7"

THEMES: Final = (
    Theme(
        name=DARK,
        primary="#7fb4ff",
        secondary="#8fd694",
        accent="#c3a6ff",
        warning="#f2b872",
        error="#f0908c",
        success="#8fd694",
        foreground="#d9dde3",
        background=DARK_BACKGROUND,
        surface="#1a1e25",
        panel="#222832",
        dark=True,
        variables={"block-cursor-foreground": "#14171c", "block-cursor-text-style": "none", "border": "#3a4352",
                   "quiet": "#939dab", "input-selection-background": "#7fb4ff 30%"},
    ),
    Theme(
        name=LIGHT,
        primary="#1d57b5",
        secondary="#1f6b2d",
        accent="#6536b5",
        warning="#8a4b00",
        error="#a82323",
        success="#1f6b2d",
        foreground="#22262b",
        background=LIGHT_BACKGROUND,
        surface="#f3f1eb",
        panel="#e8e5dc",
        dark=False,
        variables={"block-cursor-foreground": "#ffffff", "block-cursor-text-style": "none", "border": "#bdb8aa",
                   "quiet": "#646056", "input-selection-background": "#1d57b5 25%"},
    ),
)  # fmt: skip


def variables(*, dark: bool) -> dict[str, str]:
    """The colours that the screens want and Textual does not know, for any dark or light theme."""
    return {"quiet": THEMES[0 if dark else 1].variables["quiet"]}
