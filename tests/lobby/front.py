"""A lobby's desk with real stores and no sockets: a test says a message and sees what leaves after the round's commit.

Passwords are verified on the spot, the nursery is a list of what it was asked for, and time passes when told.
"""

import itertools
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from base import config as configuration
from base.config import Config
from base.paths import Paths
from lobby import edits, passwords, roomdesk
from lobby.accounts import Accounts
from lobby.admin import Figures
from lobby.desk import Desk, Stores
from lobby.effects import Close, CloseLink, Effect, Hash, Look, Seek, Send, ToRoom, Verify
from lobby.mailbox import Mailbox
from lobby.requests import RULES
from lobby.sessions import Connection
from lobby.store import Store
from wire.clock import Now
from wire.codec import encode
from wire.control import Present, Register, RoomSettings, RoomStatus, Told
from wire.messages import Error, Guest, Hello, Login, Message, Request, ServerHello, Welcome

MASTERS = {1: b"m" * 32}
QUICK = ["accounts.hash_memory_kib=8", "accounts.hash_time=1", 'rooms.durability="off"']
USERS = """\
test_user:{PLAIN}123:user:test:
foo_user:{PLAIN}123:user:test:
admin_user:{PLAIN}123:user,admin:test:
ann:{PLAIN}annspassword:user::
ben:{PLAIN}benspassword:user::
shut:{PLAIN}shutspassword:user:locked:
"""
M = TypeVar("M", bound=Message)


class Client:
    """One connection; `inbox` holds what was sent to it and not yet taken."""

    def __init__(self, front: "Front", address: str) -> None:
        self.front = front
        self.connection = front.desk.open(address)
        self.connection.channel = self
        self.inbox: list[Message] = []
        self.closed = ""

    def send(self, *messages: Request) -> None:
        """Say these in one round."""
        for message in messages:
            self.front.desk.take(self.connection, encode(message))
        self.front.end_round()

    def send_raw(self, line: bytes) -> Message:
        self.front.desk.take(self.connection, line)
        self.front.end_round()
        return self.take(Message)

    def take(self, kind: type[M]) -> M:
        """The next message, which is one of this kind."""
        assert self.inbox, "nothing was sent"
        message = self.inbox.pop(0)
        assert isinstance(message, kind), message
        return message

    def ask(self, message: Request, kind: type[M]) -> M:
        """Say it and take the one answer, which repeats the id."""
        message.id = self.front.new_id()
        self.send(message)
        answer = self.take(kind)
        assert getattr(answer, "re", message.id) == message.id
        return answer

    def refused(self, message: Request) -> str:
        """The code of the error that it is answered with."""
        return self.ask(message, Error).code

    def lose(self) -> None:
        """The connection breaks."""
        self.front.desk.lost(self.connection, "left")
        self.front.end_round()

    def hello(self) -> "Client":
        self.ask(Hello(protocol=1), ServerHello)
        return self


