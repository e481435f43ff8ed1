"""How answers find those who wait for them: a future for each request, resolved by the session's events."""

import asyncio
from typing import Any, TypeVar

import msgspec

from client.events import (
    Acknowledged,
    Answered,
    Ended,
    Event,
    Greeted,
    LeftRoom,
    LoggedIn,
    LoggedOut,
    LoginRefused,
    NoServer,
    NotSent,
    RoomEntered,
    RoomRefused,
    RoomUnreachable,
)
from wire.messages import Error
from wire.names import fold

T = TypeVar("T")


class Refusal(Exception):  # noqa: N818 - an answer, not a failure of ours
    """The server said no. `code` as in docs/protocol.md, and `no_server`, `unreachable`, `left` of our own."""

    def __init__(self, code: str, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.retry_after = retry_after


class Answers:
    """The futures of one visit."""

    def __init__(self) -> None:
        self.greeting: asyncio.Future[Greeted] | None = None
        self.login: asyncio.Future[LoggedIn] | None = None
        self._entering: dict[str, asyncio.Future[RoomEntered]] = {}
        self._requests: dict[str, asyncio.Future[Any]] = {}

    def for_greeting(self) -> "asyncio.Future[Greeted]":
        self.greeting = _future()
        return self.greeting

    def for_login(self) -> "asyncio.Future[LoggedIn]":
        self.login = _future()
        return self.login

    def for_entering(self, room: str) -> "asyncio.Future[RoomEntered]":
        """One future for all who wait to get into the same room."""
        return self._entering.setdefault(fold(room), _future())

    def for_request(self, id_: str) -> "asyncio.Future[Any]":
        future = self._requests[id_] = _future()
        return future

    def forget(self, id_: str) -> None:
        self._requests.pop(id_, None)

    def resolve(self, event: Event) -> None:
        match event:
            case Acknowledged(id=id_, seq=seq):
                _set(self._requests.get(id_), seq)
            case NotSent(id=id_, code=code, text=text):
                _fail(self._requests.get(id_), Refusal(code, text))
            case Answered(id_, reply):
                self._resolve_answer(id_, reply)
            case RoomEntered(room):
                _set(self._entering.pop(fold(room), None), event)
            case RoomRefused(room, code, text) | LeftRoom(room, code, text):
                _fail(self._entering.pop(fold(room), None), Refusal(code, text))
            case RoomUnreachable(room, host, port, why):
                _fail(self._entering.pop(fold(room), None), Refusal("unreachable", unreachable(room, host, port, why)))
            case _:
                self._resolve_visit(event)

    def _resolve_visit(self, event: Event) -> None:
        match event:
            case Greeted():
                _set(self.greeting, event)
            case LoggedIn():
                _set(self.login, event)
            case LoginRefused(code, text, retry_after):
                _fail(self.login, Refusal(code, text, retry_after))
            case LoggedOut(text):
                _fail(self.login, Refusal("bad_session", text))
            case NoServer(host, port, why):
                self._end(Refusal("no_server", f"no server answers at {host}:{port} ({why})"))
            case Ended(code, text):
                self._end(Refusal(code, text or "the visit is over"))

    def _resolve_answer(self, id_: str, reply: msgspec.Struct) -> None:
        if isinstance(reply, Error):
            retry = reply.retry_after if isinstance(reply.retry_after, float | int) else None
            _fail(self._requests.get(id_), Refusal(reply.code, reply.text, retry))
        else:
            _set(self._requests.get(id_), reply)

    def _end(self, why: Refusal) -> None:
        for future in (self.greeting, self.login, *self._entering.values(), *self._requests.values()):
            _fail(future, why)
        self._entering.clear()


def unreachable(room: str, host: str, port: int, why: str) -> str:
    return (
        f"the room {room} is at port {port} of {host}, and that port cannot be reached from here ({why}): "
        "a firewall may be in the way, ask the server's operator to open it"
    )


def _future() -> "asyncio.Future[Any]":
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    future.add_done_callback(_looked_at)
    return future


def _looked_at(future: "asyncio.Future[Any]") -> None:
    """A refusal nobody waits for any more is no fault."""
    if not future.cancelled():
        future.exception()


def _set(future: "asyncio.Future[T] | None", result: T) -> None:
    if future is not None and not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[Any] | None", why: Exception) -> None:
    if future is not None and not future.done():
        future.set_exception(why)
