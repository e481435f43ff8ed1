"""Requests of one side that wait for their answer, over breaks of the connection. Pure.

Law: each is answered exactly once. It is sent again after a break only when a repeat does no harm; of any other the
asker is told that its outcome is unknown.
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

UNKNOWN: Final = "the connection broke before the answer: look whether it was done"


@dataclass(slots=True)
class _Request:
    message: Message
    then: Then | None
    again: bool
    sent: bool = False


class Asked:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._waiting: dict[str, _Request] = {}

    def add(self, message: Message, then: Then | None, *, again: bool, id_: str = "") -> str:
        """Take `message` in under a new id, or the one it had in an earlier run; it carries that from now on. `then`
        takes the answer, else it is told as `Answered`; `again`: a repeat does no harm."""
        id_ = id_ or self._desk.new_id()
        message.id = id_  # type: ignore[attr-defined]
        self._waiting[id_] = _Request(message, then, again)
        return id_

    def forget(self, id_: str) -> None:
        self._waiting.pop(id_, None)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._waiting

    def send(self, conn: int) -> None:
        """Send what was not sent on this connection yet."""
        for request in self._waiting.values():
            if not request.sent:
                request.sent = True
                self._desk.send(conn, request.message)

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

    def end(self, text: str) -> None:
        """There will be no answers any more. Those who gave a `then` have ended with us."""
        for id_, request in tuple(self._waiting.items()):
            del self._waiting[id_]
            if request.then is None:
                self._desk.tell(Answered(id_, Error(re=id_, code="closed", text=text)))
