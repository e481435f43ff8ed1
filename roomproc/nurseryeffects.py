"""What the nursery's table asks for: small frozen effects, carried out by `roomproc.nursery` in order. Pure."""

from msgspec import Struct

from wire.control import NurseryToRoom, RoomStatus


class Start(Struct, frozen=True):
    """Look who has the room's lock; if nobody, fork it. Answered by `forked`, `held` or `no_start`."""

    room: str


class Say(Struct, frozen=True):
    room: str
    message: NurseryToRoom


class Kill(Struct, frozen=True):
    """SIGKILL; the end is waited for, and comes as `ended`."""

    pid: int


class AskStacks(Struct, frozen=True):
    """Have the process write its stacks into the room's flight record, if it still can."""

    pid: int


class Record(Struct, frozen=True):
    """Add a line to the room's flight record."""

    room: str
    text: str


class Tell(Struct, frozen=True):
    """Tell whoever follows the table."""

    status: RoomStatus


class AwaitCaller(Struct, frozen=True):
    """The room sleeps: say `woken` when somebody connects to its listener."""

    room: str


class TurnAway(Struct, frozen=True):
    """The room has failed: answer whoever connects to its listener that it has."""

    room: str


class CloseListener(Struct, frozen=True):
    room: str


Effect = Start | Say | Kill | AskStacks | Record | Tell | AwaitCaller | TurnAway | CloseListener
