"""What broke earlier chat servers is played against this one, as the table in `tests/scenes/test_hostile.py` says."""

import re
from pathlib import Path

import pytest

SCENES = Path(__file__).parent / "scenes"
HOSTILE = (SCENES / "test_hostile.py").read_text(encoding="utf-8")
ROWS = 13  # of the table that says what broke them


def table() -> dict[str, list[str]]:
    """The rows, and the plays of each."""
    text = HOSTILE.partition("|---|---|\n")[2].partition('"""')[0]
    cells = [cell.strip() for cell in re.sub(r"\n +", " ", text).split("|") if cell.strip()]
    return dict(zip(cells[::2], (plays.split(", ") for plays in cells[1::2]), strict=True))


def test_every_row_has_plays() -> None:
    assert len(table()) == ROWS
    assert all(table().values())


@pytest.mark.parametrize("play", sorted({play for plays in table().values() for play in plays}))
def test_it_is_there(play: str) -> None:
    module, _, name = play.rpartition(".")
    source = (SCENES / f"{module or 'test_hostile'}.py").read_text(encoding="utf-8")
    assert f"\ndef {name}(" in source
