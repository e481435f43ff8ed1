"""A checkout of one's own for a stage: code of another version, or with a bug that there is none of."""

import shutil
from pathlib import Path

from tests.scenes.stage import ROOT


class Code:
    """The server's packages at `place`, as they are until they are changed."""

    def __init__(self, place: Path) -> None:
        self.place = place
        for package in ("wire", "base", "lobby", "roomproc", "resources"):
            shutil.copytree(ROOT / package, place / package)

    def change(self, **modules: str) -> None:
        """What each module of the rooms (history, server) says beyond what it says today; the others as today."""
        for module in ("history", "server"):
            source = (ROOT / "roomproc" / f"{module}.py").read_text()
            (self.place / "roomproc" / f"{module}.py").write_text(source + modules.get(module, ""))
