"""Mail: senders whose every mail is unique and sent again until acknowledged, and readers who list their inbox."""

import asyncio
import time
from typing import Final

from bench.chaos.records import Inbox, Said
from bench.chaos.visitor import Visitor
from bench.chaos.wire import Broken, Message, Refusal, Wire
from bench.chaos.world import World

PAGE: Final = 100
AGAIN: Final = 0.1  # of mails are sent once more although they were answered


class AtLobby(Visitor):
    """Somebody who stays at the lobby, and comes back after each break."""

    async def run(self) -> None:
        wait = 0.05
        while not self.world.over:
            wire: Wire | None = None
            try:
                wire = await self.come()
                wait = 0.05
                await self.act(wire)
            except (Broken, OSError):
                pass
            except Refusal as refusal:
                self.world.counts[f"turned away: {refusal.code}"] += 1
                if refusal.code in {"internal", "bad_message", "unknown_type", "wrong_password"}:
                    self.world.strange(f"{self.name} at the lobby: {refusal}")
            finally:
                if wire is not None:
                    wire.close()
            await asyncio.sleep(wait)
            wait = min(1.0, wait * 1.7)

    async def act(self, wire: Wire) -> None:
        """Until the connection breaks; raises Broken."""
        raise NotImplementedError


class Sender(AtLobby):
    def __init__(self, world: World, name: str, to: list[str], rate: float) -> None:
        super().__init__(world, name)
        self.idle = True
        self._to = to
        self._rate = rate
        self._chance = world.chance(name)
        self._number = 0
        self._said: Said | None = None

    async def act(self, wire: Wire) -> None:
        while not self.world.over:
            if self._said is None and self.world.quiet:
                await asyncio.sleep(0.1)
                continue
            if self._said is None:
                await asyncio.sleep(self._chance.expovariate(self._rate))
                self._begin()
            await self._send(wire)

    def _begin(self) -> None:
        self._number += 1
        to = self._chance.choice(self._to)
        self._said = Said("mail", self.name, self.stream, f"{self.name} mail {self._number}", to)
        self.idle = False
        self.world.evidence.mails.append(self._said)

    async def _send(self, wire: Wire) -> None:
        said = self._said
        assert said is not None
        said.tries += 1
        self.world.counts["mails sent again"] += said.tries > 1
        try:
            done = await self._post(wire, said, self._number)
            said.acks.append(done["mail"])
        except Refusal as refusal:
            self.world.counts[f"mail refused: {refusal.code}"] += 1
            said.refused += 1
            if refusal.code not in {"storage", "busy", "too_fast", "disk_low"}:
                self.world.strange(f"the mail '{said.text}' was refused: {refusal}")
            await asyncio.sleep(0.3)
            return
        said.acked_at = time.monotonic()
        self._said, self.idle = None, True
        self.world.counts["mails acknowledged"] += 1
        self.world.acknowledged("mail")
        if self._chance.random() < AGAIN:
            said.acks.append((await self._post(wire, said, self._number))["mail"])

    async def _post(self, wire: Wire, said: Said, number: int) -> Message:
        """`ask` names its requests by itself, and this one has a name that lasts."""
        return await wire.ask("mail_send", id=f"mail{number}", to=[said.to], subject=said.text, body=said.text)


class Reader(AtLobby):
    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.inbox = Inbox(name)
        self.lists = 0  # complete listings
        world.evidence.inboxes.append(self.inbox)

    def hear(self, message: Message) -> None:
        if message["type"] == "mail_new":
            self.inbox.news.append(message["mail"])

    async def act(self, wire: Wire) -> None:
        while not self.world.over:
            listed = await self._list(wire)
            self.inbox.listed.append(listed)
            self.lists += 1
            if listed:
                mail = await wire.ask("mail_read", mail=self.world.chance(f"{self.lists}").choice(listed))
                if mail["body"] != mail["subject"]:
                    self.world.strange(f"mail {mail['mail']} has another's body: {mail}")
            await self._rest(max(1.0, len(listed) / 100))

    async def _rest(self, seconds: float) -> None:
        """Until then, or until all that is asked for is to look at the end of it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.world.quiet:
            await asyncio.sleep(0.2)
        await asyncio.sleep(0.2)

    async def _list(self, wire: Wire) -> list[int]:
        listed: list[int] = []
        more = True
        while more:
            before: Message = {"before": listed[-1]} if listed else {}
            page = await wire.ask("mail_list", limit=PAGE, **before)
            listed += [row["mail"] for row in page["mails"]]
            more = page["more"]
        return listed
