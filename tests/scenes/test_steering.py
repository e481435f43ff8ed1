"""What an operator does with rooms while people chat: restart, drain, stop, start, limits; and rooms that fail."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from subprocess import DEVNULL

import pytest

from client.api import connect
from client.events import Back, Event, Lost, RoomEntered
from tests.scenes.conftest import two_in
from tests.scenes.stage import PATIENCE, ROOT, Gone, Message, Refusal, Seat, Stage, command, ending, eventually
from tests.scenes.test_crashes import another_runs
from tests.scenes.test_visit import refused


def moved(seat: Seat) -> Seat:
    """Do as the room says at its end: go where it redirects, with its ticket, for what was missed."""
    redirect = seat.expect("redirect")
    assert redirect["host"] == ""
    fields: Message = {"since": seat.newest or seat.entered["seq"]}
    if seat.stream is not None:
        fields["stream"] = seat.stream
    seat.close()
    back = Seat(seat.address[0], redirect["port"], redirect["ticket"], **fields)
    back.actor, back.name = seat.actor, seat.name
    return back


def row(stage: Stage, room: str) -> Message:
    return {row["name"]: row for row in json.loads(stage.run("admin", "rooms", "--json").stdout)}[room]


def home(stage: Stage, room: str) -> Path:
    return stage.data / "rooms" / json.loads(stage.run("admin", "room", room, "--json").stdout)["id"]


# -- restart


def test_a_restarted_room_goes_on_in_a_new_process(own_stage: Stage) -> None:
    stage = own_stage
    room = stage.new("games")
    ann, ben = two_in(stage, room)
    for number in range(20):
        ann.say(f"before {number}")
    before = row(stage, room)
    result = stage.run("admin", "restart", room)
    assert (result.returncode, result.stderr) == (0, "")
    after = row(stage, room)
    assert str(after["pid"]) in result.stdout
    assert (after["pid"] != before["pid"], after["port"]) == (True, before["port"])
    back_ann, back_ben = moved(ann), moved(ben)
    back_ann.say("after")
    back_ben.hears("after")
    lines = ben.lines + back_ben.lines
    assert lines == [*((n + 1, f"before {n}") for n in range(20)), (21, "after")], "nothing lost, nothing doubled"
    back_ben.fence()
    assert [m for m in back_ben.heard if m["type"] == "presence"] == [], "nobody was seen to leave or to come"


def test_lines_under_way_through_a_restart_exist_once(own_stage: Stage) -> None:
    """Nobody waits: lines are in every buffer there is while the room is replaced, again and again."""
    stage = own_stage
    room = stage.new("games")
    admin = stage.login("admin_user")
    ann = stage.guest("ann").enter(room, stream="scene-stream-restart")
    ben = stage.guest("ben").enter(room)
    ids: list[str] = []
    took = []
    for turn in range(5):
        new = [f"{turn}-{number}" for number in range(100)]
        for message_id in new:
            ann.send("say", id=message_id, text=message_id)
        admin.ask("admin_room", room=room, do="restart")
        begun = time.monotonic()
        ann = again(ann)
        took.append(time.monotonic() - begun)
        for message_id in new:
            ann.say(message_id, id=message_id)
        ids += new
    assert min(took) < 1.0, "back within a second"
    ben = again(ben)
    ann.say("the last")
    ben.hears("the last")
    history: list[str] = []
    while len(history) < len(ids):
        page = ben.ask("history", after=len(history), limit=200)
        history += [line["text"] for line in page["lines"]]
    assert history[: len(ids)] == ids


def again(seat: Seat) -> Seat:
    """As `moved`, or by the resume token where the last words were lost with the connection."""
    try:
        return moved(seat)
    except Gone:
        return seat.back()


def test_a_restart_is_for_admins(stage: Stage) -> None:
    room = stage.new("games")
    owner = stage.login("test_user")
    owner.enter(room)
    for do in ("restart", "stop", "drain", "start"):
        assert refused(owner.ask, "admin_room", room=room, do=do) == "not_allowed"
    assert refused(stage.login("admin_user").ask, "admin_room", room="nowhere", do="restart") == "no_such_room"


def test_sigterm_to_a_room_replaces_it(stage: Stage) -> None:
    room = stage.new("games")
    ann, ben = two_in(stage, room)
    pid = stage.room_pid(room)
    with ending(pid) as gone:
        os.kill(pid, signal.SIGTERM)
        gone()
    ann, ben = moved(ann), moved(ben)
    ann.say("still here")
    ben.hears("still here")


def test_sigterm_to_the_lobby_asks_its_clients_to_come_back(own_stage: Stage) -> None:
    stage = own_stage
    ann = stage.login("test_user")
    os.kill(stage.pid("lobby"), signal.SIGTERM)
    bye = ann.ended()[-1]
    assert (bye["type"], bye["code"], bye["resume"]) == ("bye", "restarting", True)
    assert stage.run("admin", "room", "hall").returncode == 0, "a command waits for the next lobby"
    assert stage.actor().resume(ann.welcome["session"]).name == "test_user"


# -- drain, stop, start


def test_a_drained_room_lets_nobody_new_in_and_ends_when_it_is_empty(own_stage: Stage) -> None:
    stage = own_stage
    admin = stage.login("admin_user")
    room = stage.new("party")
    ann, ben = two_in(stage, room)
    result = stage.run("admin", "drain", room)
    assert (result.returncode, result.stderr) == (0, "")
    eventually(lambda: admin.listing()[room]["state"] == "draining")
    assert refused(stage.guest("late").ticket, room) == "stopped"
    ann.say("we may stay")
    ben.hears("we may stay")
    back = ben.back()
    back.say("and come back")
    ann.hears("and come back")
    stage.kill(stage.room_pid(room))  # nor does a death let anybody in
    ann, back = ann.back(), back.back()
    assert refused(stage.guest("late").ticket, room) == "stopped"
    pid = stage.room_pid(room)
    with ending(pid) as gone:
        ann.ask("leave")
        back.ask("leave")
        gone()
    eventually(lambda: admin.listing()[room]["state"] == "stopped")
    assert refused(stage.guest("late").ticket, room) == "stopped"
    stage.kill(stage.pid("lobby"))
    assert refused(stage.guest("late").ticket, room) == "stopped"
    assert stage.run("admin", "start", room).returncode == 0
    stage.guest("new").enter(room, create=False).hears("and come back")


def test_a_drained_room_ends_at_its_time(own_stage: Stage) -> None:
    stage = own_stage
    room = stage.new("party")
    ann, _ = two_in(stage, room)
    assert stage.run("admin", "drain", room, "--seconds", "0.5").returncode == 0
    closing = ann.expect("closing")
    assert (closing["code"], closing["resume"]) == ("stopped", False)
    eventually(lambda: row(stage, room)["state"] == "stopped")


def test_a_stopped_room_stays_so(own_stage: Stage) -> None:
    stage = own_stage
    room = stage.new("shut")
    ann, _ = two_in(stage, room)
    ann.say("kept")
    result = stage.run("admin", "stop", room)
    assert (result.returncode, result.stdout) == (0, f"{room} is stopped.\n")
    assert ann.ended()[-1]["code"] == "stopped"
    assert refused(stage.guest().ticket, room) == "stopped"
    assert stage.run("admin", "restart", room).returncode == 3
    result = stage.run("admin", "start", room)
    assert (result.returncode, result.stderr) == (0, "")
    stage.guest("new").enter(room, create=False).hears("kept")


# -- failing


def test_a_failed_room_says_why_and_can_be_started_again(own_stage: Stage) -> None:
    stage = own_stage
    admin = stage.login("admin_user")
    room = stage.new("cursed")
    seat = stage.guest().enter(room)
    seat.say("kept")
    pid = 0
    for _ in range(5):
        pid = another_runs(admin, room, pid)
        with ending(pid) as gone:
            os.kill(pid, signal.SIGSEGV)
            gone()
    found = eventually(lambda: (r := admin.listing()[room])["state"] == "failed" and r)
    assert "SIGSEGV" in found["reason"]
    assert "peak" in found["reason"]
    assert refused(stage.guest().ticket, room) == "room_failed"
    shown = stage.run("admin", "room", room)
    assert shown.returncode == 0
    for word in ("failed", "SIGSEGV", "crash.log", "room.log", "Segmentation fault", "in round", f"room {room} runs"):
        assert word in shown.stdout, word
    result = stage.run("admin", "start", room)
    assert (result.returncode, result.stderr) == (0, "")
    stage.guest("new").enter(room, create=False).hears("kept")


def test_a_stuck_room_is_replaced_and_its_stacks_are_kept(own_stage: Stage) -> None:
    """It spins in a handler of ours: there is no such bug, so a debugger's signal stands for it."""
    stage = own_stage
    room = stage.new("stuck")
    seat = stage.guest().enter(room)
    seat.say("before")
    pid = stage.room_pid(room)
    record = home(stage, room) / "crash.log"
    os.kill(pid, signal.SIGUSR1)
    eventually(lambda: "in round" in record.read_text())
    assert stage.room_pid(room) == pid, "it goes on"
    with ending(pid) as gone:
        os.kill(pid, signal.SIGSTOP)
        gone()
    eventually(lambda: "no answer" in record.read_text())
    seat.back().say("after")
    assert stage.login("admin_user").listing()[room]["restarts"] == 1


