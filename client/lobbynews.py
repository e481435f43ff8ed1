"""What the lobby says unasked: mail, direct messages, invitations, and what other connections of ours changed. Pure.

Law: a direct message is told once, however often it comes; all that is none of these is the answer to a request.
"""

from typing import Any, Final

from client.asked import Asked
from client.desk import Desk
from client.events import (
    Announced,
    BlocksChanged,
    DirectCame,
    DirectsRead,
    InvitationCame,
    MailboxChanged,
    MailCame,
    Named,
    UnreadChanged,
)
from wire.clock import Now
from wire.messages import (
    Announcement,
    Blocked,
    Direct,
    Invited,
    MailChanged,
    MailNew,
    ReadElsewhere,
    Respelled,
    Unread,
)

LATE: Final = 120_000  # ms, after which a message was kept; clocks differ a little


class LobbyNews:
    def __init__(self, desk: Desk) -> None:
        self.name = ""
        self.unread = 0
        self.blocked: list[str] = []  # our block list
        self._desk = desk
        self._asked = Asked(desk)
        self._directs: int | None = None  # the number of the last direct message we have

    def _said(self, message: Any, now: Now) -> None:
        match message:
            case MailNew() | Unread() | MailChanged() | Invited():
                self._news(message)
            case Direct() | ReadElsewhere():
                self._direct(message, now)
            case Blocked() | Respelled():
                self._about_us(message, now)
            case Announcement():
                self._desk.tell(Announced(None, message.text, message.at))
            case _:
                self._asked.answer(message, now)

    def _news(self, message: MailNew | Unread | MailChanged | Invited) -> None:
        match message:
            case MailNew():
                self.unread = message.unread
                self._desk.tell(MailCame(message))
            case Unread():
                self.unread = message.unread
                self._desk.tell(UnreadChanged(message.unread))
            case MailChanged():
                self._desk.tell(MailboxChanged(message))
            case Invited():
                self._desk.tell(InvitationCame(message))

    def _about_us(self, message: Blocked | Respelled, now: Now) -> None:
        if isinstance(message, Blocked):
            self.blocked = message.names
            self._desk.tell(BlocksChanged(tuple(message.names)))
        else:
            self.name = message.name
            self._desk.tell(Named(message.name))
        self._asked.answer(message, now)

    def _direct(self, direct: Direct | ReadElsewhere, now: Now) -> None:
        if isinstance(direct, ReadElsewhere):
            self._desk.tell(DirectsRead(direct.other, direct.number))
        elif self._directs is None or direct.number > self._directs:
            self._directs = direct.number
            self._desk.tell(DirectCame(direct, now.wall - direct.at > LATE))
