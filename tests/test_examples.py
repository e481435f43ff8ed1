"""The bots of docs/examples/ and the page about the library, run as they stand, against a real Parlour."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenes.stage import PATIENCE, QUICK, UNLIMITED, Stage, read_line

EXAMPLES = Path(__file__).resolve().parents[1] / "docs" / "examples"
PAGE = EXAMPLES.parent / "client-library.md"


@pytest.fixture(scope="module")
def stage(module_path: Path) -> Iterator[Stage]:
    stage = Stage(module_path / "data", *QUICK, *UNLIMITED)
    yield stage
    stage.stop()


@contextlib.contextmanager
def running(*words: str | Path) -> Iterator["subprocess.Popen[str]"]:
    """A program, that does not outlive the play."""
    program = subprocess.Popen(
        [sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(EXAMPLES.parents[1])},
    )  # fmt: skip
    try:
        yield program
    finally:
        program.kill()
        program.communicate(timeout=PATIENCE)


def where(stage: Stage) -> str:
    return f"{stage.host}:{stage.port}"


def test_the_answering_bot_greets_and_answers_also_after_its_room_was_killed(stage: Stage) -> None:
    with running(EXAMPLES / "answering_bot.py", where(stage), "clocks") as bot:
        assert read_line(bot) == "clockbot is in clocks\n"
        ann = stage.guest("ann").enter("clocks")
        assert ann.expect("line")["text"].startswith("Welcome, ann")
        ann.say("clockbot: what time is it?")
        assert re.fullmatch(r"ann\d+: it is \d\d:\d\d\.", ann.expect("line", **{"from": "clockbot"})["text"])
        stage.kill(stage.room_pid("clocks"))
        ann = ann.back()
        ann.say("clockbot: the time, please", id="later")  # a seat counts its ids anew
        assert "it is" in ann.expect("line", **{"from": "clockbot"})["text"]


def test_the_relaying_bot_says_each_line_of_its_input(stage: Stage) -> None:
    ann = stage.guest("ann").enter("wire")
    with running(EXAMPLES / "relaying_bot.py", where(stage), "wire", "ticker") as bot:
        out, err = bot.communicate("first\n\nsecond\n", timeout=PATIENCE)
        assert (out, err, bot.returncode) == ("2 lines said\n", "", 0)
    ann.hears("first")
    ann.hears("second")


@pytest.mark.parametrize("script", ["answering_bot.py", "relaying_bot.py"])
def test_a_bot_without_a_server_says_so_in_a_line(script: str) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / script, "127.0.0.1:1", "hall"], capture_output=True, text=True, timeout=PATIENCE,
        check=False, stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(EXAMPLES.parents[1])},
    )  # fmt: skip
    assert done.returncode == 1
    assert "no server answers" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_program_of_the_page_runs(stage: Stage, tmp_path: Path) -> None:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    program = tmp_path / "program.py"
    program.write_text(found[1].replace("22222", str(stage.port)).replace('"hall"', '"page"'), encoding="utf-8")
    ann = stage.guest("ann").enter("page")
    with running(program):
        ann.hears("hello")
        ann.say("good morning")
        ann.hears(f"{ann.name} said: good morning")


def test_the_page_names_only_what_there_is() -> None:
    from client.api import Client, Room

    text = PAGE.read_text(encoding="utf-8")
    for name in re.findall(r"`(?:await |async for \w+ in )?client\.(\w+)\(", text):
        assert hasattr(Client, name), name
    for name in re.findall(r"`(?:await |async for \w+ in )?room\.(\w+)\(", text):
        assert hasattr(Room, name), name
