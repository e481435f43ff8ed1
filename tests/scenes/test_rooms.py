"""People in rooms."""

import json
import time

import pytest

from tests.scenes.conftest import two_in
from tests.scenes.stage import Refusal, Seat, Stage
from tests.scenes.test_visit import refused


def test_the_hall_is_there_from_the_start(stage: Stage) -> None:
    guest = stage.guest()
    assert "hall" in [row["name"] for row in guest.ask("rooms")["rooms"]]
    assert guest.enter("hall", create=False).entered["room"] == "hall"


def test_two_people_talk(stage: Stage, pair: tuple[Seat, Seat]) -> None:
    ann, ben = pair
    seq = ann.say("hello, is anyone here?")
    line = ben.hears("hello, is anyone here?")
    assert (line["seq"], line["from"], line["guest"]) == (seq, ann.name, True)
    assert abs(line["at"] - time.time() * 1_000) < 60_000
    assert "kind" not in line
    assert ann.hears("hello, is anyone here?") == line, "the sender is told the same"
    assert ben.say("yes") == seq + 1
    assert ann.hears("yes")["from"] == ben.name


def test_an_action(pair: tuple[Seat, Seat]) -> None:
    ann, ben = pair
    ann.say("waves", kind="action")
    assert ben.hears("waves")["kind"] == "action"


@pytest.mark.parametrize(
    "text",
    ["DISCONNECT", "name: joy", "<quit>", "!q", "*exit", "/quit", '{"type":"leave"}', "exit()", "a\nb\tc", "𝄞 ☃ é"],
)
def test_words_are_said_and_do_nothing(pair: tuple[Seat, Seat], text: str) -> None:
    ann, ben = pair
    ann.say(text)
    assert ben.hears(text)["from"] == ann.name
    ann.fence()


@pytest.mark.parametrize(
    ("text", "code"), [("", "bad_text"), ("  \n ", "bad_text"), ("\x1b[2J", "bad_text"), ("a\x00b", "bad_text"),
                       ("\x9b31m", "bad_text"), ("a\rb", "bad_text"), ("x" * 4_001, "too_long")],
)  # fmt: skip
def test_texts_that_may_not_be_said(pair: tuple[Seat, Seat], text: str, code: str) -> None:
    ann, ben = pair
    assert refused(ann.say, text) == code
    assert refused(ann.ask, "whisper", to=ben.name, text=text) == code
    assert [m for m in ben.fence() if m["type"] in ("line", "whispered")] == []


def test_two_rooms_are_apart(stage: Stage) -> None:
    ann, ben = two_in(stage, stage.new("east"))
    cid, dot = two_in(stage, stage.new("west"))
    assert ann.address != cid.address, "a port each"
    ann.say("only in the east")
    cid.say("only in the west")
    ben.hears("only in the east")
    dot.hears("only in the west")
    for seat, other in ((ann, "west"), (ben, "west"), (cid, "east"), (dot, "east")):
        seat.fence()
        assert other not in json.dumps(seat.heard)


def test_one_person_in_two_rooms(stage: Stage) -> None:
    guest = stage.guest()
    one, two = guest.enter(stage.new("one")), guest.enter(stage.new("two"))
    one.say("here")
    two.say("there")
    assert one.hears("here")["seq"] == 1
    assert two.hears("there")["seq"] == 1


def test_a_newcomer_gets_the_last_lines(stage: Stage) -> None:
    room = stage.new("old")
    ann = stage.guest("ann").enter(room)
    for number in range(1, 31):
        assert ann.say(f"line {number}") == number
    ben = stage.guest("ben").enter(room)
    ben.hears("line 30")
    assert ben.entered["seq"] == 30
    assert ben.entered["first"] == 1
    assert [text for _, text in ben.lines] == [f"line {number}" for number in range(11, 31)], "20 by default"
    for last in (0, 3, 1_000):
        more = stage.guest("cid").enter(room, last=last)
        more.fence()
        more.fence()
        assert [seq for seq, _ in more.lines] == list(range(max(1, 31 - last), 31))


def test_since_gets_what_was_missed(stage: Stage, pair: tuple[Seat, Seat]) -> None:
    ann, ben = pair
    ann.say("seen")
    ben.hears("seen")
    ben.reset()
    for number in range(250):
        ann.say(f"missed {number}")
    back = ben.back()
    assert back.entered["epoch"] == ben.entered["epoch"]
    back.hears("missed 249")
    assert [text for _, text in back.lines] == [f"missed {number}" for number in range(250)]
    assert [seq for seq, _ in back.lines] == list(range(2, 252)), "each once, in order, without a gap"
    ann.say("and on")
    back.hears("and on")


