"""`python -m roomproc --data DIR`: the nursery, as the guardian starts it. Rooms are forked from it."""

import sys
from pathlib import Path

from base.exits import Exit
from base.paths import Paths
from roomproc import nursery, server  # the room's code is imported once, and shared by every fork

if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "--data":  # no argparse: it would be in every room's memory
        print("usage: python -m roomproc --data DIR; it is started by ./run.sh serve", file=sys.stderr)
        sys.exit(Exit.MISUSE)
    sys.exit(nursery.run(Paths(Path(sys.argv[2])), server.run))
