"""Long lines in rows that fit, with nothing lost and nothing at the left edge."""

from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.utils import get_cwidth

from client.show import plain
from client.wrapping import OTHER, TIMED, wrap


def test_rows_break_between_words_and_are_indented() -> None:
    rows = wrap([("time", "18:00"), ("name", " bob"), ("text", ": " + "word " * 9 + "end")], 40, len)
    assert [plain(row) for row in rows] == [
        "18:00 bob: word word word word word word",
        " " * TIMED + "word word word end",
    ]


def test_what_fits_stays_as_it_is() -> None:
    spans = [("notice", "-- short")]
    assert wrap(spans, 80, len) == [spans]


def test_a_narrow_screen_is_left_alone() -> None:
    assert len(wrap([("text", "x" * 100)], 10, len)) == 1


@given(
    st.text(st.characters(categories=["L", "N", "P", "S"], include_characters=" "), max_size=300), st.integers(30, 90)
)
def test_every_row_fits_and_every_letter_is_there(text: str, width: int) -> None:
    rows = [plain(row) for row in wrap([("notice", "-- "), ("text", text)], width, get_cwidth)]
    assert all(get_cwidth(row) <= width for row in rows)
    assert "".join(rows).replace(" ", "") == ("-- " + text).replace(" ", "")
    assert all(row.startswith(" " * OTHER) for row in rows[1:])
