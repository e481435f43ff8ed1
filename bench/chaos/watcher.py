"""An admin who looks at the listing of rooms all the time, and at the processes it names."""

import asyncio
import time
from typing import Final

from bench.chaos.mailer import AtLobby
from bench.chaos.records import Sample
from bench.chaos.wire import Message, Wire
from bench.chaos.world import World

EVERY: Final = 0.15  # seconds
PROMPT: Final = 0.5  # a lobby that takes longer was held up, and what it then says may be as old


class Watcher(AtLobby):
    def __init__(self, world: World) -> None:
        super().__init__(world, "admin_user", password="123")
        self.rows: dict[str, Message] = {}  # the newest, by room
        self.seen: set[int] = set()  # every pid that was ever listed

    async def act(self, wire: Wire) -> None:
        self.world.wires.discard(wire)  # the network spares it: when this connection ends, the lobby was away
        prompt = time.monotonic()
        while not self.world.over:
            asked = time.monotonic()
            page = await wire.ask("admin_rooms", limit=1_000)
            now = time.monotonic()
            if now - asked > PROMPT:
                prompt = now
                self.world.counts["listings that came late"] += 1
            self.world.counts["listings"] += 1
            for row in page["rooms"]:
                before = self.rows.get(row["name"], {}).get("reason", "")
                if row["reason"] not in ("", before):
                    self.world.ends[row["reason"].partition(", cpu")[0]] += 1
                self.rows[row["name"]] = row
                self.seen.add(row["pid"])
                sample = Sample(asked, prompt, row["name"], row["state"], row["pid"], alive(row["pid"]))
                if asked > prompt:
                    self.world.evidence.samples.append(sample)
            await asyncio.sleep(EVERY)


def alive(pid: int) -> bool:
    """Whether a process of that number runs; one that has ended and was not waited for does not."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False
