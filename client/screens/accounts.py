"""Accounts in the admin's page: found by a word, and what can be done with one."""

from typing import Final

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from client import show
from client.accountverbs import account_cells
from client.answers import Refusal
from client.screens.dialogs import Choose, Confirm
from client.screens.field import Field
from client.screens.grid import Grid
from client.visit import Visit
from wire.messages import AdminUser, Code, UserDeed
from wire.names import fold

COLUMNS: Final = ("name", "roles", "state", "made", "last here")
PAGE: Final = 100
NEAR: Final = 10  # rows from the end at which more are fetched
ROLES: Final = ("user", "operator", "admin")
DEEDS: Final[dict[UserDeed, str]] = {
    "code": "A one-time code, for who forgot the password", "log_out": "End all sessions",
    "lock": "Lock: no login, and all sessions end", "unlock": "Unlock", "delete": "Delete the account",
}  # fmt: skip
CHOICES: Final = {str(deed): words for deed, words in DEEDS.items()} | {f"role {one}": f"Role: {one}" for one in ROLES}
SURE: Final = ("lock", "log_out", "delete")  # asked about before


class AdminAccounts(Vertical):
    def __init__(self, visit: Visit) -> None:
        super().__init__()
        self.visit = visit
        self._last = ""
        self._more = False

    def compose(self) -> ComposeResult:
        yield Field(
            placeholder="Part of a name, a role, locked or online; Enter finds", id="find-account", compact=True
        )
        yield Grid(id="account-table", cursor_type="row", zebra_stripes=False)
        yield Static("", classes="hint", id="accounts-told", markup=False)

    def on_mount(self) -> None:
        self.query_one(Grid).add_columns(*COLUMNS)

    def opened(self) -> None:
        self.query_one(Grid).focus()
        self._fetch(anew=True)

    @on(Input.Submitted)
    def _asked(self) -> None:
        self.opened()

    @on(Grid.RowHighlighted)
    def _highlighted(self, event: Grid.RowHighlighted) -> None:
        if self._more and event.cursor_row >= event.data_table.row_count - NEAR:
            self._fetch(anew=False)

    @work(exclusive=True, group="accounts")
    async def _fetch(self, *, anew: bool) -> None:
        find = self.query_one(Input).value.strip()
        try:
            page = await self.visit.client.accounts(find, "" if anew else self._last, PAGE)
        except Refusal as why:
            self.notify(show.word(why.text), severity="warning")
            return
        table = self.query_one(Grid)
        if anew:
            table.clear()
        for row in page.users:
            name, *rest = account_cells(row)
            table.add_row(Text(name, "bold"), *map(Text, rest), key=row.name)
        self._more, self._last = page.more, page.users[-1].name if page.users else self._last
        told = f" {show.count(page.count, 'account')}  ·  Enter: what can be done  ·  /: find"
        self.query_one("#accounts-told", Static).update(told)

    @on(Grid.RowSelected)
    @work
    async def _act(self, event: Grid.RowSelected) -> None:
        name = str(event.row_key.value)
        own = fold(name) == fold(self.visit.me)
        choices = [("code", DEEDS["code"])] if own else list(CHOICES.items())
        about = "Yours: what else is done to it, another admin does." if own else ""
        what = await self.app.push_screen_wait(Choose(show.word(name), choices, about))
        if what is None or (what in SURE and not await self._sure(what, name)):
            return
        deed, _, role = what.partition(" ")
        try:
            answer = await self.visit.client.ask(AdminUser(name=name, do=_deed(deed), role=role))
        except Refusal as why:
            self.notify(show.word(why.text), severity="error")
            return
        if isinstance(answer, Code):
            until = f"Once, until {show.stamp(answer.expires)}, by 'I have a one-time code'. It is not shown again."
            await self.app.push_screen_wait(
                Choose(f"{show.word(name)}: {show.word(answer.code)}", [("", "Done")], until)
            )
        else:
            self.notify(f"{show.word(name)}: done.")
        self._fetch(anew=True)

    async def _sure(self, what: str, name: str) -> bool:
        question = {"lock": "Lock", "log_out": "End all sessions of", "delete": "Delete"}[what]
        sure = await self.app.push_screen_wait(Confirm(f"{question} {show.word(name)}?", "Yes, do it"))
        return sure is True


def _deed(word: str) -> UserDeed:
    return "role" if word == "role" else next(deed for deed in DEEDS if deed == word)
