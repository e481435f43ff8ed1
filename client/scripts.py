"""The client in pipes: `--say` says the lines of its standard input, `--follow` writes what is said in a room.

Law: nothing is asked; what is said has been acknowledged when it ends with 0; errors go to standard error.
"""

import asyncio
import contextlib
import json
import sys
from typing import Any

import msgspec

from client import events, show
from client.answers import Refusal
from client.api import Client
from client.entering import HALL
from client.plain import LEFT, NO_SERVER, REFUSED, UNDER_WAY_MOST, Wishes
from client.terminal import PlainTerminal
from wire.errors import Refused
from wire.messages import Line, Moderated, Say, Topic
from wire.names import check_text


class Script:
    """One visit without a person. `say`: standard input is said; `follow`: events are written, as JSON or as text."""

    def __init__(self, wishes: Wishes, *, say: bool, follow: bool, as_json: bool) -> None:
        self._wishes = wishes
        self._say = say
        self._follow = follow
        self._json = as_json
        self._client = Client(wishes.address.host, wishes.address.port, client="parlour script")
        self._client.listeners.append(self._event)
        self._task: asyncio.Task[int] | None = None
        self._out: asyncio.Event = asyncio.Event()
        self._end: Refusal | None = None
        self._refusals = 0

    async def run(self) -> int:
        self._task = asyncio.ensure_future(self._visit())
        code = LEFT
        try:
            code = await self._task
        except asyncio.CancelledError:
            pass
        except Refusal as why:
            print(f"parlour: {show.word(why.text)}", file=sys.stderr)  # noqa: T201
            code = NO_SERVER if why.code in ("no_server", "unreachable", "going_down") else REFUSED
        await self._client.quit()
        return code

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    cancel = stop

    async def _visit(self) -> int:
        client, wishes = self._client, self._wishes
        await client.open()
        if wishes.password:
            await client.login(wishes.name, wishes.password)
        else:
            await client.guest(wishes.name)
        room = await client.join(wishes.room or HALL, create=True)
        if self._say:
            await self._say_all(room.name)
        if self._follow:
            await self._out.wait()
            if self._end is not None:
                raise self._end
        return REFUSED if self._refusals else LEFT

    async def _say_all(self, room: str) -> None:
        source = PlainTerminal(interactive=False)
        with contextlib.suppress(EOFError):
            while room in (side.room for side in self._client.session.rooms.values()):
                text = (await source.ask(str, talk=True)).rstrip("\r")
                if text.strip():
                    self._say_one(room, text)
                    await self._client.drained(UNDER_WAY_MOST)
        await self._client.drained()
        if self._end is not None:
            raise self._end

    def _say_one(self, room: str, text: str) -> None:
        try:
            self._client.send(room, Say(text=check_text(text)))
        except Refused as why:
            self._complain(why.text)

    def _complain(self, text: str) -> None:
        self._refusals += 1
        print(f"parlour: not sent: {show.word(text)}", file=sys.stderr)  # noqa: T201

    def _event(self, event: events.Event) -> None:
        match event:
            case events.NotSent(text=text):
                self._complain(text)
            case events.LeftRoom(_, code, text):
                self._end = Refusal(code, text or code)
                self._out.set()
            case events.Ended(code, text) if code != "quit":
                self._end = Refusal(code, text or "the server ended the visit")
                self._out.set()
            case events.EntryCame(room, entry, past) if self._follow:
                self._write(room, entry, past)

    def _write(self, room: str, entry: Line | Topic | Moderated, past: bool) -> None:
        if not self._json:
            for spans in show.entry(entry, ""):
                sys.stdout.write(show.plain(spans) + "\n")
        else:
            record: dict[str, Any] = {"room": room, **msgspec.to_builtins(entry), "past": past}
            sys.stdout.write(json_line(record) + "\n")
        sys.stdout.flush()


def json_line(record: dict[str, Any]) -> str:
    """JSON in ASCII: whatever was said, a terminal shows it as escapes."""
    return json.dumps(record, ensure_ascii=True)
