"""What all clients of a run share: where the server is, the evidence, what is open, and whether the load goes on."""

import asyncio
import random
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from typing import Any, Final

from bench.chaos.records import Evidence
from bench.chaos.wire import Message, Wire, connect

ABANDONED: Final = 150  # connections that are kept with nobody at them; beyond that the oldest are reset
PASSWORD: Final = "chaos-pass-1"  # of every account that a run makes


class World:
    def __init__(self, host: str, port: int, seed: int) -> None:
        self.host, self.port = host, port
        self.seed = seed
        self.evidence = Evidence()
        self.quiet = False  # say nothing new, finish what is under way
        self.over = False  # come in no more
        self.wires: set[Wire] = set()
        self.counts: Counter[str] = Counter()
        self.served: dict[str, list[float]] = defaultdict(list)  # room, or "mail" → moments of acknowledgements
        self.ends: Counter[str] = Counter()  # how rooms ended, as the listing says
        self.floods: Counter[str] = Counter()  # room → long lines that its owner is to say at once
        self.newest: dict[str, int] = defaultdict(int)  # room → the highest number anybody knows of
        self.disk_was_full = float("-inf")  # the last moment of which that is known
        self._abandoned: deque[Wire] = deque()

    def chance(self, name: str) -> random.Random:
        return random.Random(f"{self.seed} {name}")

    def strange(self, text: str) -> None:
        self.evidence.strange.append(text)

    async def connect(self, host: str, port: int, hear: Any, receive_buffer: int = 0) -> Wire:
        wire = await connect(host, port, hear, self.strange, receive_buffer)
        self.wires.add(wire)
        self.counts["connections"] += 1
        wire.lost.add_done_callback(lambda _: self.wires.discard(wire))
        return wire

    async def lobby(self, hear: Any) -> Wire:
        """A connection to the lobby that has said hello."""
        wire = await self.connect(self.host, self.port, hear)
        try:
            await wire.ask("hello", protocol=1, client="chaos")
        except BaseException:
            wire.close()
            raise
        return wire

    # -- faults of the network

    def break_some(self, share: float, ways: Iterable[str], chance: random.Random) -> int:
        """End a share of all connections in one of `ways`: reset, abandon, half_close."""
        chosen = [wire for wire in sorted(self.wires, key=id) if chance.random() < share]
        for wire in chosen:
            way = chance.choice(list(ways))
            getattr(wire, way)()
            if way != "reset":
                self._keep(wire)
        return len(chosen)

    async def litter(self, ports: Iterable[int]) -> None:
        """Connections that say half a line, or nothing, and stay."""
        for port in ports:
            for data in (b"", b'{"type": "hel'):
                try:
                    wire = await connect(self.host, port, _deaf, self.strange)
                except Exception:  # noqa: BLE001 - whoever is away gets no litter
                    continue
                wire.transport.write(data)
                self._keep(wire)

    def _keep(self, wire: Wire) -> None:
        self._abandoned.append(wire)
        while len(self._abandoned) > ABANDONED:
            self._abandoned.popleft().reset()

    def end(self) -> None:
        for wire in (*self.wires, *self._abandoned):
            wire.reset()

    # -- what was seen

    def acknowledged(self, where: str) -> None:
        self.served[where].append(time.monotonic())

    def number(self, room: str, seq: int) -> None:
        if seq > self.newest[room]:
            self.newest[room] = seq


def _deaf(_message: Message) -> None:
    pass


async def pause(seconds: float) -> None:
    await asyncio.sleep(seconds)
