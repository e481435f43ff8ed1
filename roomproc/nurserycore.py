"""The table of rooms: the state of each, and what is to be done when something happens to one. Pure.

Law: a state changes in `_to` and nowhere else, along TRANSITIONS, and is logged and told there. What happens comes in
as a call with `now`; what is to be done goes out as effects, in order. The table holds no socket and no process, so
that a nursery can hand it to its successor.
"""

import heapq
import logging
from collections.abc import Iterator
from typing import Final, Literal

from msgspec import Struct, field

from base.exits import Exit
from base.processes import Death
from roomproc.nurseryeffects import (
    AskStacks,
    AwaitCaller,
    CloseListener,
    Effect,
    Kill,
    Record,
    Say,
    Start,
    Tell,
    TurnAway,
)
from wire.clock import Now
from wire.control import Probe, RoomSettings, RoomState, RoomStatus, RoomUp, StopRoom
from wire.tickets import TICKET_SECONDS

START_SECONDS: Final = 20.0  # until RoomUp; a start reads a file, it does not compute
# Another's process, that has not registered here yet: it tries every second at least, and each time leaves a sign.
ORPHAN_SILENCE: Final = 8.0  # seconds since its last sign after which it is taken for stuck
ORPHAN_LEAST: Final = 1.25  # but so long it has in any case: our clock may have been set, or all of us held up
UNREADABLE_PID: Final = 0.5  # seconds until a lock that has no pid in it yet is looked at again
PROBE_SECONDS: Final = 2.0
SILENT_PROBES: Final = 3  # unanswered when the next is due: a room is stuck. Counted, so that our own pause kills none
PROBE_GRID: Final = 0.25  # probes are rounded to it, so that few wakes serve many rooms
STOP_SECONDS: Final = 5.0  # for a room to commit and end
STACK_SECONDS: Final = 0.3  # for a stuck process to write its stacks, before it is killed
LAST_SECONDS: Final = 1.2  # the same when everything ends, which may take two
DEATHS: Final = 5  # within WITHIN, and the room has failed
WITHIN: Final = 60.0
REST: Final = 60.0  # seconds after which a failed room may be asked for again
STORAGE_PAUSE: Final = 1.0  # seconds until a room that the disk refused is tried again, for as long as it takes
BACKOFF: Final = (0.0, 0.5, 1.0, 2.0)  # seconds after the first, second, … death; the one after the last is the end

log = logging.getLogger("nursery")

State = RoomState | Literal["gone"]

TRANSITIONS: Final[dict[State, frozenset[State]]] = {
    "starting": frozenset({"running", "backoff", "sleeping", "failed", "stopping", "gone"}),
    "running": frozenset({"backoff", "sleeping", "failed", "stopping", "gone"}),
    "backoff": frozenset({"starting", "running", "gone"}),
    "sleeping": frozenset({"starting", "running", "gone"}),
    "failed": frozenset({"starting", "running", "gone"}),
    "stopping": frozenset({"starting", "gone"}),
    "gone": frozenset({"starting", "running"}),
}
Then = Literal["gone", "starting"]


class Room(Struct, kw_only=True):
    """One room. `due` is the next moment at which something is to be done about it."""

    settings: RoomSettings
    state: State = "gone"
    pid: int = 0
    port: int = 0
    incarnation: int = 0
    restarts: int = 0
    reason: str = ""
    note: str = ""  # why we kill it, for the reason
    deaths: list[float] = field(default_factory=list)
    silent: int = 0  # probes since the last beat
    orphan: bool = False  # `pid` is another's child that has the lock and has not registered yet
    waited: float = 0.0  # orphan: until when it is waited for although it gives signs of life
    code: str = ""  # stopping: what its members are told
    then: Then = "gone"  # what follows stopping
    due: float | None = None
    rested: float = 0.0  # failed: when it may be tried again


