"""The inboxes: mail in `mail.sqlite3`, one row a mail and one a recipient.

Law: a mail is committed before it is acknowledged, and one sent again under its stream and id is stored once.
Owners are kept folded. Counts are kept by triggers, so that an inbox of ten thousand costs no more than one of ten.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec import UNSET

from base.sqlite import Durability
from lobby.database import Database
from lobby.directs import SCHEMA as DIRECTS
from lobby.directs import Directs
from wire.errors import Refused
from wire.messages import Mail, MailRow
from wire.names import fold

# Folders, threads and a sender's copies are to come as further steps: columns of `copies` and `mails`.
_STEPS: Final = (
    """
CREATE TABLE mails (
    mail INTEGER PRIMARY KEY AUTOINCREMENT, sender TEXT NOT NULL, recipients TEXT NOT NULL, subject TEXT NOT NULL,
    body TEXT NOT NULL, at INTEGER NOT NULL, answers INTEGER);
CREATE TABLE copies (
    owner TEXT NOT NULL, mail INTEGER NOT NULL REFERENCES mails (mail), read INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (owner, mail)) WITHOUT ROWID;
CREATE INDEX copies_by_mail ON copies (mail);
CREATE TABLE inboxes (owner TEXT PRIMARY KEY, mails INTEGER NOT NULL, unread INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE sent (
    sender TEXT NOT NULL, stream TEXT NOT NULL, id TEXT NOT NULL, mail INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (sender, stream, id)) WITHOUT ROWID;
CREATE INDEX sent_by_time ON sent (at);
CREATE TRIGGER came AFTER INSERT ON copies BEGIN INSERT INTO inboxes VALUES (new.owner, 1, 1 - new.read)
    ON CONFLICT DO UPDATE SET mails = mails + 1, unread = unread + 1 - new.read; END;
CREATE TRIGGER went AFTER DELETE ON copies BEGIN
    UPDATE inboxes SET mails = mails - 1, unread = unread - 1 + old.read WHERE owner = old.owner; END;
CREATE TRIGGER was_read AFTER UPDATE OF read ON copies BEGIN
    UPDATE inboxes SET unread = unread + old.read - new.read WHERE owner = new.owner; END;
""",
    DIRECTS,
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that is stored. `fresh`: not one that was sent before and came again. `recipients`: once each."""

    mail: int
    fresh: bool
    recipients: list[str]


class Mailbox:
    """All inboxes of the server. Times are epoch milliseconds."""

    def __init__(self, path: Path, durability: Durability) -> None:
        self._db = Database(path, durability, _STEPS)
        self.directs = Directs(self._db)  # in the same file, and so in the same commit
        self.commit = self._db.commit
        self.rollback = self._db.rollback
        self.checkpoint = self._db.checkpoint
        self.close = self._db.close

    @property
    def dirty(self) -> bool:
        return self._db.dirty

    def send(
        self,
        *,
        sender: str,
        stream: str | None,
        id: str | None,  # noqa: A002 - its name on the wire
        to: Iterable[str],
        subject: str,
        body: str,
        at: int,
        answers: int | None = None,
        wall: int,
        window_s: float,
    ) -> Sent:
        """Store one mail for the people in `to`, whose names the caller has looked up."""
        keyed = stream is not None and id is not None
        if keyed:
            self._forget(wall - int(window_s * 1000))
            before = self._db.read(
                "SELECT mail, recipients FROM sent LEFT JOIN mails USING (mail)"
                " WHERE sent.sender = ? AND stream = ? AND id = ?",
                *(fold(sender), stream, id),
            ).fetchone()
            if before is not None:
                return Sent(before[0], fresh=False, recipients=json.loads(before[1] or "[]"))
        owners = {fold(name): name for name in to}
        mail = self._db.write(
            "INSERT INTO mails (sender, recipients, subject, body, at, answers) VALUES (?, ?, ?, ?, ?, ?)",
            *(sender, json.dumps(list(owners.values())), subject, body, at, answers),
        ).lastrowid
        assert mail is not None
        for owner in owners:
            self._db.write("INSERT INTO copies (owner, mail) VALUES (?, ?)", owner, mail)
        if keyed:
            self._db.write("INSERT INTO sent VALUES (?, ?, ?, ?, ?)", fold(sender), stream, id, mail, wall)
        return Sent(mail, fresh=True, recipients=list(owners.values()))

    def page(self, owner: str, before: int | None, limit: int) -> tuple[list[MailRow], bool]:
        """The newest mails, or the newest before a number, and whether there are older ones."""
        rows = self._db.read(
            "SELECT mail, sender, subject, at, read FROM copies JOIN mails USING (mail)"
            " WHERE owner = ? AND mail < ? ORDER BY mail DESC LIMIT ?",
            *(fold(owner), 2**63 - 1 if before is None else before, limit + 1),
        ).fetchall()
        mails = [
            MailRow(mail=mail, sender=sender, subject=subject, at=at, read=bool(read))
            for mail, sender, subject, at, read in rows[:limit]
        ]
        return mails, len(rows) > limit

    def read(self, owner: str, mail: int) -> Mail:
        """The whole mail, which is read from now on. Raises Refused(no_such_mail)."""
        row = self._db.read(
            "SELECT sender, recipients, subject, body, at, answers FROM copies JOIN mails USING (mail)"
            " WHERE owner = ? AND mail = ?",
            *(fold(owner), mail),
        ).fetchone()
        if row is None:
            raise _no_such(mail)
        self.mark(owner, mail, read=True)
        sender, recipients, subject, body, at, answers = row
        return Mail(
            mail=mail,
            sender=sender,
            to=json.loads(recipients),
            subject=subject,
            body=body,
            at=at,
            read=True,
            answers=UNSET if answers is None else answers,
        )

    def mark(self, owner: str, mail: int, read: bool) -> None:
        """Raises Refused(no_such_mail)."""
        was = self._db.one("SELECT read FROM copies WHERE owner = ? AND mail = ?", fold(owner), mail)
        if was is None:
            raise _no_such(mail)
        if bool(was) != read:
            self._db.write("UPDATE copies SET read = ? WHERE owner = ? AND mail = ?", read, fold(owner), mail)

    def delete(self, owner: str, mail: int) -> None:
        """Take it out of this inbox; the text goes with its last copy. Raises Refused(no_such_mail)."""
        if self._db.one("SELECT 1 FROM copies WHERE owner = ? AND mail = ?", fold(owner), mail) is None:
            raise _no_such(mail)
        self._db.write("DELETE FROM copies WHERE owner = ? AND mail = ?", fold(owner), mail)
        self._db.write("DELETE FROM mails WHERE mail = ?1 AND NOT EXISTS (SELECT 1 FROM copies WHERE mail = ?1)", mail)

    def empty(self, owner: str) -> None:
        """Take all mails out of this inbox: the name is somebody else's from now on."""
        key = fold(owner)
        mails = [mail for (mail,) in self._db.read("SELECT mail FROM copies WHERE owner = ?", key)]
        for mail in mails:
            self.delete(key, mail)

    def unread(self, owner: str) -> int:
        return self._db.one("SELECT unread FROM inboxes WHERE owner = ?", fold(owner)) or 0

    def count(self, owner: str) -> int:
        """How many mails the inbox holds."""
        return self._db.one("SELECT mails FROM inboxes WHERE owner = ?", fold(owner)) or 0

    def _forget(self, before: int) -> None:
        """Drop the keys of mails sent before that time: a mail sent again now is a new one."""
        if self._db.one("SELECT 1 FROM sent WHERE at < ? LIMIT 1", before):
            self._db.write("DELETE FROM sent WHERE at < ?", before)


def _no_such(mail: int) -> Refused:
    return Refused("no_such_mail", f"there is no mail {mail} in your inbox")
