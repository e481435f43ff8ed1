"""Mail between accounts: send, list, read, mark, delete, and the live notices about it."""

import logging
from collections.abc import Mapping
from typing import Final

from msgspec import UNSET

from lobby.desk import Desk
from lobby.pages import fit
from lobby.people import Person
from lobby.sessions import Connection, Rule, Who
from wire.errors import Refused
from wire.messages import (
    Done,
    MailDelete,
    MailList,
    MailMark,
    MailNew,
    MailPage,
    MailRead,
    MailSend,
    Request,
    Unread,
)
from wire.names import check_single_line, check_text, fold
from wire.pace import Pace

SUBJECT_MAX: Final = 200  # characters; a line of a listing
BODY_MAX: Final = 12_000  # characters: with four bytes each, 100 recipients and a subject it still is one line
PACES: Final = 10_000  # people whose rate is remembered

log = logging.getLogger(__name__)


def send(desk: Desk, connection: Connection, message: MailSend) -> None:
    person, now = connection.who, desk.now
    subject = check_single_line(message.subject, what="subject", limit=SUBJECT_MAX)
    body = check_text(message.body, what="mail", limit=BODY_MAX)
    to = _recipients(desk, person, message.to)
    _check_pace(desk, person.key)
    sent = desk.mailbox.send(
        sender=person.name,
        stream=connection.stream,
        id=None if message.id is UNSET else message.id,
        to=to,
        subject=subject,
        body=body,
        at=now.wall,
        answers=None if message.answers is UNSET else message.answers,
        wall=now.wall,
        window_s=desk.config.rooms.resend_window,
    )
    if sent.fresh:
        log.info("%s sent mail %d to %s", person.name, sent.mail, ", ".join(to))
        for name in to:
            unread = desk.mailbox.unread(name)
            notice = MailNew(mail=sent.mail, sender=person.name, subject=subject, at=now.wall, unread=unread)
            desk.notify(desk.people.find(name), notice)
    desk.answer(connection, message, Done(mail=sent.mail))


def _recipients(desk: Desk, sender: Person, names: list[str]) -> list[str]:
    """The accounts' names, once each. Raises Refused that names those who get no mail: then nobody does."""
    if not names:
        raise Refused("no_such_user", "a mail has a recipient")
    found: dict[str, str] = {}
    unknown: list[str] = []
    shut: list[str] = []
    full: list[str] = []
    kept_away: list[str] = []
    limit = desk.config.limits.mailbox
    for name in names:
        account = desk.accounts.get(name)
        if account is None:
            unknown.append(name[:40])
            continue
        try:
            desk.accounts.usable(account)
        except Refused:
            shut.append(account.name)
            continue
        found[fold(name)] = account.name
        if limit and desk.mailbox.count(account.name) >= limit:
            full.append(account.name)
        if desk.ledger.blocks.stands(account.name, sender.name):
            kept_away.append(account.name)
    for wrong, code, why in (
        (unknown, "no_such_user", "there is no account"),
        (shut, "locked", "the account is locked:"),
        (full, "full", "the inbox is full:"),
        (kept_away, "blocked", "they take nothing from you:"),
    ):
        if wrong:
            raise Refused(code, f"{why} {', '.join(dict.fromkeys(wrong))}; nothing was sent")
    return list(found.values())


def _check_pace(desk: Desk, key: str) -> None:
    """Raises Refused(too_fast). Kept over logins, or logging in again would be a way around it."""
    limit = desk.config.limits.mail_per_minute
    pace = desk.mail_pace.pop(key, None) or Pace(limit / 60, limit)
    desk.mail_pace[key] = pace
    if len(desk.mail_pace) > PACES:
        del desk.mail_pace[next(iter(desk.mail_pace))]
    pace.take(desk.now.mono)


def page(desk: Desk, connection: Connection, message: MailList) -> None:
    name = connection.who.name
    before = None if message.before is UNSET else message.before
    mails, more = desk.mailbox.page(name, before, message.limit)
    rows, cut = fit(mails, message.limit)
    desk.answer(connection, message, MailPage(mails=rows, more=more or cut, unread=desk.mailbox.unread(name)))


def read(desk: Desk, connection: Connection, message: MailRead) -> None:
    before = desk.mailbox.unread(connection.who.name)
    desk.answer(connection, message, desk.mailbox.read(connection.who.name, message.mail))
    _tell_unread(desk, connection, before)


def mark(desk: Desk, connection: Connection, message: MailMark) -> None:
    before = desk.mailbox.unread(connection.who.name)
    desk.mailbox.mark(connection.who.name, message.mail, message.read)
    desk.answer(connection, message, Done(mail=message.mail))
    _tell_unread(desk, connection, before)


def delete(desk: Desk, connection: Connection, message: MailDelete) -> None:
    before = desk.mailbox.unread(connection.who.name)
    desk.mailbox.delete(connection.who.name, message.mail)
    desk.answer(connection, message, Done(mail=message.mail))
    _tell_unread(desk, connection, before)


def _tell_unread(desk: Desk, connection: Connection, before: int) -> None:
    unread = desk.mailbox.unread(connection.who.name)
    if unread != before:
        desk.notify(connection.who, Unread(unread=unread), but=connection)


RULES: Final[Mapping[type[Request], Rule]] = {
    MailSend: Rule(send, Who.ACCOUNTS),
    MailList: Rule(page, Who.ACCOUNTS),
    MailRead: Rule(read, Who.ACCOUNTS),
    MailMark: Rule(mark, Who.ACCOUNTS),
    MailDelete: Rule(delete, Who.ACCOUNTS),
}
