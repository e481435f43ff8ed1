"""`python -m bench.chaos`: load and faults for so many seconds, then the judgement. Exit 0 when all promises were kept,
3 when one was not, 1 when the words are wrong, 2 when there was no run to judge.
"""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from base.commandline import Parser
from base.exits import Exit
from bench.chaos.checker import account, check
from bench.chaos.figures import figures
from bench.chaos.plan import KINDS, plan
from bench.chaos.run import Cast, Run
from bench.chaos.system import small_disk, unmount

DISK_LEAST = 64_000_000  # bytes
DISK_A_SECOND = 200_000  # bytes that a second of load may leave in the files and their logs


def main(words: list[str]) -> int:
    options = _parser().parse_args(words)
    seed = random.SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    without = frozenset(
        kind for kind in KINDS if kind in options.without or (options.only and kind not in options.only)
    )
    events = plan(seed, options.seconds, options.rooms, options.every, without)
    if options.plan:
        print("\n".join(map(str, events)))
        return Exit.OK
    home = Path(tempfile.mkdtemp(prefix="parlour-chaos-", dir=options.place))
    try:
        return _run(home, options, seed, without)
    finally:
        unmount(home / "data")
        shutil.rmtree(home, ignore_errors=True)


def _run(home: Path, options: argparse.Namespace, seed: int, without: frozenset[str]) -> int:
    data = home / "data"
    data.mkdir(mode=0o700)
    why_not = small_disk(data, int(max(DISK_LEAST, options.seconds * DISK_A_SECOND)))
    if why_not:
        print(f"The disk is not filled here: {why_not}.")
        without |= {kind for kind in KINDS if kind.startswith("fill")}
    events = plan(seed, options.seconds, options.rooms, options.every, without)
    cast = Cast(rooms=options.rooms, rate=options.rate)
    print(
        f"Chaos for {options.seconds:.0f} s with seed {seed}: {len(events)} faults on {options.rooms} rooms.",
        flush=True,
    )
    run = Run(data, cast, seed, (lambda text: print(text, flush=True)) if options.verbose else lambda _text: None)
    begun = time.monotonic()
    try:
        asyncio.run(run.go(events))
    except Exception as why:
        _keep(options.keep, home, data)
        if not options.verbose:
            print(f"No run: {why!r}; seed {seed}")
            return Exit.NO_SERVER
        raise
    violations = check(run.world.evidence)
    print(figures(run, events, time.monotonic() - begun))
    _keep(options.keep, home, data)
    if not violations:
        print(f"All promises were kept. Seed {seed}.")
        return Exit.OK
    print(account(violations))
    print(f"{len(violations)} violations. To repeat the plan: --seconds {options.seconds:g} --seed {seed}")
    return Exit.REFUSED


def _keep(keep: Path | None, home: Path, data: Path) -> None:
    """The data directory, out of the mount that ends with this process."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        shutil.copytree(data, keep / "data", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock"))
        shutil.copy(home / "serve.stderr", keep)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="./run.sh chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long faults are done (default: 60)")
    parser.add_argument("--seed", type=int, help="repeats a plan (default: any)")
    parser.add_argument("--rooms", type=int, default=4, help="(default: 4)")
    parser.add_argument("--rate", type=float, default=8.0, help="lines a second of each of three senders a room")
    parser.add_argument("--every", type=float, default=1.5, help="seconds between two faults, on average")
    parser.add_argument("--without", action="append", default=[], metavar="KIND", help="leave a kind of fault out")
    parser.add_argument(
        "--only", action="append", default=[], metavar="KIND", help="these kinds of fault and no others"
    )
    parser.add_argument("--place", type=Path, help="where the data directory is made (default: the system's)")
    parser.add_argument("--keep", type=Path, help="copy the data directory there at the end")
    parser.add_argument("--plan", action="store_true", help="print the plan and do nothing")
    parser.add_argument("--verbose", action="store_true", help="say each fault as it is done")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
