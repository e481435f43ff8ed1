"""The audit log: what admins, and the operator at the shell, did to the server; in `lobby.sqlite3`.

Law: an act is written in the round that does it, so that neither is there without the other; it is never changed or
removed. What a room's own operators do there is in the room's log, which all its members see.
"""

from collections.abc import Iterator
from typing import Final

from lobby.database import Database
from wire.messages import AuditRow

OPERATOR: Final = "the operator"  # at the shell; no account's name has a space
SCHEMA: Final = """
CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, by TEXT NOT NULL, what TEXT NOT NULL,
    target TEXT NOT NULL, text TEXT NOT NULL);
"""


class Audit:
    def __init__(self, db: Database) -> None:
        self._db = db

    def note(self, at: int, by: str, what: str, target: str = "", text: str = "") -> None:
        """`by` did `what` to `target` (a room, an account, or all when it is empty) at `at`, epoch ms."""
        self._db.write(
            "INSERT INTO audit (at, by, what, target, text) VALUES (?, ?, ?, ?, ?)", at, by, what, target, text
        )

    def before(self, number: int | None) -> Iterator[AuditRow]:
        """The newest acts first; those before `number`."""
        rows = self._db.read(
            "SELECT number, at, by, what, target, text FROM audit WHERE number < ? ORDER BY number DESC",
            2**62 if number is None else number,
        )
        for number_, at, by, what, target, text in rows:
            yield AuditRow(number=number_, at=at, by=by, what=what, target=target, text=text)
