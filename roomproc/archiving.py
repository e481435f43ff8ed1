"""`python -m roomproc.archiving export|import`: a room's entries out of its file and back, with a progress bar.

Started by `./run.sh admin export` and `admin import`, which know rooms by name; here a room is its id.
"""
# ruff: noqa: T201 - a command speaks on standard error

import argparse
import sys
from pathlib import Path
from typing import TextIO

from base.exits import Exit
from base.locks import Locked
from base.paths import Paths
from base.progress import bar
from roomproc.archive import ArchiveError, export, load
from wire.loop import read_clock


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m roomproc.archiving")
    parser.add_argument("act", choices=["export", "import"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--id", required=True)
    parser.add_argument("--name", default="")
    parser.add_argument("--format", choices=["jsonl", "text"], default="jsonl")
    parser.add_argument("--file", default="-", help="- is standard output or input")
    options = parser.parse_args(arguments)
    files = Paths(options.data).room(options.id)
    try:
        if options.act == "import":
            with _source(options.file) as source:
                count = load(source, files, read_clock().wall, bar("entries"))
            print(f"{count} entries.", file=sys.stderr)
            return Exit.OK
        with _target(options.file) as target:
            count = export(options.name, files, target, options.format, bar("entries"))
        if options.file != "-":
            print(f"{count} entries of {options.name} in {options.file}.", file=sys.stderr)
        return Exit.OK
    except (ArchiveError, UnicodeError) as why:
        print(f"{options.act}: {why}", file=sys.stderr)
    except Locked:
        print("import: the room runs; import into a new one", file=sys.stderr)
    except BrokenPipeError:
        return Exit.OK  # who read us has seen enough
    except OSError as why:
        print(f"{options.act}: {options.file}: {why.strerror}", file=sys.stderr)
    return Exit.MISUSE


def _source(name: str) -> TextIO:
    return open(0 if name == "-" else name, encoding="utf-8", closefd=name != "-")


def _target(name: str) -> TextIO:
    """A new file, never over another, which may be the last good copy; pipes and devices are written to."""
    if Path(name).is_file():
        raise ArchiveError(f"{name} exists already: name another place")
    return open(1 if name == "-" else name, "w", encoding="utf-8", closefd=name != "-")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
