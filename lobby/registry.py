"""Which rooms run and who is in them, as rooms and the nursery tell it. Pure.

Law: soft state. A room is here as running exactly while its control link lasts; of two that say they are one room only
the higher incarnation counts. Whoever wants a room that does not run waits for it to register, JOIN_SECONDS at most.
"""

import logging
from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from lobby.effects import Admit, CloseForGood, CloseLink, Effect, Erase, Spawn, TurnAway, Waiter
from lobby.traffic import Meter
from wire.clock import Now
from wire.control import Joined, Left, Present, Register, RoomSettings, RoomStatus, Traffic
from wire.names import fold

JOIN_SECONDS: Final = 10.0
STOPPED: Final = ("stopped", "an operator stopped this room: nobody new is let in until it is started again")
LIVE: Final = frozenset({"starting", "running", "backoff", "stopping"})  # states in which a room costs a process

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    waiter: Waiter
    until: float  # monotonic seconds


class Room:
    """What is known about one room beyond the catalogue."""

    __slots__ = (
        "id", "incarnation", "lines", "link", "members", "meter", "pid", "port", "revoked", "settings", "status",
        "topic", "waiting", "wanted_until", "withdrew",
    )  # fmt: skip

    def __init__(self, room_id: str) -> None:
        self.id = room_id
        self.settings: RoomSettings | None = None
        self.status: RoomStatus | None = None  # as the nursery told last
        self.wanted_until: float | None = None  # the nursery was asked for it and has not said what became of that
        self.waiting: list[Waiting] = []
        self.lines = 0  # the last number told; it stays when the room sleeps
        self.clear()

    def clear(self) -> None:
        """It does not run (any more)."""
        self.link: Hashable | None = None
        self.pid = self.port = self.incarnation = self.revoked = self.withdrew = 0
        self.topic = ""
        self.members: dict[str, Present] = {}  # by folded name
        self.meter = Meter()

    @property
    def running(self) -> bool:
        return self.link is not None

    @property
    def live(self) -> bool:
        """Whether it has a process, or is about to."""
        told = self.status is not None and self.status.state in LIVE
        return told or self.running or self.wanted_until is not None

    @property
    def process(self) -> int:
        """Its pid, 0 when it has none."""
        return self.pid or (self.status.pid if self.status is not None and self.status.state in LIVE else 0)

    @property
    def state(self) -> str:
        """For listings: what the nursery says, but running only while it is registered here."""
        told = self.status.state if self.status is not None else ""
        stopped = self.settings is not None and self.settings.stopped
        if self.running:
            if told in {"stopping", "backoff", "failed"}:
                return told
            return "draining" if stopped else "running"
        if stopped and told not in LIVE and told != "failed":
            return "stopped"
        if told in {"running", "starting"} or (self.wanted_until is not None and told in {"", "sleeping", "gone"}):
            return "starting"
        return told if told and told != "gone" else "sleeping"


def state(settings: RoomSettings, room: Room | None) -> str:
    """For listings, of a room of the catalogue and what is known of it."""
    if room is not None:
        return room.state
    return "stopped" if settings.stopped else "sleeping"


