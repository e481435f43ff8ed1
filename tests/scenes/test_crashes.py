"""kill -9 of every process there is, and what people notice of it."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.scenes.conftest import two_in
from tests.scenes.stage import (
    PATIENCE,
    ROOT,
    Actor,
    Gone,
    Message,
    Refusal,
    Seat,
    Stage,
    command,
    ending,
    eventually,
    read_line,
    seconds,
    within,
)


def contiguous(seat: Seat) -> list[str]:
    """The texts a seat was told; fails when a number came twice, out of order or not at all."""
    numbers = [seq for seq, _ in seat.lines]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
    return [text for _, text in seat.lines]


def chat_on(one: Seat, two: Seat, text: str) -> None:
    one.say(text)
    two.hears(text)
    one.hears(text)


# -- a room


def test_a_room_comes_back_with_its_members(own_stage: Stage) -> None:
    stage = own_stage
    admin = stage.login("admin_user")
    room = stage.new("games")
    ann, ben = two_in(stage, room)
    east, west = two_in(stage, stage.new("other"))
    for number in range(5):
        ann.say(f"before {number}")
    ben.hears("before 1")  # and the rest may be under way when it dies
    row = admin.listing()[room]

    stage.kill(stage.room_pid(room))
    back_ann, back_ben = ann.back(), ben.back()
    assert (back_ann.address, back_ben.address) == (ann.address, ben.address), "on the same port"
    back_ann.say("after")
    back_ben.hears("after")
    back_ann.hears("after")
    told = [ben.lines + back_ben.lines, ann.lines + back_ann.lines]
    for lines in told:
        assert lines == [*((n + 1, f"before {n}") for n in range(5)), (6, "after")], "nothing missed, nothing twice"
    back_ann.fence()
    assert [m for m in back_ann.heard if m["type"] == "presence" and (m["left"] or m["joined"])] == []

    now = eventually(lambda: (r := admin.listing()[room])["state"] == "running" and r["members"] == 2 and r)
    assert now["pid"] == stage.room_pid(room) != row["pid"]
    assert (now["port"], now["restarts"], now["lines"]) == (row["port"], 1, 6)
    chat_on(east, west, "what happened over there?")
    assert len(east.heard) < 20, "the other room noticed nothing"


def test_a_line_on_its_way_when_the_room_dies_exists_once(own_stage: Stage) -> None:
    stage = own_stage
    room = stage.new("games")
    stream = "scene-stream-kill"
    ann = stage.guest("ann").enter(room, stream=stream)
    ben = stage.guest("ben").enter(room)
    took = []
    for attempt in range(3):
        ids = [f"{attempt}-{number}" for number in range(20)]
        for message_id in ids:
            ann.send("say", id=message_id, text=message_id)
        stage.kill(stage.room_pid(room))
        begun = time.monotonic()
        ann = ann.back()
        took.append(time.monotonic() - begun)
        for message_id in ids:  # as a client does that got no answer, or perhaps got it
            ann.say(message_id, id=message_id)
        ben = ben.back()
    assert min(took) < 1.0, "back within a second"
    ben.hears("2-19")
    history = [line["text"] for line in ben.ask("history", limit=200)["lines"]]
    assert history == [f"{attempt}-{number}" for attempt in range(3) for number in range(20)]


def test_a_room_killed_under_load_is_back_within_a_second_with_every_line_once(own_stage: Stage) -> None:
    """Nobody waits for anything: the room is killed while three people speak and nine listen."""
    within(1.0, lambda: killed_under_load(own_stage))


def killed_under_load(stage: Stage) -> float:
    """Seconds until all were back."""
    room = stage.new("games")
    seats = [stage.guest().enter(room, stream=f"scene-stream-{number:04}") for number in range(12)]
    speakers, lines = seats[:3], 150
    for number in range(lines):
        for seat in speakers:
            seat.send("say", id=f"m{number}", text=f"{seat.name} {number}")
    seats[-1].expect("line")  # it is in the middle of them
    stage.kill(stage.room_pid(room))
    begun = time.monotonic()
    for seat in seats:
        with contextlib.suppress(Gone):  # what had been sent when it died
            while True:
                seat.expect("nothing")
    back = [seat.back() for seat in seats]
    took = time.monotonic() - begun

    for seat in back[:3]:
        for number in range(lines):  # as a client does that got no answer, or perhaps got it
            seat.send("say", id=f"m{number}", text=f"{seat.name} {number}")
    said = {f"{seat.name} {number}" for seat in speakers for number in range(lines)}
    told: list[list[tuple[int, str]]] = []
    for before, after in zip(seats, back, strict=True):
        while len(before.lines) + len(after.lines) < len(said):
            after.expect("line")
        after.fence()
        told.append(before.lines + after.lines)
    assert [seq for seq, _ in told[0]] == list(range(1, len(said) + 1)), "nothing lost, and no number missing"
    assert {text for _, text in told[0]} == said, "nothing twice"
    assert all(lines == told[0] for lines in told), "one order"
    numbers = dict(told[0])
    for seat in speakers:
        for done in (message for message in seat.heard if message["type"] == "done"):
            assert numbers[done["seq"]] == f"{seat.name} {done['re'][1:]}", "what was acknowledged is what stands there"
    return took


def test_a_room_that_keeps_dying_is_given_up_and_says_so(own_stage: Stage) -> None:
    stage = own_stage
    admin = stage.login("admin_user")
    room = stage.new("cursed")
    seat = stage.guest().enter(room)
    pid = 0
    for _ in range(5):
        pid = another_runs(admin, room, pid)
        stage.kill(pid)
    row = eventually(lambda: (r := admin.listing()[room])["state"] == "failed" and r)
    assert "SIGKILL" in row["reason"]
    assert row["pid"] == 0
    with socket.create_connection(seat.address, timeout=PATIENCE) as sock, sock.makefile("rb") as file:
        error = json.loads(file.readline())
        assert (error["type"], error["code"], error["fatal"]) == ("error", "room_failed", True)
        assert file.readline() == b""
    with pytest.raises(Refusal, match="room_failed"):
        stage.guest().ticket(room)
    stage.guest().enter(stage.new("fine")).say("others go on")


def another_runs(admin: Actor, room: str, before: int) -> int:
    """The room's process, once it is not the one before: which is listed until the lobby has heard of its end."""

    def there() -> int | None:
        row = admin.listing()[room]
        return row["pid"] if row["state"] == "running" and row["pid"] != before else None

    return int(eventually(there))


