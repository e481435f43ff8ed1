"""run.sh: the set-up, which is played with a Python that only writes down what it is asked, and the server that it
starts in the background, with the real one."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from base.locks import holder
from base.paths import Paths
from lobby import operator

LIMIT = 60.0
TOOLS = (
    *("bash", "cat", "cksum", "cp", "dirname", "env", "flock", "grep", "mkdir"),
    *("mv", "nohup", "readlink", "rm", "setsid", "sh", "sleep", "tail", "tee"),
)
PYTHON = """#!/bin/sh
# Knows what run.sh asks of a Python, and writes it down.
echo "$*" >>"$CALLS"
case $* in
*"version_info < (3, 11)"*) exit ${TOO_OLD-0} ;;
*"sys.version.split"*) echo 3.9.2 ;;
*"import ensurepip, venv"*) exit ${NO_VENV-0} ;;
--version) echo "Python 3.11.99" ;;
"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
*"-m pip install"*) echo "Collecting thing==1.0 (from -r x)"; echo "the reason"; exit ${NO_NETWORK-0} ;;
*) echo "$PWD|$PYTHONPATH|$*" ;;
esac
"""


class Checkout:
    """A copy of run.sh and the locks, in a directory with a space in its name, and a PATH of our choice."""

    def __init__(self, home: Path, repository: Path) -> None:
        self.here = home / "a checkout"
        self.here.mkdir()
        for name in ("run.sh", "requirements.lock", "requirements-dev.lock"):
            shutil.copy(repository / name, self.here)
        self.bin = home / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, f"{tool} is needed"
            (self.bin / tool).symlink_to(found)
        self.home = home / "empty home"
        self.home.mkdir()
        self.calls = home / "calls"
        self.calls.touch()
        self.env = {"PATH": str(self.bin), "HOME": str(self.home), "CALLS": str(self.calls)}

    def python(self, name: str = "python3") -> None:
        (self.bin / name).write_text(PYTHON)
        (self.bin / name).chmod(0o755)

    def start(self, *words: str, **env: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [self.here / "run.sh", *words],
            cwd=self.home.parent,
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*words, **env)
        out, err = process.communicate(timeout=LIMIT)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def asked(self, what: str) -> int:
        """How often Python was asked for something with `what` in it."""
        return sum(what in call for call in self.calls.read_text().splitlines())


@pytest.fixture
def checkout(tmp_path: Path, repository: Path) -> Checkout:
    return Checkout(tmp_path, repository)


def test_it_sets_up_once_and_later_starts_ask_nothing(checkout: Checkout) -> None:
    checkout.python()
    first = checkout.run("client", "two words", "x")
    assert first.returncode == 0
    assert "Setting up Parlour in" in first.stderr
    assert "Python 3.11.99" in first.stderr
    assert first.stdout == f"{checkout.home.parent}|{checkout.here}|-P -m client two words x\n"
    assert checkout.asked("-m venv") == checkout.asked("-m pip install --require-hashes") == 1
    checkout.calls.write_text("")
    second = checkout.run("client")
    assert second.stderr == ""
    assert checkout.calls.read_text() == "-P -m client\n"
    assert not list(checkout.home.iterdir())
    assert {path.name for path in checkout.here.iterdir()} == {
        "run.sh", "requirements.lock", "requirements-dev.lock", ".venv"
    }  # fmt: skip


def test_a_changed_lock_is_installed_into_the_same_environment(checkout: Checkout) -> None:
    checkout.python()
    checkout.run("client")
    with (checkout.here / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    checkout.run("client")
    assert (checkout.asked("-m venv"), checkout.asked("-m pip install")) == (1, 2)


def test_two_at_the_same_moment_set_up_once(checkout: Checkout) -> None:
    checkout.python()
    both = [checkout.start("client"), checkout.start("client")]
    outcomes = [process.communicate(timeout=LIMIT) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert all(out.endswith("-P -m client\n") for out, _err in outcomes)
    assert (checkout.asked("-m venv"), checkout.asked("-m pip install")) == (1, 1)


def test_two_at_the_same_moment_where_there_is_no_flock(checkout: Checkout) -> None:
    (checkout.bin / "flock").unlink()
    checkout.python()
    both = [checkout.start("client"), checkout.start("client")]
    for process in both:
        process.communicate(timeout=LIMIT)
    assert (checkout.asked("-m venv"), checkout.asked("-m pip install")) == (1, 1)
    assert not (checkout.here / "var" / ".setting-up").exists()


def test_a_set_up_that_failed_says_why_and_is_tried_again(checkout: Checkout) -> None:
    checkout.python()
    failed = checkout.run("client", NO_NETWORK="1")
    assert failed.returncode == 1
    assert "the reason" in failed.stderr
    assert "could not be installed (is there a network?)" in failed.stderr
    assert checkout.run("client").returncode == 0


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"TOO_OLD": "1"}, "Parlour needs Python 3.11 or newer; python3 is 3.9.2."),
        ({"NO_VENV": "1"}, "python3 has no venv module"),
    ],
)
def test_a_python_that_will_not_do_is_one_line(checkout: Checkout, env: dict[str, str], message: str) -> None:
    checkout.python()
    refused = checkout.run("client", **env)
    assert refused.returncode == 1
    assert refused.stderr.startswith(message)
    assert refused.stderr.count("\n") == 1


def test_no_python_at_all_is_one_line(checkout: Checkout) -> None:
    refused = checkout.run("client")
    assert refused.returncode == 1
    assert refused.stderr.startswith("Parlour needs Python 3.11 or newer, and there is none.")
    assert refused.stderr.count("\n") == 1


def test_python_may_be_named(checkout: Checkout) -> None:
    checkout.python("snake")
    assert checkout.run("client").returncode == 1
    assert checkout.run("client", PYTHON="snake").returncode == 0


def test_an_environment_whose_python_is_gone_is_made_anew(checkout: Checkout) -> None:
    checkout.python()
    checkout.run("client")
    (checkout.here / ".venv" / "bin" / "python").unlink()
    assert checkout.run("client").returncode == 0
    assert checkout.asked("-m venv") == 2


def test_test_adds_the_tools_and_runs_every_check(checkout: Checkout) -> None:
    checkout.python()
    assert checkout.run("test", "-k", "one").returncode == 0
    assert checkout.asked("requirements.lock") == checkout.asked("requirements-dev.lock") == 1
    for check in ("-m ruff check .", "-m ruff format --check .", "-m mypy", "-m pytest -n 4 --dist worksteal -k one"):
        assert checkout.asked(check) == 1


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_help_needs_no_set_up(checkout: Checkout, word: str) -> None:
    shown = checkout.run(word)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith("Parlour: ")


def test_help_names_every_command_and_no_other(checkout: Checkout, repository: Path) -> None:
    named = set(re.findall(r"^  \./run\.sh (\w+)", checkout.run("--help").stdout, re.MULTILINE))
    script = (repository / "run.sh").read_text()
    cases = script[script.index("case $command in") :]
    handled = {word for case in re.findall(r"^(\w[\w |]*)\)", cases, re.MULTILINE) for word in case.split(" | ")}
    assert named == handled


def test_an_unknown_command_is_misuse(checkout: Checkout) -> None:
    refused = checkout.run("chta")
    assert refused.returncode == 1
    assert refused.stderr.endswith("./run.sh has no command 'chta'.\n")


def test_ci_runs_what_a_developer_runs(repository: Path) -> None:
    assert (repository / ".ci" / "run").read_text().splitlines()[-1] == "exec ./run.sh test"
    assert os.access(repository / ".ci" / "run", os.X_OK)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_locks_are_pinned_hashed_and_know_no_machine(repository: Path, name: str) -> None:
    lock = (repository / name).read_text()
    assert not re.search(r"https?:|file:|--index|--find-links|(?<!\w)/(tmp|home|opt|root|work)", lock)
    pins = re.findall(r"^[a-z0-9-]+==\S+ (?:; .* )?\\\n    --hash=sha256:", lock, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-z]", lock, re.MULTILINE)) > 5


# --- the server in the background


@pytest.fixture
def real(checkout: Checkout, repository: Path) -> Iterator[Checkout]:
    """A checkout with the real code, whose environment is the one that runs this test."""
    for package in ("base", "wire", "lobby", "roomproc", "client", "resources"):
        (checkout.here / package).symlink_to(repository / package)
    python = checkout.here / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    mark = subprocess.run(["cksum"], stdin=(repository / "requirements.lock").open(), capture_output=True, check=True)
    (checkout.here / ".venv" / "requirements.lock.installed").write_bytes(mark.stdout)
    checkout.env["PARLOUR_DATA"] = str(checkout.home.parent / "the data")
    yield checkout
    for data in (checkout.home.parent / "the data", checkout.home.parent / "elsewhere"):
        operator.stop(Paths(data))


def guardian(data: Path) -> int | None:
    return holder(Paths(data).lock("guardian"))


def test_a_server_is_started_once_and_stays_until_stop(real: Checkout) -> None:
    data = real.home.parent / "the data"
    first = real.run("--port", "0")
    assert first.returncode == 0, first.stderr
    assert "it stays until ./run.sh stop" in first.stderr
    pid = guardian(data)
    assert pid
    assert os.getsid(pid) not in {os.getsid(0), 0}
    second = real.run("--port", "0")
    assert second.returncode == 0
    assert second.stderr == f"A server runs already on {data}; not heeded: --port 0 (./run.sh stop ends it).\n"
    assert real.run("--lines", f"--data={data}").stderr == "", "these are heeded"
    followed = real.run("client", "--name", "ann", "--room", "hall", "--say")
    assert (followed.returncode, followed.stderr) == (0, ""), "it found the server, whatever its port"
    assert real.run("client", "127.0.0.1:1", "--name", "ann", "--say").returncode == 2, "another was named"
    assert guardian(data) == pid
    assert f"running    {pid}" in re.sub(r"running +", "running    ", real.run("status").stdout)
    stopped = real.run("stop")
    assert (stopped.returncode, stopped.stdout) == (0, "Stopped.\n")
    assert guardian(data) is None
    assert real.run("status").returncode == 2


def test_data_may_be_named_for_the_server_that_is_started(real: Checkout) -> None:
    assert real.run("--data", "elsewhere", "--port=0").returncode == 0  # relative to where the caller is
    assert guardian(real.home.parent / "elsewhere")
    assert guardian(real.home.parent / "the data") is None
    assert real.run("stop", "--data", "elsewhere").returncode == 0


def test_two_first_starts_at_the_same_moment_share_one_server(real: Checkout) -> None:
    both = [real.start("--port", "0"), real.start("--port", "0")]
    errors = [process.communicate(timeout=LIMIT)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    assert sum("it stays until" in error for error in errors) == 1


def test_a_server_that_cannot_start_is_explained(real: Checkout) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = real.run("--port", str(taken.getsockname()[1]))
    assert refused.returncode == 1
    assert "is in use by another program" in refused.stderr
    assert "The server did not start" in refused.stderr


def test_serve_speaks_its_first_line_and_ends_with_ctrl_c(real: Checkout) -> None:
    process = real.start("serve", "--port", "0")
    assert process.stdout is not None
    assert re.fullmatch(r"Lobby listening on 127\.0\.0\.1:[1-9]\d*\n", process.stdout.readline())
    process.send_signal(signal.SIGINT)
    assert process.wait(LIMIT) == 0
