"""Looking into a mailbox: pages of folders, threads and searches, whole mails, counts. Statements over `mail.sqlite3`.

Law: nothing here writes, and nobody is shown what they have no copy of. What a person types into a search reaches the
query as quoted words only, and the index is asked for mails with the asker's name in them, so that a search costs by
one's own mail and not by everybody's.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote as quote_path

from msgspec import UNSET

from base.words import quote
from wire.errors import Refused
from wire.messages import FolderRow, Mail, MailRow
from wire.names import fold

EVERYONE: Final = "everyone"  # the recipient of a mail to all; no account's name, it is reserved
FOLDERS: Final = ("inbox", "sent", "drafts", "archive", "trash")
OWN: Final = ("sent", "drafts")  # folders of what one wrote: their rows say to whom
NAMED: Final = 10  # recipients in a row
NEWEST: Final = 2**63 - 1
_ROW: Final = "c.mail, sender, recipients, subject, at, read, starred, folder, home, thread"
_WHOLE: Final = "c.mail, sender, recipients, subject, body, at, read, answers, folder, starred, thread"
_FROM: Final = "FROM copies c JOIN mails USING (mail)"
# Later in the same thread and folder: of those, a list of threads shows the last.
_LATER: Final = (
    "SELECT 1 FROM copies n INDEXED BY copies_by_thread"
    " WHERE n.owner = c.owner AND n.thread = c.thread AND n.mail > c.mail AND n.folder = c.folder"
)
_IN_THREAD: Final = (
    "FROM copies n INDEXED BY copies_by_thread WHERE n.owner = c.owner AND n.thread = c.thread AND (n.folder = c.folder"
    " OR (n.folder NOT IN ('drafts', 'trash') AND c.folder NOT IN ('drafts', 'trash')))"
)

Read = Callable[..., sqlite3.Cursor]


def page(
    read: Read,
    owner: str,
    before: int | None,
    limit: int,
    *,
    folder: str = "",
    starred: bool = False,
    thread: int | None = None,
    threads: bool = False,
) -> tuple[list[MailRow], bool]:
    """The newest mails, or the newest before a number, and whether there are older ones. `folder` empty: all but the
    trash. `threads`: of each thread the newest mail, with how many there are, and read when all of them are."""
    where = ["owner = ?", "c.mail < ?", "folder = ?" if folder else "folder <> 'trash'"]
    values: list[Any] = [fold(owner), NEWEST if before is None else before, *([folder] if folder else [])]
    if starred:
        where.append("starred")
    if thread is not None:
        where.append("c.thread = ?")
        values.append(thread)
    if threads:
        where.append(f"NOT EXISTS ({_LATER})")
    counts = f"(SELECT count(*) {_IN_THREAD}), (SELECT min(read) {_IN_THREAD})" if threads else "0, read"
    rows = read(
        f"SELECT {_ROW}, {counts} {_FROM} WHERE {' AND '.join(where)} ORDER BY c.mail DESC LIMIT ?",
        *(*values, limit + 1),
    ).fetchall()
    return [row(found) for found in rows[:limit]], len(rows) > limit


def search(
    read: Read, owner: str, text: str, before: int | None, limit: int, folder: str = ""
) -> tuple[list[MailRow], bool]:
    """As `page`, of mails that hold every word of `text`, wherever in them."""
    words = quote(text)
    if not words:
        return [], False
    name = fold(owner).replace('"', "")
    query = f'{{sender recipients keeper}} : ("{name}" OR "{EVERYONE}") AND ({words})'
    where, values = ("folder = ?", [folder]) if folder else ("folder <> 'trash'", [])
    rows = read(
        f"SELECT {_ROW}, 0, read {_FROM} WHERE owner = ? AND c.mail < ? AND {where} AND c.mail IN"  # noqa: S608
        " (SELECT rowid FROM words WHERE words MATCH ?) ORDER BY c.mail DESC LIMIT ?",
        *(fold(owner), NEWEST if before is None else before, *values, query, limit + 1),
    ).fetchall()
    return [row(found) for found in rows[:limit]], len(rows) > limit


def row(found: tuple[Any, ...]) -> MailRow:
    number, sender, recipients, subject, at, _, starred, folder, home, thread, mails, read = found
    return MailRow(
        mail=number,
        sender=sender,
        subject=subject,
        at=at,
        read=bool(read),
        folder=folder,
        to=json.loads(recipients)[:NAMED] if home in OWN else UNSET,
        starred=True if starred else UNSET,
        thread=thread,
        mails=mails if mails > 1 else UNSET,
    )


def whole(read: Read, owner: str, number: int) -> Mail:
    """A mail with its text. Raises Refused(no_such_mail)."""
    found = read(f"SELECT {_WHOLE} {_FROM} WHERE owner = ? AND c.mail = ?", fold(owner), number).fetchone()
    if found is None:
        raise no_such(number)
    return _mail(found)


def export(read: Read, owner: str, after: int = 0, limit: int = -1) -> list[Mail]:
    """Mails with their texts in all folders, oldest first, those after a number."""
    return [
        _mail(found)
        for found in read(
            f"SELECT {_WHOLE} {_FROM} WHERE owner = ? AND c.mail > ? ORDER BY c.mail LIMIT ?",
            *(fold(owner), after, limit),
        )
    ]


def every(read: Read, owner: str, at_once: int = 200) -> Iterator[Mail]:
    """All mails of somebody with their texts, oldest first, a page at a time."""
    after = 0
    while mails := export(read, owner, after, at_once):
        yield from mails
        after = mails[-1].mail


def folders(read: Read, owner: str) -> list[FolderRow]:
    """Every folder with its counts, in the order people know."""
    rows = read("SELECT folder, mails, unread, bytes FROM folders WHERE owner = ?", fold(owner)).fetchall()
    known = {name: (mails, unread, size) for name, mails, unread, size in rows}
    return [
        FolderRow(folder=name, mails=mails, unread=unread, bytes=size)
        for name in FOLDERS
        for mails, unread, size in [known.get(name, (0, 0, 0))]
    ]


def no_such(number: int) -> Refused:
    return Refused("no_such_mail", f"there is no mail {number} in your mailbox")


def _mail(found: tuple[Any, ...]) -> Mail:
    number, sender, recipients, subject, body, at, read, answers, folder, starred, thread = found
    return Mail(
        mail=number,
        sender=sender,
        to=json.loads(recipients),
        subject=subject,
        body=body,
        at=at,
        read=bool(read),
        answers=UNSET if answers is None else answers,
        folder=folder,
        starred=True if starred else UNSET,
        thread=thread,
    )


class Reader:
    """`mail.sqlite3` open for reading alone: for searches in a thread beside the loop, and for the operator's shell."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None

    def read(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Raises sqlite3.Error."""
        if self._db is None:
            uri = f"file:{quote_path(str(self._path))}?mode=ro"
            self._db = sqlite3.connect(uri, uri=True, check_same_thread=False)
        return self._db.execute(sql, values)

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