def test_the_listing_never_shows_a_dead_room_for_long(own_stage: Stage) -> None:
    stage = own_stage
    admin = stage.login("admin_user")
    room = stage.new("games")
    stage.guest().enter(room)

    def shown() -> float:
        pid = eventually(lambda: admin.listing()[room]["pid"])
        stage.kill(pid)
        return seconds(lambda: eventually(lambda: admin.listing()[room]["pid"] != pid))

    within(1.0, shown)


SECOND = """
import socket, sys
from pathlib import Path
from base import config
from base.paths import Paths
from roomproc.server import run
from wire.control import RoomSettings

paths = Paths(Path(sys.argv[1]))
settings = RoomSettings(room=sys.argv[2], name="second", owner="", access="public", topic="", made=0, revision=99)
link, _other = socket.socketpair()
listener = socket.create_server(("127.0.0.1", 0))
sys.exit(run(listener, link, settings, paths, config.parse(paths.effective_config.read_bytes())))
"""


def test_a_second_process_for_a_room_ends_before_it_opens_the_file(own_stage: Stage) -> None:
    stage = own_stage
    room = stage.new("games")
    ann, ben = two_in(stage, room)
    pid = stage.room_pid(room)
    (lock,) = (path for path in (stage.data / "rooms").glob("*/lock") if int(path.read_text()) == pid)
    words = [sys.executable, "-c", SECOND, str(stage.data), lock.parent.name]
    second = subprocess.run(words, cwd=ROOT, timeout=PATIENCE, check=False)
    assert second.returncode == 11
    assert f"process {pid} has this room" in (lock.parent / "room.log").read_text()
    chat_on(ann, ben, "did you notice?")
    assert stage.room_pid(room) == pid


