"""What the lobby's core asks for: small frozen effects, carried out by `lobby.server` after the round's commit.

Law: nothing here acts. `then` is called by the server in a later round with what came of it, or with the exception.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from wire.control import LobbyToRoom, RoomSettings
from wire.messages import Message

if TYPE_CHECKING:
    from lobby.admin import Figures
    from lobby.desk import Desk
    from lobby.sessions import Connection


class Waiter(Protocol):
    """Somebody on the way into a room that does not run yet."""

    def admit(self, desk: "Desk", room_id: str) -> None:
        """It runs."""

    def turn_away(self, desk: "Desk", code: str, text: str) -> None:
        """It does not come."""


@dataclass(frozen=True, slots=True)
class Send:
    """Give `message` to a client."""

    to: "Connection"
    message: Message


@dataclass(frozen=True, slots=True)
class Close:
    """End a client's connection, after what was sent to it."""

    connection: "Connection"
    why: str


@dataclass(frozen=True, slots=True)
class Verify:
    """Does `password` open `secret`? None is nobody's, and takes as long. Then: whether, and a newer secret or None.

    `renew`: a secret in clear or of outdated strength is to be replaced.
    """

    secret: str | None
    password: str
    renew: bool
    then: Callable[[tuple[bool, str | None] | Exception], None]


@dataclass(frozen=True, slots=True)
class Hash:
    """Make a secret of `password`."""

    password: str
    then: Callable[[str | Exception], None]


@dataclass(frozen=True, slots=True)
class Look:
    """See what these processes use."""

    pids: tuple[int, ...]
    then: Callable[["dict[int, Figures] | Exception"], None]


@dataclass(frozen=True, slots=True)
class Seek:
    """Look into the mail file beside the loop, as it stands after the commit."""

    look: Callable[[Callable[..., Any]], Any]
    then: Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Spawn:
    """Have the nursery see that the room runs."""

    settings: RoomSettings


@dataclass(frozen=True, slots=True)
class CloseForGood:
    """Have the nursery end a room whose catalogue entry is gone; it is marked, so that a restart goes on with it."""

    room: str


@dataclass(frozen=True, slots=True)
class Halt:
    """Have the nursery stop the room, and tell its members this code; `restarting` starts it again at once."""

    room: str
    code: str


@dataclass(frozen=True, slots=True)
class Erase:
    """Remove a closed room's files: no process has them any more."""

    room: str


@dataclass(frozen=True, slots=True)
class ToRoom:
    """Say something to a room over its control link."""

    link: Hashable
    message: LobbyToRoom


@dataclass(frozen=True, slots=True)
class CloseLink:
    """End a room's control link."""

    link: Hashable
    why: str


@dataclass(frozen=True, slots=True)
class Admit:
    """The room that `waiter` waited for runs. For the desk."""

    waiter: Waiter
    room: str


@dataclass(frozen=True, slots=True)
class TurnAway:
    """The room that `waiter` waited for does not come. For the desk."""

    waiter: Waiter
    code: str
    text: str


Effect = (
    Send
    | Close
    | Verify
    | Hash
    | Look
    | Seek
    | Spawn
    | CloseForGood
    | Halt
    | Erase
    | ToRoom
    | CloseLink
    | Admit
    | TurnAway
)