def test_the_same_line_sent_twice_exists_once(stage: Stage) -> None:
    stream = "scene-stream-0001"
    room = stage.new("once")
    ann = stage.guest("ann").enter(room, stream=stream)
    ben = stage.guest("ben").enter(room)
    first = ann.say("once", id="m1")
    assert ann.say("once", id="m1") == first
    ann.send("say", id="m2", text="pipelined")
    ann.send("say", id="m2", text="pipelined")
    assert ann.answer("m2") == ann.answer("m2")
    back = ann.back()
    assert back.say("once", id="m1") == first
    assert back.say("another", id="m3") == first + 2
    ben.hears("another")
    assert [text for _, text in ben.lines] == ["once", "pipelined", "another"]


def test_ids_of_different_streams_and_people_are_different(stage: Stage, pair: tuple[Seat, Seat]) -> None:
    ann, ben = pair
    assert ann.say("mine", id="m1") != ben.say("mine too", id="m1")


def test_a_line_without_an_id_is_said_all_the_same(pair: tuple[Seat, Seat]) -> None:
    ann, ben = pair
    ann.send("say", text="no id")
    ben.hears("no id")
    assert "re" not in ann.expect("done")


def test_a_whisper_is_for_one(stage: Stage, pair: tuple[Seat, Seat]) -> None:
    ann, ben = pair
    assert ann.actor is not None
    cid = stage.guest("cid").enter(ann.entered["room"])
    ann.ask("whisper", to=ben.name.upper(), text="psst")
    got = ben.expect("whispered")
    assert (got["from"], got["to"], got["text"]) == (ann.name, ben.name, "psst")
    assert "psst" not in json.dumps(cid.fence())
    assert "psst" not in json.dumps(cid.ask("history"))


def test_a_whisper_to_nobody_is_refused(stage: Stage, pair: tuple[Seat, Seat]) -> None:
    ann, ben = pair
    with pytest.raises(Refusal) as caught:
        ann.ask("whisper", to="nobody_here", text="psst")
    assert caught.value.code == "no_such_member"
    assert caught.value.message["fatal"] is False
    ben.send("leave")
    ben.ended()
    ann.expect("presence", left=[ben.name])
    assert refused(ann.ask, "whisper", to=ben.name, text="psst") == "no_such_member"


def test_coming_and_going_is_told_once(stage: Stage, pair: tuple[Seat, Seat]) -> None:
    ann, ben = pair
    assert sorted(ben.entered["members"]) == sorted([ann.name, ben.name])
    ben.ask("leave")
    ben.ended()
    assert ann.expect("presence")["left"] == [ben.name]
    assert [m for m in ann.fence() if m["type"] == "presence"] == []
    assert ann.ask("members")["members"] == [ann.name]


def test_a_broken_connection_is_away_and_then_back(pair: tuple[Seat, Seat]) -> None:
    ann, ben = pair
    ben.reset()
    assert ann.expect("presence")["away"] == [ben.name]
    ben.back()
    assert ann.expect("presence")["back"] == [ben.name]


def test_one_member_with_two_connections(stage: Stage, pair: tuple[Seat, Seat]) -> None:
    ann, ben = pair
    assert ben.actor is not None
    second = ben.actor.enter(ann.entered["room"])
    assert second.entered["count"] == 2
    ann.ask("whisper", to=ben.name, text="both of you")
    ben.expect("whispered", text="both of you")
    second.expect("whispered", text="both of you")
    second.reset()
    ann.say("still there")
    ben.hears("still there")
    ann.fence()
    assert [m for m in ann.heard if m["type"] == "presence" and m["left"]] == []


def test_history_in_pages_of_lines_that_fit(stage: Stage, pair: tuple[Seat, Seat]) -> None:
    ann, _ = pair
    for number in range(60):
        ann.say(f"{number:02} " + "𝄞" * 3_990)
    seen: list[int] = []
    before = {}
    while True:
        page = ann.ask("history", limit=50, **before)
        numbers = [line["seq"] for line in page["lines"]]
        assert numbers == sorted(numbers)
        seen = numbers + seen
        if not page["more"]:
            break
        before = {"before": numbers[0]}
    assert seen == list(range(1, 61))
    assert [line["seq"] for line in ann.ask("history", after=58)["lines"]] == [59, 60]


def test_typing_is_told_to_others(pair: tuple[Seat, Seat]) -> None:
    ann, ben = pair
    ann.send("typing")
    assert ben.expect("typing")["from"] == ann.name


