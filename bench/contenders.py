"""Who is measured by the same load: Parlour by its durability, the limit, the prototype, and peers where installed.

Law: each runs at its fastest, with its configuration in bench/peers/, alone on the server's core. A contender that is
not here is left out with a word.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Final, Self

from bench.crowd import Crowd, Visitor
from bench.generator import LISTENS, NUMBERED, SAYS, NoCompiler, Seat, compiled
from bench.machine import ROOT, on_server_core
from bench.parlour import System, fill

CONFIGURATIONS: Final = Path(__file__).resolve().parent / "peers"
PROTOTYPE: Final = ROOT.parent / "shared" / "prototype" / "round_prototype.py"
READY_SECONDS: Final = 15.0


class Contender:
    """A server that can have rooms full of members. Used with `with`: it runs inside."""

    name: str
    missing = ""  # why it cannot be measured here
    rooms = True  # more than one

    def __init__(self, home: Path, *, both_cores: bool = False) -> None:
        self.home = home
        self.both_cores = both_cores

    def __enter__(self) -> Self:
        self.home.mkdir(parents=True)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def pids(self) -> list[int]:
        raise NotImplementedError

    def crowd(self, crowd: Crowd, members: int, rooms: int = 1, senders: int = 4) -> list[Seat]:
        """Bring so many members into each of so many rooms."""
        raise NotImplementedError


class Parlour(Contender):
    durability = "full"

    def start(self) -> None:
        self.system = System(self.home / "d", f"rooms.durability={self.durability}", both_cores=self.both_cores)

    def stop(self) -> None:
        self.system.stop()

    def pids(self) -> list[int]:
        return self.system.pids()

    def crowd(self, crowd: Crowd, members: int, rooms: int = 1, senders: int = 4) -> list[Seat]:
        places = [self.system.room(f"room{n}") for n in range(rooms)]
        return [seat for n, place in enumerate(places) for seat in fill(place, crowd, members, n, senders)]


class Single(Contender):
    """One program that listens on one port."""

    _process: "subprocess.Popen[bytes]"
    port = 0

    def words(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def start(self) -> None:
        self.port = _free_port()
        with (self.home / "said").open("wb") as said:  # not a pipe: one that nobody reads would stop a server that logs
            self._process = subprocess.Popen(
                on_server_core(self.words(), both=self.both_cores),
                cwd=self.home, env=self.environment(), stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            )  # fmt: skip
        self.ready()

    @property
    def said(self) -> str:
        return (self.home / "said").read_text(errors="replace")

    def ready(self) -> None:
        self._until(self._answers)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def _until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not condition():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start: {self.said[-2_000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def pids(self) -> list[int]:
        return [self._process.pid]

    def configured(self, name: str) -> Path:
        """The configuration in bench/peers/, with this port and home."""
        text = (CONFIGURATIONS / name).read_text().replace("@PORT@", str(self.port)).replace("@HOME@", str(self.home))
        path = self.home / name
        path.write_text(text)
        return path


class Limit(Single):
    name = "limit"
    rooms = False

    def words(self) -> list[str]:
        return [str(compiled("limit"))]

    def ready(self) -> None:
        self._until(lambda: self.said.endswith("\n"))
        self.port = int(self.said)

    def crowd(self, crowd: Crowd, members: int, rooms: int = 1, senders: int = 4) -> list[Seat]:  # noqa: ARG002
        brought = crowd.bring(Visitor(self.port, ()) for _ in range(members))
        return _seats(brought, senders, b"", b"", b"\n")


class LimitSync(Limit):
    name = "limit, synced"

    def words(self) -> list[str]:
        return [str(compiled("limit")), str(self.home / "log")]


class Prototype(Single):
    name = "prototype, off"
    rooms = False
    store: tuple[str, ...] = ()

    def words(self) -> list[str]:
        return [sys.executable, str(PROTOTYPE), str(self.port), *self.store]

    def crowd(self, crowd: Crowd, members: int, rooms: int = 1, senders: int = 4) -> list[Seat]:  # noqa: ARG002
        brought = crowd.bring(Visitor(self.port, ()) for _ in range(members))
        return _seats(brought, senders, b'{"t":"say","id":', b',"text":"', b'"}\n', NUMBERED)


class PrototypeProcess(Prototype):
    name = "prototype, process"
    store = ("NORMAL",)


class PrototypeFull(Prototype):
    name = "prototype, full"
    store = ("FULL",)


class Irc(Single):
    """A peer that speaks IRC. It does not send a line back to who said it."""

    def environment(self) -> dict[str, str]:
        return {**os.environ, "LD_PRELOAD": str(compiled("nodelay", "-shared", "-fPIC"))}

    def crowd(self, crowd: Crowd, members: int, rooms: int = 1, senders: int = 4) -> list[Seat]:
        # All together: these servers let newcomers in on a clock, and room by room it took minutes.
        brought = crowd.bring(chain.from_iterable(self._visitors(room, members) for room in range(rooms)))
        seats = []
        for room in range(rooms):
            inside = brought[room * members : (room + 1) * members]
            seats += _seats(inside, senders, b"PRIVMSG #room%d :" % room, b"", b"\r\n", group=room)
        return seats

    def _visitors(self, room: int, members: int) -> Iterator[Visitor]:
        for n in range(members):
            nick = b"r%dm%d" % (room, n)
            hello = b"NICK %s\r\nUSER %s 0 * :bench\r\n" % (nick, nick)
            yield Visitor(self.port, [(hello, b" 001 "), (b"JOIN #room%d\r\n" % room, b" 366 ")])


class InspIrcd(Irc):
    name = "InspIRCd"

    def words(self) -> list[str]:
        root = ["--runasroot"] if os.geteuid() == 0 else []
        return ["inspircd", "--nofork", "--config", str(self.configured("inspircd.conf")), *root]


class NgIrcd(Irc):
    name = "ngIRCd"

    def words(self) -> list[str]:
        return ["ngircd", "-n", "-f", str(self.configured("ngircd.conf"))]


class Redis(Single):
    """Pub/sub. Members subscribe; lines are published over connections of their own, as a subscriber may not."""

    name = "Redis pub/sub"

    def words(self) -> list[str]:
        return ["redis-server", str(self.configured("redis.conf"))]

    def crowd(self, crowd: Crowd, members: int, rooms: int = 1, senders: int = 4) -> list[Seat]:
        seats = []
        for room in range(rooms):
            subscribe = [(b"SUBSCRIBE room%d\r\n" % room, b":1\r")]
            listening = crowd.bring(Visitor(self.port, subscribe) for _ in range(members))
            speaking = crowd.bring(Visitor(self.port, ()) for _ in range(senders))
            seats += [Seat(visitor.sock.fileno(), room, LISTENS) for visitor in listening]
            seats += _seats(speaking, senders, b"PUBLISH room%d " % room, b"", b"\r\n", group=room)
        return seats


def _seats(
    visitors: list[Visitor], senders: int, head: bytes, middle: bytes, tail: bytes, flags: int = 0, group: int = 0
) -> list[Seat]:
    return [
        Seat(visitor.sock.fileno(), group, SAYS | flags, head, middle, tail)
        if n < senders
        else Seat(visitor.sock.fileno(), group, LISTENS)
        for n, visitor in enumerate(visitors)
    ]


def _parlour(durability: str) -> type[Parlour]:
    return type(
        f"Parlour{durability.title()}", (Parlour,), {"name": f"Parlour, {durability}", "durability": durability}
    )


PARLOURS: Final[list[type[Parlour]]] = [_parlour(durability) for durability in ("full", "process", "off")]
OTHERS: Final[list[type[Contender]]] = [
    Limit, LimitSync, PrototypeFull, PrototypeProcess, Prototype, InspIrcd, NgIrcd, Redis,
]  # fmt: skip


def why_missing(kind: type[Contender]) -> str:
    """Why a contender cannot run here; empty when it can."""
    if issubclass(kind, Prototype):
        return "" if PROTOTYPE.exists() else f"no {PROTOTYPE.name} beside the checkout"
    if issubclass(kind, Limit | Irc):
        try:
            compiled("limit")
        except NoCompiler as why:
            return str(why)
    programs: dict[type[Contender], str] = {InspIrcd: "inspircd", NgIrcd: "ngircd", Redis: "redis-server"}
    program = programs.get(kind)
    return f"{program} is not installed" if program and shutil.which(program) is None else ""


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