class Nursery:
    """The table. Every call returns effects, to be done in order."""

    def __init__(self) -> None:
        self.rooms: dict[str, Room] = {}
        self.ending = False
        self._due: list[tuple[float, str]] = []  # a heap; an entry counts only while its room's `due` agrees
        self._effects: list[Effect] = []

    def take_over(self, rooms: dict[str, Room]) -> list[Effect]:
        """Go on with the table of a nursery whose place this one takes."""
        self.rooms = rooms
        for room_id, room in rooms.items():
            if room.due is not None:
                heapq.heappush(self._due, (room.due, room_id))
            if room.state == "sleeping":
                self._effects.append(AwaitCaller(room_id))
            elif room.state == "failed":
                self._effects.append(TurnAway(room_id))
        return self._out()

    # -- what the lobby asks for

    def spawn(self, settings: RoomSettings, now: Now) -> list[Effect]:
        """See that the room runs. A failed one is tried again only after a rest."""
        if self.ending:
            return self._out()
        room = self.rooms.setdefault(settings.room, Room(settings=settings))
        self._learn(room, settings)
        match room.state:
            case "gone" | "sleeping":
                self._start(room, now)
            case "failed" if now.mono >= room.rested:
                self._start(room, now)
            case "stopping":
                room.then = "starting"
            case _:
                self._tell(room)
        return self._out()

    def stop(self, room_id: str, code: str, now: Now) -> list[Effect]:
        """Stop it; `restarting` starts it again, also one that has failed."""
        room = self.rooms.get(room_id)
        if room is not None:
            self._stop(room, code, "starting" if code == "restarting" and not self.ending else "gone", now)
        return self._out()

    def reap(self, room_id: str, now: Now) -> list[Effect]:
        """Stop it for good; answered by a status `gone`, at once when it is not known here."""
        room = self.rooms.get(room_id)
        if room is None:
            gone = RoomStatus(room=room_id, state="gone", pid=0, port=0, incarnation=0, restarts=0, reason="")
            self._effects.append(Tell(gone))
        else:
            self._stop(room, "closed", "gone", now)
        return self._out()

    def end(self, now: Now) -> list[Effect]:
        """Stop all rooms; the nursery may end when `rooms` is empty."""
        self.ending = True
        for room in tuple(self.rooms.values()):
            self._stop(room, "going_down", "gone", now)
            if room.state == "stopping":
                self._wake_at(room, now.mono + LAST_SECONDS)
        return self._out()

    # -- what comes of Start

    def forked(self, room_id: str, pid: int, port: int, now: Now) -> list[Effect]:
        room = self.rooms[room_id]
        room.pid, room.port, room.orphan, room.note = pid, port, False, ""
        self._wake_at(room, now.mono + START_SECONDS)
        self._tell(room)
        return self._out()

    def held(self, room_id: str, pid: int, silent: float, now: Now) -> list[Effect]:
        """A process that is not ours (0: it has not said which) has the room, `silent` for so many seconds: it will
        register, or it is ended. Whoever gives signs of life and does not register is, in the end."""
        room = self.rooms[room_id]
        left = ORPHAN_SILENCE - silent
        if not (room.orphan and room.pid == pid):
            log.info("room %s: process %d has it, not registered yet", room.settings.name, pid)
            room.pid, room.orphan, room.waited = pid, True, now.mono + START_SECONDS
            left = max(left, ORPHAN_LEAST)
        elif pid and (left <= 0 or room.waited <= now.mono):
            self._kill(room, f"it did not register, no sign of life for {silent:.0f} s", now)
            return self._out()
        self._wake_at(room, now.mono + (left if pid else UNREADABLE_PID))
        return self._out()

    def found(self, room_id: str, pid: int, silent: float, now: Now) -> list[Effect]:
        """A process has a room that nobody asked us for, and had time to register: if stuck it is ended, no more."""
        if self.ending or room_id in self.rooms:
            return []
        settings = RoomSettings(room=room_id, name=room_id, owner="", access="private", topic="", made=0, revision=-1)
        room = Room(settings=settings, pid=pid, orphan=True, waited=now.mono + START_SECONDS)
        self.rooms[room_id] = room
        self._to(room, "starting")
        return self.held(room_id, pid, silent, now)

    def no_start(self, room_id: str, why: str, now: Now) -> list[Effect]:
        self._died(self.rooms[room_id], Death(None, why), now)
        return self._out()

    # -- what rooms do

    def up(self, message: RoomUp, now: Now) -> list[Effect]:
        """The room runs: a child of ours, or one of an earlier nursery. Whoever says so has the room's lock."""
        settings = message.settings
        room = self.rooms.setdefault(settings.room, Room(settings=settings))
        self._learn(room, settings)
        came_back = room.incarnation == message.incarnation
        room.pid, room.port, room.incarnation, room.orphan = message.pid, message.port, message.incarnation, False
        room.silent, room.note = 0, ""
        if room.state == "stopping":
            if came_back:  # over another link than the one on which it was told to stop
                self._effects.append(Say(settings.room, StopRoom(room=settings.room, code=room.code)))
            return self._out()
        if room.state == "running":
            self._tell(room)
        else:
            self._to(room, "running")
        self._probe_later(room, now)
        if self.ending:
            self._stop(room, "going_down", "gone", now)
        return self._out()

    def beat(self, room_id: str) -> None:
        room = self.rooms.get(room_id)
        if room is not None:
            room.silent = 0

    def ended(self, pid: int, death: Death, now: Now) -> list[Effect]:
        """A process ended and has been waited for, or is known to be gone."""
        room = next((room for room in self.rooms.values() if room.pid == pid), None)
        if room is None:
            return self._out()
        room.pid = 0
        killed, room.note = room.note, ""
        if killed:
            death = Death(None, f"{killed}; {death.text}")
        if room.state == "stopping":
            log.info("room %s: stopped, %s", room.settings.name, death.text)
            self._stopped(room, now)
        elif room.orphan and room.settings.revision < 0:  # nobody asked
            self._stopped(room, now)
        elif room.orphan:  # it never was ours: what it left is free to be started
            self._effects.append(Start(room.settings.room))
        elif death.code == Exit.STOPPED:
            room.then = "gone"
            self._stopped(room, now)
        elif death.code in {Exit.SLEPT, Exit.ORPHANED} and not killed:
            self._to(room, "sleeping")
            self._wake_at(room, now.mono + TICKET_SECONDS)
            self._effects.append(AwaitCaller(room.settings.room))
        else:
            self._died(room, death, now)
        return self._out()

    def woken(self, room_id: str, now: Now) -> list[Effect]:
        """Somebody connected to the listener of a room that sleeps."""
        room = self.rooms.get(room_id)
        if room is not None and room.state == "sleeping":
            self._start(room, now)
        return self._out()

    # -- time

    def next_deadline(self) -> float | None:
        while self._due:
            due, room_id = self._due[0]
            room = self.rooms.get(room_id)
            if room is not None and room.due == due:
                return due
            heapq.heappop(self._due)
        return None

    def tick(self, now: Now) -> list[Effect]:
        while (due := self.next_deadline()) is not None and due <= now.mono:
            room = self.rooms[heapq.heappop(self._due)[1]]
            room.due = None
            self._at_due(room, now)
        return self._out()

    def _at_due(self, room: Room, now: Now) -> None:
        match room.state:
            case _ if room.note:
                self._effects.append(Kill(room.pid))
            case "backoff":
                self._start(room, now, again=True)
            case "running":
                self._probe(room, now)
            case "starting" if not room.pid or room.orphan:  # look again who has it
                self._effects.append(Start(room.settings.room))
            case "starting":
                self._kill(room, f"not up within {START_SECONDS:.0f} s")
            case "stopping" if self.ending:
                self._kill(room, "it did not stop in time")
            case "stopping":
                self._kill(room, "it did not stop in time", now)
            case "sleeping":
                room.port = 0
                self._effects.append(CloseListener(room.settings.room))
                self._tell(room)

    # -- how things are done

    def statuses(self) -> Iterator[RoomStatus]:
        return (_status(room) for room in self.rooms.values())

    def _start(self, room: Room, now: Now, *, again: bool = False) -> None:
        room.restarts += again
        room.orphan, room.note, room.silent, room.pid = False, "", 0, 0
        self._to(room, "starting")
        self._wake_at(room, now.mono + START_SECONDS)
        self._effects.append(Start(room.settings.room))

    def _probe(self, room: Room, now: Now) -> None:
        if room.silent >= SILENT_PROBES:
            self._kill(room, f"no answer for {(SILENT_PROBES + 1) * PROBE_SECONDS:.0f} s", now)
            return
        room.silent += 1
        self._effects.append(Say(room.settings.room, Probe()))
        self._probe_later(room, now)

    def _probe_later(self, room: Room, now: Now) -> None:
        self._wake_at(room, round((now.mono + PROBE_SECONDS) / PROBE_GRID) * PROBE_GRID)

    def _kill(self, room: Room, note: str, now: Now | None = None) -> None:
        """`now`: there is time to ask for its stacks first."""
        log.warning("room %s: process %d is killed: %s", room.settings.name, room.pid, note)
        room.note = note
        if now is None:
            self._effects.append(Kill(room.pid))
            return
        self._effects += [Record(room.settings.room, f"process {room.pid}: {note}"), AskStacks(room.pid)]
        self._wake_at(room, now.mono + STACK_SECONDS)

    def _stop(self, room: Room, code: str, then: Then, now: Now) -> None:
        room.code, room.then = code, then
        if room.state == "stopping":
            return
        if not room.pid:
            self._stopped(room, now)
            return
        room_id = room.settings.room
        self._effects.append(Kill(room.pid) if room.orphan else Say(room_id, StopRoom(room=room_id, code=code)))
        self._to(room, "stopping")
        self._wake_at(room, now.mono + STOP_SECONDS)

    def _stopped(self, room: Room, now: Now) -> None:
        room.deaths.clear()
        if room.then == "starting":
            if room.state != "starting":
                self._start(room, now)
            return
        room.pid = room.port = 0
        room.due = None
        self._to(room, "gone")
        del self.rooms[room.settings.room]
        self._effects.append(CloseListener(room.settings.room))

    def _died(self, room: Room, death: Death, now: Now) -> None:
        self._effects.append(Record(room.settings.room, f"incarnation {room.incarnation}: {death.text}"))
        room.reason, room.pid = death.text, 0
        if death.code == Exit.STORAGE:  # no fault of the room's, and a full disk may be emptied at any moment
            log.warning("room %s: %s", room.settings.name, death.text)
            self._to(room, "backoff")
            self._wake_at(room, now.mono + STORAGE_PAUSE)
            return
        room.deaths = [*(at for at in room.deaths if at > now.mono - WITHIN), now.mono]
        log.warning("room %s: %s (%d in the last minute)", room.settings.name, death.text, len(room.deaths))
        if death.code == Exit.UNREADABLE or len(room.deaths) >= DEATHS:
            room.rested = now.mono + REST
            room.due = None
            self._to(room, "failed")
            self._effects.append(TurnAway(room.settings.room))
            return
        self._to(room, "backoff")
        self._wake_at(room, now.mono + BACKOFF[min(len(room.deaths), len(BACKOFF)) - 1])

    def _learn(self, room: Room, settings: RoomSettings) -> None:
        if settings.revision > room.settings.revision:
            room.settings = settings

    def _to(self, room: Room, state: State) -> None:
        if state not in TRANSITIONS[room.state]:
            raise ValueError(f"room {room.settings.name}: no way from {room.state} to {state}")
        log.info("room %s: %s -> %s", room.settings.name, room.state, state)
        room.state = state
        self._tell(room)

    def _tell(self, room: Room) -> None:
        self._effects.append(Tell(_status(room)))

    def _wake_at(self, room: Room, due: float) -> None:
        room.due = due
        heapq.heappush(self._due, (due, room.settings.room))

    def _out(self) -> list[Effect]:
        effects, self._effects = self._effects, []
        return effects


def _status(room: Room) -> RoomStatus:
    return RoomStatus(
        room=room.settings.room,
        state=room.state,
        pid=0 if room.orphan else room.pid,
        port=room.port,
        incarnation=room.incarnation,
        restarts=room.restarts,
        reason=room.reason,
    )
