"""Faults done to a running system: signals to each kind of process, broken connections, a full disk; and what an
operator does to it meanwhile: rolling restarts and upgrades.

Law: only processes of this run are touched, found by the locks of its own data directory (/proc/locks, so that looking
disturbs nobody). Whatever is paused is continued, and whoever served is started again.
"""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, NamedTuple

from bench.chaos.plan import Event
from bench.chaos.system import System
from bench.chaos.world import World

EVERYBODY: Final = "everybody"
ORDERS: Final = frozenset({"restart room", "upgrade"})
FLOOD: Final = 150  # long lines at once: more than a slow reader's queue and socket hold
CALM: Final = 15.0  # seconds after the last fault from which on an operator's command has no excuse


class Struck(NamedTuple):
    """A fault that was done: when, what, and whose service is looked at: a room, or everybody's.

    `until`: of a command, when it ended; service may have been away at any moment before.
    """

    at: float
    kind: str
    whom: str
    until: float = 0.0


class Faults:
    def __init__(self, system: System, world: World, rooms: list[str], seed: int) -> None:
        self.system = system
        self.world = world
        self.rooms = rooms
        self.struck: list[Struck] = []
        self.kills: Counter[str] = Counter()  # by kind of process
        self.missed: Counter[str] = Counter()  # processes that were not there when they were to be struck
        self.orders: Counter[str] = Counter()  # an operator's commands, by what came of them
        self._under_way = 0
        self._troubled = float("-inf")  # when the last fault that is none of an operator's commands was over
        self._chance = random.Random(f"faults {seed}")
        self._connections: dict[str, tuple[str, ...]] = {
            "reset connections": ("reset",),
            "half-open connections": ("abandon", "half_close"),
        }

    async def do(self, event: Event) -> None:
        """One event of the plan, to its end."""
        self._under_way += 1
        try:
            await self._do(event)
        finally:
            self._under_way -= 1
            if event.kind not in ORDERS:
                self._troubled = time.monotonic()

    async def _do(self, event: Event) -> None:
        room = self.rooms[event.room]
        what, _, rest = event.kind.partition(" ")
        if event.kind in self._connections:
            await self._break(event)
        elif event.kind in ORDERS:
            await self._order(event.kind, room if what == "restart" else "")
        elif event.kind == "flood room":
            self.world.floods[room] += FLOOD
        elif what == "fill":
            await self._fill(event, {"room": room, "lobby": "lobby"}.get(rest.partition("kill ")[2], ""))
        elif what == "kill":
            whom = rest.split(" and ") if rest != "everything" else ["guardian", "lobby", "nursery", *self.rooms]
            await self._kill(event, [room if name == "room" else name for name in whom])
        elif rest == "everything":
            await self._pause(event, ["guardian", "nursery", "lobby", *self.rooms], EVERYBODY)
        else:
            name = room if "room" in rest else rest
            await self._pause(event, [name], name if name in self.rooms else EVERYBODY)

    # -- processes

    async def _kill(self, event: Event, whom: list[str]) -> None:
        everybody = not set(whom) <= set(self.rooms)
        self.struck.append(Struck(time.monotonic(), event.kind, EVERYBODY if everybody else whom[0]))
        for name in whom:
            self._signal(name, signal.SIGKILL)
        if "guardian" in whom:
            await self.system.serve_again(event.seconds)

    def _signal(self, name: str, number: signal.Signals) -> int:
        """Send it to lobby, nursery, guardian or a room by its name; the pid, 0 when there is none."""
        pid = self.system.pid(name)
        if not pid:
            self.missed[name if name not in self.rooms else "room"] += 1
            return 0
        if number is signal.SIGKILL:
            self.world.evidence.died[pid] = time.monotonic()
            self.kills[name if name not in self.rooms else "room"] += 1
            if name == "guardian":
                self.system.expected.add(pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        return pid

    async def _pause(self, event: Event, names: list[str], whom: str) -> None:
        begun = time.monotonic()
        pids = {name: pid for name in names if (pid := self._signal(name, signal.SIGSTOP))}
        if not pids:
            return
        self.struck.append(Struck(begun, event.kind, whom))
        paused = self.world.evidence.paused
        for pid in pids.values():
            paused.setdefault(pid, []).append((begun, float("inf")))
        if event.kind.endswith("kill nursery"):
            self._signal("nursery", signal.SIGKILL)
        await asyncio.sleep(event.seconds)
        span = (begun, time.monotonic())
        if "nursery" in pids:
            self.world.evidence.unwatched.append(span)
        for name, pid in pids.items():
            paused[pid] = [span if before == (begun, float("inf")) else before for before in paused[pid]]
            held = any(end == float("inf") for _, end in paused[pid])  # by another fault, which is not over
            if not held and self.system.pid(name) == pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    # -- what an operator does

    async def _order(self, kind: str, room: str) -> None:
        """A command at the shell. It may meet another fault and say so; alone it has to succeed."""
        begun, alone = time.monotonic(), self._under_way == 1
        code, said = await self.system.order(kind.partition(" ")[0], *([room] if room else []))
        self.struck.append(Struck(begun, kind, room or EVERYBODY, time.monotonic()))
        self.orders[f"{kind}: {'done' if not code else f'exit code {code}'}"] += 1
        if code not in (0, 2, 3) or (code and alone and self._under_way == 1 and begun - self._troubled > CALM):
            self.world.strange(f"{kind} {room} ended with {code}: {said}")

    # -- connections

    async def _break(self, event: Event) -> None:
        ways = self._connections[event.kind]
        count = self.world.break_some(event.share, ways, self._chance)
        self.world.counts[f"{event.kind}"] += count
        if "abandon" in ways:
            await self.world.litter(self.system.ports())

    # -- the disk

    async def _fill(self, event: Event, whom: str) -> None:
        """Leave no byte on the small filesystem for so long; `whom` is killed meanwhile, if anybody."""
        filler = self.system.data / f"filler{len(self.struck)}"
        self.struck.append(Struck(time.monotonic(), event.kind, EVERYBODY))
        end = time.monotonic() + event.seconds
        try:
            while time.monotonic() < end:
                await asyncio.to_thread(_fill, filler)  # hundreds of megabytes: everybody here would stand still
                self.world.disk_was_full = time.monotonic()
                if whom:
                    self._signal(whom, signal.SIGKILL)
                    whom = ""
                await asyncio.sleep(0.05)
        finally:
            filler.unlink(missing_ok=True)


def _fill(filler: Path) -> None:
    with open(filler, "ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while file.write(b"\0" * size) == size:
                    pass


Doing = Callable[[Event], Awaitable[None]]
