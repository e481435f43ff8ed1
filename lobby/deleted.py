"""The accounts as the lobby knew them last, and the names of those that were deleted: a table of `lobby.sqlite3`.

Law: the user db alone says who has an account. Here is which names it had, and a mark of each, so that a line that is
gone or changed is noticed however that came: by a command, by hand, while the server ran or while it did not. A name
that is gone is nobody else's at once; a line that comes back counts at once.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

from lobby.accounts import Account, Accounts
from lobby.database import Database
from lobby.userdb import marked
from wire.names import fold
from wire.tickets import TOKEN_SECONDS

DAY: Final = 86_400_000  # ms
SCHEMA: Final = """
CREATE TABLE names (who TEXT PRIMARY KEY, gone INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX names_gone ON names (gone) WHERE gone > 0;
"""
MARKS: Final = "ALTER TABLE names ADD COLUMN mark TEXT NOT NULL DEFAULT '';"
LOCKED: Final = "!"  # at the end of a mark


class Deleted:
    """All times are epoch milliseconds; `gone` 0 is for an account that exists."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._taken = -1  # at which state of the accounts stock was taken last

    def look(self, accounts: Accounts, wall: int) -> list[str]:
        """Take stock when others have changed the user db; costs nothing when they have not."""
        if self._taken == accounts.absorbed:
            return []
        self._taken = accounts.absorbed
        return self.take_stock(accounts, wall)

    def doubt(self) -> None:
        """What the last stock wrote was not stored: the next look takes it again."""
        self._taken = -1

    def take_stock(self, accounts: Accounts, wall: int) -> list[str]:
        """Which accounts came, and which went. The folded names of those that went, were locked, or have another secret
        or other roles than they had, so that what they were given before is void."""
        known = {who: (gone, mark) for who, gone, mark in self._db.read("SELECT who, gone, mark FROM names")}
        ours = {fold(account.name) for account in accounts.staged}  # which `know` writes down when they are stored
        changed = []
        for account in accounts:
            who, now = fold(account.name), _mark(account)
            if who in ours:
                continue
            gone, before = known.get(who, (0, ""))
            if gone or before != now:
                self._know(who, now)
            if known and who not in known and self._was_a_guests(who):
                changed.append(who)
            if not gone and _is_other(before, now):
                changed.append(who)
        for who, (gone, _) in known.items():
            if not gone and not accounts.taken(who):
                self.went(who, wall)
                changed.append(who)
        return changed

    def _was_a_guests(self, who: str) -> bool:
        """Whether a guest had the name of a new account lately, and may have a way back into rooms under it."""
        return self._db.write("DELETE FROM logins WHERE who = ?", who).rowcount > 0

    def know(self, accounts: Iterable[Account]) -> None:
        """These the lobby adds or changes itself, in this round."""
        for account in accounts:
            self._know(fold(account.name), _mark(account))

    def _know(self, who: str, mark: str) -> None:
        self._db.write("INSERT OR REPLACE INTO names (who, gone, mark) VALUES (?, 0, ?)", who, mark)

    def went(self, name: str, wall: int) -> None:
        """The account of that name was removed."""
        self._db.write("INSERT OR REPLACE INTO names (who, gone) VALUES (?, ?)", fold(name), wall)

    def free_from(self, name: str, days: int) -> int:
        """When a deleted name may be taken by anybody, 0 when it was none."""
        gone: int | None = self._db.one("SELECT gone FROM names WHERE who = ? AND gone > 0", fold(name))
        return 0 if gone is None else gone + days * DAY

    def tidy(self, wall: int, days: int) -> None:
        """Forget the names whose time is over, and guests whose tokens are."""
        guests = "max(at, seen) <= ? AND who NOT IN (SELECT who FROM names)"
        self._db.write(f"DELETE FROM logins WHERE {guests}", wall - TOKEN_SECONDS * 1_000)  # noqa: S608 - ours
        due = self._db.read("SELECT who FROM names WHERE gone > 0 AND gone <= ?", wall - days * DAY).fetchall()
        for (who,) in due:
            self._db.write("DELETE FROM logins WHERE who = ?", who)
            self._db.write("DELETE FROM names WHERE who = ?", who)


def _mark(account: Account) -> str:
    """What tells that an account is what it was, with nothing in it of a password in clear."""
    told = " ".join((marked(account.secret), *account.roles))
    return hashlib.sha256(told.encode()).hexdigest() + (LOCKED if "locked" in account.flags else "")


def _is_other(before: str, now: str) -> bool:
    """An account that is unlocked is not: nothing was given to it meanwhile. Of files of before there were marks
    nothing is known."""
    return bool(before) and now not in (before, before.removesuffix(LOCKED))
