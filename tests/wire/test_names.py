"""Names and texts at their borders."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import Refused
from wire.names import (
    NAME_MAX,
    RESERVED,
    TEXT_MAX,
    check_name,
    check_person,
    check_single_line,
    check_text,
    fold,
    surely_said,
)


def code_of(call, *args, **kwargs) -> str:
    with pytest.raises(Refused) as caught:
        call(*args, **kwargs)
    assert caught.value.text, "a refusal says why"
    return caught.value.code


@pytest.mark.parametrize("name", ["a", "Z", "0", "joy", "foo_user", "a.b-c_d", "a" * NAME_MAX, "x__y", "1.2"])
def test_good_names_come_back_as_they_are(name: str) -> None:
    assert check_name(name) == name
    assert check_person(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "a b", " a", "a ", "a\n", "\na", "a\tb", "_a", "a_", "-", ".", "..", "a.", "a" * (NAME_MAX + 1),
        "jоy",  # a Cyrillic o
        "jöy", "１", "a\u200bb", "a\x00", "a\x1b[2J", "a/b", "../a", "@a", "a:b", "a,b",
    ],
)  # fmt: skip
def test_bad_names_are_refused_with_the_reason(name: str) -> None:
    assert code_of(check_name, name) == "bad_name"
    assert code_of(check_person, name) == "bad_name"


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_reserved_names_are_for_nobody_in_any_case(name: str) -> None:
    assert code_of(check_person, name) == "bad_name"
    assert code_of(check_person, name.upper()) == "bad_name"
    assert check_name(name) == name, "a room may have it"


def test_the_reason_names_what_is_wrong() -> None:
    with pytest.raises(Refused, match="a room cannot be empty"):
        check_name("", what="room")


def test_names_are_compared_without_case() -> None:
    assert fold("Foo_User") == fold("fOO_uSER")
    assert fold("a.b") != fold("a_b")


@pytest.mark.parametrize("text", ["x", "two\nlines", "tab\there", "ünïcödé ☃ 日本", "DISCONNECT", "name: x"])
def test_good_texts_come_back_as_they_are(text: str) -> None:
    assert check_text(text) == text


@pytest.mark.parametrize("bad", [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029"])
def test_control_characters_are_refused(bad: str) -> None:
    if bad not in "\n\t":
        assert code_of(check_text, f"a{bad}b") == "bad_text"
    assert code_of(check_single_line, f"a{bad}b", what="topic", limit=10) == "bad_text"


@pytest.mark.parametrize("blank", ["", " ", "\n", " \t\n ", "\u3000"])
def test_blank_texts_are_refused(blank: str) -> None:
    assert code_of(check_text, blank) == "bad_text"


def test_limits_count_characters() -> None:
    assert code_of(check_text, "x" * (TEXT_MAX + 1)) == "too_long"
    assert check_text("𝄞" * TEXT_MAX)
    assert check_single_line("x" * 5, what="topic", limit=5) == "xxxxx"
    assert code_of(check_single_line, "x" * 6, what="topic", limit=5) == "too_long"


def test_a_single_line_may_be_empty() -> None:
    assert check_single_line("", what="topic", limit=5) == ""


@pytest.mark.parametrize("texts", [["hello"], ["hello there", "why, hello!", "~{}"], ["grüß dich", "hello"], ["日本"]])
def test_what_is_said_nearly_always_is_known_at_once(texts: list[str]) -> None:
    assert surely_said(texts)


@given(st.lists(st.text(max_size=4) | st.sampled_from(["\x7f", "\x1f", "\x9f", "\u2028", " ", "\u3000"]), min_size=1))
def test_what_is_surely_said_may_be_said(texts: list[str]) -> None:
    if surely_said(texts):
        assert [check_text(text) for text in texts] == texts


@pytest.mark.parametrize("wrong", ["", " ", "a\x00", "a\x1fb", "\x7f", "ä\x85", "a\nb", "x" * (TEXT_MAX + 1)])
def test_one_that_is_to_be_looked_at_is_not_sure(wrong: str) -> None:
    assert not surely_said(["hello", wrong])
