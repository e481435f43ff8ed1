"""One run: serve, load, the plan's faults, healing, the end, and the evidence of it all."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

from bench.chaos.faults import EVERYBODY, Faults
from bench.chaos.files import read_mail, read_room
from bench.chaos.mailer import AtLobby, Reader, Sender
from bench.chaos.member import PASSING, Member, Passer
from bench.chaos.plan import Event
from bench.chaos.system import System
from bench.chaos.watcher import Watcher
from bench.chaos.world import World

START_SECONDS: Final = 20.0  # for everybody to be in
HEAL_SECONDS: Final = 30.0  # for everything to be answered after the last fault


@dataclass(frozen=True)
class Cast:
    """Who takes part: in each room, and at the lobby."""

    rooms: int = 4
    senders: int = 3
    readers: int = 1
    slow: int = 1
    passers: int = 2  # in each room
    mailers: int = 2
    rate: float = 8.0  # lines a second of each sender


@dataclass
class Outcome:
    """What became of the run, beyond its evidence."""

    kills: dict[str, int] = field(default_factory=dict)
    missed: dict[str, int] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)
    gaps: dict[str, list[float]] = field(default_factory=dict)  # kind of fault → seconds until the next answer
    stop_seconds: float = 0.0


class Run:
    def __init__(self, data: Path, cast: Cast, seed: int, say: Callable[[str], None]) -> None:
        self.data = data
        self.say = say
        self.world = World("127.0.0.1", 0, seed)
        self.rooms = [f"room{number}" for number in range(cast.rooms)]
        self.cast = cast
        self.seed = seed
        self.outcome = Outcome()
        self.members: list[Member] = []
        self.passers: list[Passer] = []
        self.senders: list[Sender] = []
        self.readers: list[Reader] = []
        self.watcher = Watcher(self.world)

    async def go(self, events: list[Event]) -> None:
        """All of it. Nothing of the system lives when this returns, however it ends."""
        with open(self.data.with_name("serve.stderr"), "wb") as stderr:
            self.system = System(self.data, self.world, stderr)
            self.faults = Faults(self.system, self.world, self.rooms, self.seed)
            try:
                await self._go(events)
            finally:
                self.system.stopping = True
                self.system.sweep()

    async def _go(self, events: list[Event]) -> None:
        await self.system.serve()
        self._engage()
        people: list[AtLobby | Member] = [*self.members, *self.passers, *self.senders, *self.readers, self.watcher]
        await self._make_rooms()
        tasks = [asyncio.create_task(one.run()) for one in people]
        minding = asyncio.create_task(self.system.mind())
        try:
            await self._until(self._all_in, START_SECONDS, "everybody to be in")
            await self._strike(events)
            await self._heal()
            self.outcome.gaps = self._gaps()
        finally:
            self.world.over = self.system.stopping = True
            self.world.end()
            for task in (*tasks, minding):
                task.cancel()
            await self._gather(tasks)
        self._end()

    # -- the parts

    def _engage(self) -> None:
        world, cast = self.world, self.cast
        for number, room in enumerate(self.rooms):
            names = [f"r{number}s{one}" for one in range(cast.senders)] + [
                f"r{number}r{one}" for one in range(cast.readers)
            ]
            for one, name in enumerate(names):
                rate = cast.rate if one < cast.senders else 0.0
                self.members.append(Member(world, room, name, rate=rate, owner=one == 0, whisper_to=names))
            for one in range(cast.slow):
                self.members.append(Member(world, room, f"r{number}slow{one}", rate=0.3, slow=True))
            for one in range(cast.passers):
                self.passers.append(Passer(world, room, f"r{number}p{one}", rate=PASSING, guest=True))
        inboxes = [f"inbox{one}" for one in range(cast.mailers)]
        self.readers = [Reader(world, name) for name in inboxes]
        self.senders = [Sender(world, f"mailer{one}", inboxes, 2.0) for one in range(cast.mailers)]

    async def _make_rooms(self) -> None:
        for member in self.members:
            if member.owner:
                wire = await member.visitor.come()
                await wire.ask("create", room=member.room)
                wire.close()
        for reader in self.readers:
            (await reader.come()).close()

    def _all_in(self) -> bool:
        pids = {room: self.watcher.rows.get(room, {}).get("pid", 0) for room in self.rooms}
        known = all(pids.values()) and self.system.learn_rooms(pids)
        return known and all(member.view.told for member in self.members) and all(r.lists for r in self.readers)

    async def _strike(self, events: list[Event]) -> None:
        begun = time.monotonic()
        doing = []
        for event in events:
            await asyncio.sleep(max(0.0, begun + event.at - time.monotonic()))
            self.say(str(event))
            doing.append(asyncio.create_task(self.faults.do(event)))
        await asyncio.gather(*doing)
        self.outcome.kills, self.outcome.missed = dict(self.faults.kills), dict(self.faults.missed)
        self.outcome.orders = dict(self.faults.orders)

    async def _heal(self) -> None:
        """Nothing new is said; everything under way is answered, and everybody has all that was said."""
        self.world.quiet = True
        say = [*self.members, *self.passers]
        served = await self._until(
            lambda: all(one.idle for one in say) and all(one.idle for one in self.senders), HEAL_SECONDS, "", must=False
        )
        caught_up = await self._until(lambda: all(m.caught_up for m in self.members), HEAL_SECONDS, "", must=False)
        for reader in self.readers:
            reader.lists = 0
        listed = await self._until(lambda: all(r.lists > 1 for r in self.readers), HEAL_SECONDS, "", must=False)
        for member in self.members:
            member.view.whole = True
        if not (served and caught_up and listed):
            late = [one.name for one in say if not one.idle] + [m.name for m in self.members if not m.caught_up]
            late += [one.name for one in self.senders if not one.idle] + [r.name for r in self.readers if r.lists < 2]
            rooms = [f"{row['name']} {row['state']} {row['reason']}".strip() for row in self.watcher.rows.values()]
            in_time = (
                f"answered {served}, caught up {caught_up}, listed {listed}; still not: {', '.join(late) or 'nobody'}"
            )
            self.world.strange(f"{HEAL_SECONDS:.0f} s after the last fault: {in_time}; {'; '.join(rooms)}")

    async def _until(self, right: Callable[[], bool], seconds: float, what: str, *, must: bool = True) -> bool:
        end = time.monotonic() + seconds
        while not right():
            if time.monotonic() > end:
                if must:
                    raise RuntimeError(f"waited {seconds:.0f} s for {what}; {dict(self.world.counts)}")
                return False
            await asyncio.sleep(0.1)
        return True

    async def _gather(self, tasks: list[asyncio.Task[None]]) -> None:
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    def _end(self) -> None:
        evidence = self.world.evidence
        self.system.seen |= self.watcher.seen
        self.outcome.stop_seconds, wrong = self.system.stop()
        evidence.strange += wrong
        evidence.ended = time.monotonic()
        for room in self.rooms:
            file, faults = read_room(self.data / "rooms" / self.system.ids[room] / "log.sqlite3", room)
            evidence.files.append(file)
            evidence.unreadable += faults
        evidence.mail_file, faults = read_mail(self.data / "mail.sqlite3")
        evidence.unreadable += faults

    def _gaps(self) -> dict[str, list[float]]:
        """For each fault, the seconds until the next answer in the room, or in all rooms and at the mail.

        For a command: the longest time without one while it ran.
        """
        gaps: dict[str, list[float]] = {}
        for struck in self.faults.struck:
            kind = struck.kind
            for where in [*self.rooms, "mail"] if struck.whom == EVERYBODY else [struck.whom]:
                label = f"{kind} → {'mail' if where == 'mail' else 'lines'}"
                gap = away(self.world.served[where], struck.at, struck.until)
                if gap is not None:
                    gaps.setdefault(label, []).append(gap)
        return gaps


def away(served: list[float], begun: float, until: float) -> float | None:
    """The longest time without an answer that began between `begun` and `until`; None when there was none after."""
    moments = [begun, *(at for at in served if begun < at <= until)]
    after = next((at for at in served if at > moments[-1]), None)
    return None if after is None else max(later - earlier for earlier, later in pairwise([*moments, after]))
