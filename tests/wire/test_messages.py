"""Every message as it looks on the wire, held to `tests/golden/v1.jsonl`: a change of the wire shows in review.

A line of the file is a direction and a message. For each message there is one with every field and one with no more
than it needs.
"""

import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from wire import control, messages
from wire.codec import Codec, encode
from wire.framing import LINE_MAX
from wire.names import TEXT_MAX

UNIONS: dict[str, Any] = {
    "lobby <": messages.LobbyRequest,
    "lobby >": messages.LobbyReply,
    "room <": messages.RoomRequest,
    "room >": messages.RoomReply,
    "room to nursery": control.RoomToNursery,
    "nursery to room": control.NurseryToRoom,
    "lobby to nursery": control.LobbyToNursery,
    "nursery to lobby": control.NurseryToLobby,
    "room to lobby": control.RoomToLobby,
    "lobby to room": control.LobbyToRoom,
    "to guardian": control.ToGuardian,
    "from guardian": control.FromGuardian,
    "to admin": control.ToAdmin,
    "from admin": control.FromAdmin,
}
GOLDEN = Path(__file__).parent.parent / "golden" / "v1.jsonl"
EXAMPLES: list[tuple[str, dict[str, Any]]] = [
    (entry["direction"], entry["message"]) for entry in map(json.loads, GOLDEN.read_text("utf-8").splitlines())
]
STRUCTS = [(name, kind) for name, union in UNIONS.items() for kind in get_args(union) or (union,)]


def described(kind: type[msgspec.Struct]) -> dict[str, bool]:
    """The fields of a message as they are written, and whether each must be there."""
    return {field.encode_name: field.required for field in msgspec.structs.fields(kind)}


def examples_of(direction: str, kind: type[msgspec.Struct]) -> list[dict[str, Any]]:
    return [message for name, message in EXAMPLES if name == direction and message["type"] == tag(kind)]


def tag(kind: type[msgspec.Struct]) -> object:
    return kind.__struct_config__.tag


@pytest.mark.parametrize(("direction", "message"), EXAMPLES, ids=[f"{d} {m['type']}" for d, m in EXAMPLES])
def test_it_is_read_and_written_as_it_stands(direction: str, message: dict[str, Any]) -> None:
    line = json.dumps(message, ensure_ascii=False).encode()
    decoded = Codec[Any](UNIONS[direction]).decode(line)
    written = json.loads(encode(decoded))
    assert {name: written[name] for name in message} == message
    left_out = {name: value for name, value in written.items() if name not in message}
    assert left_out == {name: default for name, default in defaults(type(decoded)).items() if name not in message}


def defaults(kind: type[msgspec.Struct]) -> dict[str, Any]:
    fields = msgspec.structs.fields(kind)
    made = {f.encode_name: f.default_factory() for f in fields if f.default_factory is not msgspec.NODEFAULT}
    return made | {f.encode_name: f.default for f in fields if f.default not in (msgspec.NODEFAULT, msgspec.UNSET)}


@pytest.mark.parametrize(("direction", "kind"), STRUCTS, ids=[f"{d} {k.__name__}" for d, k in STRUCTS])
def test_every_message_is_shown_whole_and_bare(direction: str, kind: type[msgspec.Struct]) -> None:
    shown = [set(message) - {"type"} for message in examples_of(direction, kind)]
    fields = described(kind)
    assert set(fields) in shown, "one example has every field"
    assert {name for name, required in fields.items() if required} in shown, "one has no more than it needs"


def test_nothing_is_shown_that_does_not_exist() -> None:
    known = {(direction, tag(kind)) for direction, kind in STRUCTS}
    assert {(direction, message["type"]) for direction, message in EXAMPLES} <= known


@pytest.mark.parametrize("union", UNIONS.values(), ids=UNIONS)
def test_no_two_messages_of_a_direction_have_one_type(union: Any) -> None:
    kinds = get_args(union) or (union,)
    assert len({tag(kind) for kind in kinds}) == len(kinds)


def test_a_request_may_carry_an_id_and_an_answer_repeats_it() -> None:
    for kind in (*get_args(messages.LobbyRequest), *get_args(messages.RoomRequest)):
        assert described(kind)["id"] is False
    for kind in (messages.Done, messages.Error, messages.Pong, messages.Redirect, messages.Entered, messages.Welcome):
        assert described(kind)["re"] is False


def test_the_longest_text_fits_a_line_whatever_its_characters() -> None:
    name = "n" * 32
    for text in ("𝄞" * TEXT_MAX, '"' * TEXT_MAX, "\n" * TEXT_MAX):
        line = messages.Line(seq=2**53, at=2**53, sender=name, text=text, kind="action", guest=True)
        assert len(encode(line)) < LINE_MAX


def test_what_programs_were_promised() -> None:
    """The shapes of the design's "One visit": other programs are written against them."""
    visit: list[tuple[str, dict[str, Any]]] = [
        ("lobby <", {"type": "hello", "protocol": 1, "client": "nc"}),
        ("lobby <", {"type": "login", "id": "1", "name": "test_user", "password": "123"}),
        ("lobby <", {"type": "rooms", "id": "2"}),
        ("lobby <", {"type": "join", "id": "3", "room": "games", "create": True}),
        ("room <", {"type": "enter", "protocol": 1, "ticket": "t", "stream": "q1ZrAAAAAAAAAAAA", "since": 39}),
        ("room <", {"type": "say", "id": "a1", "text": "hi", "kind": "action"}),
        ("room <", {"type": "whisper", "id": "a2", "to": "foo_user", "text": "psst"}),
        ("lobby <", {"type": "mail_send", "id": "4", "to": ["foo_user"], "subject": "chess", "body": "Tuesday?"}),
        ("lobby <", {"type": "mail_list", "id": "5"}),
        ("lobby <", {"type": "mail_read", "id": "6", "mail": 7}),
    ]
    for direction, message in visit:
        Codec[Any](UNIONS[direction]).decode(json.dumps(message).encode())
    promised = {
        messages.ServerHello: "protocol server guests",
        messages.Welcome: "re name roles session unread motd",
        messages.RoomRow: "name topic access members owner",
        messages.Redirect: "re room host port ticket",
        messages.Entered: "room topic seq first epoch count members more resume resend_window",
        messages.Line: "seq at from text",
        messages.Presence: "joined left",
        messages.Whispered: "from to text at",
        messages.Error: "re code text fatal retry_after",
        messages.MailPage: "re mails more",
        messages.MailRow: "mail from subject at read",
        messages.Mail: "re mail from to subject body at",
        messages.AdminRoomRow: "name state pid port members lines cpu rss uss uptime restarts owner access",
    }
    for kind, fields in promised.items():
        assert set(fields.split()) <= set(described(kind)), kind.__name__
