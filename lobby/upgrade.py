"""`admin upgrade`: every process of a running system to the code that is here now, while people chat.

Law: from the least to the most: the nursery in place, one room as a canary, and only when that stays up the others,
one after the other, then the lobby, then the guardian. What does not come up ends it there, with a line that says so;
nothing that has not been touched yet is. Nobody types anything, here or at a client.
"""
# ruff: noqa: T201 - a command speaks on standard output

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from msgspec import MsgspecError
from tqdm import tqdm

from base.exits import Exit
from base.locks import holder
from base.paths import CODE, Paths, connect_control
from base.processes import Process
from base.revision import RUNNING
from lobby.operator import ask
from lobby.steering import Refusal, follow, row_of, rows, tell, until
from wire.codec import encode
from wire.control import AdminAct, AdminUpgrade, AdminUpgrading, GuardianStatus, Renew, SystemStatus
from wire.messages import AdminRoomRow

CANARY_SECONDS: Final = 3.0  # for which the first room has to stay up: most of what is wrong shows in the first rounds
ROOMS_PER_SECOND: Final = 20.0  # at most, so that the clients of a thousand rooms do not all come back at once
LINK_SECONDS: Final = 10.0
LOADED: Final = (["roomproc", "--check"], ["lobby", "--help"])  # the code is loaded once before anything is touched
TO: Final = RUNNING  # this command is the code that is there now
T = TypeVar("T")
PYTHON: Final = (sys.executable, "-P", "-m")


def upgrade(paths: Paths, canary: str | None) -> Exit:
    """Do it; the exit code is REFUSED where it stopped on the way."""
    since = ""
    try:
        _check_code()
        since = _note(paths, AdminUpgrade(state="begun", to=TO))
        alive = [row for row in rows(paths) if row.state == "running"]
        with tqdm(total=len(alive) + 3, unit="process", file=sys.stderr) as bar:
            _step(bar, "nursery")
            _renew_nursery(paths)
            first = _canary(paths, alive, canary)
            if first is not None:
                _step(bar, f"canary {first.name}")
                _replace_canary(paths, first)
            _replace(paths, [row for row in alive if row is not first], bar)
            _step(bar, "lobby")
            _replace_lobby(paths)
            _step(bar, "guardian")
            _renew_guardian(paths)
            bar.update()
    except Refusal as why:
        print(f"The upgrade stopped: {why}", file=sys.stderr)
        if since:
            _note(paths, AdminUpgrade(state="stopped", since=since, to=TO, text=str(why)))
        return why.code
    whole = f"nursery, {len(alive)} room{'' if len(alive) == 1 else 's'}, lobby, guardian"
    _note(paths, AdminUpgrade(state="done", since=since or "an older one", to=TO, text=whole))
    print(f"Upgraded: {whole}.")
    return Exit.OK


def _note(paths: Paths, what: AdminUpgrade) -> str:
    """Have it written into the audit log; what the lobby's code calls itself, or nothing of one that knows no such
    thing, and whose upgrade is done all the same."""
    try:
        answer: AdminUpgrading = tell(paths, what)
    except Refusal as why:
        if why.code == Exit.NO_SERVER and what.state == "begun":
            raise
        return ""
    return answer.running


def _step(bar: "tqdm[Any]", what: str) -> None:
    if what != "nursery":
        bar.update()
    bar.set_description(what)


