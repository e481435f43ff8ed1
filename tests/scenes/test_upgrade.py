"""The whole system to new code while people chat, and an upgrade that stops at its canary."""

import asyncio
import json
from subprocess import PIPE

from client.api import Client, connect
from client.events import Ended, Event, LoggedOut, Lost
from tests.scenes.conftest import two_in
from tests.scenes.stage import ROOT, Message, Stage, command
from tests.scenes.test_disks import spoil
from tests.scenes.test_steering import again, home

ROOMS = 4


def listing(stage: Stage) -> dict[str, Message]:
    return {row["name"]: row for row in json.loads(stage.run("admin", "rooms", "--json").stdout) if row["pid"]}


class Talker:
    """Somebody who says a line and waits for its number, all the time, by our own client."""

    def __init__(self, stage: Stage, room: str) -> None:
        self.stage = stage
        self.room = room
        self.events: list[Event] = []
        self.said: list[int] = []
        self.longest = 0.0  # seconds that a line took
        self.over = False

    async def visit(self) -> None:
        client: Client = await connect(self.stage.host, self.stage.port)
        client.listeners.append(self.events.append)
        await client.guest(f"talker.{self.room}")
        there = await client.join(self.room, create=True)
        clock = asyncio.get_running_loop().time
        while not self.over:
            begun = clock()
            self.said.append(await there.say(f"{len(self.said)}"))
            self.longest = max(self.longest, clock() - begun)
            await asyncio.sleep(0.01)
        await client.quit()


async def upgraded(stage: Stage, *words: str) -> tuple[list[Talker], int, str, str]:
    talkers = [Talker(stage, f"room{number}") for number in range(ROOMS)]
    visits = [asyncio.create_task(talker.visit()) for talker in talkers]
    while not all(talker.said for talker in talkers):
        await asyncio.sleep(0.01)
    before = {name: row["pid"] for name, row in listing(stage).items()}
    process = await asyncio.create_subprocess_exec(
        *command("admin", "upgrade", *words, "--data", str(stage.data)), cwd=ROOT, stdout=PIPE, stderr=PIPE
    )
    out, err = (text.decode() for text in await process.communicate())
    counts = [len(talker.said) for talker in talkers]
    while not all(len(talker.said) > count + 10 for talker, count in zip(talkers, counts, strict=True)):
        await asyncio.sleep(0.01)  # they all go on
    after = {name: row["pid"] for name, row in listing(stage).items()}
    assert before.keys() <= after.keys()
    for talker in talkers:
        talker.over = True
    await asyncio.gather(*visits)
    assert process.returncode is not None
    if process.returncode == 0:
        assert not set(before.values()) & set(after.values()), "every room runs in a new process"
    return talkers, process.returncode, out, err


def test_everything_is_replaced_while_people_chat(own_stage: Stage) -> None:
    stage = own_stage
    pids = {name: stage.pid(name) for name in ("guardian", "nursery", "lobby")}
    talkers, code, out, err = asyncio.run(asyncio.wait_for(upgraded(stage), 60))
    assert code == 0, err
    assert out == f"Upgraded: nursery, {ROOMS} rooms, lobby, guardian.\n"
    assert "guardian: 100%" in err, "the bar"
    assert stage.pid("guardian") == pids["guardian"] == stage.guardian.pid, "by exec in place"
    assert stage.pid("nursery") == pids["nursery"]
    assert stage.pid("lobby") != pids["lobby"]
    for talker in talkers:
        assert talker.said == list(range(1, len(talker.said) + 1)), "each line once, in order"
        assert not [event for event in talker.events if isinstance(event, LoggedOut)], "nobody logs in again"
        ends = [event for event in talker.events if isinstance(event, Ended)]
        assert [end.code for end in ends] == ["quit"]
        assert not [event for event in talker.events if isinstance(event, Lost) and event.room], "rooms: no loss seen"
        print(f"{talker.room}: {len(talker.said)} lines, the longest took {talker.longest:.2f} s")
    assert max(talker.longest for talker in talkers) < 1.0
    stage.kill(stage.pid("lobby"))  # and who was renewed looks after the others as before
    stage.kill(stage.pid("nursery"))
    stage.guest("new").enter("room0", create=False).say("still here")


def test_a_canary_that_dies_stops_it_there(own_stage: Stage) -> None:
    stage = own_stage
    canary, other = stage.new("canary"), stage.new("other")
    ann, _ = two_in(stage, canary)
    ann.say("kept")
    cid, dan = two_in(stage, other)
    before, lobby = listing(stage), stage.pid("lobby")
    spoil(home(stage, canary) / "log.sqlite3", "newer")  # as if the new code could not read what the old one wrote
    result = stage.run("admin", "upgrade", "--canary", canary)
    assert result.returncode == 3
    assert canary in result.stderr.splitlines()[-1]
    assert "UNREADABLE" in result.stderr
    assert listing(stage)[other]["pid"] == before[other]["pid"], "no other room was touched"
    assert stage.pid("lobby") == lobby
    cid.say("did you notice?")
    dan.hears("did you notice?")


def test_without_a_server(own_stage: Stage) -> None:
    own_stage.stop()
    result = own_stage.run("admin", "upgrade")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)


def test_twice_in_a_row(own_stage: Stage) -> None:
    stage = own_stage
    ann, ben = two_in(stage, stage.new("games"))
    for _ in range(2):
        result = stage.run("admin", "upgrade")
        assert result.returncode == 0, result.stderr
        ann, ben = again(ann), again(ben)
    ann.say("two versions later")
    ben.hears("two versions later")
