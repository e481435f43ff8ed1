"""How numbered entries stand in a room's file: a row for each, or, of a round that brought many, a row for many. Pure.

Law: a row is numbered as the newest of its entries, and all of them have its time. So whoever looks for a number or a
moment looks for the first row that is not below it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET

from wire.messages import Entry, Line, Moderated, Topic

LINE, ACTION, TOPIC, MODERATED, MANY = range(5)  # kinds of rows
TOGETHER: Final = 8  # lines of a round from which on they share rows; a quiet room's can be read with sqlite3
A_ROW: Final = 128  # lines in one at most: who wants one of them decodes them all, in some 20 µs
A_ROW_TEXT: Final = 65_536  # characters
COLUMNS: Final = "seq, at, kind, sender, guest, text"

Row = tuple[int, int, int, str, int, str | bytes]


class Piece(msgspec.Struct, array_like=True, gc=False):
    """Lines of one sender in a row for many, one after the other. What a room says fast is read seldom, and written
    twice by SQLite: so it is stored in half of the bytes in which it is sent."""

    sender: str
    kind: int
    guest: bool
    texts: list[str]


_PIECES: Final = msgspec.json.Decoder(list[Piece])


def row_of(entry: Entry) -> Row:
    """The row of one entry."""
    if type(entry) is Line:
        kind = LINE if entry.kind is UNSET else ACTION
        guest = 1 if entry.guest is True else 0  # sqlite3 looks for an adapter of a bool at each, 0.3 µs
        return (entry.seq, entry.at, kind, entry.sender, guest, entry.text)
    if type(entry) is Topic:
        return (entry.seq, entry.at, TOPIC, entry.sender, 0, entry.topic)
    assert type(entry) is Moderated
    detail = {"what": entry.what, "name": entry.name, "seconds": entry.seconds, "reason": entry.reason}
    text = msgspec.json.encode({key: value for key, value in detail.items() if value is not UNSET}).decode()
    return (entry.seq, entry.at, MODERATED, entry.sender, 0, text)


def rows_of(lines: Sequence[Line], runs: Mapping[int, int]) -> Iterator[Row]:
    """The rows of many lines of one time. `runs`: of those that came at once from one sender, by the first one's
    number, how many.

    Storing a line costs a tenth that way of what it takes in a row of its own, with its key beside it."""
    pieces: list[Piece] = []
    held = characters = begin = end = 0
    while begin < len(lines):
        if begin == end:
            end += runs.get(lines[begin].seq, 1)
        piece = _piece(lines[begin : min(end, begin + A_ROW - held)])
        pieces.append(piece)
        begin += len(piece.texts)
        held += len(piece.texts)
        characters += sum(map(len, piece.texts))
        if held >= A_ROW or characters >= A_ROW_TEXT or begin == len(lines):
            yield _row_of_pieces(pieces, lines[begin - 1])
            pieces, held, characters = [], 0, 0


def row_of_many(lines: Sequence[Line]) -> Row:
    """These lines in one row, as they are the rest of one."""
    return _row_of_pieces([_piece([line]) for line in lines], lines[-1])


def _piece(lines: Sequence[Line]) -> Piece:
    head = lines[0]
    kind = LINE if head.kind is UNSET else ACTION
    return Piece(head.sender, kind, head.guest is True, [line.text for line in lines])


def _row_of_pieces(pieces: list[Piece], newest: Line) -> Row:
    return (newest.seq, newest.at, MANY, "", 0, msgspec.json.encode(pieces))


def entries_of(row: Iterable[Any]) -> list[Entry]:
    """The entries in a row of COLUMNS, oldest first."""
    seq, at, kind, sender, guest, text = row
    if kind == MANY:
        return _lines_of(seq, at, _PIECES.decode(text))
    if kind == TOPIC:
        return [Topic(seq=seq, at=at, sender=sender, topic=text)]
    if kind == MODERATED:
        return [Moderated(seq=seq, at=at, sender=sender, **msgspec.json.decode(text))]
    return [
        Line(
            seq=seq,
            at=at,
            sender=sender,
            text=text,
            kind="action" if kind == ACTION else UNSET,
            guest=True if guest else UNSET,
        )
    ]


def _lines_of(newest: int, at: int, pieces: list[Piece]) -> list[Entry]:
    found: list[Entry] = []
    first = newest + 1 - sum(len(piece.texts) for piece in pieces)
    for piece in pieces:
        numbers = range(first + len(found), newest + 1)
        kind = "action" if piece.kind == ACTION else UNSET
        guest = True if piece.guest else UNSET
        some = zip(numbers, piece.texts, strict=False)
        found += [Line(seq=n, at=at, sender=piece.sender, text=text, kind=kind, guest=guest) for n, text in some]
    return found
