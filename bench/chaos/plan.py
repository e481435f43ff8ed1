"""The plan: which fault happens when to whom, drawn from a seed. Pure: the same seed gives the same plan.

Law: a room dies at most DEATHS times in WITHIN seconds by the plan, since one that dies more often is given up, as
documented, and then it is not served; and every kind of fault that fits comes before any comes again.
"""

import random
from typing import Final, NamedTuple

DEATHS: Final = 3
WITHIN: Final = 65.0
WARM_UP: Final = 2.0  # seconds of load before the first fault
COOL_DOWN: Final = 2.0  # and after the last has begun
STUCK: Final = 12.0  # seconds of SIGSTOP after which a room has been replaced
LONG_RUN: Final = 25.0  # seconds a plan needs to hold a stuck room

# kind → (weight, shortest and longest duration in seconds, whether it costs a room its process)
KINDS: Final[dict[str, tuple[int, float, float, bool]]] = {
    "kill room": (8, 0.0, 0.0, True),
    "kill lobby": (3, 0.0, 0.0, False),
    "kill nursery": (3, 0.0, 0.0, False),
    "kill guardian": (2, 0.2, 1.5, False),
    "kill lobby and nursery": (2, 0.0, 0.0, False),
    "kill nursery and room": (2, 0.0, 0.0, True),
    "kill lobby and room": (2, 0.0, 0.0, True),
    "kill guardian and lobby": (1, 0.2, 1.0, False),
    "kill guardian and nursery": (1, 0.2, 1.0, False),
    "kill everything": (1, 0.1, 0.5, True),
    "restart room": (3, 0.0, 0.0, False),
    "upgrade": (1, 0.0, 0.0, False),
    "pause room": (3, 0.2, 3.0, False),
    "hold room": (1, STUCK, STUCK + 2.0, True),
    "hold room, kill nursery": (1, STUCK, STUCK + 2.0, True),
    "pause lobby": (2, 0.2, 3.0, False),
    "pause nursery": (2, 0.2, 5.0, False),
    "pause guardian": (1, 0.2, 3.0, False),
    "suspend everything": (1, 0.5, 5.0, False),
    "reset connections": (6, 0.0, 0.0, False),
    "half-open connections": (3, 0.0, 0.0, False),
    "flood room": (3, 0.0, 0.0, False),
    "fill disk": (2, 0.5, 4.0, False),
    "fill disk, kill room": (1, 2.0, 8.0, True),
    "fill disk, kill lobby": (1, 1.0, 4.0, False),
}
INSTEAD: Final = "reset connections"  # of a fault that no room can take any more
LATER: Final = 3  # events after which is tried again what needs all rooms
OF_ALL_ROOMS: Final = frozenset({"kill everything"})


class Event(NamedTuple):
    at: float  # seconds after the load began
    kind: str
    room: int  # which room, where the kind has one
    seconds: float  # how long it lasts, or how long a guardian stays away
    share: float  # of the connections, where the kind is about them

    def __str__(self) -> str:
        return f"{self.at:7.2f}  {self.kind}  room {self.room}  {self.seconds:.1f} s  {self.share:.0%}"


def plan(
    seed: int, seconds: float, rooms: int, every: float = 1.5, without: frozenset[str] = frozenset()
) -> list[Event]:
    """The events of a run of `seconds`, about one in `every` seconds. `without`: kinds that cannot be had here."""
    chance = random.Random(f"plan {seed}")
    kinds = [kind for kind in KINDS if kind not in without and (KINDS[kind][2] < STUCK or seconds >= LONG_RUN)]
    deck: list[str] = sorted(kinds, key=lambda kind: (KINDS[kind][1] < STUCK, chance.random()))  # long ones first
    budget = _Budget(rooms)
    events: list[Event] = []
    at = WARM_UP
    while True:
        if not deck:
            deck = [kind for kind in kinds for _ in range(KINDS[kind][0])]
            chance.shuffle(deck)
        kind = deck.pop(0)
        _, least, most, costs = KINDS[kind]
        room, lasts = chance.randrange(rooms), round(chance.uniform(least, most), 2)
        if "room" in kind or costs:
            room = budget.spend(room, at, lasts, costs=costs, everywhere=kind in OF_ALL_ROOMS)
            if room < 0 and kind in OF_ALL_ROOMS and len(deck) >= LATER:
                deck.insert(LATER, kind)
                continue
            if room < 0:
                kind, lasts, room = INSTEAD, 0.0, chance.randrange(rooms)
        if at + min(lasts, STUCK) > seconds - COOL_DOWN and lasts:
            lasts = round(max(0.2, seconds - COOL_DOWN - at), 2)
        if at > seconds - COOL_DOWN:
            return events
        events.append(Event(round(at, 2), kind, room, lasts, round(chance.uniform(0.1, 0.6), 2)))
        at += min(chance.expovariate(1 / every), 4 * every) + 0.05


class _Budget:
    """The deaths that rooms may still die, and the rooms that are held: those are left alone."""

    def __init__(self, rooms: int) -> None:
        self._deaths: list[list[float]] = [[] for _ in range(rooms)]
        self._held = [0.0] * rooms

    def spend(self, room: int, at: float, lasts: float, *, costs: bool, everywhere: bool) -> int:
        """The room that is struck: the one asked for or the next that may be; -1 when none may."""
        rooms = range(len(self._held))
        may = [
            self._held[one] <= at and (not costs or self._left(one, at, DEATHS if everywhere else DEATHS - 1))
            for one in rooms
        ]
        chosen = [one for one in ((room + step) % len(may) for step in rooms) if may[one]]
        if not chosen or (everywhere and not all(may)):
            return -1
        for one in rooms if everywhere else chosen[:1]:
            if costs:
                self._deaths[one].append(at)
            self._held[one] = at + lasts
        return chosen[0]

    def _left(self, room: int, at: float, most: int) -> bool:
        """The last death is kept for what kills all rooms at once, which would find no moment otherwise."""
        return sum(at - WITHIN < death for death in self._deaths[room]) < most
