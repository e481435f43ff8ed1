"""Joined emoji and the scripts that need joiners come through whole; a joiner anywhere else is gone."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from client import show
from client.joined import EMOJI_STYLE, JOINERS_MOST, ZWJ, ZWNJ, clusters
from client.show import plain
from client.wrapping import wrap

EMOJI = ["👩‍👩‍👧‍👦", "👩🏽‍🚀", "🏳️‍🌈", "❤️‍🔥", "🧑🏽‍❤️‍💋‍🧑🏻", "🐻‍❄️", "🏴‍☠️", "👁️‍🗨️", "🙂‍↔️", "👨‍⚕️"]
SCRIPTS = ["می\u200cخواهم", "क्\u200dष", "ശ്\u200cവ", "नमस्ते", "שלום", "مرحبا"]
TRICKS = [
    "ad\u200dmin", "ad\u200cmin", "\u200dann", "ann\u200d", "😀\u200d", "\u200d😀", "😀\u200dx", "x\u200d😀",
    "א\u200cב", "😀\u200d\u200d😀", "😀\u200c😀", "a\ufe0f", "😀\ufe0f\ufe0f", "1\u200d2",
    "ک\u200c", "\u200cک", "क\u200dष", "я\u200dя",
    "\u200b", "\u2060", "\ufeff", "\u00ad", "\u180e", "\u034f",
]  # fmt: skip
INVISIBLE = {ZWJ, ZWNJ, EMOJI_STYLE, "\u200b", "\u2060", "\ufeff", "\u00ad", "\u180e", "\u034f"}


@pytest.mark.parametrize("text", [*EMOJI, *SCRIPTS])
@pytest.mark.parametrize("around", ["{}", "see {} there", "{0}{0}"])
def test_what_belongs_together_stays(text: str, around: str) -> None:
    said = around.format(text)
    assert show.clean(said) == said


@pytest.mark.parametrize("emoji", EMOJI)
def test_a_joined_emoji_is_as_wide_as_one_and_never_torn(emoji: str) -> None:
    assert cell_len(emoji) == 2
    assert list(clusters(f"a{emoji}b")) == ["a", emoji, "b"]
    rows = [plain(row) for row in wrap([("text", emoji * 40)], 31, cell_len)]
    assert len(rows) > 1
    assert all(row.strip().replace(emoji, "") == "" for row in rows)
    assert all(cell_len(row) <= 31 for row in rows)


@pytest.mark.parametrize("text", TRICKS)
def test_a_joiner_that_joins_nothing_is_gone(text: str) -> None:
    assert not INVISIBLE & set(show.clean(text))


def test_a_chain_is_bounded() -> None:
    """Else a hundred pictures would be taken for two cells, and drawn over others' lines."""
    longest = max(cell_len(piece) / len(piece) for piece in clusters(show.clean("😀\u200d" * 500 + "😀")))
    assert longest <= 2
    assert all(piece.count(ZWJ) <= JOINERS_MOST for piece in clusters(show.clean("😀\u200d" * 500 + "😀")))


def test_a_cut_leaves_no_joiner_behind() -> None:
    for most in range(2, 12):
        cut = show.word("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", most)
        assert not cut.removesuffix("…").endswith((ZWJ, EMOJI_STYLE))


@given(st.text(alphabet=st.sampled_from("a😀❤👩🏽ن\u200c\u200d\ufe0f\u200b्षक🇩🇪 "), max_size=40))
def test_an_invisible_character_always_stands_between_what_it_joins(text: str) -> None:
    seen = show.clean(text)
    for place, char in enumerate(seen):
        if char in (ZWJ, ZWNJ):
            assert 0 < place < len(seen) - 1
            before, after = seen[place - 1], seen[place + 1]
            assert unicodedata.category(after) in ("So", "Lo")
            assert before in (EMOJI_STYLE,) or unicodedata.category(before) in ("So", "Sk", "Lo", "Mn")
    assert "".join(clusters(seen)) == seen
    assert show.clean(seen) == seen, "what was cleaned is clean"
