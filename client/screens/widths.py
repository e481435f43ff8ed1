"""How wide characters are where the terminal and the library do not agree.

Law: no text is reckoned narrower than a terminal draws it, or what stands at the right of it would be pushed aside, by
as much as somebody likes. A gap is the lesser evil. tmux, screen, xterm, VTE and their like give a cell to each mark
that takes room of its own (as Indic scripts have them) and two to a skin tone; the library gives them none.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final

from rich import cells
from rich.cells import CellTable

MARKS: Final = range(0x0900, 0x1E000)  # where all marks are that take room ("Mc")
TWO: Final = (*range(0x302E, 0x3030), *range(0x3248, 0x3250), *range(0x1F3FB, 0x1F400))
# Those that draw a letter with its marks, or an emoji with its tone, as one: the library is right about them.
AS_ONE: Final = frozenset({"xterm-kitty", "xterm-ghostty", "foot", "foot-direct"})
PROGRAMS: Final = frozenset({"iTerm.app", "WezTerm", "ghostty"})


def draws_as_one(environment: Mapping[str, str]) -> bool:
    """Whether the terminal does; within tmux and screen it is they who reckon."""
    if environment.get("TMUX") or environment.get("STY"):
        return False
    return environment.get("TERM") in AS_ONE or environment.get("TERM_PROGRAM") in PROGRAMS


def widened(table: CellTable) -> CellTable:
    """The same, but for what terminals draw wider."""
    wider = {code: 1 for code in MARKS if unicodedata.category(chr(code)) == "Mc"} | dict.fromkeys(TWO, 2)
    kept = [part for entry in table.widths for part in _without(entry, sorted(wider))]
    return table._replace(widths=sorted([*kept, *((code, code, width) for code, width in wider.items())]))


def _without(entry: tuple[int, int, int], codes: Iterable[int]) -> Iterable[tuple[int, int, int]]:
    """A range of the table in the parts that are left of it."""
    start, end, width = entry
    cuts = [start - 1, *(code for code in codes if start <= code <= end), end + 1]
    return [(before + 1, after - 1, width) for before, after in pairwise(cuts) if after - before > 1]


def reckon(environment: Mapping[str, str]) -> None:
    """From now on, for all that is drawn."""
    if draws_as_one(environment):
        return
    table = widened(cells.load_cell_table("auto"))  # type: ignore[attr-defined]
    cells.load_cell_table = lambda _version: table  # type: ignore[attr-defined, assignment]
    for measured in (cells.get_character_cell_size, cells.cached_cell_len):
        measured.cache_clear()
