"""Mail on its way in: what people send one another, drafts, and mail from elsewhere; and the live notices about it.

Law: of several recipients all get it or nobody does, and the refusal names those because of whom.
"""

import logging
from collections.abc import Mapping
from typing import Final, TypeVar

from msgspec import UNSET, UnsetType

from lobby.desk import Desk
from lobby.mailbox import Sent, weight
from lobby.mailpages import EVERYONE
from lobby.quota import quota
from lobby.requests.audit import record
from lobby.sessions import Connection, Rule, Who
from wire.errors import Refused
from wire.messages import Done, MailChanged, MailDraft, MailKeep, MailNew, MailSend, Request, Unread
from wire.names import BODY_MAX, SUBJECT_MAX, check_single_line, check_text, fold

NAME_MAX: Final = 200  # characters of a name from elsewhere
NAMES_BYTES: Final = 4_096  # of all recipients of such a mail: it still is one line
OPERATORS: Final = frozenset({"operator", "admin"})  # who may write to everyone

T = TypeVar("T")

log = logging.getLogger(__name__)


def send(desk: Desk, connection: Connection, message: MailSend) -> None:
    person, window = connection.who, desk.config.rooms.resend_window * 1_000
    sent = desk.mailbox.again(person.name, connection.stream, _given(message.id), desk.now.wall - window)
    if sent is None:
        everyone = EVERYONE in map(fold, message.to)
        size = weight(*check(message.subject, message.body))
        to = _all_accounts(desk, connection) if everyone else recipients(desk, person.name, message.to, size)
        _check_own_room(desk, person.name, size)
        desk.disk.check()
        desk.mail_pace.take(person.key, desk.config.limits.mail_per_minute, desk.now.mono)
        sent = deliver(desk, person.name, to, message, connection.stream, everyone=everyone)
        if person.key not in map(fold, to):
            change = MailChanged(mail=sent.mail, folder="sent", read=True, starred=False)
            desk.notify(person, change, but=connection)
        _drop_draft(desk, connection, message.draft)
    desk.answer(connection, message, Done(mail=sent.mail))


def check(subject: str, body: str) -> tuple[str, str]:
    """Raises Refused(bad_text, too_long)."""
    check_single_line(subject, what="subject", limit=SUBJECT_MAX)
    return subject, check_text(body, what="mail", limit=BODY_MAX)


def deliver(
    desk: Desk, sender: str, to: list[str], message: MailSend, stream: str | None, *, everyone: bool = False
) -> Sent:
    """Store what has been checked, and tell those who are here."""
    now, limit = desk.now, quota(desk.config.limits)
    for name in [] if everyone else [*to, sender]:
        desk.mailbox.give_way(name, weight(message.subject, message.body), limit)
    sent = desk.mailbox.send(
        sender=sender,
        stream=stream,
        id=_given(message.id),
        to=to,
        subject=message.subject,
        body=message.body,
        at=now.wall,
        answers=_given(message.answers),
        wall=now.wall,
        window_s=desk.config.rooms.resend_window,
        everyone=everyone,
        own_copy=desk.accounts.taken(sender),
    )
    log.info("%s sent mail %d to %s", sender, sent.mail, EVERYONE if everyone else ", ".join(to))
    for name in to:
        if (person := desk.people.find(name)) is not None:
            unread = desk.mailbox.unread(name)
            notice = MailNew(mail=sent.mail, sender=sender, subject=message.subject, at=now.wall, unread=unread)
            desk.notify(person, notice)
    if everyone:
        record(desk, sender, "mail", EVERYONE, message.subject)
    return sent


def _given(value: T | UnsetType) -> T | None:
    return None if isinstance(value, UnsetType) else value


def _drop_draft(desk: Desk, connection: Connection, draft: int | UnsetType) -> None:
    """The draft of a mail that is sent, unless it is gone already."""
    name = connection.who.name
    if draft is not UNSET and (found := desk.mailbox.state(name, draft)) is not None and found[0] == "drafts":
        desk.mailbox.remove(name, draft)
        desk.notify(connection.who, MailChanged(mail=draft), but=connection)


def _all_accounts(desk: Desk, connection: Connection) -> list[str]:
    """Raises Refused(not_allowed)."""
    if not OPERATORS.intersection(connection.who.roles):
        raise Refused("not_allowed", "mail to everyone is for operators of the server; nothing was sent")
    return all_accounts(desk, connection.who.name)


def all_accounts(desk: Desk, but: str) -> list[str]:
    """Those that are not locked, full or not, but the sender."""
    names = []
    for account in desk.accounts:
        try:
            desk.accounts.usable(account)
        except Refused:
            continue
        if fold(account.name) != fold(but):
            names.append(account.name)
    return names


