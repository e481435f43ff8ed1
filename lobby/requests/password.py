"""Changing one's own password, which ends every other session of the account."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from lobby import entry
from lobby.desk import Desk
from lobby.effects import Hash, Verify
from lobby.passwords import check_rules
from lobby.sessions import Connection, Rule, State, Who
from lobby.userdb import Account
from wire.errors import Refused
from wire.messages import Done, Passwd, Request

log = logging.getLogger(__name__)
CHANGED: Final = "the password was changed: log in again"


def passwd(desk: Desk, connection: Connection, message: Passwd) -> None:
    account = own_account(desk, connection)
    check_rules(message.new, connection.who.name, desk.config.accounts.password_min)

    def hashed(outcome: str | Exception) -> None:
        with desk.working(connection, message.id, State.IN):
            if isinstance(outcome, Exception):
                raise outcome
            if connection.state is not State.OVER:
                _change(desk, connection, message, outcome)

    proven(
        desk, connection, message, account, message.old, "the old password is not right",
        lambda: desk.effects.append(Hash(message.new, hashed)),
    )  # fmt: skip


def own_account(desk: Desk, connection: Connection) -> Account:
    """The account of whoever is about to prove that they know its password. Raises Refused(too_fast, no_such_user)."""
    person = connection.who
    desk.sessions.attempts.check(connection.address, person.key, desk.now.mono)
    account = desk.accounts.get(person.name)
    if account is None:
        raise Refused("no_such_user", "the account is gone")
    return account


def proven(
    desk: Desk, connection: Connection, message: Request, account: Account, password: str, wrong: str,
    then: Callable[[], None],
) -> None:  # fmt: skip
    """Go on with `then` when the password is right; when not, say `wrong`, and it counts as an attempt."""
    key = connection.who.key
    desk.busy(connection)

    def verified(outcome: tuple[bool, str | None] | Exception) -> None:
        with desk.working(connection, message.id, State.IN):
            if isinstance(outcome, Exception):
                raise outcome
            if not outcome[0]:
                desk.sessions.attempts.failed(connection.address, key, desk.now.mono)
                raise Refused("wrong_password", wrong)
            then()

    desk.effects.append(Verify(account.secret, password, False, verified))


def _change(desk: Desk, connection: Connection, message: Passwd, secret: str) -> None:
    person = connection.who
    desk.accounts.change(person.name, secret=secret)
    desk.ledger.codes.drop(person.name)
    entry.end_other_sessions(desk, connection, "bad_session", CHANGED)
    log.info("%s changed the password", person.name)
    desk.ready(connection, State.IN)
    desk.answer(connection, message, Done())


RULES: Final[Mapping[type[Request], Rule]] = {Passwd: Rule(passwd, Who.ACCOUNTS)}
