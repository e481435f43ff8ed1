"""A room's log into a file, through the pages of its history: `/save`.

Law: a member saves what a member may read, which is all that the room keeps. The file is whole or not there: it is
written beside, and renamed at the end; one that exists is left alone.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final, Literal

from client.answers import Refusal
from client.api import Room
from wire.archive import VERSION, Header, text
from wire.codec import encode
from wire.errors import Refused
from wire.messages import Entry, History, HistoryPage
from wire.names import fold

PAGE: Final = 200  # entries: what a room gives at most
PAUSE: Final = 1.0  # seconds, where a room that is asked too fast does not say how long

Form = Literal["json", "text"]
Progress = Callable[[int, int], None]  # (done, all)
ENDINGS: Final = {"json": ".jsonl", "text": ".txt"}


async def save(room: Room, path: Path, form: Form, progress: Progress) -> int:
    """Write all that the room keeps now to `path`, oldest first; the number of entries. Raises Refused, Refusal."""
    first, last = await _extent(room)
    beside = None
    try:
        if path.exists():
            raise Refused("already", f"there is a file {path} already")
        fd, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # a name that is nobody's, mode 0600
        with open(fd, "w", encoding="utf-8") as out:
            if form == "json":
                topic = room.client.session.rooms[fold(room.name)].topic
                out.write(encode(Header(parlour=VERSION, room=room.name, topic=topic, first=first, last=last)).decode())
            async for entry in _entries(room, first, last):
                out.write(text(entry) if form == "text" else encode(entry).decode())
                if (entry.seq - first + 1) % PAGE == 0:
                    progress(entry.seq - first + 1, last - first + 1)
        os.rename(beside, path)
        beside = None
    except OSError as why:
        raise Refused("storage", f"{path} cannot be written: {why.strerror}") from None
    finally:
        if beside is not None:
            os.unlink(beside)
    return last - first + 1


async def _extent(room: Room) -> tuple[int, int]:
    """The oldest and the newest number; (1, 0) when nothing was said."""
    newest, oldest = await page_of(room, History(limit=1)), await page_of(room, History(after=0, limit=1))
    if not newest.lines or not oldest.lines:
        return 1, 0
    return oldest.lines[0].seq, newest.lines[-1].seq


async def _entries(room: Room, first: int, last: int) -> AsyncIterator[Entry]:
    expected = first
    while expected <= last:
        page = await page_of(room, History(after=expected - 1, limit=PAGE))
        for entry in page.lines:
            if entry.seq > last:
                return
            if entry.seq != expected:
                break
            yield entry
            expected += 1
        else:
            if page.lines:
                continue
        raise Refused("no_such_room", "the room dropped old lines meanwhile: try again")


async def page_of(room: Room, request: History) -> HistoryPage:
    """One page; a room that is asked too fast is asked again when it says."""
    while True:
        try:
            page: HistoryPage = await room.ask(request)
        except Refusal as why:
            if why.code != "too_fast":
                raise
            await asyncio.sleep(why.retry_after or PAUSE)
        else:
            return page
