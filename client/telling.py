"""Direct messages and being away, by commands: telling somebody in any room, what was told before, /away."""

from client import show
from client.commands import Command
from client.mode import Mode
from wire.messages import Away, Directs, DirectsPage, Done, Tell, Told
from wire.names import check_text

HISTORY = 20


class Telling:
    def __init__(self, mode: Mode) -> None:
        self._mode = mode

    async def tell(self, to: str, text: str) -> None:
        """Say it to one person wherever they are, and say what became of it. Raises Refused, Refusal."""
        told = await self._ask(to, text)
        if told is None:
            return
        who = show.word(told.to)
        became = f"delivered to {who}" if told.became == "delivered" else f"{who} is not here: it is kept for them"
        away = f" ({who} is away: {show.word(told.away)})" if isinstance(told.away, str) and told.away else ""
        self._mode.teller.say(f"-- {became}{away}", "good" if told.became == "delivered" else "notice")

    async def _ask(self, to: str, text: str) -> Told | None:
        told: Told = await self._mode.client.ask(Tell(to=to, text=check_text(text)))
        return told

    async def history(self, command: Command) -> None:
        """What one and somebody told each other, the newest."""
        name, *rest = command.args
        limit = min(1_000, int(rest[0][:6])) if rest and rest[0].isdigit() else HISTORY
        page: DirectsPage = await self._mode.client.ask(Directs(other=name, limit=limit))
        for direct in page.directs:
            for spans in show.direct(direct, self._mode.teller.me, dated=True):
                self._mode.terminal.write(spans)
        if not page.directs:
            self._mode.teller.say(f"-- you and {show.word(name)} have told each other nothing")
        elif page.more:
            self._mode.teller.say(f"-- /directs {show.word(name)} {limit * 2} goes further back")

    async def away(self, text: str) -> None:
        done: Done = await self._mode.client.ask(Away(text=text))
        assert done is not None
        self._mode.teller.say(f"-- you are away: {show.word(text)} (/away ends it)" if text else "-- you are back")
