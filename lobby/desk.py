"""The front desk: puts sessions, registry and stores together, and lets requests reach their handlers. Pure but for the
stores, which are in an open transaction all through a round.

Law: a handler checks first (`Refused` goes to the client), then writes, then answers. Nothing it asks for happens
before the round's commit; if that fails, `abort` takes back what was promised.
"""

import contextlib
import logging
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET, UnsetType

from base.config import Config
from lobby import reach
from lobby.accounts import Accounts
from lobby.audit import Audit
from lobby.catalogue import Catalogue
from lobby.disk import Disk
from lobby.effects import Admit, Close, CloseForGood, CloseLink, Effect, Halt, Send, Spawn, ToRoom, TurnAway
from lobby.gathering import Gathering
from lobby.ledger import Ledger
from lobby.mailbox import Mailbox
from lobby.people import People, Person
from lobby.places import Places
from lobby.registry import Registry
from lobby.sessions import BAD_MAX, Connection, Sessions, State, Table, refusal
from wire.clock import Now
from wire.codec import BadMessage, Codec
from wire.errors import Refused
from wire.messages import Answer, Bye, Error, LobbyRequest, Message, Pong, Request, ServerHello, Welcome
from wire.pace import Paces
from wire.stamps import Stamps
from wire.tickets import Keyring, derive_ring

STORE_FAULTS: Final = (sqlite3.Error, OSError)  # the disk's; everything else that is no Refused is a bug
STANDING: Final = (Error, Pong, Bye, ServerHello)  # answers that are true whatever became of the round's commit
UNDONE: Final = frozenset({"bad_session", "locked"})  # goodbyes because of what was to be stored
NOT_STORED: Final = ("storage", "the disk refused: nothing was stored")
CODEC: Final[Codec[Request]] = Codec(LobbyRequest)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stores:
    """The lobby's files."""

    accounts: Accounts
    mailbox: Mailbox
    catalogue: Catalogue
    ledger: Ledger
    places: Places
    audit: Audit


def new_id() -> str:
    """Of a session, a ticket, a stream: 144 bits that nobody guesses."""
    return secrets.token_urlsafe(18)


