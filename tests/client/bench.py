"""A session with hands: what it sends is seen, what the server says is put in, time is turned."""

import random
from typing import Any, TypeVar

from client import events
from client.events import Close, Event, Open, Send
from client.session import Session
from wire import messages as m
from wire.clock import Now

T = TypeVar("T")
AT = 1_795_197_600_000


class Bench:
    def __init__(self) -> None:
        streams = (f"stream-{number:016}" for number in range(1_000))
        self.session = Session("lobby.example", 22222, rng=random.Random(3), stream=lambda: next(streams))
        self.now = Now(1_000.0, AT)
        self.opened: list[Open] = []
        self.sent: list[Send] = []
        self.closed: list[int] = []
        self.told: list[Event] = []

    # -- what came out

    def settle(self) -> None:
        for effect in self.session.effects():
            match effect:
                case Open():
                    self.opened.append(effect)
                case Send():
                    self.sent.append(effect)
                case Close(conn):
                    self.closed.append(conn)
        self.told += self.session.events()

    def last(self, kind: type[T]) -> T:
        """The last message of this kind that was sent."""
        return next(send.message for send in reversed(self.sent) if isinstance(send.message, kind))

    def count(self, kind: type) -> int:
        return sum(isinstance(send.message, kind) for send in self.sent)

    def heard(self, kind: type[T]) -> list[T]:
        return [event for event in self.told if isinstance(event, kind)]

    # -- what comes in

    def connected(self) -> int:
        """The newest connection is made; its number."""
        conn = self.opened[-1].conn
        self.session.connected(conn, self.now)
        self.settle()
        return conn

    def failed(self, why: str = "connection refused") -> None:
        self.session.failed(self.opened[-1].conn, why, self.now)
        self.settle()

    def lost(self, conn: int) -> None:
        self.session.lost(conn, "reset", self.now)
        self.settle()

    def says(self, conn: int, *messages: Any) -> None:
        for message in messages:
            self.session.received(conn, message, self.now)
            self.settle()

    def answers(self, conn: int, kind: type, reply: Any) -> None:
        """The server's answer to the last message of this kind."""
        reply.re = self.last(kind).id  # type: ignore[attr-defined]
        self.says(conn, reply)

    def passes(self, seconds: float) -> None:
        self.now = Now(self.now.mono + seconds, self.now.wall + round(seconds * 1000))
        self.session.tick(self.now)
        self.settle()

    def until_opened(self) -> Open:
        """Time passes until the session connects to something."""
        before = len(self.opened)
        for _ in range(100):
            deadline = self.session.next_deadline()
            assert deadline is not None, "nothing will ever happen"
            self.passes(max(0.0, deadline - self.now.mono))
            if len(self.opened) > before:
                return self.opened[-1]
        raise AssertionError("it does not connect")

    # -- scenes

    def greeted(self) -> int:
        self.session.open()
        self.settle()
        lobby = self.connected()
        self.answers(lobby, m.Hello, m.ServerHello(protocol=1, server="bench", guests=True, registration=True))
        return lobby

    def logged_in(self, credential: Any = None) -> int:
        lobby = self.greeted()
        self.session.login(credential or m.Login(name="ann", password="secret"), self.now)
        self.settle()
        self.answers(lobby, type(credential or m.Login(name="", password="")), welcome())
        return lobby

    def back_in_lobby(self) -> int:
        """The lobby is connected to again and greets; the login is the caller's."""
        self.until_opened()
        lobby = self.connected()
        self.answers(lobby, m.Hello, m.ServerHello(protocol=1, server="bench", guests=True, registration=True))
        return lobby

    def redirected(self, lobby: int, port: int = 30001, host: str = "", ticket: str = "ticket") -> None:
        self.answers(lobby, m.Join, m.Redirect(room="hall", host=host, port=port, ticket=ticket))

    def in_hall(self, *, seq: int = 0) -> tuple[int, int]:
        """Logged in and in the hall; both connections."""
        lobby = self.logged_in()
        self.session.join("hall")
        self.settle()
        self.redirected(lobby)
        room = self.connected()
        self.answers(room, m.Enter, entered(seq=seq))
        return lobby, room

    def says_in_hall(self, text: str) -> str:
        id_ = self.session.say("hall", m.Say(text=text), self.now)
        self.settle()
        return id_


def welcome(name: str = "ann", **more: Any) -> m.Welcome:
    return m.Welcome(name=name, roles=["user"], session="session", unread=0, motd="", resend_window=60, **more)


def entered(*, seq: int = 0, epoch: int = 1, members: tuple[str, ...] = ("ann",)) -> m.Entered:
    return m.Entered(
        room="hall", topic="", seq=seq, first=1, epoch=epoch, count=len(members), members=list(members), more=False,
        resume="resume", resend_window=60, whisper=0, operator=False, after=max(0, seq - 20),
    )  # fmt: skip


def line(seq: int, text: str = "hi", sender: str = "bob") -> m.Line:
    return m.Line(seq=seq, at=AT, sender=sender, text=text)


def error(code: str, *, fatal: bool = False, retry_after: float | None = None) -> m.Error:
    made = m.Error(code=code, text=f"it is {code}", fatal=fatal)
    if retry_after is not None:
        made.retry_after = retry_after
    return made


def entries(bench: Bench) -> list[int]:
    return [event.entry.seq for event in bench.heard(events.EntryCame)]
