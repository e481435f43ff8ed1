"""The operator takes a room out of one system and puts it into another, while people talk."""

import asyncio
import json
from pathlib import Path

import pytest

from client.api import connect
from client.saving import Form, save
from tests.scenes.stage import Stage
from wire.errors import Refused


async def member_saves(stage: Stage, name: str, path: Path, form: Form, told: list[tuple[int, int]]) -> int:
    """As `/save` does it, over the wire."""
    async with await connect(stage.host, stage.port) as client:
        await client.guest(stage.new("member"))
        room = await client.join(name)
        return await save(room, path, form, lambda done, of: told.append((done, of)))


def test_out_and_back_with_the_server_running_and_not(own_stage: Stage, tmp_path) -> None:
    stage = own_stage
    room = stage.new("games")
    ann = stage.guest("ann").enter(room)
    for number in range(30):
        ann.say(f"line {number}")
    out = tmp_path / "games.jsonl"
    done = stage.run("admin", "export", room, str(out))
    assert (done.returncode, done.stderr) == (0, f"30 entries of {room} in {out}.\n")
    again = stage.run("admin", "export", room, str(out))
    assert (again.returncode, again.stderr) == (1, f"export: {out} exists already: name another place\n")
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert (lines[0]["room"], lines[0]["last"]) == (room, 30)
    assert [line["text"] for line in lines[1:]] == [f"line {number}" for number in range(30)]

    text = stage.run("admin", "export", room, "--format", "text")
    assert "  <ann" in text.stdout
    assert text.stdout.splitlines()[-1].endswith("> line 29")

    done = stage.run("admin", "import", str(out), "museum", "--owner", "foo_user")
    assert (done.returncode, done.stdout) == (0, "The room museum is there.\n")
    ben = stage.login("foo_user").enter("museum", last=30)
    ben.fence()
    assert [text for _, text in ben.lines] == [f"line {number}" for number in range(30)]
    assert ben.say("and on it goes") == 31

    again = stage.run("admin", "import", str(out), "museum")
    assert (again.returncode, again.stderr) == (3, "import: there is a room museum already\n")
    missing = stage.run("admin", "export", "nowhere")
    assert (missing.returncode, missing.stderr) == (3, "export: there is no room nowhere\n")
    out.write_text("rubbish\n")
    rubbish = stage.run("admin", "import", str(out), "other")
    assert rubbish.returncode == 1
    assert "no export of a room" in rubbish.stderr

    copy = tmp_path / "copy.jsonl"
    told: list[tuple[int, int]] = []
    assert asyncio.run(member_saves(stage, "museum", copy, "json", told)) == 31
    assert [json.loads(line) for line in copy.read_text().splitlines()][1:31] == lines[1:]
    done = stage.run("admin", "import", str(copy), "copy")
    assert (done.returncode, done.stdout) == (0, "The room copy is there.\n")
    with pytest.raises(Refused, match="already"):
        asyncio.run(member_saves(stage, "museum", copy, "json", told))
    words = tmp_path / "words.txt"
    asyncio.run(member_saves(stage, "museum", words, "text", told))
    assert words.read_text().splitlines()[:30] == text.stdout.splitlines()
    assert not list(tmp_path.glob("*.part"))

    stage.stop()
    out.unlink()
    assert stage.run("admin", "export", "museum", str(out)).returncode == 0
    assert stage.run("admin", "import", str(out), "annex").returncode == 0
    stage.start()
    cid = stage.guest("cid").enter("annex", create=False)
    cid.fence()
    assert cid.newest == 31
