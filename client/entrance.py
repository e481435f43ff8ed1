"""The way into a room, and back into it: by the lobby's redirect, by a resume token, by the room's own. Pure.

Law: once we were in, every break is followed by another attempt until a plain refusal; a token that the room does not
take sends us to the lobby. States and their changes are a table.
"""

import logging
from enum import Enum
from typing import Any, Final

import msgspec
from msgspec import UNSET

from client.desk import Desk
from client.events import Back, LeftRoom, Lost, Reloaded, RoomEntered, RoomRefused, RoomUnreachable
from client.lobbyside import LobbySide
from client.patience import Pauses, Pulse
from client.seen import Seen
from wire.clock import Now
from wire.messages import PROTOCOL, Closing, Enter, Entered, Error, Join, Leave, Redirect
from wire.names import fold

log = logging.getLogger(__name__)

ANSWER_SECONDS: Final = 20.0  # for `entered`: a room that restarts leaves us in its backlog for a while
LOBBY_SECONDS: Final = 5.0  # for the lobby's redirect, while a resume token could be tried instead
GOODBYE_SECONDS: Final = 1.0
FIRST_TRIES: Final = 4  # to get in at all; once we were in, there is no end to it
UNREACHABLE_TRIES: Final = 2  # the second at the port that the lobby names then
# Answers after which asking again would be answered the same.
FINAL: Final = frozenset(
    {
        *("no_such_room", "not_allowed", "banned", "kicked", "locked", "closed", "stopped", "room_failed"),
        *("version", "bad_name"),
    }
)
# Answers that a newcomer waits for as well; of all others they are told at once.
PASSING: Final = frozenset({"bad_ticket", "too_fast", "busy", "restarting", "sleeping"})


class RoomState(Enum):
    ASKING = "asking"  # the lobby, for a way in
    CONNECTING = "connecting"
    ENTERING = "entering"
    IN = "in"
    WAITING = "waiting"  # until the next attempt
    LEAVING = "leaving"
    OVER = "over"


_S = RoomState
TRANSITIONS: Final = {
    _S.ASKING: {_S.CONNECTING, _S.WAITING, _S.OVER},
    _S.CONNECTING: {_S.ENTERING, _S.WAITING, _S.OVER},
    _S.ENTERING: {_S.IN, _S.CONNECTING, _S.WAITING, _S.LEAVING, _S.OVER},
    _S.IN: {_S.CONNECTING, _S.WAITING, _S.LEAVING, _S.OVER},
    _S.WAITING: {_S.ASKING, _S.CONNECTING, _S.OVER},
    _S.LEAVING: {_S.OVER},
    _S.OVER: set(),
}


