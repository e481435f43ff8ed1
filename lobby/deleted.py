"""Names of accounts that were deleted, which nobody else may take at once: a table of `lobby.sqlite3`.

Law: the user db alone says who has an account. Here is which names it had, so that a line that is gone is noticed
however it went: by a command, by hand, while the server ran or while it did not. A line that comes back counts at once.
"""

from typing import Final

from lobby.accounts import Accounts
from lobby.database import Database
from wire.names import fold

DAY: Final = 86_400_000  # ms
SCHEMA: Final = """
CREATE TABLE names (who TEXT PRIMARY KEY, gone INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX names_gone ON names (gone) WHERE gone > 0;
"""


class Deleted:
    """All times are epoch milliseconds; `gone` 0 is for an account that exists."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._taken = -1  # at which state of the accounts stock was taken last

    def look(self, accounts: Accounts, wall: int) -> None:
        """Take stock when others have changed the user db; costs nothing when they have not.

        Should the round fail, the next stock makes up for it.
        """
        if self._taken != accounts.absorbed:
            self.take_stock(accounts, wall)
            self._taken = accounts.absorbed

    def take_stock(self, accounts: Accounts, wall: int) -> None:
        """Which accounts came, and which went."""
        known: dict[str, int] = dict(self._db.read("SELECT who, gone FROM names").fetchall())
        for who in accounts.names():
            if known.get(who) != 0:
                self.came(who)
        for who, gone in known.items():
            if not gone and not accounts.taken(who):
                self._db.write("UPDATE names SET gone = ? WHERE who = ?", wall, who)

    def came(self, name: str) -> None:
        """There is an account of that name."""
        self._db.write("INSERT OR REPLACE INTO names VALUES (?, 0)", fold(name))

    def went(self, name: str, wall: int) -> None:
        """The account of that name was removed."""
        self._db.write("INSERT OR REPLACE INTO names VALUES (?, ?)", fold(name), wall)

    def free_from(self, name: str, days: int) -> int:
        """When a deleted name may be taken by anybody, 0 when it was none."""
        gone: int | None = self._db.one("SELECT gone FROM names WHERE who = ? AND gone > 0", fold(name))
        return 0 if gone is None else gone + days * DAY

    def tidy(self, wall: int, days: int) -> None:
        """Forget the names whose time is over."""
        due = self._db.read("SELECT who FROM names WHERE gone > 0 AND gone <= ?", wall - days * DAY).fetchall()
        for (who,) in due:
            self._db.write("DELETE FROM logins WHERE who = ?", who)
            self._db.write("DELETE FROM names WHERE who = ?", who)
