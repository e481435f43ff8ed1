"""A rehearsal is a room that somebody enters, and leaves nothing in the process that played it."""

import subprocess
import sys
from pathlib import Path

from base.paths import Paths

PROGRAM = """
import os, sys, threading
from pathlib import Path
from base import logs
from base.config import Config
from base.paths import Paths
from roomproc.rehearsal import rehearse

def files():
    return len(os.listdir("/proc/self/fd"))

paths = Paths(Path(sys.argv[1]))
paths.create()
logs.start(paths.log / "nursery.log", "info")
before = files()
for _ in range(2):
    rehearse(paths, Config())
logs.let_go()
print(files() - before, threading.active_count())
"""


def played(paths: Paths) -> str:
    words = [sys.executable, "-c", PROGRAM, str(paths.data)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout


def test_somebody_enters_and_nothing_is_left(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert played(paths).split() == ["0", "1"]
    journal = Paths(paths.run / "rehearsal").room("rehearsal").journal.read_text()
    assert journal.count("nobody entered") == 1, "of the last one: what was left is cleared away"
    assert not (paths.log / "nursery.log").exists(), "nothing to say"
    assert not list((paths.data / "rooms").iterdir())


def test_a_disk_that_refuses_costs_the_rehearsal_only(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    paths.create()
    (paths.run / "rehearsal").write_text("in the way")
    assert played(paths).split() == ["0", "1"]
    assert "nothing is rehearsed" in (paths.log / "nursery.log").read_text()