def test_a_room_that_is_stuck_while_lobby_and_nursery_die_is_replaced(own_stage: Stage) -> None:
    """Neither knows of it when they are back; its lock says since when it has given no sign of life."""
    stage = own_stage
    room = stage.new("stuck")
    seat = stage.guest().enter(room)
    seat.say("before")
    pid = stage.room_pid(room)
    (lock,) = (path for path in (stage.data / "rooms").glob("*/lock") if int(path.read_text()) == pid)
    with ending(pid) as gone:
        os.kill(pid, signal.SIGSTOP)
        os.utime(lock, (time.time() - 3_600.0,) * 2)  # its ten seconds are long over
        for process in ("lobby", "nursery"):
            stage.kill(stage.pid(process))
        gone()
    back = stage.guest().enter(room, create=False)
    back.hears("before")
    back.say("after")
    (silent,) = re.findall(r"no sign of life for (\d+) s", (lock.parent / "crash.log").read_text())
    assert int(silent) >= 3_600


# -- the lobby


@pytest.mark.parametrize("killed", [("lobby",), ("lobby", "nursery")], ids=" and ".join)
def test_rooms_chat_on_without_the_lobby(own_stage: Stage, killed: tuple[str, ...]) -> None:
    within(1.0, lambda: chatted_on(own_stage, killed))


def chatted_on(stage: Stage, killed: tuple[str, ...]) -> float:
    """Seconds until the listing was right again."""
    rooms = [stage.new("east"), stage.new("west")]
    seats = [two_in(stage, room) for room in rooms]
    account, guest, admin = stage.login("test_user"), stage.guest(), stage.login("admin_user")
    before = {name: row for name, row in admin.listing().items() if name in rooms}
    lobby = stage.pid("lobby")
    for process in killed:
        stage.kill(stage.pid(process))
    for one, two in seats:
        chat_on(one, two, "is the lobby gone?")

    back = stage.actor()  # waits in the backlog until it is there
    assert back.resume(account.welcome["session"]).name == "test_user", "without a password"
    assert stage.actor().resume(guest.welcome["session"]).name == guest.name
    again: Actor = stage.actor().resume(admin.welcome["session"])
    assert "admin" in again.welcome["roles"]
    assert stage.pid("lobby") != lobby
    page = again.ask("rooms", limit=1_000)  # it waits until the rooms have told who is in them
    assert {row["name"]: row["members"] for row in page["rooms"] if row["name"] in rooms} == dict.fromkeys(rooms, 2)
    assert "partial" not in page

    def right() -> dict[str, Message] | None:
        rows = {name: row for name, row in again.listing().items() if name in rooms}
        same = ("pid", "port", "state", "members", "restarts", "owner", "access")
        return rows if all([rows[n][k] for k in same] == [before[n][k] for k in same] for n in rooms) else None

    took = seconds(lambda: eventually(right))
    newcomer = stage.guest("new").enter(rooms[0], create=False)
    newcomer.hears("is the lobby gone?")
    chat_on(newcomer, seats[0][0], "it is back")
    return took


def test_a_guests_name_stays_theirs_while_the_lobby_returns(own_stage: Stage) -> None:
    stage = own_stage
    guest = stage.guest("mia")
    stage.kill(stage.pid("lobby"))
    thief = stage.actor()
    for way in (lambda: thief.guest(guest.name), lambda: thief.register(guest.name, "a good password")):
        with pytest.raises(Refusal, match="name_taken"):
            way()
    assert stage.actor().resume(guest.welcome["session"]).name == guest.name


