"""What is drawn is as wide as it was reckoned, or narrower: never wider, whoever wrote it."""

from collections.abc import Iterator

import pytest
from rich import cells

from client.screens import widths
from client.screens.widths import draws_as_one, reckon, widened


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = cells.load_cell_table
    yield
    cells.load_cell_table = before
    cells.get_character_cell_size.cache_clear()
    cells.cached_cell_len.cache_clear()


# As tmux 3.3a, xterm and VTE draw them.
WIDE = {
    "हिन्दी": 5, "தமிழ்": 4, "a" + "\u0903" * 5: 6, "👍🏽": 4, "👍" + "🏽" * 6: 14, "か\u302e": 4, "㉈": 2,
    "plain": 5, "你好": 4, "e\u0301": 1, "👨\u200d👩\u200d👧": 2, "🇩🇪": 2, "שלום": 4, "ก\u0e33": 2,
}  # fmt: skip


@pytest.mark.parametrize("text", WIDE)
def test_nothing_is_reckoned_narrower_than_it_is_drawn(text: str) -> None:
    reckon({"TERM": "xterm-256color"})
    assert cells.cell_len(text) == WIDE[text]
    assert sum(length for _, _, length in cells.split_graphemes(text)[0]) == WIDE[text]


def test_a_terminal_that_draws_them_as_one_is_believed() -> None:
    reckon({"TERM": "xterm-kitty"})
    assert cells.cell_len("👍🏽") == 2
    assert not draws_as_one({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux,1,0"})
    assert draws_as_one({"TERM_PROGRAM": "WezTerm"})


def test_the_table_stays_in_order_and_keeps_what_it_says_of_others() -> None:
    before = cells.load_cell_table("auto")
    after = widened(before)
    assert list(after.widths) == sorted(after.widths)
    assert all(ends < begins for (_, ends, _), (begins, _, _) in zip(after.widths, after.widths[1:], strict=False))
    told = {code: width for start, end, width in before.widths if end < 0x30000 for code in range(start, end + 1)}
    now = {code: width for start, end, width in after.widths if end < 0x30000 for code in range(start, end + 1)}
    changed = {code for code in now if now[code] != told.get(code, 1)}
    assert all(now[code] > told.get(code, 1) for code in changed)
    assert changed <= {*widths.MARKS, *widths.TWO}
    assert set(told) <= set(now)
