"""`./run.sh bench`: measure Parlour, and its peers where they are installed, and write a report."""

import argparse
import json
import os
import shlex
import sys
import tempfile
import time
from pathlib import Path

from base.commandline import Parser
from base.exits import Exit
from bench import fanout, front, history, report, rooms
from bench.contenders import OTHERS, PARLOURS
from bench.generator import NoCompiler, compiled
from bench.machine import CORES, ROOT, described, take_generator_core
from bench.measure import MEASUREMENTS, Bench, Measurement, Record

REGISTERING = (fanout, rooms, front, history)  # importing them is what fills MEASUREMENTS
ENGINE = {"fanout", "biggest", "lockstep", "latency", "manyrooms", "slow"}  # need the load generator in C


def main(words: list[str]) -> int:
    options = parser().parse_args(words)
    if options.draw:
        report.into_docs(json.loads(options.draw.read_text()), ROOT / "docs" / "performance.md")
        return Exit.OK
    if not sys.platform.startswith("linux"):
        print("the bench needs Linux: it puts servers on a core and reads /proc", file=sys.stderr)
        return Exit.MISUSE
    unknown = [name for name in options.names if name not in MEASUREMENTS]
    if unknown:
        print(f"no measurement is called {unknown[0]}; there are {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return Exit.MISUSE
    leave_out(options.only)
    take_generator_core()
    with tempfile.TemporaryDirectory(prefix="parlour-bench-", dir=options.disk) as home:
        run(options, Path(home))
    return Exit.OK


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="./run.sh bench",
        description=__doc__,
        epilog="measurements: " + "; ".join(f"{m.name} ({m.title})" for m in MEASUREMENTS.values()),
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a measurement; all of them by default")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each load (3)")
    parser.add_argument("--runs", type=int, default=3, help="of each measurement (3)")
    parser.add_argument("--lines", type=int, default=10_000_000, help="of the big room (10,000,000)")
    only = "Parlour, InspIRCd, limit, … (all); may be repeated"
    disk = "where servers keep their files while they are measured"
    out = "for the report (var/bench)"
    parser.add_argument("--only", metavar="WHO", action="append", help=only)
    parser.add_argument("--small", action="store_true", help="the short form: shows that it works, not how fast")
    parser.add_argument("--disk", type=Path, metavar="DIR", help=disk)
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "bench", metavar="DIR", help=out)
    parser.add_argument("--add", action="store_true", help="keep what the report there measured and this run does not")
    parser.add_argument("--draw", type=Path, metavar="JSON", help="only draw docs/performance.md from this report")
    return parser


def leave_out(only: list[str] | None) -> None:
    """Keep the contenders whose names begin so."""
    if only:
        wanted = tuple(word.lower() for word in only)
        PARLOURS[:] = [kind for kind in PARLOURS if kind.name.lower().startswith(wanted)]
        OTHERS[:] = [kind for kind in OTHERS if kind.name.lower().startswith(wanted)]


def run(options: argparse.Namespace, home: Path) -> None:
    if len(CORES) < 2:
        print("one core only: server and generator share it, and the figures mean little", file=sys.stderr)
    bench = Bench(home, options.seconds, options.small, options.lines)
    command = "./run.sh bench " + shlex.join(sys.argv[1:])
    machine = described(home)
    names = options.names or list(MEASUREMENTS)
    records = {name: Record() for name in names}
    before = options.out / "report.json"
    earlier = json.loads(before.read_text()) if options.add and before.exists() else None
    for name in names:
        runs = min(options.runs, MEASUREMENTS[name].most or options.runs)
        for number in range(1, runs + 1):
            measure(MEASUREMENTS[name], bench, records[name], f"run {number} of {runs}")
        machine["load after the run"] = " ".join(f"{load:.2f}" for load in os.getloadavg())
        # written after each measurement: a long run that is broken off leaves what it has
        found = report.assembled(machine, command.strip(), options.runs, options.seconds, records)
        report.write(report.merged(earlier, found) if earlier else found, options.out)
    print(f"{options.out / 'report.md'}")


def measure(what: Measurement, bench: Bench, record: Record, which: str) -> None:
    begun = time.monotonic()
    print(f"{what.name}, {which} …", file=sys.stderr, end=" ", flush=True)
    try:
        if what.name in ENGINE:
            compiled("load")
        what.run(bench, record)
    except NoCompiler as why:
        record.say(f"left out: {why}")
    print(f"{time.monotonic() - begun:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
