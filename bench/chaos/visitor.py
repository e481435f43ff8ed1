"""Somebody at the lobby: an account or a guest, who types a password once and comes back with the session token."""

from bench.chaos.wire import Message, Refusal, Wire
from bench.chaos.world import PASSWORD, World


class Visitor:
    def __init__(self, world: World, name: str, *, guest: bool = False, password: str = "") -> None:
        self.world = world
        self.name = name
        self.guest = guest
        self.stream = f"mail-stream-{world.seed}-{name}"
        self._password = password  # of an account that exists; otherwise it is made
        self._session = ""
        self._made = False

    def hear(self, message: Message) -> None:
        """What comes unasked; for whoever wants to know."""

    async def come(self) -> Wire:
        """Connect and be let in; raises OSError, Broken, Refusal."""
        wire = await self.world.lobby(self.hear)
        try:
            await self._in(wire)
        except BaseException:
            wire.close()
            raise
        return wire

    async def _in(self, wire: Wire) -> None:
        if self._session:
            try:
                self._session = (await wire.ask("resume", session=self._session, stream=self.stream))["session"]
                self.world.counts["sessions resumed"] += 1
                return
            except Refusal as refusal:
                if refusal.code == "bad_session":
                    self._session = ""
                    self.world.counts["sessions lost"] += 1
                    if not self.guest:
                        self.world.strange(f"{self.name}'s session was refused: {refusal}")
                raise
        self._session = (await self._first(wire))["session"]

    async def _first(self, wire: Wire) -> Message:
        if self.guest:
            return await wire.ask("guest", name=self.name, stream=self.stream)
        if not self._password and not self._made:
            self._made = True  # or not, when the answer is lost: then `register` says that the name is taken
            try:
                return await wire.ask("register", name=self.name, password=PASSWORD, stream=self.stream)
            except Refusal as refusal:
                self._made = refusal.code == "name_taken"
                if not self._made:
                    raise
        try:
            return await wire.ask("login", name=self.name, password=self._password or PASSWORD, stream=self.stream)
        except Refusal as refusal:
            self._made = refusal.code != "wrong_password"
            raise

    async def ticket(self, room: str) -> tuple[str, int, str]:
        """Where the room is, and what lets one in: host, port, ticket."""
        wire = await self.come()
        try:
            there = await wire.ask("join", timeout=12.0, room=room)
        finally:
            wire.close()
        self.world.counts["tickets"] += 1
        return there["host"] or self.world.host, there["port"], there["ticket"]
