"""What was said earlier: pages of a room's log, or of what two people told each other, fetched into the transcript.

Law: a page is asked for by what the window has at its end, so that nothing is fetched twice or left out.
"""

from typing import Final

from client.api import Client
from client.floor import DIRECT, Floor
from wire.messages import Directs, DirectsPage, History, HistoryPage
from wire.names import fold

PAGE: Final = 200  # entries of a page of history
AROUND: Final = 60  # entries after a found one


class Scrollback:
    def __init__(self, client: Client, floor: Floor) -> None:
        self.client = client
        self.floor = floor

    async def older(self, room: str) -> None:
        """Fetch the page before the oldest line we have."""
        transcript = self.floor.table(room).transcript
        before = transcript.first
        if room.startswith(DIRECT):
            wanted = Directs(other=room[1:], limit=PAGE)
            if before is not None:
                wanted.before = before
            told: DirectsPage = await self.client.ask(wanted)
            transcript.put_before(told.directs, more=told.more)
            return
        ask = History(limit=PAGE) if before is None else History(before=before, limit=PAGE)
        page: HistoryPage = await self.client.ask_room(room, ask)
        transcript.put_before(page.lines, more=page.more)
        for entry in page.lines:
            if fold(entry.sender) == fold(self.floor.me):
                transcript.said_by_us(entry.seq)

    async def newer(self, room: str) -> None:
        """The page after a window in the past."""
        transcript = self.floor.table(room).transcript
        page: HistoryPage = await self.client.ask_room(room, History(after=transcript.last or 0, limit=PAGE))
        transcript.put_after(page.lines, more=page.more)

    async def around(self, room: str, seq: int) -> None:
        """Make the window hold the entry `seq`."""
        transcript = self.floor.table(room).transcript
        if transcript.place_of(seq) is not None:
            return
        page: HistoryPage = await self.client.ask_room(room, History(before=seq + AROUND, limit=PAGE))
        side = self.client.session.rooms.get(fold(room))
        newest = side.seen.seq if side is not None else None
        behind = bool(page.lines) and page.lines[-1].seq < (newest or 0)
        transcript.replace(page.lines, more_before=page.more, more_after=behind)

    async def newest(self, room: str) -> None:
        """Out of the past, to the end of the log."""
        transcript = self.floor.table(room).transcript
        page: HistoryPage = await self.client.ask_room(room, History(limit=PAGE))
        transcript.replace(page.lines, more_before=page.more, more_after=False)
