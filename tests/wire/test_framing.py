"""Framing: however a stream is split, exactly the lines that were sent come out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.framing import LINE_MAX, LineSplitter, LineTooLong

STREAM = '{"type":"say","text":"é☃𝄞"}\n\n{"type":"ping"}\r\n\r\n{"a":1}\n'.encode()
LINES = ['{"type":"say","text":"é☃𝄞"}'.encode(), b'{"type":"ping"}\r', b'{"a":1}']


def fed(*pieces: bytes) -> list[bytes]:
    splitter = LineSplitter()
    return [line for piece in pieces for line in splitter.feed(piece)]


def test_all_in_one_piece() -> None:
    assert fed(STREAM) == LINES


@pytest.mark.parametrize("at", range(len(STREAM) + 1))
def test_split_at_every_byte(at: int) -> None:
    assert fed(STREAM[:at], STREAM[at:]) == LINES


def test_a_byte_at_a_time() -> None:
    assert fed(*(bytes([byte]) for byte in STREAM)) == LINES


@given(st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")), max_size=20), st.data())
def test_split_anywhere(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert fed(*pieces) == [line for line in lines if line not in (b"", b"\r")]


def test_an_unfinished_line_is_no_line() -> None:
    assert fed(b'{"type":"ping"}') == []


def test_a_million_blank_lines_are_nothing() -> None:
    assert fed(b"\n" * 1_000_000) == []


def test_the_longest_line_passes_whole_and_in_pieces() -> None:
    line = b"x" * (LINE_MAX - 1)
    assert fed(line + b"\n") == [line]
    assert fed(line, b"\n") == [line]
    assert fed(line[:7], line[7:] + b"\nnext\n") == [line, b"next"]


@pytest.mark.parametrize(
    "pieces",
    [
        (b"x" * LINE_MAX + b"\n",),
        (b"x" * LINE_MAX,),
        (b"ok\n" + b"x" * LINE_MAX + b"\nok\n",),
        (b"x" * (LINE_MAX - 1), b"x", b"\n"),
        (b"x" * 1_000_000,),
    ],
)
def test_a_byte_more_is_too_long(pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(LineTooLong):
        fed(*pieces)


def test_nothing_is_kept_of_a_line_that_was_too_long() -> None:
    splitter = LineSplitter()
    with pytest.raises(LineTooLong):
        splitter.feed(b"x" * LINE_MAX)
    assert splitter.feed(b"ok\n") == [b"ok"]


def test_many_short_lines_in_a_big_piece_are_not_one_long_line() -> None:
    assert len(fed(b"ok\n" * 100_000)) == 100_000


def test_another_limit() -> None:
    with pytest.raises(LineTooLong):
        LineSplitter(limit=4).feed(b"abcd")
    assert LineSplitter(limit=4).feed(b"abc\n") == [b"abc"]