def recipients(desk: Desk, sender: str, names: list[str], size: int) -> list[str]:
    """The accounts' names, once each. Raises Refused that names those who get no mail: then nobody does."""
    if not names:
        raise Refused("no_such_user", "a mail has a recipient")
    found: dict[str, str] = {}
    unknown: list[str] = []
    shut: list[str] = []
    full: list[str] = []
    kept_away: list[str] = []
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
        if not quota(desk.config.limits).has_room(desk.mailbox.folders(account.name), size):
            full.append(account.name)
        if desk.ledger.blocks.stands(account.name, sender):
            kept_away.append(account.name)
    for wrong, code, why in (
        (unknown, "no_such_user", "there is no account"),
        (shut, "locked", "the account is locked:"),
        (full, "full", "the mailbox is full:"),
        (kept_away, "blocked", "they take nothing from you:"),
    ):
        if wrong:
            raise Refused(code, f"{why} {', '.join(dict.fromkeys(wrong))}; nothing was sent")
    return list(found.values())


def _check_own_room(desk: Desk, name: str, size: int) -> None:
    """What one sends is kept too. Raises Refused(full)."""
    if not quota(desk.config.limits).has_room(desk.mailbox.folders(name), size):
        raise Refused("full", "your own mailbox is full: delete some mail first; nothing was stored")


def draft(desk: Desk, connection: Connection, message: MailDraft) -> None:
    name, now = connection.who.name, desk.now
    subject = check_single_line(message.subject, what="subject", limit=SUBJECT_MAX)
    body, to = _body(message.body), _names(message.to)
    desk.disk.check()
    _check_own_room(desk, name, weight(subject, body))
    desk.mailbox.give_way(name, weight(subject, body), quota(desk.config.limits))
    mail = desk.mailbox.draft(
        owner=name,
        stream=connection.stream,
        id=_given(message.id),
        to=to,
        subject=subject,
        body=body,
        answers=_given(message.answers),
        mail=_given(message.mail),
        wall=now.wall,
        window_s=desk.config.rooms.resend_window,
    )
    desk.answer(connection, message, Done(mail=mail))
    tell_change(desk, connection, mail, before=desk.mailbox.unread(name))


def _body(text: str) -> str:
    """May be empty: nothing is written yet, or the mail from elsewhere says it all in its subject."""
    return check_text(text, what="mail", limit=BODY_MAX) if text.strip() else ""


def _names(names: list[str]) -> list[str]:
    """As they were typed, or stood in another program's mail."""
    if sum(len(name.encode()) for name in names) > NAMES_BYTES:
        raise Refused("too_long", f"the names of all recipients have at most {NAMES_BYTES} bytes")
    return [check_single_line(name, what="name", limit=NAME_MAX) for name in names]


def keep(desk: Desk, connection: Connection, message: MailKeep) -> None:
    name = connection.who.name
    before = desk.mailbox.unread(name)
    mail, fresh = store(desk, name, message)
    desk.answer(connection, message, Done(mail=mail, fresh=fresh))
    if fresh:
        tell_change(desk, connection, mail, before=before)


def store(desk: Desk, owner: str, message: MailKeep) -> tuple[int, bool]:
    """Put a mail from elsewhere into somebody's mailbox; its number, and whether it is new there. Raises Refused."""
    sender = check_single_line(message.sender, what="name", limit=NAME_MAX)
    subject = check_single_line(message.subject, what="subject", limit=SUBJECT_MAX)
    body, to = _body(message.body), _names(message.to)
    desk.disk.check()
    if not quota(desk.config.limits).has_room(desk.mailbox.folders(owner), weight(subject, body)):
        raise Refused("full", f"the mailbox of {owner} is full")
    desk.mailbox.give_way(owner, weight(subject, body), quota(desk.config.limits))
    return desk.mailbox.keep(
        owner=owner,
        sender=sender,
        to=to,
        subject=subject,
        body=body,
        at=message.at,
        wall=desk.now.wall,
        answers=_given(message.answers),
        folder=message.folder,
        read=message.read,
        starred=message.starred,
    )


def tell_change(desk: Desk, connection: Connection, mail: int, *, before: int) -> None:
    """What became of a mail of theirs, to a person's other connections; to all of them what is unread, if it changed.
    `before`: what was unread."""
    person = connection.who
    unread, found = desk.mailbox.unread(person.name), desk.mailbox.state(person.name, mail)
    if unread != before:
        desk.notify(person, Unread(unread=unread))
    change = MailChanged(mail=mail)
    if found is not None:
        change.folder, change.read, change.starred = found
    desk.notify(person, change, but=connection)


RULES: Final[Mapping[type[Request], Rule]] = {
    MailSend: Rule(send, Who.ACCOUNTS),
    MailDraft: Rule(draft, Who.ACCOUNTS),
    MailKeep: Rule(keep, Who.ACCOUNTS),
}
