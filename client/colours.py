"""Colours of names: the same person has the same one at every visit, with enough contrast on its background. Pure."""

import zlib
from collections.abc import Mapping
from typing import Final

from wire.names import fold

# Each at least 4.5:1 (WCAG AA) against the backgrounds of its themes; tests measure it.
ON_DARK: Final = ("#7fb4ff", "#8fd694", "#f2b872", "#e79bd0", "#7fd6d0", "#f0908c", "#c3a6ff", "#d8d57a", "#9fc7e8",
                  "#b9e08a")  # fmt: skip
ON_LIGHT: Final = ("#1d57b5", "#1f6b2d", "#8a4b00", "#9c2778", "#006a6a", "#a82323", "#6536b5", "#5f5a00", "#2f5d80",
                   "#426b00")  # fmt: skip


def unwanted(environment: Mapping[str, str]) -> bool:
    """Whether NO_COLOR asks for none, by any text but the empty one (no-color.org)."""
    return bool(environment.get("NO_COLOR"))


def of(name: str, *, dark: bool) -> str:
    """The colour of `name`, as #rrggbb."""
    colours = ON_DARK if dark else ON_LIGHT
    return colours[zlib.crc32(fold(name).encode()) % len(colours)]


def contrast(one: str, other: str) -> float:
    """WCAG's measure of two colours, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
