"""Joiners: the few invisible characters that mean something where they stand, and what must not be torn apart. Pure.

Law: a joiner stays only where scripts or emoji need it, between the neighbours that it joins; elsewhere it would make
two texts look alike that are not. A variation selector stays only inside a joined emoji: alone it makes a character as
wide as some terminals draw it and others do not.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

ZWNJ, ZWJ, EMOJI_STYLE = "\u200c", "\u200d", "\ufe0f"
JOINERS_MOST: Final = 3  # in one emoji; no emoji of Unicode's has more, and a long chain would be no wider than one
VIRAMA: Final = 9  # combining class of what makes a conjunct of two letters of an Indic script
TONES: Final = "\U0001f3fb-\U0001f3ff"
# What emoji are joined of: the pictures of the astral plane, and those of the basic one that Unicode's sequences use.
_PLANE: Final = "\U0001f300-\U0001f3fa\U0001f400-\U0001f64f\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7eb"
_NEWER: Final = "\U0001f900-\U0001f9ff\U0001fa70-\U0001faff"
_OLDER: Final = "\u2194\u2195\u2620\u2640\u2642\u2695\u2696\u26a7\u26d3\u26f9\u2708\u2744\u2764\u27a1\u2b1b"
_PICTURE: Final = f"[{_PLANE}{_NEWER}{_OLDER}]"
_ONE: Final = f"{_PICTURE}{EMOJI_STYLE}?[{TONES}]?{EMOJI_STYLE}?"
EMOJI: Final = re.compile(f"{_ONE}(?:{ZWJ}{_ONE}){{1,{JOINERS_MOST}}}")
_FLAG: Final = re.compile("[\U0001f1e6-\U0001f1ff]{2}")


def meant(text: str) -> set[int]:
    """The places in `text` of the joiners and selectors that stay."""
    if ZWJ not in text and ZWNJ not in text:
        return set()
    stay = {
        place for found in EMOJI.finditer(text) for place in range(*found.span()) if text[place] in (ZWJ, EMOJI_STYLE)
    }
    for place in range(1, len(text) - 1):
        if text[place] in (ZWJ, ZWNJ) and _between_letters(text[place - 1], text[place], text[place + 1]):
            stay.add(place)
    return stay


def _between_letters(before: str, joiner: str, after: str) -> bool:
    """Persian and its like keep letters apart by ZWNJ; Indic scripts say by either how a conjunct is drawn."""
    if unicodedata.category(after) != "Lo":
        return False
    if joiner == ZWNJ and unicodedata.bidirectional(after) == "AL":
        return unicodedata.category(before) == "Lo" and unicodedata.bidirectional(before) == "AL"
    return unicodedata.combining(before) == VIRAMA


def clusters(text: str) -> Iterator[str]:
    """`text` in the pieces that are drawn as one: joined emoji, tones, flags, letters with their marks."""
    place = 0
    while place < len(text):
        found = EMOJI.match(text, place) or _FLAG.match(text, place)
        end = found.end() if found else place + 1
        while end < len(text) and _goes_on(text[end]):
            end += 1
        yield text[place:end]
        place = end


def _goes_on(char: str) -> bool:
    return char in (ZWNJ, ZWJ, EMOJI_STYLE) or "\U0001f3fb" <= char <= "\U0001f3ff" or (
        not char.isascii() and unicodedata.category(char) in ("Mn", "Me", "Mc"))  # fmt: skip
