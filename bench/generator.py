"""The load generator from Python: bench/load.c compiled once, given open connections, and its figures."""

import functools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.machine import busy, cpu

HERE: Final = Path(__file__).resolve().parent
LISTENS, SAYS, NUMBERED = 1, 2, 4


class NoCompiler(Exception):  # noqa: N818
    """The parts that are in C cannot be made here."""


@functools.cache
def compiled(name: str, *options: str) -> Path:
    """The program (or library) of bench/NAME.c, made with the machine's compiler. Raises NoCompiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NoCompiler(f"bench/{name}.c needs a C compiler (on Debian and Ubuntu: sudo apt install gcc)")
    home = Path(tempfile.gettempdir()) / f"parlour-bench-{os.getuid()}"
    home.mkdir(mode=0o700, exist_ok=True)
    source = HERE / f"{name}.c"
    program = home / f"{name}-{source.stat().st_mtime_ns}"
    if not program.exists():
        new = program.with_suffix(f".{os.getpid()}")
        subprocess.run([compiler, "-O3", "-march=native", *options, "-o", str(new), str(source)], check=True)
        new.rename(program)
    return program


@dataclass
class Seat:
    """One connection for the generator. A line is head, a number if `flags` has NUMBERED, middle, payload, tail."""

    fd: int
    group: int
    flags: int
    head: bytes = b""
    middle: bytes = b""
    tail: bytes = b""

    def order(self) -> str:
        texts = (text.hex() or "-" for text in (self.head, self.middle, self.tail))
        return f"{self.fd} {self.group} {self.flags} {' '.join(texts)}\n"


def drive(
    seats: list[Seat],
    pids: Callable[[], list[int]],
    seconds: float,
    *,
    warm: float = 0.3,
    window: int = 64,
    rate: float = 0.0,
    payload: int = 64,
) -> dict[str, float]:
    """Run the load; its figures with `cpu`, the seconds that the processes `pids` used in the measured time, and
    `others`, those that neither they nor the generator used. Once for one crowd: it counts from the first line on."""
    with subprocess.Popen(
        [str(compiled("load"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=[seat.fd for seat in seats],
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{seconds} {warm} {window} {rate} {payload}\n")
        process.stdin.writelines(seat.order() for seat in seats)
        process.stdin.close()
        before = _mark(process.stdout.readline(), "begin", pids)
        after = _mark(process.stdout.readline(), "end", pids)
        figures: dict[str, Any] = json.loads(process.stdout.read())
    figures["cpu"] = after[0] - before[0]
    figures["others"] = max(0.0, after[1] - before[1] - figures["cpu"] - figures["seconds"])
    return figures


def _mark(line: str, wanted: str, pids: Callable[[], list[int]]) -> tuple[float, float]:
    if line.strip() != wanted:
        raise RuntimeError(f"the load generator: {line.strip() or 'ended'}")
    return cpu(pids()), busy()
