"""A session of two users and an admin in tmux, played by keys against a real server, and written down as it looked.

`python -m bench.screens.record [FILE]` writes docs/full-screen-session.md anew. Law: each step waits for what it is to
bring up, so that what does not work any more ends the recording with the screen on which it did not come; and nothing
is written while an item of a menu is left out.
"""

import argparse
import contextlib
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from bench.screens import items
from bench.screens.play import PLAY
from bench.screens.steps import Step
from bench.screens.tmux import ROOT, Tmux, Unseen
from tests.scenes.stage import QUICK, UNLIMITED, Stage

PAGE = ROOT / "docs" / "full-screen-session.md"
SIZE = (80, 24)
WIDE = (116, 24)  # the admin's, so that members have room beside the lines
PEOPLE = {"foo": SIZE, "test": SIZE, "admin": WIDE, "new": SIZE, "other": SIZE, "guest": SIZE, "back": SIZE}
PACE = 0.12  # seconds after a key: a person is slower still; what it brings up is waited for
CODE = re.compile(r"leo: ([0-9A-Z]{4}(?:-[0-9A-Z]{4})+)")
HEAD = """# The full-screen client: a session

Two users and an admin, and for a while three more, each in a tmux of 80 by 24 (the admin's is wider), as
`python -m bench.screens.record` played it by keys and wrote it down. Times and dates are made the same;
figures of processes are as they were. What was done in it is listed at the end.
"""
TAIL = """## What was done

Each item of the menus, windows, keys and commands that the client has, with the number of the screen by which it was
done, as a client that notes what is done with it told.

"""


class Recorder:
    """Plays steps and keeps what was seen and done."""

    def __init__(self, tmux: Tmux, words: dict[str, str]) -> None:
        self._tmux = tmux
        self._words = words  # what stands in braces in a step
        self._wanted = items.items()
        self.pictures: list[str] = []
        self.done: dict[str, int] = {}  # item → number of the picture by which it was done

    def play(self, step: Step) -> None:
        """Raises Unseen."""
        sees, gone = self._filled(step.sees), self._filled(step.gone)
        before = self._tmux.screen(step.who)
        if step.keys and sees in before and not (gone and gone in before):
            raise Unseen(f"{step} waits for what is there already:\n{before}")
        for key in step.keys:
            self._tmux.press(step.who, self._filled(key))
            time.sleep(PACE)
        what = f"{sees!r}" + (f" without {gone!r}" if gone else "")
        self._tmux.until(step.who, lambda seen: sees in seen and not (gone and gone in seen), what)
        self._note(step)

    def _filled(self, text: str) -> str:
        for word, value in self._words.items():
            text = text.replace(f"{{{word}}}", value)
        return text

    def _note(self, step: Step) -> None:
        if step.told:
            screen = self._tmux.still(step.who)
            if (code := CODE.search(screen)) is not None:
                self._words["code"] = code[1]
            picture = f"**{len(self.pictures) + 1}.** {step.told}\n\n```text\n{made_the_same(screen)}\n```\n"
            self.pictures.append(picture)
        for item in self._tmux.done(step.who):
            if item in self._wanted:
                self.done.setdefault(item, len(self.pictures) + (not step.told))

    def missing(self) -> list[str]:
        return sorted(self._wanted - set(self.done))

    def page(self) -> str:
        return "\n".join([HEAD, *self.pictures, TAIL + items.listed(self.done)]) + "\n"


def made_the_same(rows: str) -> str:
    """Without what differs from one recording to the next, and as wide as it was."""
    rows = re.sub(r"\b\d\d:\d\d\b", "20:02", rows)
    rows = re.sub(r"\b\d\d-\d\d(?= 20:02)", "03-04", re.sub(r"\bup \d\ds\b", "up 20s", rows))
    rows = re.sub(r"\b\d{4}-\d\d-\d\d\b", "2026-03-04", rows)
    rows = re.sub(r"── (Mon|Tue|Wed|Thu|Fri|Sat|Sun)[\w, ]*─*", _same_day, rows)
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:22222", rows)


def _same_day(drawn: re.Match[str]) -> str:
    width = len(drawn[0])
    return "── Wednesday, 4 March 2026 ".ljust(width, "─")[:width]


@contextlib.contextmanager
def theatre() -> Iterator[Recorder]:
    """A server, and people in front of their terminals; all of it is ended on the way out, however that comes."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as ends:
        home = Path(folder) / "home"
        home.mkdir()
        (home / "seeds.txt").write_text("beans\npumpkins\n", encoding="utf-8")
        stage = Stage(Path(folder) / "data", *QUICK, *UNLIMITED)
        ends.callback(stage.stop)
        tmux = Tmux(home)
        ends.callback(tmux.end)
        ends.callback(_deaf)  # first of all: a second signal would leave the rest running
        address = f"{stage.host}:{stage.port}"
        for who, size in PEOPLE.items():
            tmux.open(who, size, address)
        yield Recorder(tmux, {"server": address, "code": ""})


def _deaf() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _ended(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def main(words: Sequence[str] | None = None) -> None:
    made = argparse.ArgumentParser(prog="python -m bench.screens.record", description=__doc__.partition("\n\n")[0])
    made.add_argument("page", nargs="?", type=Path, default=PAGE, metavar="FILE", help=f"default: {PAGE.name} in docs")
    page: Path = made.parse_args(words).page
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _ended)
    with theatre() as recorder:
        try:
            for step in PLAY:
                recorder.play(step)
        except Unseen as why:
            sys.exit(str(why))
    if missing := recorder.missing():
        sys.exit(f"no step does: {'; '.join(missing)}")
    page.write_text(recorder.page(), encoding="utf-8")


if __name__ == "__main__":
    main()
