"""Addresses, and the older programs' ways to name them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.address import Address, BadAddress, Target, parse, room, target


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("chat.example.org:4000", Address("chat.example.org", 4000)),
        ("127.0.0.1", Address("127.0.0.1", 22222)),
        ("[::1]:4000", Address("::1", 4000)),
        ("::1", Address("::1", 22222)),
        ("[::1]", Address("::1", 22222)),
        ("chat://h:4000", Address("h", 4000)),
        ("chat://h", Address("h", 22222)),
        ("chat://[::1]:5/", Address("::1", 5)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert parse(text) == address
    assert parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "h:0",
        "h:99999",
        "h:abc",
        "h:",
        "h:-1",
        "h:1e3",
        "h:²",
        "[::1",
        "[::1]x",
        "http://h:1",
        "chat://",
        "chats://h:1",
        "chat://h:99999",
        "chat://h:abc",
        "chat://h/room",
        "chat://me@h",
        "chat://h:",
        "a b:1",
        "h:" + "9" * 5000,
    ],
)
def test_what_is_no_address_is_told_in_a_line(text: str) -> None:
    with pytest.raises(BadAddress) as why:
        parse(text)
    assert "\n" not in str(why.value)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Target()),
        (["h:1"], Target(Address("h", 1))),
        (["chat://h:1"], Target(Address("h", 1))),
        (["bob", "chat://h:1"], Target(Address("h", 1), "bob", straight=True, stages=True)),
        (["h", "1", "bob"], Target(Address("h", 1), "bob", straight=True, stages=True)),
        (["h", "1"], Target(Address("h", 1))),
    ],
)
def test_words_of_a_command_line(words: list[str], expected: Target) -> None:
    assert target(words) == expected


@pytest.mark.parametrize(
    "words", [["a", "b", "c", "d"], ["h", "1", "not a name"], ["", "chat://h:1"], ["admin", "chat://h:1"]]
)
def test_words_that_make_no_sense(words: list[str]) -> None:
    with pytest.raises(BadAddress):
        target(words)


def test_a_room_s_name_is_checked() -> None:
    assert room("games") == "games"
    with pytest.raises(BadAddress, match="room's name"):
        room("my room")


@given(st.text())
def test_any_text_is_an_address_or_a_clear_no(text: str) -> None:
    with contextlib.suppress(BadAddress):
        parse(text)
