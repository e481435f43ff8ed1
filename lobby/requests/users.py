"""The accounts for admins: a list in pages, and what is done to one of them, over the wire and at the shell."""

import logging
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import UNSET

from lobby import codes, entry
from lobby.accounts import Account
from lobby.desk import Desk
from lobby.pages import fit
from lobby.requests.audit import record
from lobby.sessions import Connection, Rule, Who
from wire.errors import Refused
from wire.messages import AdminUser, AdminUserRow, AdminUsers, AdminUsersPage, Code, Done, Request
from wire.names import check_name, fold

HOUR: Final = 3_600_000  # ms
ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "user": ("user",),
    "operator": ("user", "operator"),
    "admin": ("user", "admin"),
}

log = logging.getLogger(__name__)


def users(desk: Desk, connection: Connection, message: AdminUsers) -> None:
    keys = sorted(_matching(desk, fold(message.find.strip())))
    after = fold(message.after)
    rows, more = fit((_row(desk, key) for key in keys if key > after), message.limit)
    desk.answer(connection, message, AdminUsersPage(users=rows, count=len(keys), more=more))


def _matching(desk: Desk, find: str) -> Iterator[str]:
    """The folded names that hold a text; also of those that have it as role or flag, or are online."""
    for account in desk.accounts:
        key = fold(account.name)
        words = (*account.roles[1:], *account.flags)
        if find in key or find in words or (find == "online" and desk.people.find(key) is not None):
            yield key


def _row(desk: Desk, key: str) -> AdminUserRow:
    account = desk.accounts.get(key)
    assert account is not None
    person = desk.people.find(key)
    return AdminUserRow(
        name=account.name,
        roles=list(account.roles),
        flags=sorted(account.flags),
        online=person is not None and not person.guest,
        made=account.made or UNSET,
        last_login=desk.ledger.last_login(key) or UNSET,
        seen=desk.ledger.seen(key) or UNSET,
    )


def user(desk: Desk, connection: Connection, message: AdminUser) -> None:
    """What would shut the asking admin out is refused: it is hardly meant, and another can do it."""
    admin, account = connection.who, _account(desk, message.name)
    if fold(account.name) == admin.key and message.do in {"lock", "role", "delete", "log_out"}:
        raise Refused("not_allowed", f"{message.do}: not your own account, from here; another admin or the shell can")
    if message.do == "code":
        desk.answer(connection, message, code(desk, account.name, admin.name))
        return
    _do(desk, account, message, admin.name)
    desk.answer(connection, message, Done())


def code(desk: Desk, name: str, by: str) -> Code:
    """A new one-time code for an account, in place of an earlier one. Raises Refused(no_such_user, locked)."""
    account = _account(desk, name)
    desk.accounts.usable(account)
    made = codes.new()
    expires = desk.now.wall + desk.config.accounts.code_hours * HOUR
    desk.ledger.codes.give(account.name, made, expires)
    record(desk, by, "code", account.name)
    return Code(name=account.name, code=made, expires=expires)


def _do(desk: Desk, account: Account, message: AdminUser, by: str) -> None:
    name = account.name
    match message.do:
        case "lock":
            desk.accounts.change(name, flags=account.flags | {"locked"})
            entry.log_out(desk, name, "locked", f"the account {name} is locked")
        case "unlock":
            desk.accounts.change(name, flags=account.flags - {"locked"})
        case "role":
            if message.role not in ROLES:
                raise Refused("bad_message", f"a role is one of {', '.join(ROLES)}")
            if account.roles != ROLES[message.role]:
                desk.accounts.change(name, roles=ROLES[message.role])
                entry.log_out(desk, name, "bad_session", "your role was changed: log in again")
        case "log_out":
            entry.log_out(desk, name, "bad_session", "an admin ended your sessions: log in again")
        case _:
            remove(desk, name)
    record(desk, by, message.do, name, message.role)


def remove(desk: Desk, name: str) -> None:
    """Take the account out; its name is kept from others for a while, and with it what an operator could give back."""
    desk.accounts.remove(name)
    desk.ledger.deleted.went(name, desk.now.wall)
    desk.ledger.codes.drop(name)
    entry.log_out(desk, name, "bad_session", "the account was removed")


def _account(desk: Desk, name: str) -> Account:
    account = desk.accounts.get(check_name(name))
    if account is None:
        raise Refused("no_such_user", f"there is no account {name}")
    return account


RULES: Final[Mapping[type[Request], Rule]] = {
    AdminUsers: Rule(users, Who.ADMINS),
    AdminUser: Rule(user, Who.ADMINS),
}
