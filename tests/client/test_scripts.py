"""The client in pipes: saying, following, and their exit codes."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.fake_parlour import FakeParlour
from tests.client.test_plain import SECONDS, Pipes, environment, pipes, url  # noqa: F401 - fixtures
from wire import messages as m


@pytest.fixture
def parlour() -> Iterator[FakeParlour]:
    with FakeParlour() as made:
        yield made


def test_say_says_and_writes_nothing(parlour: FakeParlour, pipes: Pipes) -> None:  # noqa: F811
    parlour.lose_answers = 1
    code, out, err = pipes("bot", url(parlour), "--room", "builds", "--say", typed="hello\n\nworld\n")
    assert (code, out, err) == (0, "", "")
    assert parlour.texts("builds") == ["hello", "world"]


def test_say_tells_what_was_refused(parlour: FakeParlour, pipes: Pipes) -> None:  # noqa: F811
    code, out, err = pipes("bot", url(parlour), "--say", typed=f"{'x' * 5000}\nfine\n")
    assert (code, out) == (3, "")
    assert "not sent: a text has at most 4000" in err
    assert parlour.texts() == ["fine"]
    code, _, err = pipes("test_user", url(parlour), "--say", typed="hello\n")
    assert (code, err) == (3, "parlour: the name test_user is taken\n")
    code, _, err = pipes("bot", "chat://127.0.0.1:1", "--say", typed="hello\n")
    assert code == 2
    assert err.startswith("parlour: no server answers at 127.0.0.1:1")


def test_follow_writes_objects_until_it_is_told_to_stop(
    parlour: FakeParlour,
    environment: dict[str, str],  # noqa: F811
    tmp_path: Path,
) -> None:
    parlour.say("hall", "bob", "before")
    out = tmp_path / "out"
    with out.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "client", "bot", url(parlour), "--follow", "--json"],
            stdin=subprocess.DEVNULL, stdout=file, env=environment,
        )  # fmt: skip
        parlour.until(lambda: "bot" in parlour.members())
        parlour.say("hall", "eve", "\x1b[31mred\u202e")
        parlour.break_room("hall")
        parlour.until(lambda: sum(isinstance(request, m.Enter) for request in parlour.seen) == 2)
        parlour.say("hall", "bob", "after")
        parlour.send("hall", m.Closing(code="kicked", text="go", resume=False))
        assert process.wait(SECONDS) == 3
    written = out.read_text()
    assert written.isascii()
    assert "\x1b" not in written
    objects = [json.loads(row) for row in written.splitlines()]
    assert [(o["seq"], o["from"], o["text"], o["past"]) for o in objects] == [
        (1, "bob", "before", True), (2, "eve", "\x1b[31mred\u202e", False), (3, "bob", "after", False)]  # fmt: skip
    assert {o["room"] for o in objects} == {"hall"}


def test_follow_as_text_ends_with_a_signal(parlour: FakeParlour, environment: dict[str, str]) -> None:  # noqa: F811
    with subprocess.Popen(
        [sys.executable, "-m", "client", "bot", url(parlour), "--follow"], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True, env=environment,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        parlour.until(lambda: "bot" in parlour.members())
        parlour.say("hall", "bob", "hello")
        assert process.stdout.readline() == "18:00 bob: hello\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0


def test_following_an_idle_room_costs_nothing(parlour: FakeParlour, environment: dict[str, str]) -> None:  # noqa: F811
    """Standard input from nowhere, output to nowhere: the process does not run while nothing happens."""
    with subprocess.Popen(
        [sys.executable, "-m", "client", "bot", url(parlour), "--follow"], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True, env=environment,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        parlour.until(lambda: "bot" in parlour.members())
        for number in range(3):  # it is through its start when it has answered
            parlour.say("hall", "bob", str(number))
            process.stdout.readline()
        runs = [_runs(process)]
        while runs[-1] > 2 and len(runs) < 4:  # on a busy machine what it had to do may still be under way
            runs.append(_runs(process))
        process.terminate()
        assert process.wait(SECONDS) == 0
    assert runs[-1] <= 2


def _runs(process: "subprocess.Popen[str]") -> int:
    """How often it ran, in half a second."""
    before = _switches(process.pid)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    return _switches(process.pid) - before


def _switches(pid: int) -> int:
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith("voluntary_ctxt_switches"))
