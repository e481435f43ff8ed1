"""What one does with one's account, in windows: sessions, block list, spelling of the name, all one's data, the end."""

import os
from collections.abc import Awaitable, Callable
from typing import Final

from textual.app import App

from client import show, tables
from client.accountverbs import SESSION_HEADS, session_cells
from client.answers import Refusal
from client.exporting import export
from client.screens.dialogs import Ask, Choose, Confirm
from client.visit import Visit
from wire.messages import Block, DeleteAccount, EndSession, Respell, Sessions, SessionsPage
from wire.names import fold

SESSIONS: Final = 100
EACH: Final = 100  # entries of an export, after which it is told how far it has come
GONE: Final = "Login and mail are deleted for good; what you said stays; rooms of yours go on without an owner."


class OwnAccount:
    """Each verb is a button of the account's page; what came of it is told there."""

    def __init__(self, app: App[None], visit: Visit, tell: Callable[[str], None]) -> None:
        self._app = app
        self._visit = visit
        self._client = visit.client
        self._tell = tell

    async def do(self, verb: str) -> None:
        act: Callable[[], Awaitable[None]] = getattr(self, f"_{verb}")
        try:
            await act()
        except Refusal as why:
            self._tell(why.text)

    async def _sessions(self) -> None:
        page: SessionsPage = await self._client.ask(Sessions(limit=SESSIONS))
        heads, _, *rows = tables.lines([session_cells(row)[1:] for row in page.sessions], SESSION_HEADS[1:])
        choices = [(str(row.session), shown) for row, shown in zip(page.sessions, rows, strict=True)]
        choices.append(("others", "End all others"))
        title = "Where you are logged in: Enter ends one"
        chosen = await self._app.push_screen_wait(Choose(title, choices, heads=heads))
        if chosen is None:
            return
        if any(row.here and str(row.session) == chosen for row in page.sessions):
            self._tell("That is this one: Ctrl+Q leaves it.")
            return
        await self._client.ask(EndSession() if chosen == "others" else EndSession(session=int(chosen)))
        self._tell("All your other sessions have ended." if chosen == "others" else "That session has ended.")

    async def _blocks(self) -> None:
        names = sorted(self._client.session.lobby.blocked, key=fold)
        choices = [("", "Block somebody …"), *((name, f"Take {show.word(name)} off") for name in names)]
        chosen = await self._app.push_screen_wait(Choose("Whom you have blocked", choices))
        if chosen is None:
            return
        name: str | None = chosen
        if not chosen:
            name = await self._app.push_screen_wait(Ask("Whom do you block?", "A name"))
        if name:
            await self._client.ask(Block(name=name, remove=bool(chosen)))
            self._tell(f"{show.word(name)} is {'off your list' if chosen else 'blocked'}.")

    async def _spelling(self) -> None:
        name = await self._app.push_screen_wait(Ask("Your name in other capitals", value=self._visit.me))
        if name:
            await self._client.ask(Respell(name=name))
            self._tell(f"You are {show.word(name)}.")

    async def _save(self) -> None:
        path = await self._app.push_screen_wait(Ask("File for all that is here of you", "such as ~/parlour.jsonl"))
        if not path:
            return
        try:
            number = await export(self._client, os.path.expanduser(path), self._so_far)
        except OSError as why:
            self._tell(f"{path}: {why.strerror}")
            return
        self._tell(f"{show.count(number, 'entry', 'entries')} in {path}.")

    def _so_far(self, number: int) -> None:
        if number % EACH == 0:
            self._tell(f"{number:,} entries so far …")

    async def _delete(self) -> None:
        if not await self._app.push_screen_wait(
            Confirm(f"Delete the account {show.word(self._visit.me)}? {GONE}", "Delete")
        ):
            return
        password = await self._app.push_screen_wait(Ask("Your password, to delete it", secret=True))
        if password:
            await self._client.ask(DeleteAccount(password=password))
