"""`python -m roomproc --data DIR`: the nursery, as the guardian starts it. Rooms are forked from it.

`--check` does nothing, and so says whether this code can be loaded; `--renew FD` is a nursery that becomes new code.
"""

import sys
from pathlib import Path

from base.exits import Exit
from base.paths import Paths
from roomproc import nursery, rehearsal, server  # the room's code is imported once, and shared by every fork

USAGE = "usage: python -m roomproc --data DIR; it is started by ./run.sh serve"

if __name__ == "__main__":
    match sys.argv[1:]:  # no argparse: it would be in every room's memory
        case ["--data", where]:
            sys.exit(nursery.run(Paths(Path(where)), server.run, rehearsal.rehearse))
        case ["--data", where, "--renew", memory]:
            sys.exit(nursery.run(Paths(Path(where)), server.run, rehearsal.rehearse, int(memory)))
        case ["--check"]:
            sys.exit(Exit.OK)
        case _:
            print(USAGE, file=sys.stderr)
            sys.exit(Exit.MISUSE)