def test_mail_and_accounts_outlive_the_lobby(own_stage: Stage) -> None:
    stage = own_stage
    sender = stage.actor().register("joy", "a good password")
    sender.ask("mail_send", to=["test_user"], subject="kept", body="b")
    sender.ask("create", room="joys", topic="Kept too")
    stage.kill(stage.pid("lobby"))
    assert stage.login("joy", "a good password").name == "joy"
    reader = stage.login("test_user")
    assert reader.welcome["unread"] == 1
    assert reader.ask("mail_list")["mails"][0]["subject"] == "kept"
    (room,) = [row for row in reader.ask("rooms")["rooms"] if row["name"] == "joys"]
    assert (room["topic"], room["owner"]) == ("Kept too", "joy")


# -- the nursery


def test_rooms_chat_on_without_the_nursery_and_are_adopted(own_stage: Stage) -> None:
    stage = own_stage
    admin = stage.login("admin_user")
    room = stage.new("games")
    ann, ben = two_in(stage, room)
    before = admin.listing()[room]
    nursery = stage.pid("nursery")
    stage.kill(nursery)
    chat_on(ann, ben, "is the nursery gone?")
    other = stage.guest().enter(stage.new("made"))  # which needs the new one
    assert stage.pid("nursery") != nursery
    other.say("hello")
    row = eventually(lambda: (r := admin.listing()[room])["state"] == "running" and r)
    assert (row["pid"], row["port"]) == (before["pid"], before["port"]), "the same process goes on"
    chat_on(ann, ben, "adopted")

    stage.kill(row["pid"])  # and it is looked after again, behind the same port
    back_ann, back_ben = ann.back(), ben.back()
    assert back_ann.address == ann.address
    chat_on(back_ann, back_ben, "again")
    assert contiguous(back_ben)[-1] == "again"


def test_a_room_that_dies_with_its_nursery_returns(own_stage: Stage) -> None:
    stage = own_stage
    room = stage.new("games")
    seat = stage.guest().enter(room)
    seat.say("before")
    pid = stage.room_pid(room)
    stage.kill(stage.pid("nursery"))
    stage.kill(pid)
    back = eventually(lambda: entered(seat, room))
    back.hears("before")


def entered(seat: Seat, room: str) -> Seat | None:
    """As clients do: who is refused at a room's port asks the lobby again."""
    assert seat.actor is not None
    try:
        return seat.actor.enter(room, create=False, since=0)
    except (ConnectionRefusedError, Gone):
        return None


# -- the guardian, and all


def test_all_goes_on_without_the_guardian_and_a_second_serve_adopts(own_stage: Stage) -> None:
    stage = own_stage
    room = stage.new("games")
    ann, ben = two_in(stage, room)
    before = {name: stage.pid(name) for name in ("lobby", "nursery")} | {room: stage.room_pid(room)}
    stage.kill(stage.guardian.pid)
    chat_on(ann, ben, "is the guardian gone?")
    stage.guest("new").enter(room, create=False).hears("is the guardian gone?")
    port = stage.port
    stage.guardian.wait()
    stage.start()
    assert stage.port == port
    after = {name: stage.pid(name) for name in ("lobby", "nursery")} | {room: stage.room_pid(room)}
    assert after == before, "nothing was started again"
    chat_on(ann, ben, "adopted")
    stage.kill(stage.pid("lobby"))  # and it is looked after again
    assert stage.login("test_user").name == "test_user"
    chat_on(ann, ben, "still here")


def test_stop_works_without_a_guardian(own_stage: Stage) -> None:
    stage = own_stage
    two_in(stage, stage.new("games"))
    stage.kill(stage.guardian.pid)
    result = stage.run("stop")
    assert result.returncode == 0, result.stderr
    assert stage.processes() == {}


def test_everything_killed_at_once_is_found_again(own_stage: Stage) -> None:
    stage = own_stage
    room = stage.new("games")
    ann, ben = two_in(stage, room)
    chat_on(ann, ben, "kept")
    session = stage.login("test_user").welcome["session"]
    stage.sweep()
    stage.start()
    assert stage.actor().resume(session).name == "test_user"
    newcomer = stage.guest("new").enter(room, create=False)
    newcomer.hears("kept")
    assert newcomer.entered["seq"] == 1


