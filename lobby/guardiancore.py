"""The guardian's table of its two processes, lobby and nursery: started, started again, adopted, stopped. Pure.

Law: a state changes in `_to` and nowhere else, along TRANSITIONS. Nothing but `stop` ends the system, except that a
process which dies again and again before both were ever ready makes `serve` give up: nobody waits for it yet.
"""

import logging
from typing import Final, Literal

from msgspec import Struct

from base.processes import Death
from wire.clock import Now
from wire.control import ChildState

START_SECONDS: Final = 30.0  # until ChildUp; then it is taken for stuck
ADOPT_SECONDS: Final = 5.0  # for a process of an earlier guardian to say that it is up
STOP_SECONDS: Final = 1.5  # until what is left is killed: the whole stop may take two
STEADY: Final = 5.0  # who lived so long did not die quickly
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 2.0
FUTILE: Final = 3  # deaths before anything was ready, after which `serve` says why and ends

log = logging.getLogger("guardian")

Name = Literal["nursery", "lobby"]
State = Literal["down", "starting", "adopting", "running", "backoff", "stopping"]
NAMES: Final[tuple[Name, ...]] = ("nursery", "lobby")
TRANSITIONS: Final[dict[State, frozenset[State]]] = {
    "down": frozenset({"starting", "adopting", "backoff"}),
    "starting": frozenset({"running", "backoff", "stopping"}),
    "adopting": frozenset({"running", "backoff", "stopping"}),
    "running": frozenset({"backoff", "stopping"}),
    "backoff": frozenset({"starting", "adopting", "down"}),
    "stopping": frozenset({"down"}),
}


class Start(Struct, frozen=True):
    """Look who has the lock, and start the process if nobody. Answered by `started`, `adopting` or `no_start`."""

    name: Name


class Terminate(Struct, frozen=True):
    """SIGINT: all ends. (By SIGTERM one of them alone is replaced, and its clients come back.)"""

    name: Name


class Kill(Struct, frozen=True):
    """SIGKILL."""

    name: Name


class Ready(Struct, frozen=True):
    """Both are up for the first time: say where the lobby listens."""


class GiveUp(Struct, frozen=True):
    name: Name
    reason: str


class AllDown(Struct, frozen=True):
    """Lobby and nursery have ended, as they were told."""


Effect = Start | Terminate | Kill | Ready | GiveUp | AllDown


class Child(Struct, kw_only=True):
    name: Name
    state: State = "down"
    pid: int = 0
    since: float = 0.0
    restarts: int = 0
    pause: float = FIRST_PAUSE
    due: float | None = None
    reason: str = ""


class Guardian:
    """The table. Every call returns effects, to be done in order."""

    def __init__(self, *, adopts: bool) -> None:
        self.children = {name: Child(name=name) for name in NAMES}
        self.stopping = False
        self._ready = False
        self._adopts = adopts  # somebody already relies on what runs: never give up
        self._effects: list[Effect] = []

    def start(self) -> list[Effect]:
        return [Start(name) for name in NAMES]

    def started(self, name: Name, pid: int, now: Now) -> list[Effect]:
        self._begin(self.children[name], "starting", pid, now, START_SECONDS)
        return self._out()

    def adopting(self, name: Name, pid: int, now: Now) -> list[Effect]:
        """The process runs already; it will connect and say so, or is replaced."""
        self._begin(self.children[name], "adopting", pid, now, ADOPT_SECONDS)
        return self._out()

    def no_start(self, name: Name, why: str, now: Now) -> list[Effect]:
        child = self.children[name]
        child.since = now.mono
        self._died(child, why, now)
        return self._out()

    def up(self, name: Name, pid: int) -> list[Effect]:
        """ChildUp came. A process that we do not know of (it was replaced meanwhile) is not heeded."""
        child = self.children[name]
        if child.pid != pid or child.state not in {"starting", "adopting"}:
            return self._out()
        self._to(child, "running")
        child.due = None
        if not self._ready and all(child.state == "running" for child in self.children.values()):
            self._ready = True
            self._effects.append(Ready())
        return self._out()

    def ended(self, pid: int, death: Death, now: Now) -> list[Effect]:
        child = next((child for child in self.children.values() if child.pid == pid), None)
        if child is None:
            return self._out()
        child.pid = 0
        child.due = None
        if self.stopping:
            self._to(child, "down")
            self._look_down()
        else:
            self._died(child, death.text, now)
        return self._out()

    def stop(self, now: Now) -> list[Effect]:
        if self.stopping:
            return self._out()
        self.stopping = True
        for child in self.children.values():
            child.due = None
            if child.pid:
                self._effects.append(Terminate(child.name))
                self._to(child, "stopping")
                child.due = now.mono + STOP_SECONDS
            elif child.state != "down":
                self._to(child, "down")
        self._look_down()
        return self._out()

    def next_deadline(self) -> float | None:
        return min((child.due for child in self.children.values() if child.due is not None), default=None)

    def tick(self, now: Now) -> list[Effect]:
        for child in self.children.values():
            if child.due is None or child.due > now.mono:
                continue
            child.due = None
            if child.state == "backoff":
                child.restarts += 1
                self._effects.append(Start(child.name))
            else:
                log.warning("%s, process %d, is killed: it is %s for too long", child.name, child.pid, child.state)
                self._effects.append(Kill(child.name))
        return self._out()

    def states(self) -> list[ChildState]:
        return [
            ChildState(process=child.name, pid=child.pid, state=child.state, restarts=child.restarts)
            for child in self.children.values()
        ]

    def _begin(self, child: Child, state: State, pid: int, now: Now, seconds: float) -> None:
        child.pid = pid
        child.since = now.mono
        self._to(child, state)
        child.due = now.mono + seconds

    def _died(self, child: Child, reason: str, now: Now) -> None:
        child.reason = reason
        if now.mono - child.since >= STEADY:
            child.pause = FIRST_PAUSE
        log.warning("%s ended: %s; it is started again", child.name, reason)
        if child.state != "backoff":
            self._to(child, "backoff")
        child.due = now.mono + child.pause
        child.pause = min(LONGEST_PAUSE, child.pause * 2)
        if not self._ready and not self._adopts and child.restarts + 1 >= FUTILE:
            self._effects.append(GiveUp(child.name, reason))

    def _look_down(self) -> None:
        if all(child.state == "down" for child in self.children.values()):
            self._effects.append(AllDown())

    def _to(self, child: Child, state: State) -> None:
        if state not in TRANSITIONS[child.state]:
            raise ValueError(f"{child.name}: no way from {child.state} to {state}")
        log.info("%s: %s -> %s", child.name, child.state, state)
        child.state = state

    def _out(self) -> list[Effect]:
        effects, self._effects = self._effects, []
        return effects