class Front:
    def __init__(self, path: Path, *settings: str, users: str = USERS) -> None:
        self.config: Config = configuration.load(None, [*QUICK, *settings])
        self.paths = Paths(path / "var")
        self.paths.create()
        if not self.paths.user_db.exists():
            self.paths.user_db.write_text(users)
        self.time = Now(1_000.0, 1_800_000_000_000)
        self._ids = itertools.count(1)
        self.asked: list[Effect] = []  # of the nursery, and of rooms
        self.fail: Exception | None = None  # what the next commit raises
        self.fail_mail: Exception | None = None  # what the commit of the mail raises, once the rest stands
        self.slow: list[Verify | Hash] = []  # work that waits, while `hold` is set
        self.hold = False
        self.open()

    def open(self) -> None:
        """Start the lobby, or start it again on the same files."""
        self.store = Store(self.paths, "off")
        self.mailbox = Mailbox(self.paths.mail_db, "off")
        self.accounts = Accounts(self.paths.user_db, test_open=self.config.on_loopback)
        store = self.store
        stores = Stores(self.accounts, self.mailbox, store.catalogue, store.ledger, store.places, store.audit)
        self.desk = Desk(self.config, stores, MASTERS, RULES, lambda: self.time, motd="be kind")

    def close(self) -> None:
        for part in (self.store, self.mailbox, self.accounts):
            part.close()

    def restart(self) -> None:
        self.close()
        self.open()

    def new_id(self) -> str:
        return f"id{next(self._ids)}"

    # -- people

    def connect(self, address: str = "127.0.0.1") -> Client:
        return Client(self, address)

    def login(self, name: str, password: str | None = None, *, address: str = "127.0.0.1", **more: Any) -> Client:
        password = password or ("123" if name.endswith("_user") else f"{name}spassword")
        client = self.connect(address).hello()
        client.ask(Login(name=name, password=password, **more), Welcome)
        return client

    def guest(self, name: str, *, address: str = "127.0.0.1") -> Client:
        client = self.connect(address).hello()
        client.ask(Guest(name=name), Welcome)
        return client

    # -- rooms

    def register(
        self, room: RoomSettings, link: str, *names: str, incarnation: int = 1, revoked: int = 0, topic: str = ""
    ) -> None:
        members = [Present(name, guest=False) for name in names]
        message = Register(
            settings=room, pid=77, port=5_000, incarnation=incarnation, topic=topic, lines=3, members=members,
            revoked=revoked,
        )  # fmt: skip
        self.tell(link, message)

    def tell(self, link: str, message: Any) -> None:
        """A room says something."""
        with self.desk.storing():
            roomdesk.said(self.desk, link, message)
        self.end_round()

    def nursery(self, room: str, state: Any, **more: Any) -> None:
        """The nursery tells a state."""
        status = {"pid": 0, "port": 0, "incarnation": 0, "restarts": 0, "reason": "", **more}
        with self.desk.storing():
            roomdesk.nursery_said(self.desk, RoomStatus(room=room, state=state, **status))
        self.end_round()

    def told(self) -> None:
        """The nursery has told all it has."""
        with self.desk.storing():
            roomdesk.nursery_said(self.desk, Told())
        self.end_round()

    def room(self, name: str) -> RoomSettings:
        found = self.store.catalogue.room(name)
        assert found is not None
        return found

    def asked_for(self, kind: type[Any]) -> list[Any]:
        """Take what the nursery or rooms were told, of one kind."""
        found = [effect for effect in self.asked if isinstance(effect, kind)]
        self.asked = [effect for effect in self.asked if not isinstance(effect, kind)]
        return found

    # -- time and rounds

    def later(self, seconds: float) -> None:
        """Time passes, and what is due happens."""
        self.time = Now(self.time.mono + seconds, self.time.wall + int(seconds * 1_000))
        with self.desk.storing():
            self.desk.tick()
        self.end_round()

    def look(self) -> None:
        """The look at the user db that happens every second."""
        with self.desk.storing():
            edits.look(self.desk)
        self.end_round()

    def end_round(self) -> None:
        if self.desk.fault is None:
            with self.desk.storing():
                self._commit()
        if self.desk.fault is not None:
            for part in (self.store, self.mailbox, self.accounts):
                part.rollback()
            self.desk.abort()
        elif self.fail_mail is not None:
            self.fail_mail = None
            self.mailbox.rollback()
            self.desk.abort_mail()
        else:
            self.mailbox.commit()
        work: list[Callable[[], None]] = []
        while effects := self.desk.drain():
            for effect in effects:
                self._do(effect, work)
        for act in work:
            act()
        if work:
            self.end_round()

    def finish_work(self) -> None:
        """Let the threads finish what they were given."""
        self.hold = False
        slow, self.slow = self.slow, []
        for effect in slow:
            _work(effect, self.config)()
        self.end_round()

    def _commit(self) -> None:
        if self.fail is not None:
            why, self.fail = self.fail, None
            raise why
        self.store.ledger.deleted.know(self.accounts.staged)
        self.store.commit()
        self.accounts.commit()

    def _do(self, effect: Effect, work: list[Callable[[], None]]) -> None:
        match effect:
            case Send(to=to, message=message):
                _client(to).inbox.append(_decoded(message))
            case Close(connection=connection, why=why):
                _client(connection).closed = why
            case Verify() | Hash():
                if self.hold:
                    self.slow.append(effect)
                else:
                    work.append(_work(effect, self.config))
            case Look(pids=pids, then=then):
                figures = {pid: Figures(1.5, 20_000_000, 5_000_000, 60) for pid in pids}
                work.append(lambda: then(figures))
            case Seek(look=look, then=found):
                work.append(lambda: found(_looked(lambda: look(self.mailbox._db.read))))
            case _:
                self.asked.append(effect)
                if isinstance(effect, ToRoom | CloseLink):
                    assert effect.link


def _looked(look: Callable[[], Any]) -> Any:
    """As a thread hands it over."""
    try:
        return look()
    except sqlite3.Error as why:
        return why


def _client(connection: Connection) -> Client:
    client = connection.channel
    assert isinstance(client, Client)
    return client


def _decoded(message: Message) -> Message:
    """As it was when it was sent: what is changed afterwards does not count."""
    return msgspec.convert(msgspec.to_builtins(message), type(message))


def _work(effect: Verify | Hash, config: Config) -> Callable[[], None]:
    if isinstance(effect, Hash):
        return lambda: effect.then(passwords.make(effect.password, config.accounts))
    return lambda: effect.then(passwords.verify(effect.secret, effect.password, config.accounts, renew=effect.renew))