def test_the_owner_looks_after_the_room(stage: Stage, pair: tuple[Seat, Seat]) -> None:
    ann, ben = pair  # ann made it
    assert ann.entered["operator"] is True
    assert ben.entered["operator"] is False
    assert refused(ben.ask, "topic", topic="mine now") == "not_allowed"
    ann.ask("topic", topic="Chess")
    assert ben.expect("topic")["topic"] == "Chess"
    assert stage.guest("cid").enter(ann.entered["room"]).entered["topic"] == "Chess"
    assert refused(ben.ask, "kick", name=ann.name) == "not_allowed"
    ann.ask("mute", name=ben.name, seconds=600)
    assert refused(ben.say, "mmh") == "muted"
    ann.ask("mute", name=ben.name, seconds=0)
    ben.say("free")
    ann.ask("kick", name=ben.name, reason="enough")
    closing = ben.ended()[-1]
    assert (closing["type"], closing["code"], closing["resume"]) == ("closing", "kicked", False)
    assert refused(Seat, *ben.address, ben.entered["resume"]) == "bad_ticket"
    assert ben.actor is not None
    again = ben.actor.enter(ann.entered["room"])
    ann.ask("ban", name=ben.name)
    assert again.ended()[-1]["code"] == "banned"
    assert refused(ben.actor.enter, ann.entered["room"]) == "banned"
    ann.ask("unban", name=ben.name)
    assert ben.actor.enter(ann.entered["room"]).entered["count"] >= 2


def test_rooms_are_made_once_and_asked_for_by_name(stage: Stage) -> None:
    owner, guest = stage.login("test_user"), stage.guest()
    room = stage.new("Games")
    assert refused(guest.ask, "join", room=room) == "no_such_room"
    assert owner.ask("create", room=room, topic="Chess and go")["room"] == room
    assert refused(guest.ask, "create", room=room.upper()) == "name_taken"
    assert guest.enter(room.lower(), create=False).entered["room"] == room, "as it is spelled"
    for name in ("", "a b", "x" * 33, "a\nb", "../x"):
        assert refused(guest.ask, "create", room=name) == "bad_name"
        assert refused(guest.ask, "join", room=name, create=True) == "bad_name"


def test_a_private_room_is_for_the_invited(stage: Stage) -> None:
    owner, friend, stranger = stage.login("test_user"), stage.login("foo_user"), stage.guest()
    room = stage.new("secret")
    owner.ask("create", room=room, access="private")
    for other in (friend, stranger):
        assert refused(other.ask, "join", room=room) in ("no_such_room", "not_allowed")
        assert room not in json.dumps(other.ask("rooms", limit=1_000))
    owner.ask("invite", room=room, name="foo_user")
    assert friend.enter(room, create=False).entered["room"] == room
    assert refused(friend.ask, "invite", room=room, name=stranger.name) == "not_allowed"
    owner.ask("invite", room=room, name="foo_user", remove=True)
    assert refused(friend.ask, "join", room=room) in ("no_such_room", "not_allowed")


def test_closing_a_room_for_good(stage: Stage) -> None:
    owner, guest = stage.login("test_user"), stage.guest()
    room = stage.new("brief")
    owner.ask("create", room=room)
    seat = guest.enter(room)
    assert refused(guest.ask, "close_room", room=room) == "not_allowed"
    owner.ask("close_room", room=room)
    closing = seat.ended()[-1]
    assert (closing["type"], closing["code"], closing["resume"]) == ("closing", "closed", False)
    assert refused(guest.ask, "join", room=room) == "no_such_room"
    assert room not in json.dumps(owner.ask("rooms", limit=1_000))


def test_lines_are_found_by_their_words(stage: Stage, pair: tuple[Seat, Seat]) -> None:
    ann, ben = pair
    ann.say("Chess on Tuesday?")
    ben.say("On Wednesday, rather")
    ann.say('quote " and NEAR/2 * (brackets')
    ann.ask("whisper", to=ben.name, text="chess is dull")
    assert [line["text"] for line in ben.ask("search", text="chess tuesday")["lines"]] == ["Chess on Tuesday?"]
    found = ben.ask("search", text="on")["lines"]
    assert [line["text"] for line in found] == ["Chess on Tuesday?", "On Wednesday, rather"]
    for text in ('"', "*", "NEAR/2", "a OR b", "(", "col:x", "-", "' --"):
        assert ben.ask("search", text=text)["type"] == "found", text
    assert ben.ask("search", text="dull")["lines"] == [], "whispers are nobody else's to find"
