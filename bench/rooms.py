"""What rooms cost to start, to keep and to lose: starts a second, memory, and everybody back after a kill."""

import json
import random
import time
from collections.abc import Callable, Iterator

from bench.crowd import Crowd, Visitor
from bench.machine import cpu, memory
from bench.measure import Bench, Column, Record, measurement
from bench.parlour import System, enter, kill

SPREAD = 0.3  # seconds over which clients spread their first attempt (client/patience.py)
MEGABYTE = 1e6
APART = 0.1  # seconds between rooms that are made one at a time, so that each finds the system as a person does
AT_ONCE = 50  # rooms asked for together; the lobby gives up on a join that waits too long behind others


def join_many(system: System, names: list[str]) -> tuple[float, list[float]]:
    """Ask for all these rooms at once; the seconds until all had an answer, and until each had."""
    with system.guest() as guest:
        begun = time.perf_counter()
        for name in names:
            guest.send("join", id=name, room=name, create=True)
        took = []
        for name in names:
            guest.answer(name)
            took.append(time.perf_counter() - begun)
        return took[-1], took


@measurement(
    "newrooms",
    "New rooms",
    f"Rooms asked for all at once, until the last one's redirect; and one at a time, {APART} s apart, from `join` to "
    "`entered` (right after each other: below, Coming in).",
    Column("rate", "rooms started a second", 0),
    Column("p50", "join to entered, p50 ms", 1),
    Column("p99", "p99 ms", 1),
)
def newrooms(bench: Bench, record: Record) -> None:
    (count,) = bench.sizes(200)
    with System(bench.place() / "d") as system:
        seconds, _ = join_many(system, [f"many{n}" for n in range(count)])
    with System(bench.place() / "d") as system:
        took = sorted(_visit(system, f"one{n}", 0.0 if bench.small else APART) for n in range(count))
    record.note(
        "Parlour, full",
        f"{count} rooms",
        rate=count / seconds,
        p50=took[len(took) // 2] * 1e3,
        p99=took[int(len(took) * 0.99)] * 1e3,
    )


def _visit(system: System, name: str, pause: float) -> float:
    """Seconds from `join` to `entered` for somebody who is at the lobby already."""
    with system.guest() as guest:
        time.sleep(pause)
        begun = time.perf_counter()
        redirect = guest.ask("join", room=name, create=True)
        crowd = Crowd()
        crowd.bring(iter([Visitor(redirect["port"], [(enter(redirect["ticket"]), b'"type":"entered"')])]))
        took = time.perf_counter() - begun
        crowd.close()
        return took


@measurement(
    "memory",
    "Memory of rooms and members",
    "PSS (a page shared by n processes counts as 1/n to each) and USS of idle live rooms, the median of them; what the "
    "whole system has; its CPU while nobody says anything; and the growth of one room's USS by members.",
    Column("pss", "PSS a room, MB"),
    Column("uss", "USS a room, MB"),
    Column("system", "the whole system, MB", 0),
    Column("cpu", "CPU when idle, % of a core"),
    Column("member", "a member, bytes", 0),
    most=1,
)
def memory_of(bench: Bench, record: Record) -> None:
    for rooms in bench.sizes(10, 100, 1_000):
        with System(bench.place() / "d") as system:
            for start in range(0, rooms, AT_ONCE):
                join_many(system, [f"room{n}" for n in range(start, start + AT_ONCE)][: rooms - start])
            time.sleep(1.0 if bench.small else 3.0)  # what a start leaves behind is over
            used, seconds = cpu(system.pids()), 2.0
            time.sleep(seconds)
            used = cpu(system.pids()) - used
            found = sorted(memory(pid) for pid in system.room_pids())
            record.note(
                "Parlour, full",
                f"{rooms} live rooms",
                pss=found[len(found) // 2][0] / MEGABYTE,
                uss=sorted(uss for _, uss in found)[len(found) // 2] / MEGABYTE,
                system=sum(memory(pid)[0] for pid in system.pids()) / MEGABYTE,
                cpu=used / seconds * 100,
            )
    with System(bench.place() / "d") as system:
        (members,) = bench.sizes(1_000)
        room, crowd = system.room("full"), Crowd()
        crowd.bring(room.visitors(1))
        _, before = memory(room.pid)
        crowd.bring(room.visitors(members, prefix="more"))
        crowd.quiet()
        _, after = memory(room.pid)
        record.note("Parlour, full", f"{members} members in one room", member=(after - before) / members)
        crowd.close()


@measurement(
    "killedroom",
    "A killed room of 1,000",
    "kill -9 of the room's process, until every member has `entered` again by its resume token: all at once, and "
    f"spread over {SPREAD} s as clients do.",
    Column("first", "first one back, ms", 0),
    Column("median", "half of them, ms", 0),
    Column("all", "all of them, ms", 0),
)
def killedroom(bench: Bench, record: Record) -> None:
    for members in bench.sizes(1_000):
        for spread in (0.0, SPREAD):
            with System(bench.place() / "d") as system:
                room, crowd = system.room("mortal"), Crowd()
                brought = crowd.bring(room.visitors(members))
                crowd.quiet()
                steps = [_resume(visitor.answers[-1]) for visitor in brought]
                back = returned(lambda: kill(room.pid), brought, crowd, room.port, steps, spread)  # noqa: B023
                record.note("Parlour, full", f"{members} members, {'spread' if spread else 'at once'}", **back)


def _resume(entered: bytes) -> list[tuple[bytes, bytes]]:
    message = json.loads(entered)
    return [(enter(message["resume"], since=message["seq"]), b'"type":"entered"')]


def returned(
    end: Callable[[], None],
    gone: list[Visitor],
    crowd: Crowd,
    port: int,
    steps: list[list[tuple[bytes, bytes]]],
    spread: float,
) -> dict[str, float]:
    """End what serves them, let all come back; milliseconds from the end until they were."""
    rng = random.Random(1)
    pauses = sorted(rng.uniform(0, spread) for _ in gone)
    begun = time.monotonic()
    end()
    crowd.close()
    again = Crowd()

    def coming() -> Iterator[Visitor]:
        for pause, each in zip(pauses, steps, strict=True):
            while (wait := begun + pause - time.monotonic()) > 0:
                again.turn(wait)
            yield Visitor(port, each)

    brought = again.bring(coming(), at_once=len(gone))
    came = sorted(visitor.came - begun for visitor in brought)
    again.close()
    return {"first": came[0] * 1e3, "median": came[len(came) // 2] * 1e3, "all": came[-1] * 1e3}
