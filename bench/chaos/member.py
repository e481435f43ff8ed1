"""A member of a room who is there whatever happens: says unique lines under stream and id, sends again what was not
answered after a break, comes back by the resume token or by way of the lobby, and writes down all it is told.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Final

from bench.chaos.records import FILLER, Gap, Line, Opened, Said, View, Whisper, compact
from bench.chaos.visitor import Visitor
from bench.chaos.wire import ANSWER_SECONDS, Broken, Message, Refusal, Wire
from bench.chaos.world import World

WINDOW: Final = 8  # lines under way
PING_SECONDS: Final = 2.0
DEAF_SECONDS: Final = 6.0  # nothing heard for so long: the connection is given up
RETRY_SECONDS: Final = 0.3  # until what was refused for the moment is sent again
AGAIN: Final = 0.04  # of lines are sent once more although they were answered
FOR_THE_MOMENT: Final = frozenset({"storage", "busy", "too_fast"})
LAST: Final = 5  # of the newest that a newcomer asks for
SLOW_BUFFER: Final = 4_096  # bytes
PASSING: Final = 2.0  # lines a second of those who come and go
LONG: Final = 3_900  # characters; a text may have 4,000
BURSTS: Final = 0.03
BURST: Final = (6, 20)  # lines
WHISPERS: Final = 0.2  # of what is said
FULL_SECONDS: Final = 0.5  # after a disk was seen full, in which it may have been so still
LATE: Final = 0.3  # of the returns are not at once


class Member:
    def __init__(
        self, world: World, room: str, name: str, *, rate: float, guest: bool = False, slow: bool = False,
        owner: bool = False, whisper_to: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.world, self.room, self.name = world, room, name
        self.visitor = Visitor(world, name, guest=guest)
        self.view = View(name, room)
        self.chance = world.chance(name)
        self.wire: Wire | None = None
        self.pending: dict[str, Said] = {}  # by id, in the order in which they were said
        self.rate = rate  # lines a second; 0: only reads
        self.slow = slow
        self.owner = owner
        self.whisper_to = whisper_to
        self._stream = f"chaos-{world.seed}-{name}-stream"
        self._counts = self.chance.random() < 0.6  # whether its ids rise, or are any
        self._number = 0
        self._answered: list[tuple[str, Said]] = []
        self._again: dict[str, Said] = {}
        self._retry: dict[str, float] = {}
        self._once: dict[str, Said] = {}
        self._address = ("", 0)
        self._token = ""
        self._newest: int | None = None
        self._whisper = 0
        self._opening: tuple[int | None, int] = (None, 0)
        world.evidence.views.append(self.view)
        self._hears: dict[str, Callable[[Message], None]] = {
            "line": self._line, "topic": self._topic, "gap": self._gap, "entered": self._entered,
            "done": self._done, "error": self._error, "whispered": self._whispered, "closing": self._closing,
            "redirect": self._redirect, "presence": _nothing, "members": _nothing, "pong": _nothing, "typing": _nothing,
        }  # fmt: skip

    @property
    def idle(self) -> bool:
        return not self.pending

    @property
    def caught_up(self) -> bool:
        return self._newest is not None and self._newest >= self.world.newest[self.room]

    # -- coming and staying

    async def run(self) -> None:
        wait = 0.05
        while not self.world.over:
            try:
                await self.enter()
                wait = 0.05
                await self.stay()
            except (Broken, OSError):
                self._token = self._token if self.chance.random() < 0.5 else ""
            except Refusal as refusal:
                self._refused(refusal)
            finally:
                self._drop()
            late = self.chance.uniform(0.0, 1.5) if self.chance.random() < LATE else 0.0
            await asyncio.sleep(late + wait * self.chance.uniform(0.5, 1.0))
            wait = min(1.0, wait * 1.7)

    async def enter(self) -> None:
        """Be in the room, with what was missed under way."""
        token, self._token = self._token, ""
        if not token:
            host, port, token = await self.visitor.ticket(self.room)
            self._address = (host, port)
        else:
            self.world.counts["returns by resume token"] += 1
        hear = self.world.connect(*self._address, self._hear, SLOW_BUFFER if self.slow else 0)
        self.wire = wire = await hear
        fields: Message = {"last": LAST} if self._newest is None else {"since": self._newest}
        self._opening = (self._newest, LAST)
        if self._newest is not None:
            fields["whispers"] = self._whisper  # 0 when none came so far: all since one first came in
        await wire.ask("enter", protocol=1, ticket=token, stream=self._stream, **fields)

    async def stay(self) -> None:
        """Speak and listen until the connection is over."""
        wire = self.wire
        assert wire is not None
        tasks = [asyncio.create_task(task) for task in (self._speak(wire), self._watch(wire))]
        if self.slow:
            tasks.append(asyncio.create_task(self._dawdle(wire)))
        try:
            await wire.lost
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    def _drop(self) -> None:
        if self.wire is not None:
            self.wire.close()
            self.wire = None
        for said in self.pending.values():  # the answer that was on its way may have been an error
            said.refused += said.sent_at < self.world.disk_was_full + FULL_SECONDS
        self._again.clear()
        self._once.clear()

    def _refused(self, refusal: Refusal) -> None:
        """What `enter` or the lobby answered; all of it passes, or is a fault."""
        self.world.counts[f"turned away: {refusal.code}"] += 1
        if refusal.code in {"internal", "bad_message", "unknown_type", "wrong_password", "not_allowed", "no_such_room"}:
            self.world.strange(f"{self.name} on the way into {self.room}: {refusal}")
        if refusal.code == "name_taken" and self.visitor.guest:
            self.visitor.name += "z"  # the answer to the first attempt was lost, and so is the name for a while
            for said in self.pending.values():
                said.once = True  # said under the old name: it may be stored or not, and cannot be asked about
            self.pending.clear()
            self._stream += "z"
            self.view.member = self.name = self.visitor.name

    # -- speaking

    async def _speak(self, wire: Wire) -> None:
        for said_id, said in tuple(self.pending.items()):
            self.world.counts["resends after a break"] += said.tries > 0
            self._send(wire, said_id, said)
        self._retry.clear()
        while True:
            await asyncio.sleep(self.chance.expovariate(self.rate) if self.rate else 0.2)
            now = time.monotonic()
            for said_id in [said_id for said_id, due in self._retry.items() if due <= now]:
                del self._retry[said_id]
                if said_id in self.pending:
                    self._send(wire, said_id, self.pending[said_id])
            if self.rate and not self.world.quiet and len(self.pending) < WINDOW:
                self._say_something(wire)
            if self.owner and self.world.floods[self.room]:
                self._flood(wire, self.world.floods.pop(self.room))

    def _say_something(self, wire: Wire) -> None:
        draw = self.chance.random()
        if self.owner and draw < 0.02:
            self._set_topic(wire)
        elif self._answered and draw < 0.02 + AGAIN:
            said_id, said = self.chance.choice(self._answered[-300:])
            self._again[said_id] = said
            self.world.counts["repeats of what was answered"] += 1
            self._send(wire, said_id, said)
        elif draw < 0.02 + AGAIN + BURSTS:
            self._say_many(wire, self.chance.randrange(*BURST))
        else:
            said_id, said = self._new(
                self.chance.choice(self.whisper_to) if self.whisper_to and draw > 1 - WHISPERS else ""
            )
            self.pending[said_id] = said
            self._send(wire, said_id, said)

    def _say_many(self, wire: Wire, count: int) -> None:
        """As a program does that relays what it reads: lines that come at once."""
        many = []
        for _ in range(count):
            said_id, said = self._new("")
            self.pending[said_id] = said
            said.tries += 1
            said.sent_at = time.monotonic()
            many.append({"type": "say", "id": said_id, "text": expand(said.text)})
        self.world.counts["lines said in bursts"] += len(many)
        wire.send_many(many)

    def _flood(self, wire: Wire, count: int) -> None:
        for _ in range(count):
            said_id, said = self._new("", LONG)
            self.pending[said_id] = said
            self._send(wire, said_id, said)

    def _new(self, to: str, size: int = 0) -> tuple[str, Said]:
        self._number += 1
        said_id = str(self._number) if self._counts else f"{self.chance.getrandbits(64):x}"
        size = size or self.chance.randrange(*((200, 1_500) if self.chance.random() < 0.1 else (0, 30)))
        filler = FILLER * size
        said = Said(self.room, self.name, self._stream, compact(f"{self.name}.{self._number} {filler}".rstrip()), to)
        (self.world.evidence.whispers if to else self.world.evidence.lines).append(said)
        return said_id, said

    def _set_topic(self, wire: Wire) -> None:
        self._number += 1
        topic = f"{self.name} topic {self._number}"
        said = Said(self.room, self.name, self._stream, f"topic:{topic}", tries=1, once=True)
        self.world.evidence.lines.append(said)
        self._once[f"t{self._number}"] = said
        wire.send("topic", id=f"t{self._number}", topic=topic)

    def _send(self, wire: Wire, said_id: str, said: Said) -> None:
        said.tries += 1
        said.sent_at = time.monotonic()
        text = expand(said.text)
        if said.to:
            wire.send("whisper", id=said_id, to=said.to, text=text)
        else:
            wire.send("say", id=said_id, text=text)

    # -- minding the connection

    async def _watch(self, wire: Wire) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PING_SECONDS)
            wire.send("ping")
            patience = 3 * DEAF_SECONDS if self.slow else DEAF_SECONDS
            if loop.time() - wire.heard > patience:
                self.world.counts["given up as deaf"] += 1
                wire.close()

    async def _dawdle(self, wire: Wire) -> None:
        """Read for a moment, then not at all for seconds."""
        while not self.world.quiet:
            await asyncio.sleep(self.chance.uniform(0.3, 1.0))
            if not wire.lost.done():
                wire.transport.pause_reading()
                await asyncio.sleep(self.chance.uniform(2.0, 6.0))
            if not wire.lost.done():
                wire.transport.resume_reading()

    # -- hearing

    def _hear(self, message: Message) -> None:
        hears = self._hears.get(message["type"])
        if hears is None:
            self.world.strange(f"a room said {message}")
        else:
            hears(message)

    def _entered(self, message: Message) -> None:
        since, last = self._opening
        self._token = message["resume"]
        self.world.number(self.room, message["seq"])
        self.view.told.append(Opened(since, last, message["seq"], message["first"], message["epoch"]))
        if since is None:
            self._newest = max(message["first"] - 1, message["seq"] - last)

    def _line(self, message: Message) -> None:
        self._entry(message, compact(message["text"]))

    def _topic(self, message: Message) -> None:
        self._entry(message, f"topic:{message['topic']}")

    def _entry(self, message: Message, text: str) -> None:
        self._newest = message["seq"]
        self.world.number(self.room, message["seq"])
        self.world.counts["lines delivered"] += 1
        self.view.told.append(Line(message["seq"], message["at"], message["from"], text))

    def _gap(self, message: Message) -> None:
        self._newest = message["to"]
        self.view.told.append(Gap(message["from"], message["to"]))

    def _whispered(self, message: Message) -> None:
        self._whisper = message["number"]
        whisper = Whisper(message["number"], message["from"], message["to"], compact(message["text"]))
        self.view.whispers.append(whisper)

    def _done(self, message: Message) -> None:
        said_id = message.get("re", "")
        said = self.pending.pop(said_id, None) or self._again.pop(said_id, None) or self._once.pop(said_id, None)
        if said is None:
            return  # the answer to a repeat, after the first one's
        if not said.acks and not said.once:
            self._answered.append((said_id, said))
            del self._answered[:-400]
        said.acks.append(message.get("seq", 0))
        said.acked_at = time.monotonic()
        if not said.to:
            self.world.number(self.room, message["seq"])
        self.world.counts["whispers acknowledged" if said.to else "lines acknowledged"] += len(said.acks) == 1
        self.world.acknowledged(self.room)

    def _error(self, message: Message) -> None:
        code, said_id = message["code"], message.get("re", "")
        self.world.counts[f"refused: {code}"] += 1
        said = self.pending.get(said_id)
        if said_id in self._once:
            self._once.pop(said_id).dropped = True
        elif said is not None:
            said.refused += 1
            if code in FOR_THE_MOMENT:
                self._retry[said_id] = time.monotonic() + RETRY_SECONDS
            else:
                del self.pending[said_id]
                said.dropped = True
                if code != "no_such_member":
                    self.world.strange(f"'{said.text}' was refused: {message}")
        elif said_id in self._again:
            del self._again[said_id]
            if code not in FOR_THE_MOMENT:
                self.world.strange(f"a repeat of what was acknowledged was refused: {message}")

    def _closing(self, message: Message) -> None:
        self.world.counts[f"closing: {message['code']}"] += 1
        if not message["resume"]:
            self._token = ""

    def _redirect(self, message: Message) -> None:
        self._address = (message["host"] or self.world.host, message["port"])
        self._token = message["ticket"]
        if self.wire is not None:
            self.wire.close()


class Passer(Member):
    """A member who comes and goes: leaves politely or vanishes, stays away, and comes back for what was missed."""

    async def stay(self) -> None:
        wire = self.wire
        assert wire is not None
        staying = asyncio.create_task(super().stay())
        await asyncio.wait((staying,), timeout=self.chance.uniform(0.5, 4.0))
        while not self.idle and not staying.done():
            self.rate = 0.0  # nothing new on the way out
            await asyncio.wait((staying,), timeout=0.1)
        self.rate = 0.0
        if not staying.done():
            await self._go(wire)
            wire.close()
        await staying
        self.rate = PASSING
        if not self.world.quiet:
            await asyncio.sleep(self.chance.uniform(0.2, 3.0))

    async def _go(self, wire: Wire) -> None:
        if self.chance.random() < 0.5:
            with contextlib.suppress(Broken, Refusal):
                await wire.ask("leave", timeout=ANSWER_SECONDS)
                self.world.counts["left politely"] += 1
        else:
            wire.reset()
        if self.chance.random() < 0.3:  # as a newcomer the next time
            self._token, self._newest = "", None


def expand(text: str) -> str:
    """What `compact` made short."""
    bare, plus, count = text.rpartition("+")
    return bare + FILLER * int(count) if plus and count.isdigit() else text


def _nothing(_message: Message) -> None:
    pass
