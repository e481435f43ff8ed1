"""Requests of one side that wait for their answer, over breaks of the connection. Pure.

Law: each is answered exactly once. It is sent again after a break only when a repeat does no harm, as long as it does
none; of any other the asker is told that its outcome is unknown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from client.desk import Desk
from client.events import Answered
from wire.clock import Now
from wire.messages import Error, Message

Then = Callable[[msgspec.Struct, Now], None]

TOO_LATE: Final = "it waited too long and is not sent again: look whether it was done"
UNKNOWN: Final = "the connection broke before the answer: look whether it was done"


@dataclass(slots=True)
class _Request:
    message: Message
    then: Then | None
    again: bool
    asked: int | None  # when, epoch ms, of what exists once for a time only
    tried: bool  # it may have reached the server
    stream: str | None  # what it exists once under; None: any will do
    sent: bool = False


class Asked:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._waiting: dict[str, _Request] = {}

    def add(
        self,
        message: Message,
        then: Then | None,
        *,
        again: bool,
        id_: str = "",
        asked: int | None = None,
        stream: str | None = None,
    ) -> str:
        """Take `message` in under a new id, or the one it had in an earlier run; it carries that from now on. `then`
        takes the answer, else it is told as `Answered`; `again`: a repeat does no harm, up to a time after the moment
        `asked` (epoch ms) where there is one, and under its `stream`."""
        tried, id_ = bool(id_), id_ or self._desk.new_id()
        message.id = id_  # type: ignore[attr-defined]
        self._waiting[id_] = _Request(message, then, again, asked, tried, stream)
        return id_

    def forget(self, id_: str) -> None:
        self._waiting.pop(id_, None)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._waiting

    def send(self, conn: int, stream: str | None = None) -> None:
        """Send what was not sent on this connection yet, but what wants another stream than its own."""
        for request in self._waiting.values():
            if not request.sent and request.stream in (None, stream):
                request.sent = request.tried = True
                self._desk.send(conn, request.message)

    def other_stream(self, stream: str) -> str | None:
        """The one to go on under, as something waits for it and nothing that a change would harm is under way."""
        sent = [request for request in self._waiting.values() if request.sent]
        if any(request.stream == stream or not request.again for request in sent):
            return None
        unsent = [request.stream for request in self._waiting.values() if not request.sent]
        wanted = [other for other in unsent if other is not None]
        return None if stream in wanted else next(iter(wanted), None)

    def unsent(self) -> None:
        """We end the connection ourselves; all that is under way is to be sent on the next."""
        for request in self._waiting.values():
            request.sent = False

    def answer(self, reply: msgspec.Struct, now: Now) -> None:
        """Give `reply` to its asker; one that nobody waits for is nothing."""
        re = getattr(reply, "re", None)
        if not isinstance(re, str) or (request := self._waiting.pop(re, None)) is None:
            return
        if request.then is not None:
            request.then(reply, now)
        else:
            self._desk.tell(Answered(re, reply))

    def broke(self, now: Now) -> None:
        """The connection is gone."""
        for id_, request in tuple(self._waiting.items()):
            if request.sent and not request.again:
                self.answer(Error(re=id_, code="busy", text=UNKNOWN), now)
            request.sent = False

    def expire(self, before: int, now: Now) -> None:
        """What may have been done already and was asked before that moment (epoch ms): sent again it might exist
        twice."""
        for id_, request in tuple(self._waiting.items()):
            if request.tried and request.asked is not None and request.asked <= before:
                self.answer(Error(re=id_, code="timeout", text=TOO_LATE), now)

    def end(self, text: str) -> None:
        """There will be no answers any more. Those who gave a `then` have ended with us."""
        for id_, request in tuple(self._waiting.items()):
            del self._waiting[id_]
            if request.then is None:
                self._desk.tell(Answered(id_, Error(re=id_, code="closed", text=text)))