def test_a_second_serve_beside_the_first_is_refused(own_stage: Stage) -> None:
    result = own_stage.run("serve", "--port", "0")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert str(own_stage.guardian.pid) in result.stderr


# -- the end


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_end_is_said_and_comes_within_two_seconds(own_stage: Stage, how: signal.Signals) -> None:
    within(2.0, lambda: ended(own_stage, how))


def ended(stage: Stage, how: signal.Signals) -> float:
    """Seconds until nothing was left."""
    seats = [seat for _ in range(5) for seat in two_in(stage, stage.new("games"))]
    seats[0].say("last words")
    lobby = stage.guest()
    took = stage.stop(how)
    bye = lobby.ended()[-1]
    assert (bye["type"], bye["code"], bye["resume"]) == ("bye", "going_down", False)
    for seat in seats:
        closing = seat.ended()[-1]
        assert (closing["type"], closing["code"]) == ("closing", "going_down")
    stage.start()
    stage.guest("new").enter(seats[0].entered["room"], create=False).hears("last words")
    return took


def test_the_stop_command(own_stage: Stage) -> None:
    stage = own_stage
    two_in(stage, stage.new("games"))
    result = stage.run("stop")
    assert (result.returncode, result.stderr) == (0, "")
    assert stage.guardian.wait(PATIENCE) == 0
    assert stage.processes() == {}
    assert stage.run("stop").returncode == 2
    assert stage.run("status").returncode == 2
    assert stage.run("admin", "rooms").returncode == 2
    assert stage.run("admin", "rooms").stderr.count("\n") == 1


def test_it_ends_within_two_seconds_although_a_room_is_stuck(own_stage: Stage) -> None:
    def ended_stuck() -> float:
        stage = own_stage
        if stage.guardian.poll() is not None:
            stage.start()
        room = stage.new("stuck")
        stage.guest().enter(room)
        os.kill(stage.room_pid(room), signal.SIGSTOP)
        return stage.stop()

    within(2.0, ended_stuck)


def test_a_sleeping_room_is_woken_with_its_lines(open_stage) -> None:
    stage: Stage = open_stage("rooms.sleep_after=0.2", "rooms.grace=0.1")
    admin, guest = stage.login("admin_user"), stage.guest()
    room = stage.new("sleepy")
    seat = guest.enter(room)
    seat.say("good night")
    with ending(stage.room_pid(room)) as gone:
        seat.ask("leave")
        gone()
    row = eventually(lambda: (r := admin.listing()[room])["state"] == "sleeping" and r)
    assert (row["pid"], row["restarts"], row["members"], row["lines"]) == (0, 0, 0, 1)
    back = guest.enter(room, create=False)
    back.hears("good night")
    assert back.say("good morning") == 2
    assert admin.listing()[room]["state"] == "running"


def test_a_ticket_wakes_a_room_that_fell_asleep_meanwhile(open_stage) -> None:
    stage: Stage = open_stage("rooms.sleep_after=0.2", "rooms.grace=0.1")
    guest = stage.guest()
    room = stage.new("sleepy")
    host, port, ticket = guest.ticket(room)
    eventually(lambda: f"parlour: room {room}" not in stage.processes().values())
    Seat(host, port, ticket).say("awake")


def test_serve_with_nothing_to_read_and_nobody_to_read_it(own_stage: Stage, tmp_path) -> None:
    """Standard input from /dev/null, output into a file that is then full: it runs, and idles without cost."""
    process = subprocess.Popen(
        [*command("serve", "--data", str(tmp_path / "quiet")), "--port", "0"],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        start_new_session=True,
    )  # fmt: skip
    with process:
        assert read_line(process).startswith("Lobby listening on ")
        assert process.stdout is not None
        process.stdout.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
