"""What the lobby does: people coming in, rooms new, asleep and awake, mail, and thousands back after its death."""

import json
import time
from collections.abc import Iterator
from typing import Any

from bench.crowd import Crowd, Step, Visitor
from bench.measure import Bench, Column, Record, measurement
from bench.parlour import System, Talk, kill
from bench.rooms import SPREAD, returned

HELLO = b'{"type":"hello","protocol":1,"client":"bench"}\n'
P50 = Column("p50", "p50, ms")
P99 = Column("p99", "p99, ms")


def _said(type: str, **fields: Any) -> bytes:  # noqa: A002
    return json.dumps({"type": type, **fields}).encode() + b"\n"


def _note(record: Record, case: str, took: list[float]) -> None:
    took.sort()
    middle, high = took[len(took) // 2], took[int(len(took) * 0.99)]
    record.note("Parlour, full", case, p50=middle * 1e3, p99=high * 1e3, rate=len(took) / sum(took))


@measurement(
    "visits",
    "Coming in",
    "One at a time. Login with the default strength of password hashes.",
    P50, P99, Column("rate", "a second, one after another", 0),
)  # fmt: skip
def visits(bench: Bench, record: Record) -> None:
    (count,) = bench.sizes(100)
    with System(bench.place() / "d", "rooms.sleep_after=0.2", default_hash=True) as system:
        _note(record, "connect and hello", [_timed(lambda: system.talk().close()) for _ in range(count)])
        _note(record, "guest", [_timed(lambda: system.guest().close()) for _ in range(count)])
        logins, sessions = [], []
        for _ in range(count):
            with system.talk() as talk:
                begun = time.perf_counter()
                sessions.append(talk.ask("login", name="test_user", password="123")["session"])
                logins.append(time.perf_counter() - begun)
        _note(record, "login with a password", logins)
        _note(record, "session resumed", [_resumed(system, session) for session in sessions])
        _note(record, "join and enter a new room", [_enter(system, f"room{n}") for n in range(count)])
        _asleep(system)
        _note(record, "join and enter a sleeping room", [_enter(system, f"room{n}") for n in range(count)])
    with System(bench.place() / "d") as system:
        system.room("awake")
        _note(record, "join and enter a live room", [_enter(system, "awake") for _ in range(count)])


def _timed(act: Any) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _resumed(system: System, session: str) -> float:
    with system.talk() as talk:
        return _timed(lambda: talk.ask("resume", session=session))


def _enter(system: System, room: str) -> float:
    with system.guest() as guest:
        begun = time.perf_counter()
        redirect = guest.ask("join", room=room, create=True)
        with Talk(redirect["port"]) as talk:
            talk.ask("enter", protocol=1, ticket=redirect["ticket"], last=0)
            took = time.perf_counter() - begun
            talk.ask("leave")
            return took


def _asleep(system: System) -> None:
    """Wait until no room has a process."""
    deadline = time.monotonic() + 60
    while system.room_pids():
        if time.monotonic() > deadline:
            raise TimeoutError("the rooms do not go to sleep")
        time.sleep(0.1)


@measurement(
    "killedlobby",
    "5,000 clients back after the lobby's death",
    "kill -9 of the lobby, until every client has `welcome` again by its session, at once and spread as clients do.",
    Column("first", "first one back, ms", 0),
    Column("median", "half of them, ms", 0),
    Column("all", "all of them, ms", 0),
)
def killedlobby(bench: Bench, record: Record) -> None:
    for clients in bench.sizes(5_000):
        for spread in (0.0, SPREAD):
            with System(bench.place() / "d") as system:
                crowd = Crowd()
                brought = crowd.bring(_guests(system.port, clients))
                steps = [_resume(visitor.answers[-1]) for visitor in brought]
                back = returned(lambda: kill(system.pid("lobby")), brought, crowd, system.port, steps, spread)
                record.note("Parlour, full", f"{clients} clients, {'spread' if spread else 'at once'}", **back)


def _guests(port: int, count: int) -> Iterator[Visitor]:
    for n in range(count):
        yield Visitor(port, [(HELLO, b'"type":"hello"'), (_said("guest", name=f"g{n}"), b'"type":"welcome"')])


def _resume(welcome: bytes) -> list[Step]:
    session = json.loads(welcome)["session"]
    return [(HELLO, b'"type":"hello"'), (_said("resume", session=session), b'"type":"welcome"')]


@measurement(
    "mail",
    "Mail",
    "Mails of 200 bytes from one client to one inbox: each stored and synced before it is acknowledged; one at a time, "
    "and 100 outstanding.",
    Column("rate", "mails a second", 0),
)
def mail(bench: Bench, record: Record) -> None:
    (count,) = bench.sizes(2_000)
    with System(bench.place() / "d") as system, system.talk() as talk:
        talk.ask("login", name="test_user", password="123", stream="bench-bench-bench")
        for window in (1, 100):
            begun = time.perf_counter()
            for n in range(count + window):
                if n < count:
                    body = "x" * 200
                    talk.send("mail_send", id=f"w{window}n{n}", to=["foo_user"], subject="bench", body=body)
                if n >= window:
                    talk.answer(f"w{window}n{n - window}")
            seconds = time.perf_counter() - begun
            record.note("Parlour, full", f"{window} outstanding", rate=count / seconds)
