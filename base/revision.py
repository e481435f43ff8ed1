"""Which code this is: its version, and its revision where it is a checkout of git.

Law: it reads some small files and asks nobody; where they say nothing, there is no revision, and no fault.
"""

import contextlib
from pathlib import Path
from typing import Final

from base.paths import CODE

VERSION: Final = "0.1.0"
SHORT: Final = 10  # digits, enough to name a commit of any repository of this size


def told(code: Path = CODE) -> str:
    """Version and revision of the code that is there now, as people are told."""
    found = revision(code)
    return f"{VERSION} ({found})" if found else VERSION


def revision(code: Path) -> str:
    """The commit that is checked out at `code`, shortened, or nothing."""
    with contextlib.suppress(OSError, UnicodeError, StopIteration):
        return _commit(code / ".git")[:SHORT]
    return ""


def _commit(git: Path) -> str:
    """gitrepository-layout(5): a worktree's `.git` is a file that names its directory, which names the common one."""
    if git.is_file():
        git = (git.parent / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()).resolve()
    head = (git / "HEAD").read_text(encoding="utf-8").strip()
    if not head.startswith("ref: "):
        return head
    name = head.removeprefix("ref: ")
    common = git / (git / "commondir").read_text(encoding="utf-8").strip() if (git / "commondir").exists() else git
    if (common / name).exists():
        return (common / name).read_text(encoding="utf-8").strip()
    packed = (common / "packed-refs").read_text(encoding="utf-8").splitlines()
    return next(line.partition(" ")[0] for line in packed if line.partition(" ")[2] == name)


RUNNING: Final = told()  # what this process began with, whatever is put in its place later
