"""All that a server has of oneself, into a file of JSON Lines: what the lobby keeps, the mail, and one's own lines.

Law: the file is made new and for its owner alone; a line is written when it is whole, so that a break leaves a file
that can be read. Own lines are those of the rooms one is in: a room gives its log to its members.
"""

import os
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import msgspec
from msgspec import UNSET

from client.api import Client, Room
from client.saving import page_of
from wire.messages import Belongings, BelongingsPage, History, HistoryPage, Line
from wire.names import fold

PAGE: Final = 500  # entries of a room's log


async def export(client: Client, path: str, so_far: Callable[[int], None]) -> int:
    """Write it all to `path`; how many entries that was. Raises FileExistsError, OSError, Refusal."""
    number = 0
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(fd, "wb") as file:
        for source in (_own(client), _mail(client), _said(client)):
            async for entry in source:
                file.write(msgspec.json.encode(entry) + b"\n")
                number += 1
                so_far(number)
    return number


async def _own(client: Client) -> AsyncIterator[dict[str, Any]]:
    after = ""
    while True:
        page: BelongingsPage = await client.ask(Belongings(after=after))
        for belonging in page.belongings:
            yield {**belonging.what, "kind": belonging.kind}
        if page.next is UNSET:
            return
        after = page.next


async def _mail(client: Client) -> AsyncIterator[dict[str, Any]]:
    if client.session.lobby.guest:
        return
    async for mail, _ in client.every_mail():
        yield {**msgspec.to_builtins(mail), "kind": "mail"}


async def _said(client: Client) -> AsyncIterator[dict[str, Any]]:
    me = fold(client.session.lobby.name)
    for side in list(client.session.rooms.values()):
        page, seq = HistoryPage(lines=[], more=True), 0
        while page.more:
            page = await page_of(Room(client, side.room), History(after=seq, limit=PAGE))
            for entry in page.lines:
                if isinstance(entry, Line) and fold(entry.sender) == me:
                    yield {"kind": "line", "room": side.room, "seq": entry.seq, "at": entry.at, "text": entry.text}
            if not page.lines:
                break
            seq = page.lines[-1].seq
