"""Measures the full-screen client as it runs in a terminal, against a Parlour of its own.

`python -m bench.screens [SECONDS]`: the busy room is watched for so long, 20 by default. Linux, for /proc.
"""

import contextlib
import os
import select
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import psutil

from tests.scenes.stage import QUICK, UNLIMITED, Seat, Stage

ROOT = Path(__file__).resolve().parents[2]
RATE = 100  # lines a second
LONG = 10_000  # lines of scrollback
STARTS = 7
SIZES = ((80, 24), (120, 40), (200, 50))


class Screen:
    """The client in a terminal; what it draws is counted and thrown away."""

    def __init__(self, stage: Stage, home: Path, *words: str, size: tuple[int, int] = (120, 40)) -> None:
        own = {"XDG_STATE_HOME": str(home), "XDG_CONFIG_HOME": str(home), "PYTHONPATH": str(ROOT)}
        environment = {**os.environ, **own, "TERM": "xterm-256color"}
        command = ["-m", "client", "--server", f"{stage.host}:{stage.port}", *words]
        self.begun = time.monotonic()
        self.child = pexpect.spawn(sys.executable, command, env=environment, dimensions=size[::-1], cwd=str(ROOT))
        self.drawn = 0

    def until(self, text: bytes, seconds: float = 20.0) -> float:
        """Seconds from the start until `text` was drawn."""
        seen, deadline = b"", time.monotonic() + seconds
        while text not in seen:
            assert time.monotonic() < deadline, f"{text!r} was not drawn"
            seen += self.take(0.5)
        return time.monotonic() - self.begun

    def take(self, seconds: float) -> bytes:
        """What is drawn within `seconds`, as soon as there is something."""
        if not select.select([self.child.child_fd], [], [], seconds)[0]:
            return b""
        with contextlib.suppress(OSError):
            got = os.read(self.child.child_fd, 1 << 20)
            self.drawn += len(got)
            return got
        return b""

    def quiet(self, seconds: float = 1.0) -> None:
        """Take until nothing has come for so long."""
        while self.take(seconds):
            pass

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.child.pid)

    def end(self) -> None:
        self.child.close(force=True)


@contextlib.contextmanager
def looking(stage: Stage, home: Path, *words: str, size: tuple[int, int] = (120, 40)) -> Iterator[Screen]:
    screen = Screen(stage, home, *words, size=size)
    try:
        yield screen
    finally:
        screen.end()


def first_screen(stage: Stage, home: Path) -> list[float]:
    times = []
    for _ in range(STARTS):
        with looking(stage, home) as screen:
            times.append(screen.until(b"P a r l o u r"))
    return times


def busy(stage: Stage, home: Path, speaker: Seat, seconds: float, size: tuple[int, int]) -> tuple[float, float]:
    """(CPU in percent of a core, bytes drawn for each line) while RATE lines a second come in."""
    with looking(stage, home, "--name", f"watcher{size[0]}", "--room", "busy", size=size) as screen:
        screen.until(b"rite a line")
        screen.quiet()
        screen.drawn = 0
        spent, begun = sum(screen.process.cpu_times()[:2]), time.monotonic()
        said = 0
        while (passed := time.monotonic() - begun) < seconds:
            while said < passed * RATE:
                speaker.send("say", text=f"line {said} of a room in which all speak at once, as happens")
                said += 1
            screen.take(0.005)
            drain(speaker)
        cpu = sum(screen.process.cpu_times()[:2]) - spent
        return 100 * cpu / seconds, screen.drawn / said


def drain(seat: Seat) -> None:
    """What the speaker hears is of no interest."""
    with contextlib.suppress(BlockingIOError):
        seat.sock.setblocking(False)
        while seat.sock.recv(1 << 20):
            pass


def scrollback(stage: Stage, home: Path, room: str) -> tuple[float, float]:
    """Private memory in MB with a screen of lines, and after scrolling back over LONG of them."""
    with looking(stage, home, "--name", "reader", "--room", room) as screen:
        screen.until(b"rite a line")
        screen.quiet()
        before = screen.process.memory_full_info().uss
        for _ in range(LONG // 30 + 60):
            screen.child.send("\x1b[5~")
            screen.take(0.05)
        screen.quiet()
        return before / 1e6, screen.process.memory_full_info().uss / 1e6


def main(seconds: float = 20.0) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stage, home = Stage(Path(folder) / "data", *QUICK, *UNLIMITED), Path(folder) / "home"
        try:
            times = first_screen(stage, home)
            print(f"first screen: median {statistics.median(times):.2f} s, worst {max(times):.2f} s of {STARTS}")
            speaker = stage.guest("speaker").enter("busy")
            for size in SIZES:
                cpu, drawn = busy(stage, home, speaker, seconds, size)
                told = f"{cpu:.0f} % of a core, {drawn:.0f} bytes a line, {drawn * RATE / 1_000:.0f} kB/s"
                print(f"{RATE} lines/s at {size[0]}x{size[1]}: {told}")
            author = stage.guest("author").enter("long")
            for number in range(LONG):
                author.send("say", text=f"line {number} of a long evening, some longer and some shorter than this one")
                if number % 500 == 499:
                    author.fence()
            before, after = scrollback(stage, home, "long")
            print(f"memory: {before:.0f} MB private, {after:.0f} MB after scrolling back over {LONG:,} lines")
        finally:
            stage.stop()


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
