"""The mailboxes: mail in `mail.sqlite3`, one row a mail and one for each who has it, in folders.

Law: a mail is committed before it is acknowledged, and one sent again under its stream and id is stored once. Owners
are kept folded. The trash gives way to what comes: a mailbox holds what its quota says, and no more.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from base.sqlite import Durability
from lobby import mailpages
from lobby.database import Database
from lobby.directs import Directs
from lobby.mailpages import no_such
from lobby.mailschema import STEPS
from lobby.quota import Quota
from wire.errors import Refused
from wire.messages import FolderRow, Mail, MailRow
from wire.names import fold

PURGED: Final = 200  # mails removed for good in one round: some 20 ms


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that is stored. `fresh`: not one that was sent before and came again. `recipients`: once each."""

    mail: int
    fresh: bool
    recipients: list[str]


class Mailbox:
    """All mailboxes of the server. Times are epoch milliseconds."""

    def __init__(self, path: Path, durability: Durability) -> None:
        self.path = path
        self._db = Database(path, durability, STEPS)
        self.directs = Directs(self._db)  # in the same file, and so in the same commit
        self.commit = self._db.commit
        self.rollback = self._db.rollback
        self.checkpoint = self._db.checkpoint
        self.close = self._db.close

    @property
    def dirty(self) -> bool:
        return self._db.dirty

    @property
    def pending(self) -> int:
        return self._db.pending

    # -- what comes in

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
        everyone: bool = False,
        own_copy: bool = True,
    ) -> Sent:
        """Store one mail for the people in `to`, whose names the caller has looked up; with `everyone` none of them
        is named in it. Its sender has it in the folder sent, or in the inbox where it is to themselves; without
        `own_copy` they have no mailbox."""
        before = self.again(sender, stream, id, wall - int(window_s * 1000))
        if before is not None:
            return before
        owners = {fold(name): name for name in to}
        named = [mailpages.EVERYONE] if everyone else list(owners.values())
        mail = self._store(sender, named, subject, body, at, answers)
        thread = self._thread(sender, answers) or mail
        size = weight(subject, body)
        for owner in owners:
            self._copy(owner, mail, thread, size, "inbox", read=False, since=wall)
        if own_copy and fold(sender) not in owners:
            self._copy(fold(sender), mail, thread, size, "sent", read=True, since=wall)
        self._remember(sender, stream, id, mail, wall)
        return Sent(mail, fresh=True, recipients=list(owners.values()))

    def draft(
        self,
        *,
        owner: str,
        stream: str | None,
        id: str | None,  # noqa: A002
        to: list[str],
        subject: str,
        body: str,
        answers: int | None,
        mail: int | None,
        wall: int,
        window_s: float,
    ) -> int:
        """Keep what is not sent yet, in the place of an earlier draft where its number is given. Raises
        Refused(no_such_mail) when that is no draft any more."""
        before = self.again(owner, stream, id, wall - int(window_s * 1000))
        if before is not None:
            return before.mail
        size, thread = weight(subject, body), self._thread(owner, answers)
        if mail is None:
            mail = self._store(owner, to, subject, body, wall, answers)
            self._copy(fold(owner), mail, thread or mail, size, "drafts", read=True, since=wall)
            self._remember(owner, stream, id, mail, wall)
            return mail
        if self._folder(owner, mail) != "drafts":
            raise no_such(mail)
        self._db.write(
            "UPDATE mails SET recipients = ?, subject = ?, body = ?, at = ?, answers = ? WHERE mail = ?",
            *(json.dumps(to), subject, body, wall, answers, mail),
        )
        self._set(owner, mail, "size = ?, thread = ?", size, thread or mail)
        return mail

    def keep(
        self,
        *,
        owner: str,
        sender: str,
        to: list[str],
        subject: str,
        body: str,
        at: int,
        wall: int,
        answers: int | None = None,
        folder: str = "inbox",
        read: bool = True,
        starred: bool = False,
    ) -> tuple[int, bool]:
        """Put a mail from elsewhere into somebody's mailbox; its number, and whether it was not there already."""
        known = self._db.one(
            "SELECT mail FROM mails JOIN copies USING (mail)"
            " WHERE at = ? AND owner = ? AND sender = ? AND subject = ? AND body = ?",
            *(at, fold(owner), sender, subject, body),
        )
        if known is not None:
            return int(known), False
        mail = self._store(sender, to, subject, body, at, answers, keeper=owner)
        thread = self._thread(owner, answers) or mail
        home = folder if folder in ("sent", "drafts") else "sent" if fold(sender) == fold(owner) else "inbox"
        size = weight(subject, body)
        self._copy(fold(owner), mail, thread, size, folder, read=read, since=wall, home=home, starred=starred)
        return mail, True

    # -- looking

    def page(
        self,
        owner: str,
        before: int | None,
        limit: int,
        *,
        folder: str = "inbox",
        starred: bool = False,
        thread: int | None = None,
        threads: bool = False,
    ) -> tuple[list[MailRow], bool]:
        """The newest mails, or the newest before a number, and whether there are older ones."""
        return mailpages.page(
            self._db.read, owner, before, limit, folder=folder, starred=starred, thread=thread, threads=threads
        )

    def read(self, owner: str, mail: int) -> Mail:
        """The whole mail, which is read from now on. Raises Refused(no_such_mail)."""
        found = mailpages.whole(self._db.read, owner, mail)
        self.mark(owner, mail, read=True)
        found.read = True
        return found

    def export(self, owner: str, after: int, limit: int) -> list[Mail]:
        """Mails whole, in all folders, oldest first, those after a number."""
        return mailpages.export(self._db.read, owner, after, limit)

    def every(self, owner: str) -> Iterator[Mail]:
        """All mails of somebody, whole, oldest first."""
        return mailpages.every(self._db.read, owner)

    def state(self, owner: str, mail: int) -> tuple[str, bool, bool] | None:
        """The folder of a mail, whether it is read, and whether it is starred; None when it is gone."""
        found = self._db.read(
            "SELECT folder, read, starred FROM copies WHERE owner = ? AND mail = ?", fold(owner), mail
        ).fetchone()
        return None if found is None else (found[0], bool(found[1]), bool(found[2]))

    def folders(self, owner: str) -> list[FolderRow]:
        return mailpages.folders(self._db.read, owner)

    def unread(self, owner: str) -> int:
        """Of the inbox: what waits in other folders was put there."""
        found = self._db.one("SELECT unread FROM folders WHERE owner = ? AND folder = 'inbox'", fold(owner))
        return found or 0

    def count(self, owner: str) -> int:
        """How many mails somebody has, in all folders."""
        return self._db.one("SELECT sum(mails) FROM folders WHERE owner = ?", fold(owner)) or 0

    # -- changing

    def mark(self, owner: str, mail: int, *, read: bool | None = None, starred: bool | None = None) -> None:
        """Raises Refused(no_such_mail)."""
        was = self._db.read("SELECT read, starred FROM copies WHERE owner = ? AND mail = ?", fold(owner), mail)
        if (found := was.fetchone()) is None:
            raise no_such(mail)
        if read is not None and bool(found[0]) != read:
            self._set(owner, mail, "read = ?", read)
        if starred is not None and bool(found[1]) != starred:
            self._set(owner, mail, "starred = ?", starred)

    def move(self, owner: str, mail: int, folder: str | None, wall: int) -> str:
        """Into the archive, the trash or the folder it is of; without a folder to where it was before. The folder it
        is in then. Raises Refused(no_such_mail, not_allowed)."""
        found = self._db.read(
            "SELECT folder, home, was FROM copies WHERE owner = ? AND mail = ?", fold(owner), mail
        ).fetchone()
        if found is None:
            raise no_such(mail)
        there, home, was = found
        to = folder or (was if there == "trash" else home)
        if to not in ("trash", home) and (to != "archive" or home == "drafts"):
            raise Refused("not_allowed", f"this mail is of the folder {home}: it cannot be moved to {to}")
        if to != there:
            self._set(owner, mail, "folder = ?, was = ?, since = ?", to, there if to == "trash" else to, wall)
        return to

    def delete(self, owner: str, mail: int, wall: int = 0) -> bool:
        """Into the trash, and from there for good; True when it is gone. Raises Refused(no_such_mail)."""
        if self._folder(owner, mail) != "trash":
            self.move(owner, mail, "trash", wall)
            return False
        self.remove(owner, mail)
        return True

    def remove(self, owner: str, mail: int) -> None:
        """For good, from whichever folder; the text goes with its last copy."""
        self._db.write("DELETE FROM copies WHERE owner = ? AND mail = ?", fold(owner), mail)
        self._bury(mail)

    def empty_trash(self, owner: str) -> int:
        """How many that were; their texts are removed by and by."""
        return self._db.write("DELETE FROM copies WHERE owner = ? AND folder = 'trash'", fold(owner)).rowcount

    def empty(self, owner: str) -> None:
        """All mails in all folders: the name is somebody else's from now on, or nobody's."""
        if self.count(owner):
            self._db.write("DELETE FROM copies WHERE owner = ?", fold(owner))

    def tidy(self, wall: int, trash_days: int) -> bool:
        """Remove for good what was deleted long ago, and the texts that nobody has any more, some at a time; True
        when there may be more. `trash_days` 0: the trash is kept."""
        due = self._db.read(
            "SELECT owner, mail FROM copies WHERE folder = 'trash' AND since <= ? LIMIT ?",
            *(wall - trash_days * 86_400_000, PURGED if trash_days else 0),
        ).fetchall()
        for owner, mail in due:
            self.remove(owner, mail)
        orphans = self._db.read("SELECT mail FROM orphans LIMIT ?", PURGED).fetchall()
        for (mail,) in orphans:
            self._bury(mail)
        return max(len(due), len(orphans)) == PURGED

    def give_way(self, owner: str, size: int, quota: Quota) -> None:
        """Make place for one more mail: the oldest in the trash go for good."""
        while not quota.holds(self.folders(owner), size):
            oldest = self._db.one(
                "SELECT mail FROM copies WHERE owner = ? AND folder = 'trash' ORDER BY mail LIMIT 1", fold(owner)
            )
            if oldest is None:
                return
            self.remove(owner, oldest)

    # -- steps

    def _store(
        self, sender: str, to: list[str], subject: str, body: str, at: int, answers: int | None, keeper: str = ""
    ) -> int:
        mail = self._db.write(
            "INSERT INTO mails (sender, recipients, subject, body, at, answers, keeper) VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(sender, json.dumps(to, ensure_ascii=False), subject, body, at, answers, keeper),
        ).lastrowid
        assert mail is not None
        return mail

    def _copy(
        self,
        owner: str,
        mail: int,
        thread: int,
        size: int,
        folder: str,
        *,
        read: bool,
        since: int,
        home: str = "",
        starred: bool = False,
    ) -> None:
        self._db.write(
            "INSERT INTO copies (owner, mail, read, folder, home, was, since, starred, thread, size)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(owner, mail, read, folder, home or folder, home or folder, since, starred, thread, size),
        )

    def _thread(self, who: str, answers: int | None) -> int | None:
        """The thread of the mail that is answered, where `who` has it: nobody joins another's thread by its number."""
        if answers is None:
            return None
        thread: int | None = self._db.one("SELECT thread FROM copies WHERE owner = ? AND mail = ?", fold(who), answers)
        return thread

    def _folder(self, owner: str, mail: int) -> str:
        """Raises Refused(no_such_mail)."""
        folder: str | None = self._db.one("SELECT folder FROM copies WHERE owner = ? AND mail = ?", fold(owner), mail)
        if folder is None:
            raise no_such(mail)
        return folder

    def _set(self, owner: str, mail: int, what: str, *values: object) -> None:
        self._db.write(f"UPDATE copies SET {what} WHERE owner = ? AND mail = ?", *values, fold(owner), mail)  # noqa: S608

    def _bury(self, mail: int) -> None:
        """The text of a mail that nobody has."""
        self._db.write(
            "DELETE FROM mails WHERE mail = ? AND mail NOT IN (SELECT mail FROM copies WHERE mail = ?)", mail, mail
        )
        self._db.write("DELETE FROM orphans WHERE mail = ?", mail)

    # -- once only

    def again(self, sender: str, stream: str | None, id_: str | None, since: int) -> Sent | None:
        """What was stored under this stream and id before, no earlier than `since`."""
        if stream is None or id_ is None:
            return None
        if self._db.one("SELECT 1 FROM sent WHERE at < ? LIMIT 1", since):  # a mail sent again now is a new one
            self._db.write("DELETE FROM sent WHERE at < ?", since)
        before = self._db.read(
            "SELECT mail, recipients FROM sent LEFT JOIN mails USING (mail)"
            " WHERE sent.sender = ? AND stream = ? AND id = ?",
            *(fold(sender), stream, id_),
        ).fetchone()
        return None if before is None else Sent(before[0], fresh=False, recipients=json.loads(before[1] or "[]"))

    def _remember(self, sender: str, stream: str | None, id_: str | None, mail: int, wall: int) -> None:
        if stream is not None and id_ is not None:
            self._db.write("INSERT INTO sent VALUES (?, ?, ?, ?, ?)", fold(sender), stream, id_, mail, wall)


def weight(subject: str, body: str) -> int:
    """What a mail counts towards a quota, in bytes."""
    return len(subject.encode()) + len(body.encode())
