"""Mail by the operator's hand, as the lobby does it for the commands at the shell: sending, and filling a mailbox.

Law: the same checks as for anybody's mail; mail that the operator writes comes from a name that no account can have.
"""

from typing import Final

from lobby.desk import Desk
from lobby.mailbox import weight
from lobby.mailpages import EVERYONE
from lobby.requests import mail
from wire.control import AdminKeep, AdminKept, AdminMail, AdminMailed
from wire.errors import Refused
from wire.messages import MailChanged, MailSend, Unread
from wire.names import fold

POSTMASTER: Final = "postmaster"


def heed(desk: Desk, message: AdminMail | AdminKeep) -> AdminMailed | AdminKept:
    """Do it; the answer. Raises Refused."""
    return _send(desk, message) if isinstance(message, AdminMail) else _keep(desk, message)


def _send(desk: Desk, message: AdminMail) -> AdminMailed:
    size = weight(*mail.check(message.subject, message.body))
    sender = _account(desk, message.sender) if message.sender else POSTMASTER
    everyone = EVERYONE in map(fold, message.to)
    to = mail.all_accounts(desk, sender) if everyone else mail.recipients(desk, sender, message.to, size)
    if not to:
        raise Refused("no_such_user", "there is nobody to send it to")
    letter = MailSend(to=message.to, subject=message.subject, body=message.body)
    sent = mail.deliver(desk, sender, to, letter, None, everyone=everyone)
    if (person := desk.people.find(sender)) is not None and person.key not in map(fold, to):
        desk.notify(person, MailChanged(mail=sent.mail, folder="sent", read=True, starred=False))
    return AdminMailed(mail=sent.mail, recipients=len(to))


def _keep(desk: Desk, message: AdminKeep) -> AdminKept:
    owner = _account(desk, message.owner)
    before, person = desk.mailbox.unread(owner), desk.people.find(owner)
    number, fresh = mail.store(desk, owner, message.mail)
    if fresh:
        desk.notify(person, MailChanged(mail=number, folder=message.mail.folder, read=message.mail.read))
    if (unread := desk.mailbox.unread(owner)) != before:
        desk.notify(person, Unread(unread=unread))
    return AdminKept(mail=number, fresh=fresh)


def _account(desk: Desk, name: str) -> str:
    account = desk.accounts.get(name)
    if account is None:
        raise Refused("no_such_user", f"there is no account {name}")
    return account.name
