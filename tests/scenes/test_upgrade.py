"""The whole system to new code while people chat; also to code that changes the rooms' files, or fails, and back."""

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

import pytest

from client.api import Client, connect
from client.events import Ended, Event, LoggedOut, Lost
from roomproc.history import SCHEMA
from tests.scenes.code import Code
from tests.scenes.conftest import two_in
from tests.scenes.stage import QUICK, UNLIMITED, Message, Stage, command
from tests.scenes.test_steering import again, home
from tests.test_migrations import of_version

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


def audit(stage: Stage) -> list[dict[str, str]]:
    """What admins and the operator did, the oldest first."""
    acts: list[dict[str, str]] = json.loads(stage.run("admin", "audit", "--json").stdout)
    return acts


async def upgraded(stage: Stage, *words: str) -> tuple[list[Talker], int, str, str]:
    talkers = [Talker(stage, f"room{number}") for number in range(ROOMS)]
    visits = [asyncio.create_task(talker.visit()) for talker in talkers]
    while not all(talker.said for talker in talkers):
        await asyncio.sleep(0.01)
    before = {name: row["pid"] for name, row in listing(stage).items()}
    process = await asyncio.create_subprocess_exec(
        *command("admin", "upgrade", *words, "--data", str(stage.data)), cwd=stage.code, stdout=PIPE, stderr=PIPE
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


# -- the code, which becomes another version's

HISTORY = "roomproc/history.py"
STEP = """
SCHEMA.append("ALTER TABLE entries ADD COLUMN edited INTEGER;\\nCREATE TABLE reactions (seq INTEGER, what TEXT)")
"""
BUG = """
RoomServer.run = lambda self: Exit(1 // 0)
"""


def version(stage: Stage, room: str) -> int:
    with contextlib.closing(sqlite3.connect(home(stage, room) / "log.sqlite3")) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def make_old(stage: Stage, room: str) -> None:
    """A room whose file is of the first version."""
    stage.guest().ask("create", room=room)
    assert stage.run("admin", "stop", room).returncode == 0
    file = home(stage, room) / "log.sqlite3"
    for path in file.parent.glob("log.sqlite3*"):
        path.unlink()
    of_version(1, "room", file)
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("DELETE FROM facts WHERE name = 'settings'")  # it was another room's
        db.commit()
    assert stage.run("admin", "start", room).returncode == 0


@pytest.fixture
def code(tmp_path: Path) -> Code:
    return Code(tmp_path / "code")


@pytest.fixture
def stage(tmp_path: Path, code: Code) -> Iterator[Stage]:
    stage = Stage(tmp_path / "data", *QUICK, *UNLIMITED, code=code.place)
    yield stage
    stage.stop()


# -- the plays


def test_everything_is_replaced_while_people_chat(stage: Stage, code: Code) -> None:
    """By code of another version, which also changes the rooms' files: among them one of the first version."""
    make_old(stage, "old")
    cid, dan = two_in(stage, "old")
    said = [line.get("text") or line["topic"] for line in cid.ask("history", limit=10)["lines"]]
    assert said == ["hello", "Chess", "waves"]
    assert version(stage, "old") == len(SCHEMA)
    code.change({HISTORY: STEP})
    pids = {name: stage.pid(name) for name in ("guardian", "nursery", "lobby")}
    talkers, code, out, err = asyncio.run(asyncio.wait_for(upgraded(stage), 60))
    assert code == 0, err
    assert out == f"Upgraded: nursery, {ROOMS + 1} rooms, lobby, guardian.\n"
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
    assert max(talker.longest for talker in talkers) < 2.0, "a second, and one more for a machine that is busy"
    acts = [(act["what"], act["target"], act["text"]) for act in audit(stage)]
    acts = acts[[what for what, _, _ in acts].index("upgrade") :]
    assert acts[0] == ("upgrade", "", "begun: from 0.1.0 to 0.1.0")
    assert {what for what, _, _ in acts[1:-1]} == {"rolling restart"}
    assert sorted(target for _, target, _ in acts[1:-1]) == ["old", *(f"room{n}" for n in range(ROOMS))]
    assert acts[-1] == ("upgrade", "", f"done: from 0.1.0 to 0.1.0; nursery, {ROOMS + 1} rooms, lobby, guardian")
    stage.kill(stage.pid("lobby"))  # and who was renewed looks after the others as before
    stage.kill(stage.pid("nursery"))
    stage.guest("new").enter("room0", create=False).say("still here")
    assert {version(stage, room) for room in ("old", "room0")} == {len(SCHEMA) + 1}
    again(dan).say("a version later")
    again(cid).hears("a version later")


def test_a_canary_that_dies_stops_it_there_and_the_way_back_is_open(stage: Stage, code: Code) -> None:
    """The new code migrates the canary's file, and has a bug; the code of before goes on with the file as it is."""
    other, canary = stage.new("other"), stage.new("canary")
    cid, dan = two_in(stage, other)
    stage.guest().enter(canary).say("kept")
    before, lobby = stage.login("admin_user").listing(), stage.pid("lobby")
    code.change({HISTORY: STEP, "roomproc/server.py": BUG})
    result = stage.run("admin", "upgrade", "--canary", canary)
    assert result.returncode == 3
    assert canary in result.stderr.splitlines()[-1]
    assert "BUG" in result.stderr
    last = audit(stage)[-1]
    assert (last["by"], last["what"]) == ("the operator", "upgrade")
    assert last["text"].startswith(f"stopped: from 0.1.0 to 0.1.0; the canary, {canary}, does not run")
    assert version(stage, canary) == len(SCHEMA) + 1
    assert stage.login("admin_user").listing()[other]["pid"] == before[other]["pid"], "no other room was touched"
    assert version(stage, other) == len(SCHEMA)
    assert stage.pid("lobby") == lobby
    cid.say("did you notice?")
    dan.hears("did you notice?")

    code.change({})
    result = stage.run("admin", "upgrade")
    assert result.returncode == 0, result.stderr
    again(dan).say("and back")
    again(cid).hears("and back")
    assert stage.run("admin", "start", canary).returncode == 0
    seat = stage.guest().enter(canary, create=False)
    seat.hears("kept")
    seat.say("with the code of before")
    assert version(stage, canary) == len(SCHEMA) + 1


def test_without_a_server(own_stage: Stage) -> None:
    own_stage.stop()
    result = own_stage.run("admin", "upgrade")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