class Desk:
    """Everything a handler may need. `effects` are carried out after the commit, in order."""

    def __init__(
        self,
        config: Config,
        stores: Stores,
        masters: Keyring,
        rules: Table,
        clock: Callable[[], Now],
        *,
        motd: str = "",
        new_id: Callable[[], str] = new_id,
    ) -> None:
        self.config = config
        self.accounts = stores.accounts
        self.mailbox = stores.mailbox
        self.catalogue = stores.catalogue
        self.ledger = stores.ledger
        self.places = stores.places
        self.audit = stores.audit
        self.directs = stores.mailbox.directs
        self.masters = masters
        self.session_ring: Mapping[int, bytes] = derive_ring(masters, "session")
        self._clock = clock
        self.motd = motd
        self.new_id = new_id
        self.sessions = Sessions(config.limits)
        self.stamps = Stamps()
        self.stamps.revoked(self.ledger.newest_void())
        self.stamps.seen(self.ledger.stamped())
        self.registry = Registry()
        self.disk = Disk(config.limits.free_disk_mib)
        self.gathering = Gathering(self.registry)
        self.effects: list[Effect] = []
        self._of_mail: list[Effect] = []  # those of them that stand only when the mail of this round is stored
        self.fault: Exception | None = None  # of a store, in this round: it cannot be committed
        self.mail_pace = Paces()
        self.tell_pace = Paces()
        self._rules = rules

    @property
    def now(self) -> Now:
        """The round's moment."""
        return self._clock()

    @property
    def people(self) -> People:
        return self.sessions.people

    def sign_with(self, masters: Keyring) -> None:
        """The master keys were rotated; the rooms' keys are written already."""
        self.masters = masters
        self.session_ring = derive_ring(masters, "session")

    # -- connections

    def open(self, address: str) -> Connection:
        """A client connected. Raises Refused(too_many)."""
        return self.sessions.open(address, self.now)

    def take(self, connection: Connection, line: bytes) -> None:
        """One line from a client."""
        if connection.state is State.OVER:
            return
        if connection.state is not State.NEW:
            connection.seen = self.now.mono
        try:
            message = CODEC.decode(line)
        except BadMessage as bad:
            self._bad(connection, bad)
            return
        with self.guarding(connection, message.id):
            connection.pace.take(self.now.mono)
            self._dispatch(connection, message)

    def lost(self, connection: Connection, why: str) -> None:
        """The connection is no more."""
        self._over(connection, connection.person, why)

    def end(self, connection: Connection, code: str, text: str = "", *, resume: bool = False) -> None:
        """Say bye and end the connection."""
        if connection.state is State.OVER:
            return
        self.send(connection, Bye(code=code, text=text, resume=resume))
        self.close(connection, code)

    def close(self, connection: Connection, why: str) -> None:
        self.effects.append(Close(connection, why))
        self._over(connection, connection.person, why)

    def end_person(self, name: str, code: str, text: str, *, but: Connection | None = None) -> None:
        """End all of somebody's connections, but perhaps the one that asks for it."""
        person = self.people.find(name)
        if person is not None:
            for connection in tuple(person.connections):
                if connection is not but:
                    self.end(connection, code, text)

    def tick(self) -> None:
        """Time went by: those who were silent for too long go, and who waits in vain is told."""
        for connection in self.sessions.silent(self.now):
            new = connection.state is State.NEW
            text = "nothing was said in time" if new else "nothing was heard of you for too long"
            self.refuse(connection, UNSET, Refused("timeout", text, fatal=True))
        self.heed(self.registry.tick(self.now))
        self.gathering.go_on(self)

    # -- answers

    def send(self, connection: Connection, message: Message) -> None:
        self.effects.append(Send(connection, message))

    def answer(self, connection: Connection, request: Request, message: Answer) -> None:
        message.re = request.id
        self.send(connection, message)

    def refuse(self, connection: Connection, re: str | UnsetType, why: Refused) -> None:
        if connection.state is State.OVER:
            return
        retry = UNSET if why.retry_after is None else why.retry_after
        self.send(connection, Error(re=re, code=why.code, text=why.text, fatal=why.fatal, retry_after=retry))
        if why.fatal:
            self.close(connection, why.code)

    def notify(self, person: Person | None, message: Message, *, but: Connection | None = None) -> None:
        """Tell all of somebody's connections, but perhaps the one that caused it."""
        for connection in person.connections if person is not None else ():
            if connection is not but:
                self.send(connection, message)

    # -- waiting for a password

    def busy(self, connection: Connection) -> None:
        """What it asks from now on waits until `ready`."""
        self.sessions.to(connection, State.BUSY)

    def ready(self, connection: Connection, state: State) -> None:
        """It goes on in `state`; `release` what was held once the answer is given."""
        self.sessions.to(connection, state)

    @contextlib.contextmanager
    def working(self, connection: Connection, re: str | UnsetType, state: State) -> Iterator[None]:
        """Around what comes of a worker's work: when it is refused, the connection is back in `state`."""
        through = False
        with self.guarding(connection, re):
            yield
            through = True
        if not through and connection.state is State.BUSY:
            self.ready(connection, state)
        self.release(connection)

    def release(self, connection: Connection) -> None:
        """Handle what was held, until something is waited for again."""
        while connection.held and connection.state not in {State.BUSY, State.OVER}:
            self.handle(connection, connection.held.popleft())

    def handle(self, connection: Connection, message: Request) -> None:
        """What was said earlier, and had to wait."""
        if connection.state is not State.OVER:
            with self.guarding(connection, message.id):
                self._dispatch(connection, message)

    def stamp(self, withdrew: int) -> int:
        """For a ticket into a room whose newest revocation is `withdrew`."""
        stamp = self.stamps.issue(self.now.wall, withdrew)
        self.ledger.stamp(stamp)
        return stamp

    def revoke(self, scope: str) -> None:
        """Void what was issued to somebody until now, or to the sessions of theirs that `scope` names."""
        stamp = self.stamps.revoke(self.now.wall)
        self.ledger.revoke(scope, stamp)
        self.stamps.revoked(stamp)

    # -- faults

    @contextlib.contextmanager
    def guarding(self, connection: Connection, re: str | UnsetType) -> Iterator[None]:
        """Their fault is answered; a fault of the disk fails the round; a bug of ours costs this connection."""
        before, wrote = len(self.effects), self.mailbox.pending
        try:
            yield
            if self.mailbox.pending != wrote:
                self._of_mail += self.effects[before:]
        except Refused as why:
            self.refuse(connection, re, why)
        except STORE_FAULTS as why:
            self.failed(why)
            self.refuse(connection, re, Refused(*NOT_STORED))
        except Exception:
            log.exception("a request of %s failed", connection)
            self.refuse(connection, re, Refused("internal", "a bug of the server's", fatal=True))

    @contextlib.contextmanager
    def storing(self) -> Iterator[None]:
        """A fault of the disk fails the round, and nothing more."""
        try:
            yield
        except STORE_FAULTS as why:
            self.failed(why)

    def failed(self, why: Exception) -> None:
        """This round cannot be committed."""
        if self.fault is None:
            self.fault = why
            log.error("storage: %s", why)

    def drain(self) -> list[Effect]:
        effects, self.effects = self.effects, []
        self._of_mail.clear()
        return effects

    def heed(self, effects: Iterable[Effect]) -> None:
        """What the registry asks for: visitors are told here, the rest waits for the commit."""
        for effect in effects:
            if isinstance(effect, Admit):
                effect.waiter.admit(self, effect.room)
            elif isinstance(effect, TurnAway):
                effect.waiter.turn_away(self, effect.code, effect.text)
            else:
                self.effects.append(effect)

    def abort(self) -> None:
        """The round's commit failed and was rolled back: promise nothing, and say `storage` instead.

        What is true all the same still happens: refusals, goodbyes, ends of connections, work for the threads.
        """
        self.fault = None
        self.ledger.deleted.doubt()
        self._undo(self.drain())

    def abort_mail(self) -> None:
        """The round stands but for its mail, which could not be stored: only what asked for that is told `storage`."""
        self.fault = None
        mail = {id(effect) for effect in self._of_mail}
        effects = list(self.effects)
        self.drain()
        for effect in effects:
            if id(effect) in mail:
                self._undo([effect])
            else:
                self.effects.append(effect)

    def _undo(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send():
                    self._take_back(effect)
                case ToRoom():  # it may tell of a revocation that is not stored: let the room register again
                    self.effects.append(CloseLink(effect.link, "storage"))
                case Spawn():
                    self.heed(self.registry.cannot_start(effect.settings.room, *NOT_STORED))
                case CloseForGood():
                    self.registry.keep(effect.room)
                case Halt():  # it was refused, so it does not happen
                    pass
                case _:
                    self.effects.append(effect)

    def _take_back(self, effect: Send) -> None:
        message, connection = effect.message, effect.to
        if isinstance(message, Bye) and message.code in UNDONE:  # their session is there still: they go on with it
            self.send(connection, Bye(code=NOT_STORED[0], text=NOT_STORED[1], resume=True))
        elif isinstance(message, STANDING):
            self.effects.append(effect)
        elif isinstance(message, Welcome):  # their session is not stored, so they were never in
            self.send(connection, Error(re=message.re, code=NOT_STORED[0], text=NOT_STORED[1], fatal=True))
            self.effects.append(Close(connection, NOT_STORED[0]))
            self.sessions.over(connection)
        elif isinstance(message, Answer):
            self.refuse(connection, message.re, Refused(*NOT_STORED))

    # -- how things are done

    def _dispatch(self, connection: Connection, message: Request) -> None:
        rule = self._rules.get((connection.state, type(message)))
        if rule is not None:
            rule.check(connection)
            rule.handler(self, connection, message)
        elif connection.state is State.BUSY:
            self.sessions.hold(connection, message)
        else:
            raise refusal(connection.state, type(message))

    def _bad(self, connection: Connection, bad: BadMessage) -> None:
        connection.bad += 1
        if connection.bad >= BAD_MAX:
            bad = BadMessage(bad.code, f"{bad.text}; that was one too many", bad.re)
            bad.fatal = True
        self.refuse(connection, UNSET if bad.re is None else bad.re, bad)

    def _over(self, connection: Connection, person: Person | None, why: str) -> None:
        if person is not None and connection.state is State.IN:
            with self.storing():
                self.ledger.used_session(connection.session, self.now.wall)
        if not self.sessions.over(connection) or person is None:
            return
        log.info("%s left (%s)", person.name, why)
        with self.storing():
            reach.leave(self, person)
        if person.guest:  # cut off, perhaps: the name stays theirs for as long as their place in a room
            until = self.now.wall + int(self.config.rooms.grace * 1_000)
            with self.storing():
                self.ledger.lease(person.name, until, connection.session)