class Registry:
    """All rooms that run, or of which somebody wants or says something. Calls return effects, to be done in order."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}
        self._links: dict[Hashable, Room] = {}
        self._where: dict[str, set[str]] = {}  # folded name → ids of the rooms they are in
        self._closing: dict[str, None] = {}  # closed for good, until the nursery says gone
        self._due: deque[tuple[float, str]] = deque()  # moments at which a room is looked at, in order
        self.nursery_up = False
        self._told: set[str] | None = None  # ids told since the nursery's link began; None when it is in step

    # -- looking

    def __iter__(self) -> Iterator[Room]:
        return iter(self._rooms.values())

    def get(self, room_id: str) -> Room | None:
        return self._rooms.get(room_id)

    def of_link(self, link: Hashable) -> Room | None:
        return self._links.get(link)

    def where(self, name: str) -> list[str]:
        """The ids of the rooms somebody is in."""
        return sorted(self._where.get(fold(name), ()))

    def live(self) -> int:
        return sum(room.live for room in self._rooms.values())

    def live_guest_rooms(self, owner: str | None = None) -> int:
        """Live rooms that guests made, or that one guest made."""
        wanted = None if owner is None else fold(owner)
        return sum(
            room.live and room.settings.guest_made and wanted in (None, fold(room.settings.owner))
            for room in self._rooms.values()
            if room.settings is not None
        )

    def runs(self, room_id: str) -> bool:
        """Whether it has told of itself, and its link lasts."""
        room = self._rooms.get(room_id)
        return room is not None and room.running

    def all_here(self) -> bool:
        """Whether every room that runs, as far as the nursery knows, has told of itself."""
        if not self.nursery_up or self._told is not None:
            return False
        return all(room.running for room in self._rooms.values() if room.status and room.status.state == "running")

    # -- wanting a room

    def want(self, settings: RoomSettings, now: Now, waiter: Waiter | None = None) -> list[Effect]:
        """See that the room runs; `waiter` is admitted when it does, or turned away."""
        room = self._room(settings.room)
        room.settings = settings
        if room.running:
            return [] if waiter is None else [Admit(waiter, room.id)]
        if waiter is not None:
            room.waiting.append(Waiting(waiter, self._due_at(room, now)))
        if room.wanted_until is not None:
            return []
        room.wanted_until = self._due_at(room, now)
        return [Spawn(settings)]

    def cannot_start(self, room_id: str, code: str, text: str) -> list[Effect]:
        """Something that the room needs could not be done: whoever waits is told."""
        room = self._rooms.get(room_id)
        if room is None:
            return []
        room.wanted_until = None
        return self._turn_away(room, code, text)

    def close_for_good(self, room_id: str) -> list[Effect]:
        """The room's catalogue entry is gone: end it, and erase its files when the nursery says that it is gone."""
        self._closing[room_id] = None
        effects: list[Effect] = [CloseForGood(room_id)]
        room = self._rooms.get(room_id)
        if room is not None:
            room.wanted_until = None
            effects += self._turn_away(room, "no_such_room", "the room was closed")
        return effects

    def settle(self, settings: RoomSettings) -> list[Effect]:
        """The catalogue's settings of a room changed; whoever waits for one that is stopped is turned away."""
        room = self._rooms.get(settings.room)
        if room is None:
            return []
        room.settings = settings
        if not settings.stopped:
            return []
        room.wanted_until = None
        return self._turn_away(room, *STOPPED)

    def keep(self, room_id: str) -> None:
        """It is not to be closed after all."""
        self._closing.pop(room_id, None)

    # -- what rooms say

    def register(self, link: Hashable, message: Register, settings: RoomSettings, now: Now) -> list[Effect]:
        """A room runs; `settings` are the catalogue's. A lower incarnation than one that is here is sent away."""
        room = self._room(settings.room)
        effects: list[Effect] = []
        if room.link is not None and room.link != link:
            if message.incarnation < room.incarnation:
                log.warning("room %s: incarnation %d is old, its link ends", settings.name, message.incarnation)
                return [CloseLink(link, "a higher incarnation is here")]
            effects.append(CloseLink(room.link, "a higher incarnation came"))
        before = self._links.get(link)
        if before is not None and before is not room:
            self._unlink(before)
        if room.link is not None:
            self._unlink(room)
        room.settings, room.link, room.wanted_until = settings, link, None
        room.pid, room.port, room.incarnation = message.pid, message.port, message.incarnation
        room.topic, room.lines, room.revoked = message.topic, message.lines, message.revoked
        room.withdrew = message.withdrew
        room.meter.note(now.mono, message.lines)
        self._links[link] = room
        self._enter(room, message.members)
        log.info("room %s: registered, pid %d, port %d, incarnation %d", settings.name, room.pid, room.port,
                 room.incarnation)  # fmt: skip
        waiting, room.waiting = room.waiting, []
        return effects + [Admit(entry.waiter, room.id) for entry in waiting]

    def joined(self, link: Hashable, message: Joined) -> list[Present]:
        """Who is new in the room."""
        room = self._links.get(link)
        return [] if room is None else self._enter(room, message.members)

    def left(self, link: Hashable, message: Left) -> list[Present]:
        """Who was in the room and is not any more."""
        room = self._links.get(link)
        return [] if room is None else self._leave(room, [fold(name) for name in message.names])

    def traffic(self, link: Hashable, message: Traffic, now: Now) -> bool:
        """True when the topic changed."""
        room = self._links.get(link)
        if room is None:
            return False
        room.lines = message.lines
        room.withdrew = max(room.withdrew, message.withdrew)
        room.meter.note(now.mono, message.lines)
        changed = room.topic != message.topic
        room.topic = message.topic
        return changed

    def link_lost(self, link: Hashable) -> Room | None:
        """The room on this link does not run any more; which, if it was one."""
        room = self._links.get(link)
        if room is not None:
            log.info("room %s: its control link ended", room.settings.name if room.settings else room.id)
            self._unlink(room)
            self._drop_if_idle(room)
        return room

    # -- what the nursery says

    def status(self, message: RoomStatus, settings: RoomSettings | None, now: Now) -> list[Effect]:
        """A room's state, with its settings where the catalogue has it."""
        if self._told is not None:
            self._told.add(message.room)
        if message.state == "gone":
            return self._gone(message.room, now)
        room = self._room(message.room)
        room.status = message
        room.settings = room.settings or settings
        effects: list[Effect] = []
        if message.state == "failed":
            room.wanted_until = None
            effects = self._turn_away(room, "room_failed", f"the room has failed: {message.reason}")
        elif message.state == "sleeping":
            effects = self._want_again(room, now)
        self._drop_if_idle(room)
        return effects

    def nursery_opened(self) -> list[Effect]:
        """Its link begins: it tells all it has; it is told what is wanted and what is to end."""
        self._told = set()
        self.nursery_up = True
        effects: list[Effect] = [CloseForGood(room_id) for room_id in self._closing]
        effects += [Spawn(room.settings) for room in self._rooms.values() if room.wanted_until and room.settings]
        return effects

    def nursery_lost(self) -> None:
        self.nursery_up = False

    def nursery_told(self) -> list[Effect]:
        """It has told all: what it did not name has no process of its.

        It is asked for what runs all the same, or it would never hear of a room that is stuck and cannot register."""
        told, self._told = self._told or set(), None
        effects: list[Effect] = []
        for room in tuple(self._rooms.values()):
            if room.id not in told:
                room.status = None
                if room.running and room.settings is not None and room.id not in self._closing:
                    effects.append(Spawn(room.settings))
                self._drop_if_idle(room)
        return effects

    # -- time

    def next_deadline(self) -> float | None:
        return self._due[0][0] if self._due else None

    def tick(self, now: Now) -> list[Effect]:
        effects: list[Effect] = []
        while self._due and self._due[0][0] <= now.mono:
            room = self._rooms.get(self._due.popleft()[1])
            if room is not None:
                effects += self._at_due(room, now)
        return effects

    def _at_due(self, room: Room, now: Now) -> list[Effect]:
        """Give up what has waited too long; most often all of it has come meanwhile."""
        effects: list[Effect] = []
        if room.wanted_until is not None and room.wanted_until <= now.mono:
            room.wanted_until = None
        late = [entry for entry in room.waiting if entry.until <= now.mono]
        if late:
            room.waiting = [entry for entry in room.waiting if entry.until > now.mono]
            effects += [TurnAway(entry.waiter, "busy", "the room does not come up: try again") for entry in late]
        if room.wanted_until is None:
            effects += self._want_again(room, now)
        self._drop_if_idle(room)
        return effects

    # -- how things are done

    def _room(self, room_id: str) -> Room:
        room = self._rooms.get(room_id)
        if room is None:
            room = self._rooms[room_id] = Room(room_id)
        return room

    def _gone(self, room_id: str, now: Now) -> list[Effect]:
        closing = room_id in self._closing
        effects: list[Effect] = [Erase(room_id)] if closing else []
        self._closing.pop(room_id, None)
        room = self._rooms.get(room_id)
        if room is not None:
            room.status = None
            if closing:
                effects += self._turn_away(room, "no_such_room", "the room was closed")
            else:
                effects += self._want_again(room, now)
            self._drop_if_idle(room)
        return effects

    def _want_again(self, room: Room, now: Now) -> list[Effect]:
        """It went while somebody was on the way in."""
        room.wanted_until = None
        if not room.waiting or room.settings is None or room.running:
            return []
        room.wanted_until = self._due_at(room, now)
        return [Spawn(room.settings)]

    def _due_at(self, room: Room, now: Now) -> float:
        """The moment at which what begins now has waited long enough."""
        until = now.mono + JOIN_SECONDS
        if not self._due or self._due[-1] != (until, room.id):
            self._due.append((until, room.id))
        return until

    @staticmethod
    def _turn_away(room: Room, code: str, text: str) -> list[Effect]:
        waiting, room.waiting = room.waiting, []
        return [TurnAway(entry.waiter, code, text) for entry in waiting]

    def _enter(self, room: Room, members: Iterable[Present]) -> list[Present]:
        new = []
        for member in members:
            key = fold(member.name)
            if key not in room.members:
                new.append(member)
            room.members[key] = member
            self._where.setdefault(key, set()).add(room.id)
        return new

    def _leave(self, room: Room, keys: Iterable[str]) -> list[Present]:
        went = []
        for key in keys:
            member = room.members.pop(key, None)
            if member is None:
                continue
            went.append(member)
            rooms = self._where[key]
            rooms.discard(room.id)
            if not rooms:
                del self._where[key]
        return went

    def _unlink(self, room: Room) -> None:
        self._leave(room, tuple(room.members))
        self._links.pop(room.link, None)
        room.clear()

    def _drop_if_idle(self, room: Room) -> None:
        if room.status is None and not room.running and not room.waiting and room.wanted_until is None:
            self._rooms.pop(room.id, None)
