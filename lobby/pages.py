"""Pages of lists: as many rows as fit into one line of the wire. Pure."""

from collections.abc import Iterable
from typing import Final, TypeVar

import msgspec

from wire.framing import LINE_MAX

ROWS_BYTES: Final = LINE_MAX - 8_192  # the rest of the message around the rows

R = TypeVar("R", bound=msgspec.Struct)


def fit(rows: Iterable[R], limit: int) -> tuple[list[R], bool]:
    """The first rows, at most `limit` and no more than a line holds, and whether there are more."""
    page: list[R] = []
    left = ROWS_BYTES
    for row in rows:
        left -= len(msgspec.json.encode(row)) + 1
        if len(page) >= limit or left < 0:
            return page, True
        page.append(row)
    return page, False
