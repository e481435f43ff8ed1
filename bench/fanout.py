"""What a room delivers: bursts, one line at a time, delay at a steady rate, many rooms, and members that never read."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.contenders import OTHERS, PARLOURS, Contender, InspIrcd, NgIrcd, Prototype, why_missing
from bench.crowd import Crowd
from bench.generator import Seat, drive
from bench.machine import descriptors, peak, tcp_memory
from bench.measure import Bench, Column, Record, leaving_out, measurement
from bench.parlour import System, fill

RATE = Column("rate", "million deliveries/s")
CPU = Column("cpu", "server CPU, s a million", 3)
PEAK = Column("peak", "peak memory, MB", 1)
FULL = Column("full", "million/s of server CPU", 2)
OTHERS_CPU = Column("others", "others' CPU, %", 0)
IDLE = Column("idle", "generator idle, %", 0)
SLOW_SHARE = 0.3  # of the members never read
TICK = 0.01  # seconds; of a process that never paused the CPU is known no better, and in a short load seems to be none
SPARE = 300  # descriptors beside those of members
SETTLED = 25  # seconds after which the buffers of members that never read are full


@contextmanager
def crowded(
    kind: type[Contender], bench: Bench, members: int, *, rooms: int = 1, senders: int = 4, both: bool = False
) -> Iterator[tuple[Contender, list[Seat]]]:
    """A contender with its rooms full and quiet."""
    with kind(bench.place(), both_cores=both) as contender:
        crowd = Crowd()
        try:
            seats = contender.crowd(crowd, members, rooms, senders)
            crowd.quiet()
            yield contender, seats
        finally:
            crowd.close()


def contenders(record: Record) -> Iterator[type[Contender]]:
    for kind in (*PARLOURS, *OTHERS):
        if why := why_missing(kind):
            record.say(f"{kind.name} left out: {why}")
        else:
            yield kind


def _burst(figures: dict[str, float]) -> dict[str, float]:
    delivered, used = figures["delivered"], max(figures["cpu"], TICK)
    return {
        "rate": delivered / figures["seconds"] / 1e6,
        "cpu": used / max(1.0, delivered) * 1e6,
        "full": delivered / used / 1e6,
        "idle": figures["idle"] * 100,
        "others": figures["others"] / figures["seconds"] * 100,
    }


@measurement(
    "fanout",
    "Burst fan-out in one room",
    "4 members say lines of 64 bytes, 64 of each outstanding; every member gets every line (IRC: but its own).",
    RATE, FULL, CPU, PEAK, IDLE, OTHERS_CPU,
)  # fmt: skip
def fanout(bench: Bench, record: Record) -> None:
    record.say("TLS left out: Parlour does not have it yet")
    for members in bench.sizes(10, 100, 1_000):
        case = f"{members} members"
        for kind in contenders(record):
            if any(word.startswith(f"{kind.name}, {case}") for word in record.words):
                continue  # it failed in the run before, and may take long to do so again
            with leaving_out(record, kind.name, case), crowded(kind, bench, members) as (contender, seats):
                figures = drive(seats, contender.pids, bench.seconds)
                record.note(kind.name, case, peak=peak(contender.pids()) / 1e6, **_burst(figures))


@measurement(
    "biggest",
    "The biggest rooms",
    "The same burst to 5,000 and 10,000 members, and how long it takes until all of them are in, the server's start "
    "included.",
    Column("entering", "all in, s", 1), RATE, FULL, CPU, PEAK, IDLE, OTHERS_CPU, most=1,
)  # fmt: skip
def biggest(bench: Bench, record: Record) -> None:
    for members in bench.sizes(5_000, 10_000):
        case = f"{members:,} members"
        if members + SPARE > descriptors():
            record.say(f"{case} left out: this system allows {descriptors()} descriptors (ulimit -Hn)")
            continue
        for kind in contenders(record):
            if kind in PARLOURS[1:] or issubclass(kind, Prototype | NgIrcd):
                continue  # durability makes no difference here, and ngIRCd does not take 1,000
            if issubclass(kind, InspIrcd) and members > 5_000:
                record.say(f"{kind.name}, {case}: left out, it takes minutes to admit them (137 s where it was tried)")
                continue
            begun = time.monotonic()
            with leaving_out(record, kind.name, case), crowded(kind, bench, members) as (contender, seats):
                entering = time.monotonic() - begun
                figures = drive(seats, contender.pids, bench.seconds, warm=1.0)
                values = {"entering": entering, "peak": peak(contender.pids()) / 1e6, **_burst(figures)}
                record.note(kind.name, case, **values)


@measurement(
    "lockstep",
    "One line at a time",
    "One member says a line, and the next one when every member has it. Deliveries a second.",
    Column("rate", "thousand deliveries/s", 0),
    Column("round", "a line, ms", 3),
)
def lockstep(bench: Bench, record: Record) -> None:
    for members in bench.sizes(100):
        case = f"{members} members"
        for kind in contenders(record):
            with leaving_out(record, kind.name, case), crowded(kind, bench, members, senders=1) as (contender, seats):
                figures = drive(seats, contender.pids, bench.seconds, window=1)
                record.note(
                    kind.name,
                    case,
                    rate=figures["delivered"] / figures["seconds"] / 1e3,
                    round=figures["seconds"] / max(1, figures["said"]) * 1e3,
                )


@measurement(
    "latency",
    "Delay at a steady rate",
    "100 lines a second to 100 members, said when they are due whatever comes back; from then to each delivery.",
    Column("p50", "p50, ms"),
    Column("p99", "p99, ms"),
    Column("p999", "p99.9, ms"),
    Column("longest", "longest, ms", 1),
)
def latency(bench: Bench, record: Record) -> None:
    for members in bench.sizes(100):
        case = f"{members} members"
        for kind in contenders(record):
            with leaving_out(record, kind.name, case), crowded(kind, bench, members) as (contender, seats):
                figures = drive(seats, contender.pids, bench.seconds, rate=100)
                record.note(kind.name, case, **{key: figures[key] for key in ("p50", "p99", "p999", "longest")})


@measurement(
    "manyrooms",
    "Many rooms at once",
    "100 rooms of 20 members, 4 of each talking as above. One core for the server as everywhere, and then both cores, "
    "of which the generator needs one as well.",
    RATE, FULL, CPU, OTHERS_CPU, most=1,
)  # fmt: skip
def manyrooms(bench: Bench, record: Record) -> None:
    rooms = 4 if bench.small else 100
    for both in (False, True):
        case = f"{rooms} rooms of 20, {'both cores' if both else 'one core'}"
        for kind in contenders(record):
            if not kind.rooms or any(word.startswith(f"{kind.name}, {rooms} rooms") for word in record.words):
                continue  # has one room only, or did not come up with so many on one core
            with leaving_out(record, kind.name, case), crowded(kind, bench, 20, rooms=rooms, both=both) as crowd:
                contender, seats = crowd
                figures = _burst(drive(seats, contender.pids, bench.seconds, window=16))
                record.note(kind.name, case, **figures)


@measurement(
    "slow",
    "Members that never read",
    "The same burst to the members that read, without and with 300 in 1,000 that never do (4 KiB of receive buffer): "
    f"from the start, while the kernel's send buffers fill, and after {SETTLED} s, when they are full and the room "
    "holds back.",
    RATE, FULL, CPU, PEAK, Column("after", "memory afterwards, MB", 1), OTHERS_CPU,
    Column("kernel", "TCP buffers of the machine, MB", 0), most=1,
)  # fmt: skip
def slow(bench: Bench, record: Record) -> None:
    for members in bench.sizes(1_000):
        stuck = int(members * SLOW_SHARE)
        for warm in (0.3,) if bench.small else (0.3, float(SETTLED)):
            for count in (0, stuck):
                _slow(bench, record, members - stuck, count, warm)


def _slow(bench: Bench, record: Record, members: int, stuck: int, warm: float) -> None:
    with System(bench.place() / "d") as system:
        room, crowd = system.room("slow"), Crowd()
        seats = fill(room, crowd, members)
        deaf = crowd.bring(room.visitors(stuck, prefix="deaf", receive_buffer=4_096))
        crowd.quiet()
        for visitor in deaf:
            crowd.forget(visitor)
        figures = drive(seats, lambda: [room.pid], bench.seconds, warm=warm)
        values = {"peak": peak([room.pid]) / 1e6, "after": _resident(room.pid), "kernel": tcp_memory() / 1e6}
        record.note("Parlour, full", f"{members} read, {stuck} never, after {warm:g} s", **values, **_burst(figures))
        crowd.close()


def _resident(pid: int) -> float:
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * 4_096 / 1e6