# -- limits


def test_a_room_without_the_memory_it_needs_fails_alone(own_stage: Stage) -> None:
    stage = own_stage
    room, other = stage.new("starved"), stage.new("other")
    ann, _ = two_in(stage, room)
    ann.say("kept")
    cid, dan = two_in(stage, other)
    assert stage.run("admin", "limit", room, "memory_mib=1").returncode == 0
    result = stage.run("admin", "restart", room)
    assert (result.returncode, "exit code" in result.stderr) == (3, True)
    assert row(stage, room)["state"] in ("failed", "backoff")
    cid.say("did you notice?")
    dan.hears("did you notice?")
    assert stage.run("admin", "limit", room, "memory_mib=").returncode == 0
    assert stage.run("admin", "start", room).returncode == 0
    stage.guest("new").enter(room, create=False).hears("kept")


def test_a_room_over_its_descriptors_is_alone_with_it(open_stage) -> None:
    stage: Stage = open_stage("limits.lines_per_second=0", "limits.requests_per_second=0")
    room, other = stage.new("greedy"), stage.new("other")
    ann, ben = two_in(stage, room)
    cid, dan = two_in(stage, other)
    ann.say("kept")
    assert stage.run("admin", "limit", room, "memory_mib=100", "files=64", "nice=5").returncode == 0
    assert stage.run("admin", "restart", room).returncode == 0
    ann, ben = moved(ann), moved(ben)
    pid = stage.room_pid(room)
    limits = Path(f"/proc/{pid}/limits").read_text()
    (space,) = [line for line in limits.splitlines() if line.startswith("Max address space")]
    assert space.split()[3:5] == [str(100 * 1_048_576)] * 2
    (files,) = [line for line in limits.splitlines() if line.startswith("Max open files")]
    assert files.split()[3:5] == ["64", "64"]
    assert os.getpriority(os.PRIO_PROCESS, pid) == 5
    assert os.getpriority(os.PRIO_PROCESS, stage.room_pid(other)) == 0
    hogs = []
    for _ in range(200):  # more than it has descriptors for
        try:
            hogs.append(socket.create_connection(ann.address, timeout=5))
        except OSError:
            break
    ann.say("members stay")
    ben.hears("members stay")
    cid.say("others too")
    dan.hears("others too")
    for hog in hogs:
        hog.close()
    assert "files=64" in stage.run("admin", "limit", room).stdout


