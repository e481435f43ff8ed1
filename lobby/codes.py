"""One-time codes that an operator hands over to who has forgotten a password: a table of `lobby.sqlite3`.

Law: a code is told once, when it is made, and stands hashed; it serves one account, once, until it expires. It has 80
random bits, so that a fast hash keeps it as well as a slow one.
"""

import hashlib
import hmac
import secrets
from typing import Final

from lobby.database import Database
from wire.names import fold

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that is read or heard as something else
GROUPS: Final = 4  # of four characters
ALIKE: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})
SCHEMA: Final = """
CREATE TABLE codes (who TEXT PRIMARY KEY, hash TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
"""


def new() -> str:
    """Such as 7KQ2-M9XD-01VT-HZ4C."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(GROUPS))


class Codes:
    """All times are epoch milliseconds."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def give(self, name: str, code: str, until: int) -> None:
        """`code` is the account's, instead of one that it may have."""
        self._db.write("INSERT OR REPLACE INTO codes VALUES (?, ?, ?)", fold(name), _hash(name, code), until)

    def right(self, name: str, code: str, wall: int) -> bool:
        """Whether `code`, however it was typed, is the account's."""
        kept = self._db.one("SELECT hash FROM codes WHERE who = ? AND until > ?", fold(name), wall)
        return hmac.compare_digest(kept or "", _hash(name, code)) and kept is not None

    def drop(self, name: str) -> None:
        """It was used, or the account is not what it was when it was made."""
        if self._db.one("SELECT 1 FROM codes WHERE who = ?", fold(name)):
            self._db.write("DELETE FROM codes WHERE who = ?", fold(name))

    def tidy(self, wall: int) -> None:
        self._db.write("DELETE FROM codes WHERE until <= ?", wall)


def _hash(name: str, code: str) -> str:
    plain = code.upper().translate(ALIKE)
    return hashlib.sha256(f"{fold(name)}:{plain}".encode("utf-8", "replace")).hexdigest()
