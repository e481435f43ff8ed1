"""What lasts is not counted any more, where Python has that, and nothing is done where it has not."""

import subprocess
import sys

PROGRAM = """
import sys
from roomproc.immortal import make_immortal
before = ["lasts"]
count = make_immortal()
after = ["ends"]
print(count, sys.getrefcount(before) == sys.getrefcount(None), sys.getrefcount(after) < 10)
"""


def test_what_is_there_is_not_counted_and_what_comes_is() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    count, immortal, mortal = done.stdout.split()
    able = sys.version_info >= (3, 12)
    assert (int(count) > 1_000, immortal == "True", mortal == "True") == (able, able, True)
    assert not done.stderr
