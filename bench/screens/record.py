"""A session of two users and an admin in tmux, played by keys against a real server, and written down as it looked.

`python -m bench.screens.record [FILE]` writes docs/full-screen-session.md anew. Law: each step waits for what it is to
bring up, so that what does not work any more ends the recording with the screen on which it did not come.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.scenes.stage import QUICK, UNLIMITED, Stage

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "full-screen-session.md"
PATIENCE = 20.0  # seconds
SIZE = (80, 24)
HEAD = """# The full-screen client: a session

Two users and an admin, each in a tmux of 80 by 24, as `python -m bench.screens.record` played it by keys and wrote it
down. Times and dates are made the same; figures of processes are as they were.
"""


@dataclass(frozen=True)
class Step:
    """`keys` are tmux's names of keys; one that begins with a space is typed as it is, after the space."""

    who: str
    told: str
    keys: tuple[str, ...]
    sees: str
    drawn: bool = True


def step(who: str, told: str, *keys: str, sees: str, drawn: bool = True) -> Step:
    return Step(who, told, keys, sees, drawn)


PLAY = (
    step("foo", "foo_user opens the client: the server answers.", sees="is there."),
    step("foo", "Name and password, and foo_user is in the lobby.", "C-a", "C-k", " foo_user", "Enter", " 123", "Enter",
         sees="F1 Help"),
    step("foo", "A room is made: its name is typed, and there is none.", " garden", sees="garden"),
    step("foo", "", "Enter", sees="A new room", drawn=False),
    step("foo", "It gets a topic.", "Tab", " Seeds and slugs", "Enter", sees="1 person"),
    step("test", "test_user comes, finds the room as it is typed, and goes in.", "C-a", "C-k", " test_user", "Enter",
         " 123", "Enter", sees="F1 Help", drawn=False),
    step("test", "", " gard", sees="Seeds", drawn=True),
    step("test", "", "Enter", sees="2 people", drawn=False),
    step("test", "They talk, with marks.", " Good evening! **Who** has `beans`?", "Enter", sees="Good evening"),
    step("foo", "Several lines are one message: Ctrl+J begins another.", " test_user: I do.", "C-j", " > Who has beans",
         "C-j", " see https://example.org/beans", "Enter", sees="example.org/beans"),
    step("foo", "A whisper, and /me; Tab completes names.", " @te", "Tab", " and a pumpkin for you", "Enter",
         sees="in private", drawn=False),
    step("foo", "", " /me digs", "Enter", sees="* foo_user digs"),
    step("test", "So test_user sees it.", sees="a pumpkin for you"),
    step("test", "Ctrl+F finds lines; Enter jumps to one.", "C-f", sees="Find in", drawn=False),
    step("test", "", " pumpkin", "Enter", sees="holds these", drawn=False),
    step("test", "Whispers are in no index; a word that was said is.", "C-u", " evening", "Enter",
         sees="Good evening!"),
    step("test", "", "Escape", sees="beans", drawn=False),
    step("test", "Ctrl+L lists links, to be opened or copied.", "C-l", sees="Links, the newest first"),
    step("test", "", "Escape", sees="beans", drawn=False),
    step("test", "F8 moves in the lines; Enter offers what can be done with one.", "F8", "Up", "Enter",
         sees="Write mail"),
    step("test", "", "Escape", "Escape", sees="rite a line", drawn=False),
    step("test", "A second room: the first goes on counting.", "F2", sees="Rooms", drawn=False),
    step("test", "", " hall", "Enter", sees="hall  1 person", drawn=False),
    step("foo", "foo_user names test_user in the garden.", " test_user, are you there?", "Enter", sees="are you there"),
    step("test", "In the hall test_user is told of it, and Ctrl+N goes there.", sees="@1"),
    step("test", "", "C-n", sees="are you there", drawn=False),
    step("test", "F4: who is online. A direct message reaches them wherever they are.", "F4", sees="online"),
    step("test", "", " foo", "Enter", sees="Direct messages", drawn=False),
    step("test", "", "Enter", sees="what you two tell", drawn=False),
    step("test", "It has a table of its own.", " Come to the hall later", "Enter", sees="Come to the hall"),
    step("test", "F9 writes a mail.", "F9", sees="Write mail", drawn=False),
    step("test", "", " foo_user", "Tab", " Saturday", "Tab", " Shall we dig?", sees="Shall we dig"),
    step("test", "", "C-s", sees="is sent", drawn=False),
    step("foo", "The mail is there at once.", "F3", sees="Saturday"),
    step("test", "F5: the account, and what one is notified of.", "F5", sees="Notices"),
    step("test", "Ctrl+P finds everything.", "C-p", sees="earch", drawn=False),
    step("test", "", " invite", sees="Invite somebody"),
    step("test", "", "Escape", sees="Notices", drawn=False),
    step("test", "F1: help.", "F1", sees="Keys"),
    step("admin", "admin_user comes, and sees every room and its process.", "C-a", "C-k", " admin_user", "Enter",
         " 123", "Enter", sees="F1 Help", drawn=False),
    step("admin", "", "F12", sees="garden"),
    step("admin", "What can be done with one: all of it is asked about once more.", "Enter",
         sees="Restart in a new process"),
    step("admin", "So a new process is asked for: nobody in the room notices.", "Down", "Enter", sees="Yes, do it"),
    step("admin", "", "Tab", "Enter", sees="running", drawn=False),
    step("admin", "A word to everybody.", "a", sees="What everybody is to know", drawn=False),
    step("admin", "", " The kettle is on", "Enter", sees="Announced"),
    step("foo", "foo_user hears it.", sees="The kettle is on"),
    step("admin", "The audit log has both.", "g", sees="The kettle is on"),
    step("foo", "foo_user leaves.", "C-q", sees="left the client"),
)  # fmt: skip


