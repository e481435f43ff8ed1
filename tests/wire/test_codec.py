"""Whatever the bytes are, the codec gives a message or one clear error."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.codec import EXPLANATION_MAX, BadMessage, Codec, encode, encode_all
from wire.messages import Done, Enter, LobbyRequest, Ping, RoomReply, RoomRequest, Say

ROOM: Codec[RoomRequest] = Codec(RoomRequest)
LOBBY: Codec[LobbyRequest] = Codec(LobbyRequest)


def refusal(line: bytes) -> BadMessage:
    with pytest.raises(BadMessage) as caught:
        ROOM.decode(line)
    return caught.value


def test_a_message_comes_out_typed() -> None:
    assert ROOM.decode(b'{"type":"say","id":"a","text":"hi"}') == Say(id="a", text="hi")


def test_fields_come_in_any_order_and_unknown_ones_are_ignored() -> None:
    assert ROOM.decode(b' { "text":"hi", "new":[1,{"x":null}], "type":"say" } \r') == Say(text="hi")


@pytest.mark.parametrize(
    "line",
    [
        b"[]", b"null", b'""', b"7", b"{", b"{}}", b"\xff\xfe", b"hello", b"\xef\xbb\xbf{}", b"NaN",
        b"[" * 60_000, b'{"type":' * 8_000, b'{"type":"say","text":"\\ud800"}', b'{"type":"say","text":"a\x00"}',
        b'{"type":"leave","x":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    ],
    ids=lambda line: line[:12].decode("latin-1"),
)  # fmt: skip
def test_what_is_no_json_object_is_one_error(line: bytes) -> None:
    why = refusal(line)
    assert (why.code, why.text, why.re) == ("bad_message", "this is not a JSON object in UTF-8", None)


def test_bytes_that_are_not_utf8_inside_a_text() -> None:
    why = refusal(b'{"type":"say","id":"a","text":"\xc3("}')
    assert (why.code, why.text, why.re) == ("bad_message", "this is not UTF-8", "a")


@pytest.mark.parametrize("kind", [b"", b'"type":null,', b'"type":7,', b'"type":[],'])
def test_a_message_has_a_type(kind: bytes) -> None:
    why = refusal(b"{" + kind + b'"id":"a"}')
    assert (why.code, why.text, why.re) == ("bad_message", "a message has a type", "a")


@pytest.mark.parametrize("kind", ["dance", "login", "", "x" * 60_000])
def test_an_unknown_type_is_answered_without_repeating_it(kind: str) -> None:
    why = refusal(json.dumps({"type": kind, "id": "a"}).encode())
    assert (why.code, why.re) == ("unknown_type", "a")
    assert "xx" not in why.text


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"type": "say"}, "text"),
        ({"type": "say", "text": None}, "text"),
        ({"type": "say", "text": 7}, "text"),
        ({"type": "say", "text": "x", "kind": "shout"}, "kind"),
        ({"type": "history", "limit": 1_001}, "limit"),
        ({"type": "history", "before": -1}, "before"),
        ({"type": "history", "before": 10**30}, "before"),
        ({"type": "enter", "protocol": 1.5, "ticket": ""}, "protocol"),
        ({"type": "enter", "protocol": 1, "ticket": "x" * 5_000}, "ticket"),
        ({"type": "enter", "protocol": 1, "ticket": "", "stream": "short"}, "stream"),
    ],
)
def test_a_field_that_is_wrong_is_named(fields: dict[str, object], says: str) -> None:
    why = refusal(json.dumps({"id": "a", **fields}).encode())
    assert (why.code, why.re) == ("bad_message", "a")
    assert says in why.text


@pytest.mark.parametrize("value", [7, None, ["a"], "x" * 65])
def test_an_id_that_is_wrong_is_not_repeated(value: object) -> None:
    assert refusal(json.dumps({"type": "say", "text": "x", "id": value}).encode()).re is None


def test_a_reason_never_repeats_a_whole_line() -> None:
    why = refusal(json.dumps({"type": "say", "text": "x", "kind": "\x01" * 10_000}).encode())
    assert len(why.text) <= EXPLANATION_MAX


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_an_error(line: bytes) -> None:
    for codec in (ROOM, LOBBY):
        with contextlib.suppress(BadMessage):
            codec.decode(line)


json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["say", "enter", "history", "slow", "whisper"]), st.dictionaries(
    st.sampled_from(["id", "text", "kind", "to", "ticket", "protocol", "since", "last", "seconds", "limit"]), json_value
))  # fmt: skip
def test_any_fields_are_a_message_or_an_error(kind: str, fields: dict[str, object]) -> None:
    with contextlib.suppress(BadMessage):
        ROOM.decode(json.dumps({**fields, "type": kind}).encode())


def test_what_may_be_left_out_is_left_out() -> None:
    assert encode(Done(re="a", seq=7)) == b'{"type":"done","seq":7,"re":"a"}\n'
    assert encode(Enter(protocol=1, ticket="t")) == b'{"type":"enter","protocol":1,"ticket":"t"}\n'


def test_many_at_once_are_the_same_bytes() -> None:
    messages = [Done(seq=1), Ping(), Done(seq=2)]
    assert encode_all(messages) == b"".join(encode(message) for message in messages)
    assert encode_all([]) == b""


def test_a_newline_in_a_text_stays_inside_its_line() -> None:
    assert encode(Say(text="a\nb")).count(b"\n") == 1


def test_other_directions_are_unknown_types() -> None:
    with pytest.raises(BadMessage, match="no message of this type"):
        Codec(RoomReply).decode(b'{"type":"say","text":"x"}')


SAID = b'{"type":"say","id":"%d","text":"}{"}'


def test_many_come_out_as_each_does() -> None:
    lines = [SAID % number for number in range(100)]
    assert ROOM.decode_all(lines) == [ROOM.decode(line) for line in lines]
    assert ROOM.decode_all(lines[:1]) == [ROOM.decode(lines[0])]


@given(st.lists(st.sampled_from([
    SAID % 1, b"{", b"}", b"{}", b"{}{}", b'{"type":"say",', b'"text":"x"}', b'{"type":"say","text":"x"}' * 2, b"",
    b' {"type":"ping"} ', b'{"type":"ping"}\r', b"\xff", b'{"type":"ping","x":[{}', b'{}]}', b'{"type":"dance"}',
    b"[" * 60_000,
]), min_size=1, max_size=6))  # fmt: skip
def test_many_are_decoded_together_only_if_each_is_a_message(lines: list[bytes]) -> None:
    together = ROOM.decode_all(lines)
    if together is not None:
        assert together == [ROOM.decode(line) for line in lines]


def test_a_message_of_another_version_costs_itself_only() -> None:
    passed: list[BadMessage] = []
    lines = [SAID % 1, b'{"type":"dance"}', b"hello", SAID % 2]
    assert list(ROOM.understood(lines, passed.append)) == [ROOM.decode(SAID % 1), ROOM.decode(SAID % 2)]
    assert [bad.code for bad in passed] == ["unknown_type", "bad_message"]
