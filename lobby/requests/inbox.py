"""One's own mailbox: lists, searches, reading, marking, moving, deleting, all of it for an export.

Law: what one connection changes, the others of the same person are told, and the count of what is unread all of them.
"""

import logging
from collections.abc import Mapping
from typing import Final

from msgspec import UNSET

from lobby import mailpages
from lobby.desk import STORE_FAULTS, Desk
from lobby.effects import Seek
from lobby.pages import fit
from lobby.quota import quota
from lobby.requests.mail import tell_change
from lobby.sessions import Connection, Rule, State, Who
from wire.errors import Refused
from wire.messages import (
    Done,
    MailChanged,
    MailDelete,
    MailEmpty,
    MailExport,
    MailExportPage,
    MailFolders,
    MailFoldersPage,
    MailList,
    MailMark,
    MailMove,
    MailPage,
    MailRead,
    MailRow,
    MailSearch,
    Request,
)

SEARCH_MAX: Final = 200  # characters

log = logging.getLogger(__name__)


def page(desk: Desk, connection: Connection, message: MailList) -> None:
    everywhere = message.folder is UNSET and (message.starred or message.thread is not UNSET)
    mails, more = desk.mailbox.page(
        connection.who.name,
        None if message.before is UNSET else message.before,
        message.limit,
        folder="" if everywhere else "inbox" if message.folder is UNSET else message.folder,
        starred=message.starred,
        thread=None if message.thread is UNSET else message.thread,
        threads=message.threads,
    )
    _answer_page(desk, connection, message, mails, more)


def _answer_page(
    desk: Desk, connection: Connection, message: MailList | MailSearch, mails: list[MailRow], more: bool
) -> None:
    rows, cut = fit(mails, message.limit)
    unread = desk.mailbox.unread(connection.who.name)
    desk.answer(connection, message, MailPage(mails=rows, more=more or cut, unread=unread))


def search(desk: Desk, connection: Connection, message: MailSearch) -> None:
    if len(message.text) > SEARCH_MAX:
        raise Refused("too_long", f"a search has at most {SEARCH_MAX} characters, this has {len(message.text)}")
    name = connection.who.name
    before = None if message.before is UNSET else message.before
    folder = "" if message.folder is UNSET else message.folder

    def found(outcome: tuple[list[MailRow], bool] | Exception) -> None:
        with desk.guarding(connection, message.id):
            if isinstance(outcome, STORE_FAULTS):  # of a reader beside: nothing that this round stores is concerned
                log.error("a search failed: %s", outcome)
                raise Refused("busy", "the search failed; try again")
            if isinstance(outcome, Exception):
                raise outcome
            if connection.state is not State.OVER:
                _answer_page(desk, connection, message, *outcome)

    desk.effects.append(
        Seek(lambda read: mailpages.search(read, name, message.text, before, message.limit, folder), found)
    )


def folders(desk: Desk, connection: Connection, message: MailFolders) -> None:
    most = quota(desk.config.limits)
    answer = MailFoldersPage(
        folders=desk.mailbox.folders(connection.who.name),
        most_mails=most.mails or UNSET,
        most_bytes=most.bytes or UNSET,
    )
    desk.answer(connection, message, answer)


def read(desk: Desk, connection: Connection, message: MailRead) -> None:
    name = connection.who.name
    before, was = desk.mailbox.unread(name), desk.mailbox.state(name, message.mail)
    desk.answer(connection, message, desk.mailbox.read(name, message.mail))
    if was is not None and not was[1]:
        tell_change(desk, connection, message.mail, before=before)


def mark(desk: Desk, connection: Connection, message: MailMark) -> None:
    name = connection.who.name
    before, was = desk.mailbox.unread(name), desk.mailbox.state(name, message.mail)
    desk.mailbox.mark(
        name,
        message.mail,
        read=None if message.read is UNSET else message.read,
        starred=None if message.starred is UNSET else message.starred,
    )
    desk.answer(connection, message, Done(mail=message.mail))
    if desk.mailbox.state(name, message.mail) != was:
        tell_change(desk, connection, message.mail, before=before)


def move(desk: Desk, connection: Connection, message: MailMove) -> None:
    name = connection.who.name
    before = desk.mailbox.unread(name)
    desk.mailbox.move(name, message.mail, None if message.folder is UNSET else message.folder, desk.now.wall)
    desk.answer(connection, message, Done(mail=message.mail))
    tell_change(desk, connection, message.mail, before=before)


def delete(desk: Desk, connection: Connection, message: MailDelete) -> None:
    name = connection.who.name
    before = desk.mailbox.unread(name)
    desk.mailbox.delete(name, message.mail, desk.now.wall)
    desk.answer(connection, message, Done(mail=message.mail))
    tell_change(desk, connection, message.mail, before=before)


def empty(desk: Desk, connection: Connection, message: MailEmpty) -> None:
    gone = desk.mailbox.empty_trash(connection.who.name)
    desk.answer(connection, message, Done())
    if gone:
        desk.notify(connection.who, MailChanged(), but=connection)


def export(desk: Desk, connection: Connection, message: MailExport) -> None:
    name = connection.who.name
    mails = desk.mailbox.export(name, message.after, message.limit + 1)
    whole, more = fit(mails, message.limit)
    desk.answer(connection, message, MailExportPage(mails=whole, more=more, count=desk.mailbox.count(name)))


RULES: Final[Mapping[type[Request], Rule]] = {
    MailList: Rule(page, Who.ACCOUNTS),
    MailSearch: Rule(search, Who.ACCOUNTS),
    MailFolders: Rule(folders, Who.ACCOUNTS),
    MailRead: Rule(read, Who.ACCOUNTS),
    MailMark: Rule(mark, Who.ACCOUNTS),
    MailMove: Rule(move, Who.ACCOUNTS),
    MailDelete: Rule(delete, Who.ACCOUNTS),
    MailEmpty: Rule(empty, Who.ACCOUNTS),
    MailExport: Rule(export, Who.ACCOUNTS),
}