class Tmux:
    """Three terminals of one tmux of its own."""

    def __init__(self, stage: Stage, home: Path) -> None:
        self._socket = f"parlour-record-{os.getpid()}"
        for who in ("foo", "test", "admin"):
            own = f"XDG_STATE_HOME={home / who} XDG_CONFIG_HOME={home / who} PYTHONPATH={ROOT} TZ=UTC"
            client = f"{shlex.quote(sys.executable)} -P -m client --server {stage.host}:{stage.port}"
            command = f"env -u NO_COLOR {own} {client}; echo left the client; sleep 60"
            size = ("-x", str(SIZE[0]), "-y", str(SIZE[1]))
            self._run("-f", "/dev/null", "new-session", "-d", "-s", who, *size, command)

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *words], capture_output=True, text=True, check=True, cwd=ROOT
        )
        return done.stdout

    def press(self, who: str, key: str) -> None:
        self._run("send-keys", "-t", who, *(("-l", key[1:]) if key.startswith(" ") else (key,)))

    def screen(self, who: str) -> str:
        return self._run("capture-pane", "-p", "-t", who)

    def until(self, who: str, text: str) -> str:
        deadline = time.monotonic() + PATIENCE
        while text not in (seen := self.screen(who)):
            if time.monotonic() > deadline:
                raise SystemExit(f"{text!r} did not come to {who}:\n{seen}")
            time.sleep(0.05)
        return seen

    def still(self, who: str) -> str:
        """The screen once it has come to rest."""
        before = ""
        while (seen := self.screen(who)) != before:
            before = seen
            time.sleep(0.3)
        return seen

    def end(self) -> None:
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], capture_output=True, check=False)


def played(tmux: Tmux, steps: tuple[Step, ...] = PLAY) -> str:
    """All steps, and what was seen, as Markdown."""
    page = [HEAD]
    told = ""
    for each in steps:
        for key in each.keys:
            tmux.press(each.who, key)
            time.sleep(0.15 if not key.startswith(" ") else 0.05)  # a person is slower; what it brings up is waited for
        tmux.until(each.who, each.sees)
        told = each.told or told
        if each.drawn:
            rows = "\n".join(row.rstrip() for row in tmux.still(each.who).rstrip("\n").split("\n"))
            page.append(f"{told}\n\n```text\n{made_the_same(rows)}\n```\n")
            told = ""
    return "\n".join(page)


def made_the_same(rows: str) -> str:
    """Without what differs from one recording to the next."""
    rows = re.sub(r"\b\d\d:\d\d\b", "20:02", rows)
    rows = re.sub(r"\b\d\d-\d\d(?=[▌ \n])", "03-04", re.sub(r"\bup \d+s\b", "up 20s", rows))
    rows = re.sub(r"\b\d{4}-\d\d-\d\d\b", "2026-03-04", rows)
    rows = re.sub(r"(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d+ \w+ \d{4} ─+", "Wednesday, 4 March 2026 ───", rows)
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:22222", rows)


def main(page: Path = PAGE) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder) / "data", *QUICK, *UNLIMITED)
        try:
            tmux = Tmux(stage, Path(folder) / "home")
            try:
                page.write_text(played(tmux), encoding="utf-8")
            finally:
                tmux.end()
        finally:
            stage.stop()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