def _check_code() -> None:
    """Raises Refusal when the code cannot even be loaded: then nothing has been touched."""
    for words in LOADED:
        loaded = subprocess.run(
            [*PYTHON, *words], capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(CODE)}
        )
        if loaded.returncode:
            last = (loaded.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Refusal(f"the new code cannot be loaded ({last}); nothing was changed")


def _renew_nursery(paths: Paths) -> None:
    before = holder(paths.lock("nursery"))
    _renew(paths, "nursery")

    def in_step() -> bool:
        with connect_control(paths.control("nursery"), timeout=1.0) as sock, sock.makefile("rb") as file:
            return any(b'"type":"told"' in line for line in iter(file.readline, b""))

    if not until(lambda: _quiet(in_step), bool, LINK_SECONDS) or holder(paths.lock("nursery")) != before:
        raise Refusal("the nursery did not come back as it was; rooms go on as they are. See log/nursery.log")
    if until(lambda: _quiet(lambda: rows(paths)), bool, LINK_SECONDS) is None:
        raise Refusal("the lobby does not answer")


def _quiet(look: Callable[[], T]) -> T | None:
    try:
        return look()
    except (OSError, Refusal):
        return None


def _canary(paths: Paths, alive: list[AdminRoomRow], wanted: str | None) -> AdminRoomRow | None:
    """The room that goes first: the one that was named, else one that somebody is in, but few."""
    if wanted is not None:
        named = row_of(paths, wanted)
        found = next((row for row in alive if row.name == named.name), None)
        if found is None:
            raise Refusal(f"{named.name} does not run, so it cannot go first")
        return found
    return min(alive, key=lambda row: (row.members == 0, row.members), default=None)


def _replace_canary(paths: Paths, canary: AdminRoomRow) -> None:
    """Raises Refusal unless it comes back and stays."""
    try:
        _restart(paths, canary)
        now = row_of(paths, canary.name)
        changed = until(lambda: row_of(paths, canary.name), lambda row: row.pid != now.pid, CANARY_SECONDS)
        if changed is not None:
            raise Refusal(f"it came back and then ended: {changed.reason or changed.state}")
    except Refusal as why:
        raise Refusal(
            f"the canary, {canary.name}, does not run with the new code ({why}). No other room was touched; "
            "the nursery starts rooms with the new code from now on"
        ) from None


def _replace(paths: Paths, others: Iterable[AdminRoomRow], bar: "tqdm[Any]") -> None:
    for room in others:
        _step(bar, room.name)
        begun = time.monotonic()
        if row_of(paths, room.name).state == "running":  # it may have gone to sleep, or be closed by now
            _restart(paths, room)
        time.sleep(max(0.0, begun + 1.0 / ROOMS_PER_SECOND - time.monotonic()))


def _restart(paths: Paths, room: AdminRoomRow) -> None:
    tell(paths, AdminAct(room=room.name, do="restart", rolling=True))
    follow(paths, room, "restart")


def _replace_lobby(paths: Paths) -> None:
    """Ask it to end: it says to its clients that they are to come back, and the guardian starts the next."""
    pid = holder(paths.lock("lobby"))
    if not pid:
        raise Refusal("there is no lobby; the guardian starts one")
    lobby = Process(pid)
    lobby.signal(signal.SIGTERM)
    gone = lobby.ended(LINK_SECONDS)
    lobby.close()
    if not gone or until(lambda: _quiet(lambda: rows(paths) is not None), bool, LINK_SECONDS) is None:
        raise Refusal("the lobby did not come back; rooms go on. See log/lobby.log")


def _renew_guardian(paths: Paths) -> None:
    def steady() -> bool:
        found: SystemStatus = ask(paths, "guardian", GuardianStatus(), SystemStatus)
        return {child.state for child in found.children} == {"running"}

    def looks_steady() -> bool:
        try:
            return steady()
        except (OSError, MsgspecError):
            return False

    if until(looks_steady, bool, LINK_SECONDS) is None:
        raise Refusal("the guardian does not answer; all goes on without it")
    _renew(paths, "guardian")
    if until(looks_steady, bool, LINK_SECONDS) is None:
        raise Refusal("the guardian did not come back; all goes on without it, and `serve` adopts it")


def _renew(paths: Paths, process: str) -> None:
    """Ask a process to become the code of now; returns when it has left the link."""
    try:
        with connect_control(paths.control(process), timeout=LINK_SECONDS) as sock:
            sock.sendall(encode(Renew()))
            while sock.recv(65_536):
                pass
    except TimeoutError:
        raise Refusal(f"the {process} does not take the new code") from None
    except OSError as why:
        raise Refusal(f"the {process} does not answer ({why.strerror or why})") from None
