"""Long lines broken between words for a screen of a given width. Pure.

Law: what follows the first row is indented, so that no part of one person's text begins where another's line would.
"""

from collections.abc import Callable

from client.joined import clusters
from client.show import Span, Spans

TIMED = 6  # as wide as the time before a line
OTHER = 3  # as wide as the dashes before a notice
NARROW = 30  # below this a screen is left to break lines as it likes


def wrap(spans: Spans, width: int, measure: Callable[[str], int]) -> list[Spans]:
    """`spans` in rows of at most `width` cells; `measure` tells how many a text takes."""
    if width < NARROW or sum(measure(text) for _, text in spans) <= width:
        return [spans]
    indent = TIMED if spans[0][0] == "time" else OTHER
    rows: list[Spans] = [[]]
    used = 0
    for role, word in _words(spans):
        if used + measure(word.rstrip()) > width and used > indent:
            rows.append([("text", " " * indent)])
            used = indent
        for part in _parts(word, width - used, width - indent, measure):
            if used + measure(part.rstrip()) > width:
                rows.append([("text", " " * indent)])
                used = indent
            rows[-1].append((role, part))
            used += measure(part)
    return [_trimmed(row) for row in rows]


def _trimmed(row: Spans) -> Spans:
    return [*row[:-1], (row[-1][0], row[-1][1].rstrip())]


def _words(spans: Spans) -> list[Span]:
    """Words, each with the spaces that follow it."""
    found: list[Span] = []
    for role, text in spans:
        word = ""
        for char in text:
            if word.endswith(" ") and char != " ":
                found.append((role, word))
                word = ""
            word += char
        found.append((role, word))
    return found


def _parts(word: str, first: int, rest: int, measure: Callable[[str], int]) -> list[str]:
    """A word longer than a row, in pieces that fit."""
    parts, part, room = [], "", first
    for piece in clusters(word):
        if part and piece != " " and measure(part + piece) > room:
            parts.append(part)
            part, room = "", rest
        part += piece
    return [*parts, part]
