"""One's own logins: listed, and ended one by one or all but this one; and a new login by a one-time code."""

import logging
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import UNSET

from lobby import edits, entry
from lobby.desk import Desk
from lobby.effects import Hash
from lobby.ledger import Session
from lobby.pages import fit
from lobby.passwords import check_rules
from lobby.people import Person
from lobby.sessions import Connection, Rule, State
from wire.errors import Refused
from wire.messages import Done, EndSession, Recover, Request, SessionRow, Sessions, SessionsPage
from wire.names import check_name, fold
from wire.tickets import one_session

ENDED: Final = "you ended this session from another one"

log = logging.getLogger(__name__)


def sessions(desk: Desk, connection: Connection, message: Sessions) -> None:
    before = None if message.before is UNSET else message.before
    person = connection.who
    found = desk.ledger.sessions(person.name, desk.now.wall, before, message.limit + 1, guest=person.guest)
    rows, more = fit(_rows(desk, connection, found), message.limit)
    desk.answer(connection, message, SessionsPage(sessions=rows, more=more))


def _rows(desk: Desk, connection: Connection, found: list[Session]) -> Iterator[SessionRow]:
    online = {other.session for other in connection.who.connections}
    for session in found:
        is_on = session.id in online
        yield SessionRow(
            session=session.number,
            kind=session.kind,
            address=session.address,
            begun=session.begun,
            used=desk.now.wall if is_on else session.used,
            online=is_on,
            here=session.id == connection.session,
        )


def end_session(desk: Desk, connection: Connection, message: EndSession) -> None:
    person = connection.who
    if message.session is UNSET:
        entry.end_other_sessions(desk, connection, "bad_session", ENDED)
        log.info("%s ended all other sessions", person.name)
        desk.answer(connection, message, Done())
        return
    session = _mine(desk, person, message.session)
    log.info("%s ended session %d", person.name, session.number)
    desk.answer(connection, message, Done())
    entry.void(desk, one_session(person.name, str(session.number)), "bad_session", ENDED)
    entry.end_session(desk, person, session.id, "bad_session", ENDED)


def _mine(desk: Desk, person: Person, number: int) -> Session:
    """Raises Refused(no_such_session), also for somebody else's."""
    for session in desk.ledger.sessions(person.name, desk.now.wall, number + 1, 1, guest=person.guest):
        if session.number == number:
            return session
    raise Refused("no_such_session", f"you have no session {number}")


def recover(desk: Desk, connection: Connection, message: Recover) -> None:
    """Answered as a login is. The code counts only once the password is hashed: a refusal does not use it up."""
    key = fold(check_name(message.name))
    desk.sessions.attempts.check(connection.address, key, desk.now.mono)
    edits.look(desk)
    _check_code(desk, connection, message)
    check_rules(message.password, message.name, desk.config.accounts.password_min)
    desk.busy(connection)

    def hashed(outcome: str | Exception) -> None:
        with desk.working(connection, message.id, State.GREETED):
            if isinstance(outcome, Exception):
                raise outcome
            if connection.state is not State.OVER:
                edits.look(desk)
                _check_code(desk, connection, message)
                _come_in(desk, connection, message, outcome)

    desk.effects.append(Hash(message.password, hashed))


def _check_code(desk: Desk, connection: Connection, message: Recover) -> None:
    """Raises Refused(bad_code, locked)."""
    account = desk.accounts.get(message.name)
    if account is None or not desk.ledger.codes.right(message.name, message.code, desk.now.wall):
        desk.sessions.attempts.failed(connection.address, fold(message.name), desk.now.mono)
        log.info("a one-time code for %s from %s refused", fold(message.name), connection.address)
        raise Refused("bad_code", "this code is not right, was used, or has expired: ask the operator for another")
    desk.accounts.usable(account)


def _come_in(desk: Desk, connection: Connection, message: Recover, secret: str) -> None:
    account = desk.accounts.change(message.name, secret=secret)
    desk.ledger.codes.drop(account.name)
    entry.log_out(desk, account.name, "bad_session", "the password was changed: log in again")
    desk.sessions.attempts.succeeded(connection.address, fold(account.name))
    log.info("%s has a new password, by a one-time code", account.name)
    entry.begin(desk, connection)
    desk.ledger.set_last_login(account.name, desk.now.wall)
    entry.welcome(desk, connection, message, account.name, guest=False, roles=account.roles)


RULES: Final[Mapping[type[Request], Rule]] = {
    Sessions: Rule(sessions),
    EndSession: Rule(end_session),
    Recover: Rule(recover, states=frozenset({State.GREETED})),
}