class Entrance:
    """The connection of one visit to one room. `since` and `epoch`: where an earlier visit ended, None for a newcomer.

    What happens inside is the business of `client.roomside`, which fills `_inside`, `_broken_off` and `_ended` in.
    """

    def __init__(
        self, desk: Desk, lobby: LobbySide, room: str, *, create: bool, since: int | None, epoch: int | None
    ) -> None:
        self.state = RoomState.ASKING
        self.room = room
        self.topic = ""
        self.operator = False
        self.count = 0
        self.members: dict[str, str] = {}  # fold(name) → name; the first page, and who came since
        self.seen = Seen(since, epoch)
        self._desk = desk
        self._lobby = lobby
        self._create = create
        self._stream = self._own_stream = desk.new_stream()
        self._host = ""
        self._port = 0
        self._ticket = ""  # once
        self._resume = ""  # as often as needed
        self._conn = 0
        self._enter_id = ""
        self._ask_id = ""
        self._ask_lobby = False  # on the next attempt
        self._been_in = False
        self._tries = 0
        self._told_lost = False
        self._deadline: float | None = None
        self._pauses = Pauses(desk.rng)
        self._pulse = Pulse()

    # -- for what happens inside

    def _inside(self, entered: Entered, now: Now) -> None:
        """We are in, for the first time or again."""

    def _broken_off(self, now: Now) -> None:
        """The connection is gone; there may be another."""

    def _ended(self) -> None:
        """The visit is over."""

    @property
    def again_at(self) -> float | None:
        """When the next attempt is made, while we wait for it (monotonic seconds)."""
        return self._deadline if self.state is RoomState.WAITING else None

    # -- verbs

    def open(self) -> None:
        self._ask_for_way_in()

    def leave(self, now: Now) -> None:
        if self.state in (RoomState.ENTERING, RoomState.IN):
            self._desk.send(self._conn, Leave())
            self._become(RoomState.LEAVING)
            self._deadline = now.mono + GOODBYE_SECONDS
        elif self.state not in (RoomState.LEAVING, RoomState.OVER):
            self._out("left", "")

    def cut(self) -> None:
        """Be out at once; we have said that we leave."""
        self._out("left", "")

    # -- what the link reports

    def connected(self, now: Now) -> None:
        if self.state is not RoomState.CONNECTING:
            return
        self._become(RoomState.ENTERING)
        self._deadline = now.mono + ANSWER_SECONDS
        self._pulse.heard(now)
        self._enter_id = self._desk.new_id()
        enter = Enter(id=self._enter_id, protocol=PROTOCOL, ticket=self._ticket or self._resume, stream=self._stream)
        self._ticket = ""
        if self.seen.seq is not None:  # else the room says how many lines a newcomer is shown
            enter.since = self.seen.seq
        if self.seen.whispers is not None:
            enter.whispers = self.seen.whispers
        self._desk.send(self._conn, enter)

    def failed(self, why: str, now: Now) -> None:
        if self.state is not RoomState.CONNECTING:
            return
        self._tries += 1
        if not self._been_in and self._tries >= UNREACHABLE_TRIES:
            self._end()
            self._desk.tell(RoomUnreachable(self.room, self._host, self._port, why))
            return
        self._ask_lobby = True  # it may have another port by now, or sleep
        self._tell_lost()
        self._wait(now)

    def lost(self, why: str, now: Now) -> None:
        if self.state is RoomState.LEAVING:
            self._out("left", "")
        elif self.state in (RoomState.ENTERING, RoomState.IN):
            self._broke(now, why)

    # -- time

    def _due(self, now: Now) -> None:
        """The deadline of the state has come."""
        match self.state:
            case RoomState.WAITING if self._ask_lobby or not self._resume:
                self._become(RoomState.ASKING)
                self._ask_for_way_in(now)
            case RoomState.WAITING:
                self._connect()
            case RoomState.ASKING:  # the lobby is away: perhaps the room is where it was
                self._lobby.forget(self._ask_id)
                self._ask_lobby = False
                self._wait(now)
            case RoomState.ENTERING:
                self._drop(now, "no answer")
            case RoomState.LEAVING:
                self._out("left", "")

    # -- steps: getting in

    def _ask_for_way_in(self, now: Now | None = None) -> None:
        self._ask_id = self._lobby.ask(Join(room=self.room, create=self._create), self._told_by_lobby)
        self._deadline = now.mono + LOBBY_SECONDS if self._resume and now is not None else None

    def _told_by_lobby(self, reply: msgspec.Struct, now: Now) -> None:
        if self.state is not RoomState.ASKING:
            return
        if isinstance(reply, Redirect):
            self._go(reply)
        elif isinstance(reply, Error):
            self._refused(reply, now)

    def _go(self, redirect: Redirect) -> None:
        self.room = redirect.room or self.room
        self._host = redirect.host or self._lobby.host
        self._port = redirect.port
        self._ticket = redirect.ticket
        self._ask_lobby = False
        self._connect()

    def _connect(self) -> None:
        self._become(RoomState.CONNECTING)
        self._deadline = None  # the link bounds the attempt
        self._conn = self._desk.open(self, self._host, self._port)

    def _entered(self, entered: Entered, now: Now) -> None:
        if self.state is not RoomState.ENTERING:
            return
        self.room, self.topic, self.operator = entered.room, entered.topic, entered.operator
        self.count, self.members = entered.count, {fold(name): name for name in entered.members}
        self._resume, self._create, self._deadline = entered.resume, False, None
        reloaded, missed = self.seen.entered(entered)
        if reloaded:  # our numbers mean nothing here any more: enter once more, as a newcomer
            self._desk.tell(Reloaded(self.room))
            self._desk.close(self._conn)
            self._connect()
            return
        again, self._been_in, self._tries = self._been_in, True, 0
        if self.seen.whispers is None:
            self.seen.whispers = entered.whisper
        self._become(RoomState.IN)
        self._pauses.succeeded(now)
        self._told_back()
        names, seq = tuple(entered.members), entered.seq
        self._desk.tell(
            RoomEntered(self.room, self.topic, self.count, names, self.operator, again, missed, seq, entered.epoch)
        )
        self._inside(entered, now)

    def _refused(self, error: Error, now: Now) -> None:
        """The lobby, or the room at its door, does not let us in."""
        self._tries += 1
        self._desk.close(self._conn)
        if error.code == "bad_ticket":
            self._resume, self._ask_lobby = "", True
        hopeless = not self._been_in and (self._tries >= FIRST_TRIES or error.code not in PASSING)
        if error.code not in FINAL and not hopeless:
            self._broken_off(now)
            self._wait(now, None if error.retry_after is UNSET else error.retry_after)
        elif self._been_in:
            self._out(error.code, error.text)
        else:
            self._end()
            self._desk.tell(RoomRefused(self.room, error.code, error.text))

    # -- steps: breaking off

    def _closing(self, closing: Closing, now: Now) -> None:
        self._desk.close(self._conn)
        if self.state is RoomState.LEAVING:
            self._out("left", "")
        elif not closing.resume:
            self._out(closing.code, closing.text)
        else:
            self._ask_lobby = closing.code in ("sleeping", "bad_ticket")
            pause = None if closing.retry_after is UNSET else closing.retry_after
            self._broke(now, closing.text, pause, orderly=True)

    def _moved(self, redirect: Redirect, now: Now) -> None:
        """The room goes on at another port."""
        self._desk.close(self._conn)
        if self.state is RoomState.LEAVING:
            self._out("left", "")
            return
        self._broken_off(now)
        self._go(redirect)

    def _go_on_under(self, stream: str, now: Now) -> None:
        """On another connection."""
        self._desk.close(self._conn)
        self._broken_off(now)
        self._stream = stream
        self._connect()

    def _drop(self, now: Now, why: str) -> None:
        self._desk.close(self._conn)
        self._broke(now, why)

    def _broke(self, now: Now, why: str, pause: float | None = None, *, orderly: bool = False) -> None:
        self._broken_off(now)
        self._pauses.broke(now)
        if not self._been_in:
            self._tries += 1
            self._ask_lobby = True
            if self._tries >= FIRST_TRIES:
                self._end()
                self._desk.tell(RoomRefused(self.room, "internal", f"the room closed the connection ({why})"))
                return
        elif not orderly:
            self._tell_lost()
        self._wait(now, pause)

    def _wait(self, now: Now, pause: float | None = None) -> None:
        self._become(RoomState.WAITING)
        self._deadline = now.mono + max(self._pauses.next(), pause or 0.0)

    def _tell_lost(self) -> None:
        if self._been_in and not self._told_lost:
            self._told_lost = True
            self._desk.tell(Lost(self.room))

    def _told_back(self) -> None:
        if self._told_lost:
            self._told_lost = False
            self._desk.tell(Back(self.room))

    def _out(self, code: str, text: str) -> None:
        self._end()
        self._desk.tell(LeftRoom(self.room, code, text))

    def _end(self) -> None:
        self._lobby.forget(self._ask_id)
        self._become(RoomState.OVER)
        self._deadline = None
        self._desk.close(self._conn)
        self._ended()

    def _become(self, state: RoomState) -> None:
        if state not in TRANSITIONS[self.state]:
            raise AssertionError(f"room side: no way from {self.state} to {state}")
        log.debug("room %s: %s -> %s", self.room, self.state.value, state.value)
        self.state = state

    def received(self, message: Any, now: Now) -> None:
        """What comes in is for `client.roomside`."""
        raise NotImplementedError
