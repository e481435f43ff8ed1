"""Rooms that nobody is in go to sleep: no process, no port; and wake when somebody comes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scenes.stage import QUICK, UNLIMITED, Seat, Stage, ending, eventually


@pytest.fixture(scope="module")
def drowsy(module_path: Path) -> Iterator[Stage]:
    """A stage whose rooms sleep at once."""
    stage = Stage(module_path / "drowsy", *QUICK, *UNLIMITED, "rooms.sleep_after=0.3", "rooms.grace=0.2")
    yield stage
    stage.stop()


@pytest.fixture
def own_stage_of(tmp_path: Path) -> Iterator[Callable[[], Stage]]:
    stages: list[Stage] = []

    def start() -> Stage:
        stages.append(Stage(tmp_path / "own", *QUICK, *UNLIMITED, "rooms.sleep_after=0.3", "rooms.grace=0.2"))
        return stages[-1]

    yield start
    for stage in stages:
        stage.stop()


def rooms_of(stage: Stage) -> list[str]:
    return [title for title in stage.processes().values() if title.startswith("parlour: room ")]


def left_alone(seat: Seat) -> None:
    seat.ask("leave")
    seat.ended()


def asleep(stage: Stage, room: str) -> bool:
    row = stage.login("admin_user").listing()[room]
    return (row["state"], row["pid"], row["members"]) == ("sleeping", 0, 0)


def test_an_empty_room_ends_its_process_and_wakes_for_the_next(drowsy: Stage) -> None:
    room = drowsy.new("nap")
    ann = drowsy.guest("ann")
    seat = ann.enter(room)
    for number in range(3):
        seat.say(f"line {number}")
    seat.ask("topic", topic="dreams")
    with ending(drowsy.room_pid(room)) as gone:
        left_alone(seat)
        gone()
    eventually(lambda: asleep(drowsy, room))
    row = next(row for row in ann.ask("rooms", limit=1_000)["rooms"] if row["name"] == room)
    assert (row["state"], row["topic"], row["members"]) == ("sleeping", "dreams", 0)
    assert drowsy.login("admin_user").listing()[room]["lines"] == 4
    again = ann.enter(room, create=False)
    assert (again.entered["seq"], again.entered["topic"]) == (4, "dreams")
    again.hears("line 2")
    assert again.say("awake") == 5
    left_alone(again)


def test_a_call_at_the_port_that_lingers_wakes_it(drowsy: Stage) -> None:
    room = drowsy.new("doze")
    seat = drowsy.guest("ann").enter(room, stream="a-stream-of-mine-1")
    seat.say("before")
    token, address = seat.entered["resume"], seat.address
    with ending(drowsy.room_pid(room)) as gone:
        left_alone(seat)
        gone()
    woken = Seat(*address, token, since=0)
    assert woken.entered["seq"] == 1
    woken.hears("before")


def test_a_room_with_somebody_in_it_does_not_sleep(drowsy: Stage) -> None:
    room, other = drowsy.new("awake"), drowsy.new("beside")
    guest = drowsy.guest("ann")
    seat = guest.enter(room)
    pid = drowsy.room_pid(room)
    beside = guest.enter(other)
    with ending(drowsy.room_pid(other)) as gone:
        left_alone(beside)
        gone()
    assert drowsy.room_pid(room) == pid
    assert seat.say("still here") == 1
    left_alone(seat)


def test_a_hundred_rooms_left_empty_cost_no_process_and_no_port(drowsy: Stage) -> None:
    owner = drowsy.guest("owner")
    names = [drowsy.new("many") for _ in range(100)]
    for name in names:
        left_alone(owner.enter(name))
    eventually(lambda: not rooms_of(drowsy))
    listing = drowsy.login("admin_user").listing()
    assert {listing[name]["state"] for name in names} == {"sleeping"}
    assert {(listing[name]["pid"], listing[name]["rss"]) for name in names} == {(0, 0)}
    assert owner.enter(names[0], create=False).entered["room"] == names[0]


def test_what_a_sleeping_room_was_is_known_after_a_new_start(own_stage_of: Callable[[], Stage]) -> None:
    stage = own_stage_of()
    ben = stage.login("foo_user")
    seat = ben.enter("den")
    for number in range(7):
        seat.say(f"line {number}")
    seat.ask("topic", topic="chess")
    with ending(stage.room_pid("den")) as gone:
        left_alone(seat)
        gone()
    eventually(lambda: asleep(stage, "den"))
    for again in (lambda: stage.kill(stage.pid("lobby")), lambda: (stage.stop(), stage.start())):
        again()
        row = stage.login("admin_user").listing()["den"]
        assert (row["state"], row["lines"]) == ("sleeping", 8)
        rows = {row["name"]: row for row in stage.guest().ask("rooms")["rooms"]}
        assert (rows["den"]["topic"], rows["den"]["state"]) == ("chess", "sleeping")
