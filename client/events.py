"""What the session tells whoever looks at it (line mode, screens, programs), and what it asks of the link.

Law: frozen values without behaviour; a front end needs nothing else of the session than these and its verbs.
`room` is the room's name as it is spelled; None is the lobby. Events that answer a verb carry the `id` it returned.
"""

from dataclasses import dataclass

import msgspec

from wire.messages import (
    BackRow,
    Direct,
    Entry,
    Invited,
    MailChanged,
    MailNew,
    Message,
    Presence,
    Say,
    Whisper,
    Whispered,
)

Outgoing = Say | Whisper

# --- effects: what the link does


@dataclass(frozen=True, slots=True)
class Open:
    """Connect, then report `connected` or `failed` for `conn`."""

    conn: int
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Send:
    conn: int
    message: Message


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection once what was sent has left; nothing more is reported for it."""

    conn: int


# --- events: the lobby


@dataclass(frozen=True, slots=True)
class NoServer:
    """The first connection could not be made; the session is over."""

    host: str
    port: int
    why: str


@dataclass(frozen=True, slots=True)
class Greeted:
    """A server answered; log in now."""

    server: str
    guests: bool
    registration: bool


@dataclass(frozen=True, slots=True)
class LoggedIn:
    name: str
    roles: tuple[str, ...]
    guest: bool
    unread: int
    motd: str
    again: bool  # by itself, after the connection broke
    back: tuple[BackRow, ...] = ()  # the rooms one was in at the end of the last visit
    away: str = ""  # one is still marked away


@dataclass(frozen=True, slots=True)
class BlocksChanged:
    """Our block list, as it is now."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """Our name is spelled so from now on."""

    name: str


@dataclass(frozen=True, slots=True)
class LoginRefused:
    code: str
    text: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """The session could not be resumed: somebody has to log in again. Rooms may go on."""

    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The visit is over: we quit (code `quit`), or the server ended it for good."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A connection broke; the session tries again by itself."""

    room: str | None


@dataclass(frozen=True, slots=True)
class Back:
    room: str | None


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to `ask` or `ask_room`: a message of the server, or its `Error`."""

    id: str
    reply: msgspec.Struct


@dataclass(frozen=True, slots=True)
class MailCame:
    mail: MailNew


@dataclass(frozen=True, slots=True)
class DirectCame:
    """Somebody told us something, or we did on another connection; `late`: it was kept for a while."""

    direct: Direct
    late: bool


@dataclass(frozen=True, slots=True)
class DirectsRead:
    """Another connection of ours has read what `other` told us, up to a number."""

    other: str
    number: int


@dataclass(frozen=True, slots=True)
class InvitationCame:
    """Somebody lets us into a room of theirs, which is in the list of rooms from now on."""

    invited: Invited


@dataclass(frozen=True, slots=True)
class UnreadChanged:
    unread: int


@dataclass(frozen=True, slots=True)
class MailboxChanged:
    """Another connection of ours read, marked, moved or stored mail."""

    change: MailChanged


# --- events: a room


@dataclass(frozen=True, slots=True)
class RoomEntered:
    room: str
    topic: str
    count: int
    members: tuple[str, ...]
    operator: bool
    again: bool  # back after a break or a restart, not a first entry
    missed: int  # entries that follow and were said before we came (back)
    seq: int  # the newest number
    epoch: int


@dataclass(frozen=True, slots=True)
class RoomRefused:
    """We never got in."""

    room: str
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class RoomUnreachable:
    """The lobby sent us to a port that cannot be reached."""

    room: str
    host: str
    port: int
    why: str


@dataclass(frozen=True, slots=True)
class LeftRoom:
    """We are out: of our own will (code `left`), or the room's."""

    room: str
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class EntryCame:
    """A numbered entry of the log, each once and in order; `past`: it was there before we came (back)."""

    room: str
    entry: Entry
    past: bool


@dataclass(frozen=True, slots=True)
class WhisperCame:
    room: str
    whisper: Whispered


@dataclass(frozen=True, slots=True)
class PresenceCame:
    room: str
    presence: Presence
    count: int  # members now


@dataclass(frozen=True, slots=True)
class TypingCame:
    room: str
    sender: str


@dataclass(frozen=True, slots=True)
class GapCame:
    """Entries `first` to `last` will not come."""

    room: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The room's numbers went back (a restored file): what follows is its log anew."""

    room: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A line or whisper is stored. `seq`: the line's number; `at`: when we heard of it."""

    room: str
    id: str
    message: Outgoing
    seq: int | None
    at: int


@dataclass(frozen=True, slots=True)
class NotSent:
    """A line or whisper was refused, or its time to be sent again is over."""

    room: str
    id: str
    message: Outgoing
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Held:
    """The room takes no line for `seconds`; what is typed waits, in order."""

    room: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """`count` lines have had no acknowledgement for a while; they are kept and sent again."""

    room: str
    count: int


@dataclass(frozen=True, slots=True)
class Complaint:
    """The server found something wrong that belongs to no request."""

    room: str | None
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Announced:
    room: str | None
    text: str
    at: int


Effect = Open | Send | Close
Event = (
    NoServer | Greeted | LoggedIn | LoginRefused | LoggedOut | BlocksChanged | Named | Ended | Lost | Back | Answered
    | MailCame | DirectCame | DirectsRead | InvitationCame | UnreadChanged | MailboxChanged | RoomEntered
    | RoomRefused | RoomUnreachable | LeftRoom | EntryCame | WhisperCame | PresenceCame | TypingCame | GapCame
    | Reloaded | Acknowledged | NotSent | Held | Unconfirmed | Complaint | Announced
)  # fmt: skip
