"""Commands about accounts: one's sessions, block list, capitals and data; for admins those of others.

Law: the dialogs of the menu say the same requests with the same words as these commands.
"""

import os
from typing import Final

from client import show
from client.commands import Command
from client.exporting import export
from client.mode import Mode
from wire.errors import Refused
from wire.messages import (
    AdminUser,
    AdminUserRow,
    Block,
    Blocked,
    Code,
    EndSession,
    Respell,
    Respelled,
    SessionRow,
    Sessions,
    SessionsPage,
    UserDeed,
)
from wire.names import check_name, fold

ACCOUNTS: Final = 100  # rows of a list; a word finds the others
SESSION_HEADS: Final = ("number", "program", "from", "logged in", "last used")
DEEDS: Final[dict[str, tuple[UserDeed, str]]] = {
    "lock": ("lock", "is locked, and logged out"),
    "unlock": ("unlock", "may log in again"),
    "role": ("role", "has another role, and logs in again"),
    "logout": ("log_out", "is logged out everywhere"),
    "code": ("code", ""),
    "delete": ("delete", "is deleted; the name is kept from others for a while"),
}


class AccountVerbs:
    def __init__(self, mode: Mode) -> None:
        self._mode = mode
        self._client = mode.client
        self._teller = mode.teller

    # -- sessions

    async def do_sessions(self, command: Command) -> None:
        end, number = [*command.args, "", ""][:2]
        if not end:
            await self.show_sessions()
        elif end == "end" and number == "others":
            await self._client.ask(EndSession())
            self._teller.say("-- all your other sessions have ended, in rooms too", "good")
        elif end == "end" and number.isdigit() and len(number) < 16:
            await self._client.ask(EndSession(session=int(number)))
            self._teller.say(f"-- session {number} has ended, in rooms too", "good")
        else:
            raise Refused("bad_text", "write it like this: /sessions, /sessions end NUMBER, /sessions end others")

    async def show_sessions(self) -> list[SessionRow]:
        page: SessionsPage = await self._client.ask(Sessions(limit=ACCOUNTS))
        self._mode.table([session_cells(row) for row in page.sessions], SESSION_HEADS)
        self._teller.say("-- /sessions end NUMBER ends one, /sessions end others all but this one")
        return page.sessions

    # -- the block list

    async def do_ignore(self, command: Command) -> None:
        for name in command.args:
            check_name(name)
            gone = fold(name) in self._teller.ignored
            answer: Blocked = await self._client.ask(Block(name=name, remove=gone))
            if gone:
                self._teller.say(f"-- {show.word(name)} is off your block list")
            else:
                self._teller.say(f"-- {show.word(name)} is blocked: you see nothing of them, and get nothing from them")
            del answer
        if not command.args:
            names = show.names(sorted(self._client.session.lobby.blocked, key=fold))
            self._teller.say(f"-- you have blocked: {names or 'nobody'}; /ignore NAME changes it")

    # -- one's name and data

    async def do_respell(self, command: Command) -> None:
        answer: Respelled = await self._client.ask(Respell(name=command.args[0]))
        self._teller.say(f"-- you are {show.word(answer.name)}", "good")

    async def do_export(self, command: Command) -> None:
        """All that is here of one, into a file that is not there yet."""
        path = os.path.expanduser(command.args[0])
        told = 0

        def so_far(number: int) -> None:
            nonlocal told
            if number >= told + 1_000:
                told = number
                self._teller.say(f"-- {number:,} so far …")

        try:
            number = await export(self._client, path, so_far)
        except FileExistsError:
            raise Refused("bad_text", f"{path} is there already: name another file") from None
        except OSError as why:
            raise Refused("storage", f"{path} cannot be written: {why.strerror}") from None
        self._teller.say(f"-- {show.count(number, 'entry', 'entries')} in {path}, JSON Lines", "good")

    # -- for admins: the accounts of others

    async def do_accounts(self, command: Command) -> None:
        page = await self._client.accounts(find="".join(command.args), limit=ACCOUNTS)
        self._mode.table([account_cells(row) for row in page.users], ["name", "roles", "state", "made", "last here"])
        more = ", of which these are the first" if page.more else ""
        self._teller.say(f"-- {show.count(page.count, 'account')}{more}; /account NAME {'|'.join(DEEDS)}")

    async def do_account(self, command: Command) -> None:
        name, word, role = [*command.args, ""][:3]
        if word not in DEEDS:
            raise Refused(
                "bad_text", f"write it like this: /account NAME {'|'.join(DEEDS)} (role: user|operator|admin)"
            )
        deed, became = DEEDS[word]
        answer = await self._client.ask(AdminUser(name=name, do=deed, role=role))
        if isinstance(answer, Code):
            self._teller.say(f"-- a one-time code for {show.word(answer.name)}: {show.word(answer.code)}", "good")
            until = show.stamp(answer.expires)
            self._teller.say(f"-- good once, until {until}, by 'I have a one-time code'; it is not shown again")
        else:
            self._teller.say(f"-- {show.word(name)} {became}", "good")


def session_cells(row: SessionRow) -> list[str]:
    """As SESSION_HEADS says."""
    begun = show.stamp(row.begun) if row.begun else "?"
    used = "now, here" if row.here else "now" if row.online else show.stamp(row.used) if row.used else "?"
    return [str(row.session), show.word(row.kind, 24) or "?", show.word(row.address, 40), begun, used]


def account_cells(row: AdminUserRow) -> list[str]:
    here = row.last_login if not isinstance(row.seen, int) else row.seen
    last = "online" if row.online else show.stamp(here) if isinstance(here, int) else "never"
    made = show.stamp(row.made)[:10] if isinstance(row.made, int) else ""
    roles = [role for role in row.roles if role != "user"] or ["user"]
    return [show.word(row.name, 32), show.word(", ".join(roles), 20), show.word(", ".join(row.flags), 20), made, last]