def test_a_limit_that_is_none_is_refused(stage: Stage) -> None:
    room = stage.new("games")
    stage.guest().enter(room)
    for words, code in ((["colour=3"], 1), (["files=many"], 1), (["nice=100"], 1), (["files=-1"], 1)):
        result: subprocess.CompletedProcess[str] = stage.run("admin", "limit", room, *words)
        assert result.returncode == code, words
        assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("word", ["restart", "stop", "drain", "start", "room", "limit"])
def test_a_room_that_does_not_exist(stage: Stage, word: str) -> None:
    result = stage.run("admin", word, "nowhere")
    assert (result.returncode, result.stderr) == (3, "there is no room nowhere\n")


def test_restart_of_a_room_that_does_not_run_starts_it(own_stage: Stage) -> None:
    assert own_stage.run("admin", "restart", "hall").returncode == 0
    assert row(own_stage, "hall")["state"] == "running"
    with pytest.raises(Refusal, match="no_such_room"):
        own_stage.guest().ticket("nowhere", create=False)


# -- as our own client does it


def test_our_client_follows_a_room_and_a_lobby_that_are_replaced(own_stage: Stage) -> None:
    """It types nothing, is told of no loss by a restart of its room, and every line it says exists once."""
    stage = own_stage
    room = stage.new("games")
    watcher = stage.guest("watcher").enter(room)

    async def play() -> tuple[list[int], list[Event]]:
        events: list[Event] = []
        client = await connect(stage.host, stage.port)
        client.listeners.append(events.append)
        await client.guest("api")
        there = await client.join(room)
        numbers = []
        for turn in range(30):
            if turn in (10, 20):
                process = await asyncio.create_subprocess_exec(
                    *command("admin", "restart", room, "--data", str(stage.data)), cwd=ROOT, stdout=DEVNULL
                )
                number = there.say(f"line {turn}")
                assert await process.wait() == 0
                numbers.append(await number)
            else:
                numbers.append(await there.say(f"line {turn}"))
        os.kill(stage.pid("lobby"), signal.SIGTERM)
        while not any(isinstance(event, Back) and event.room is None for event in events):
            await asyncio.sleep(0.01)
        numbers.append(await there.say("after the lobby"))
        await client.quit()
        return numbers, events

    numbers, events = asyncio.run(asyncio.wait_for(play(), PATIENCE))
    assert numbers == list(range(1, 32)), "each once, in order"
    lost = [event for event in events if isinstance(event, Lost) and event.room is not None]
    assert lost == [], "an orderly move is no loss"
    assert len([event for event in events if isinstance(event, RoomEntered)]) == 3
    again(watcher).hears("after the lobby")
