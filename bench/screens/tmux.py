"""Terminals of one tmux of its own, a client of the full screen in each, and what is seen in them.

Law: whatever happens, `end` leaves no process behind; it ends them by their ids.
"""

import contextlib
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20.0  # seconds
ENDING = 5.0  # seconds that processes have to end by themselves
REST = 0.3  # seconds without a change after which a screen is at rest


class Unseen(Exception):  # noqa: N818 - what happened
    """What was to come did not."""


class Tmux:
    def __init__(self, home: Path) -> None:
        self._home = home  # of all people, a folder each
        self._pid = 0

    def open(self, who: str, size: tuple[int, int], address: str) -> None:
        """A terminal in which `who` has the client on the server at `address`."""
        place = self._home / who
        place.mkdir(parents=True)
        own = {"XDG_STATE_HOME": place, "XDG_CONFIG_HOME": place, "WATCHED": place / "done", "PYTHONPATH": ROOT,
               "TZ": "UTC", "BROWSER": "true"}  # fmt: skip
        words = [f"{name}={value}" for name, value in own.items()]
        client = shlex.join([sys.executable, "-P", "-m", "bench.screens.watched", "--server", address])
        command = f"env -u NO_COLOR {shlex.join(words)} {client}; echo left the client; sleep 3600"
        made = ["-f", os.devnull, "new-session", "-d", "-c", str(self._home), "-P", "-F", "#{pid}"]
        told = self._run(*made, "-s", who, "-x", str(size[0]), "-y", str(size[1]), command)
        self._pid = int(told)

    def _run(self, *words: str) -> str:
        tmux = ["tmux", "-S", str(self._home / "tmux"), *words]
        return subprocess.run(tmux, capture_output=True, text=True, check=True, cwd=ROOT).stdout

    def press(self, who: str, key: str) -> None:
        """tmux's name of a key; what begins with a space is typed as it is, after the space."""
        self._run("send-keys", "-t", who, *(("-l", key[1:]) if key.startswith(" ") else (key,)))

    def screen(self, who: str) -> str:
        rows = self._run("capture-pane", "-p", "-t", who).rstrip("\n").split("\n")
        return "\n".join(row.rstrip() for row in rows)

    def until(self, who: str, right: Callable[[str], bool], what: str) -> str:
        """The screen as soon as it is as it should be; raises Unseen."""
        deadline = time.monotonic() + PATIENCE
        while not right(seen := self.screen(who)):
            if time.monotonic() > deadline:
                raise Unseen(f"{what} did not come to {who}:\n{seen}")
            time.sleep(0.05)
        return seen

    def still(self, who: str) -> str:
        """The screen once it has come to rest."""
        before = ""
        while (seen := self.screen(who)) != before:
            before = seen
            time.sleep(REST)
        return seen

    def done(self, who: str) -> list[str]:
        """What was done with the client so far, as the watched one wrote it down."""
        with contextlib.suppress(FileNotFoundError):
            return (self._home / who / "done").read_text(encoding="utf-8").split("\n")
        return []

    def end(self) -> None:
        """tmux and all that runs in it."""
        with contextlib.suppress(psutil.NoSuchProcess):
            tmux = psutil.Process(self._pid) if self._pid else None
            ours = [tmux, *tmux.children(recursive=True)] if tmux is not None else []
            for process in ours:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.terminate()
            for process in psutil.wait_procs(ours, ENDING)[1]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
