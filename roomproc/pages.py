"""History requests answered from the room's file, a bounded page at a time. Pure but for the reader it is given."""

from typing import Final, Protocol

from msgspec import UNSET

from wire.codec import encode
from wire.framing import LINE_MAX
from wire.messages import Entry, Found, History, HistoryPage, Search

MOST: Final = 200  # entries of one page
ROOM_FOR_REST: Final = 512  # bytes of a frame that are not entries


class Reader(Protocol):
    def after(self, seq: int, limit: int) -> list[Entry]: ...
    def before(self, seq: int, limit: int) -> list[Entry]: ...
    def first_at(self, at: int, first: int, seq: int) -> int: ...


def page(request: History, log: Reader, first: int, seq: int) -> HistoryPage:
    """The page `request` asks for, oldest first. `more`: there are entries beyond it, in the direction asked."""
    limit = max(1, min(request.limit, MOST))
    forwards = request.after is not UNSET or request.after_time is not UNSET
    if forwards:
        start = request.after if request.after is not UNSET else 0
        if request.after_time is not UNSET:
            start = max(start, log.first_at(request.after_time, first, seq) - 1)
        entries = _fit(log.after(min(start, seq), limit))
        more = bool(entries) and entries[-1].seq < seq
    else:
        end = request.before if request.before is not UNSET else seq + 1
        if request.before_time is not UNSET:
            end = min(end, log.first_at(request.before_time, first, seq))
        entries = _fit(log.before(min(end, seq + 1), limit)[::-1])[::-1]
        more = bool(entries) and entries[0].seq > first
    return HistoryPage(re=request.id, lines=entries, more=more)


def found(request: Search, lines: list[Entry], more: bool) -> Found:
    """What a search found, oldest first, cut at the old end where it passes one frame."""
    fitting = _fit(lines[::-1])[::-1]
    return Found(re=request.id, lines=fitting, more=more or len(fitting) < len(lines))


def _fit(entries: list[Entry]) -> list[Entry]:
    """As many of `entries`, from the first on, as fit into one frame."""
    left = LINE_MAX - ROOM_FOR_REST
    for number, entry in enumerate(entries):
        left -= len(encode(entry))
        if left < 0:
            return entries[:number]
    return entries
