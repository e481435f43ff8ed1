"""A minute of chaos with a fixed seed: every promise is kept, or the run's own account says which was not."""

import os
import subprocess
import sys

from tests.scenes.stage import ROOT


def test_a_minute_of_chaos() -> None:
    result = subprocess.run(
        [sys.executable, "-P", "-m", "bench.chaos", "--seconds", "40", "--seed", "7", "--rooms", "3"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    assert "All promises were kept. Seed 7." in result.stdout
