"""Telling people wherever they are, finding oneself where one was, and being one person on several terminals."""

import json

from tests.scenes.stage import Seat, Stage, eventually
from tests.scenes.test_visit import refused

STREAM = "a-stream-of-a-scene"


def account(stage: Stage, name: str = "user") -> str:
    name = stage.new(name)
    stage.actor().register(name, "a good password").ask("quit")
    return name


def test_somebody_in_another_room_is_told(stage: Stage) -> None:
    ann, ben = stage.guest("ann"), stage.guest("ben")
    here, there = ann.enter(stage.new("here")), ben.enter(stage.new("there"))
    told = ann.ask("tell", to=ben.name.upper(), text="are you there?")
    assert (told["became"], told["to"]) == ("delivered", ben.name)
    direct = ben.expect("direct")
    assert (direct["from"], direct["to"], direct["text"], direct["guest"]) == (
        ann.name, ben.name, "are you there?", True,
    )  # fmt: skip
    for seat in (here, there):
        assert "are you there?" not in json.dumps(seat.fence())
    assert refused(ann.ask, "tell", to="nobody_here", text="x") == "no_such_user"


def test_what_is_told_to_somebody_away_waits_over_a_crash(own_stage: Stage) -> None:
    ben = account(own_stage, "ben")
    ann = own_stage.login("test_user", stream=STREAM)
    session = ann.welcome["session"]
    assert ann.ask("tell", to=ben, text="one", id="t1")["became"] == "kept"
    own_stage.kill(own_stage.pid("lobby"))
    again = own_stage.actor().resume(session, stream=STREAM)
    assert again.ask("tell", to=ben, text="one", id="t1")["became"] == "kept", "the same, not another"
    assert again.ask("tell", to=ben, text="two", id="t2")["became"] == "kept"
    own_stage.kill(own_stage.pid("lobby"))
    him = own_stage.login(ben, "a good password")
    assert [him.expect("direct")["text"] for _ in range(2)] == ["one", "two"]
    assert [m for m in him.fence() if m["type"] == "direct"] == []
    own_stage.stop()
    own_stage.start()
    him = own_stage.login(ben, "a good password")
    assert [m for m in him.fence() if m["type"] == "direct"] == [], "told once"
    page = him.ask("directs", **{"with": "TEST_USER"})
    assert [(row["from"], row["text"]) for row in page["directs"]] == [("test_user", "one"), ("test_user", "two")]


def test_one_account_on_two_terminals(stage: Stage) -> None:
    name = account(stage)
    one, two = (stage.login(name, "a good password") for _ in range(2))
    ann = stage.guest("ann")
    ann.ask("tell", to=name, text="both of you")
    assert one.expect("direct")["number"] == two.expect("direct")["number"]
    one.ask("tell", to=ann.name, text="from the first")
    assert two.expect("direct")["text"] == "from the first"
    rows = [row for row in ann.ask("who", limit=1_000)["people"] if row["name"] == name]
    assert len(rows) == 1
    room = stage.new("desk")
    first, second = one.enter(room), two.enter(room)
    assert second.entered["count"] == 1
    first.say("seen by both")
    second.hears("seen by both")
    one.ask("quit")
    assert ann.ask("whois", name=name)["online"] is True
    two.ask("quit")
    eventually(lambda: ann.ask("whois", name=name)["online"] is False)


def test_fifty_connections_of_one_account_are_one_person(stage: Stage) -> None:
    name = account(stage)
    many = [stage.login(name, "a good password") for _ in range(50)]
    room = stage.new("crowd")
    seats = [actor.enter(room) for actor in many[:10]]
    assert seats[-1].entered["count"] == 1
    stage.guest("ann").ask("tell", to=name, text="to all of you")
    for actor in many:
        actor.expect("direct", text="to all of you")
    for actor in many[1:]:
        actor.reset()
    assert many[0].ask("whois", name=name)["online"] is True


def test_away_is_seen_and_told(stage: Stage) -> None:
    name = account(stage)
    him, ann = stage.login(name, "a good password"), stage.guest("ann")
    him.ask("away", text="at lunch")
    assert ann.ask("tell", to=name, text="x")["away"] == "at lunch"
    assert ann.ask("whois", name=name)["away"] == "at lunch"
    assert {row["name"]: row.get("away") for row in ann.ask("who", limit=1_000)["people"]}[name] == "at lunch"
    him.ask("quit")
    assert stage.login(name, "a good password").welcome["away"] == "at lunch"


def test_back_where_one_was(own_stage: Stage) -> None:
    ben, ann = account(own_stage, "ben"), own_stage.guest("ann")
    games, den = ann.enter("games"), ann.enter("den")
    him = own_stage.login(ben, "a good password")
    in_games, in_den, in_hall = him.enter("games"), him.enter("den"), him.enter("hall")
    in_hall.ask("leave")
    eventually(lambda: ann.ask("whois", name=ben)["rooms"] == ["den", "games"])  # the lobby has been told
    games.say("seen")
    in_games.hears("seen")
    for seat in (in_games, in_den):
        seat.reset()
    him.reset()  # a laptop is closed
    eventually(lambda: ann.ask("whois", name=ben)["online"] is False)
    for number in range(12):
        games.say(f"missed {number}")
    den.say("one")
    own_stage.stop()
    own_stage.start()
    back = {row["room"]: row["missed"] for row in own_stage.login(ben, "a good password").welcome["back"]}
    assert back.keys() == {"games", "den"}
    assert 12 <= back["games"] <= 13, "the lobby learns of lines once a second"
    assert back["den"] == 1


def test_who_quits_says_exactly_where(stage: Stage) -> None:
    name, room = account(stage), stage.new("exact")
    ann = stage.guest("ann").enter(room)
    ann.say("one")
    him = stage.login(name, "a good password")
    seat: Seat = him.enter(room)
    seat.hears("one")
    him.ask("quit", places=[{"room": room, "seq": 1}])
    seat.ask("leave")
    for text in ("two", "three"):
        ann.say(text)

    def missed() -> bool:
        actor = stage.login(name, "a good password")
        back = actor.welcome["back"]
        actor.ask("quit", places=[{"room": room, "seq": 1}])
        return bool(back == [{"room": room, "seq": 1, "missed": 2}])

    eventually(missed)


def test_a_guests_name_is_leased_over_a_crash_and_free_after_a_goodbye(own_stage: Stage) -> None:
    joe = own_stage.guest("joe")
    session = joe.welcome["session"]
    own_stage.kill(own_stage.pid("lobby"))
    assert refused(own_stage.actor().guest, joe.name) == "name_taken"
    assert refused(own_stage.actor().register, joe.name, "a good password") == "name_taken"
    back = own_stage.actor().resume(session)
    assert back.name == joe.name
    seat = back.enter("hall")
    back.ask("quit")
    seat.ask("leave")
    after = own_stage.actor().guest(joe.name)
    assert after.name == joe.name
    after.enter("hall")
    assert refused(seat.back) == "bad_ticket", "under what is another's name now"
