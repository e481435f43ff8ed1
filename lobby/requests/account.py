"""Coming and going: hello, login, register, resume, quit, ping."""

import logging
from collections.abc import Mapping
from typing import Final, NoReturn

from base.revision import VERSION
from lobby import edits, entry, reach
from lobby.accounts import Account
from lobby.desk import NOT_STORED, Desk
from lobby.effects import Hash, Verify
from lobby.passwords import check_rules
from lobby.sessions import Connection, Rule, State
from wire.errors import Refused
from wire.messages import PROTOCOL, Bye, Hello, Login, Ping, Pong, Quit, Register, Request, Resume, ServerHello
from wire.names import check_name, check_person, fold
from wire.tickets import SessionToken, verify

SERVER: Final = f"parlour/{VERSION}"
KIND_MAX: Final = 60  # characters of what a program says of itself that a list of sessions shows

log = logging.getLogger(__name__)


def hello(desk: Desk, connection: Connection, message: Hello) -> None:
    if message.protocol != PROTOCOL:
        text = f"this server speaks version {PROTOCOL} of the protocol, not {message.protocol}"
        raise Refused("version", text, fatal=True)
    desk.sessions.greeted(connection, desk.now)
    connection.kind = "".join(filter(str.isprintable, message.client))[:KIND_MAX]
    answer = ServerHello(
        protocol=PROTOCOL,
        server=SERVER,
        guests=desk.config.guests_allowed,
        registration=desk.config.accounts.registration,
    )
    desk.answer(connection, message, answer)


def login(desk: Desk, connection: Connection, message: Login) -> None:
    check_name(message.name)
    desk.sessions.attempts.check(connection.address, fold(message.name), desk.now.mono)
    edits.look(desk)
    desk.busy(connection)
    _verify(desk, connection, message)


def _verify(desk: Desk, connection: Connection, message: Login) -> None:
    account = desk.accounts.get(message.name)

    def verified(outcome: tuple[bool, str | None] | Exception) -> None:
        with desk.working(connection, message.id, State.GREETED):
            if isinstance(outcome, Exception):
                raise outcome
            right, renewed = outcome
            if account is None or not right:
                _wrong(desk, connection, message)
            elif connection.state is not State.OVER:
                _right(desk, connection, message, account, renewed)

    secret, renew = (account.secret, "test" not in account.flags) if account is not None else (None, False)
    desk.effects.append(Verify(secret, message.password, renew, verified))


def _wrong(desk: Desk, connection: Connection, message: Login) -> NoReturn:
    key = fold(message.name)
    desk.sessions.attempts.failed(connection.address, key, desk.now.mono)
    log.info("login as %s from %s refused: wrong name or password", key, connection.address)
    raise Refused("wrong_password", "name and password do not match an account")


def _right(desk: Desk, connection: Connection, message: Login, account: Account, renewed: str | None) -> None:
    there = desk.accounts.get(message.name)
    if there is None or there.secret != account.secret:  # changed while it was being verified
        _verify(desk, connection, message)
        return
    try:
        desk.accounts.usable(there)
    except Refused:
        log.info("login as %s from %s refused: locked", there.name, connection.address)
        raise
    if renewed is not None:
        desk.accounts.change(there.name, secret=renewed, rehash=True)
    desk.sessions.attempts.succeeded(connection.address, fold(there.name))
    entry.begin(desk, connection)
    desk.ledger.set_last_login(there.name, desk.now.wall)
    entry.welcome(desk, connection, message, there.name, guest=False, roles=there.roles)


def register(desk: Desk, connection: Connection, message: Register) -> None:
    config = desk.config.accounts
    if not config.registration:
        raise Refused("not_allowed", "accounts are made by the operator here")
    name = check_person(message.name)
    check_rules(message.password, name, config.password_min)
    edits.look(desk)
    entry.check_free(desk, name)
    desk.mailbox.empty(name)  # of who had the name once: stored before there is an account that could read it
    desk.busy(connection)

    def hashed(outcome: str | Exception) -> None:
        with desk.working(connection, message.id, State.GREETED):
            if isinstance(outcome, Exception):
                raise outcome
            if connection.state is State.OVER:
                return
            edits.look(desk)
            entry.check_free(desk, name)
            if desk.mailbox.count(name):
                raise Refused(*NOT_STORED)
            account = desk.accounts.add(name, outcome, made=desk.now.wall)
            entry.forget(desk, name)
            entry.void(desk, name, "replaced", "the name belongs to an account now")  # a guest's who had it before
            log.info("%s registered from %s", name, connection.address)
            entry.begin(desk, connection)
            desk.ledger.set_last_login(name, desk.now.wall)
            entry.welcome(desk, connection, message, name, guest=False, roles=account.roles)

    desk.effects.append(Hash(message.password, hashed))


def resume(desk: Desk, connection: Connection, message: Resume) -> None:
    now = desk.now
    token = verify(desk.session_ring, message.session, SessionToken, wall=now.wall, code="bad_session")
    edits.look(desk)
    name = token.name
    roles: tuple[str, ...] = ()
    if token.guest:
        _check_still_theirs(desk, token)
    else:
        account = desk.accounts.get(token.name)
        if account is None:
            raise _ended()
        desk.accounts.usable(account)  # said first: the lock has ended the session too
        name, roles = account.name, account.roles
    if not desk.ledger.session_valid(token.session, now.wall):
        raise _ended()
    connection.session, connection.session_from = token.session, token.issued
    entry.welcome(desk, connection, message, name, guest=token.guest, roles=roles)


def _check_still_theirs(desk: Desk, token: SessionToken) -> None:
    """A guest comes back to their name, unless it went to somebody else meanwhile."""
    holder = desk.ledger.leased(token.name, desk.now.wall)
    person = desk.people.find(token.name)
    others = person is not None and all(other.session != token.session for other in person.connections)
    if desk.accounts.taken(token.name) or others or holder not in {None, token.session}:
        raise _ended()


def _ended() -> Refused:
    return Refused("bad_session", "this session has ended: log in again")


def quit_(desk: Desk, connection: Connection, message: Quit) -> None:
    """Answered by bye; in the middle of a login as well."""
    person = connection.person
    desk.answer(connection, message, Bye())
    desk.close(connection, "quit")
    if person is not None:
        entry.end_session(desk, person, connection.session)
        if not person.connections:
            reach.leave(desk, person, message.places)


def ping(desk: Desk, connection: Connection, message: Ping) -> None:
    desk.answer(connection, message, Pong())


_GREETED: Final = frozenset({State.GREETED})
RULES: Final[Mapping[type[Request], Rule]] = {
    Hello: Rule(hello, states=frozenset({State.NEW})),
    Login: Rule(login, states=_GREETED),
    Register: Rule(register, states=_GREETED),
    Resume: Rule(resume, states=_GREETED),
    Quit: Rule(quit_, states=frozenset(State) - {State.OVER}),
    Ping: Rule(ping, states=frozenset({State.GREETED, State.BUSY, State.IN})),
}
