"""A checkout of one's own for a stage: code of another version, with a bug that there is none of, or another clock."""

import shutil
from pathlib import Path

from tests.scenes.stage import ROOT


class Code:
    """The server's packages at `place`, as they are until they are changed."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._changed: set[str] = set()
        for package in ("wire", "base", "lobby", "roomproc", "resources"):
            shutil.copytree(ROOT / package, place / package)

    def change(self, additions: dict[str, str]) -> None:
        """What files say at their end beyond what they say today; all others are as they are today again."""
        for path in self._changed | set(additions):
            (self.place / path).write_text((ROOT / path).read_text() + additions.get(path, ""))
        self._changed |= set(additions)
