"""Faults done to a running system: signals to each kind of process, broken connections, a full disk.

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
FLOOD: Final = 150  # long lines at once: more than a slow reader's queue and socket hold


class Struck(NamedTuple):
    """A fault that was done: when, what, and whose service is looked at: a room, or everybody's."""

    at: float
    kind: str
    whom: str


class Faults:
    def __init__(self, system: System, world: World, rooms: list[str], seed: int) -> None:
        self.system = system
        self.world = world
        self.rooms = rooms
        self.struck: list[Struck] = []
        self.kills: Counter[str] = Counter()  # by kind of process
        self.missed: Counter[str] = Counter()  # processes that were not there when they were to be struck
        self._chance = random.Random(f"faults {seed}")
        self._connections: dict[str, tuple[str, ...]] = {
            "reset connections": ("reset",),
            "half-open connections": ("abandon", "half_close"),
        }

    async def do(self, event: Event) -> None:
        """One event of the plan, to its end."""
        room = self.rooms[event.room]
        what, _, rest = event.kind.partition(" ")
        if event.kind in self._connections:
            await self._break(event)
        elif event.kind == "flood room":
            self.world.floods[room] += FLOOD
        elif what == "fill":
            await self._fill(event, {"room": room, "lobby": "lobby"}.get(rest.partition("kill ")[2], ""))
        elif what == "kill":
            whom = rest.split(" and ") if rest != "everything" else ["guardian", "lobby", "nursery", *self.rooms]
            await self._kill(event, [room if name == "room" else name for name in whom])
        else:
            await self._pause(event, room if "room" in rest else rest)

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

    async def _pause(self, event: Event, name: str) -> None:
        begun = time.monotonic()
        pid = self._signal(name, signal.SIGSTOP)
        if not pid:
            return
        self.struck.append(Struck(begun, event.kind, name if name in self.rooms else EVERYBODY))
        spans = self.world.evidence.paused.setdefault(pid, [])
        spans.append((begun, float("inf")))
        if event.kind.endswith("kill nursery"):
            self._signal("nursery", signal.SIGKILL)
        await asyncio.sleep(event.seconds)
        spans[-1] = (begun, time.monotonic())
        if self.system.pid(name) == pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

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
                _fill(filler)
                self.system.disk_was_full = time.monotonic()
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
