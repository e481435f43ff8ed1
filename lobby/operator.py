"""The operator's commands: stop, status, admin rooms. They speak over guardian.sock and admin.sock, which only the
operator can open, and need no password.

Law: each ends by itself in a bounded time, with one line where something is wrong and an exit code of base.exits.
"""
# ruff: noqa: T201 - a command speaks on standard output

import contextlib
import shutil
import signal
import socket
import sys
import time
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct
from tabulate import tabulate

from base import commandline
from base import config as configuration
from base.exits import Exit
from base.listeners import spell
from base.locks import holder
from base.paths import Paths, connect_control
from base.processes import Process
from lobby import sweep
from wire.codec import encode
from wire.control import (
    AdminList,
    AdminListed,
    AdminRefused,
    ChildState,
    FromAdmin,
    GuardianStatus,
    GuardianStop,
    SystemStatus,
)

ANSWER_SECONDS: Final = 5.0
STOP_SECONDS: Final = 3.0  # a guardian needs two; one that takes longer is stuck
SWEEP_SECONDS: Final = 1.5


def stop(paths: Paths) -> Exit:
    """End the system; when this returns no process of it lives. Works without a guardian too."""
    deadline = time.monotonic() + STOP_SECONDS
    guardian = _guardian(paths)
    if guardian is not None:
        try:
            with connect_control(paths.control("guardian"), timeout=ANSWER_SECONDS) as sock:
                sock.sendall(encode(GuardianStop()))
                guardian.ended(deadline - time.monotonic())
        except OSError:  # it is just starting, or ending
            guardian.signal(signal.SIGTERM)
        if not guardian.ended(deadline - time.monotonic()):
            guardian.signal(signal.SIGKILL)
            guardian.ended(SWEEP_SECONDS)
    if not sweep.end(paths, time.monotonic() + SWEEP_SECONDS) and guardian is None:
        return _no_server(paths)
    print("Stopped.")
    return Exit.OK


def status(paths: Paths, *, as_json: bool, address: bool) -> Exit:
    """Say what runs: OK while there is a lobby, else NO_SERVER. `address`: only where the lobby listens, for scripts;
    none without a guardian."""
    guardian = holder(paths.lock("guardian"))
    try:
        found = ask(paths, "guardian", GuardianStatus(), SystemStatus)
    except (OSError, msgspec.MsgspecError):
        if address:
            return _no_server(paths)
        found, guardian = _left(paths), None
    if address:
        if not found.port:
            return _no_server(paths)
        print(spell(found.host, found.port))
        return Exit.OK
    if as_json:
        print(msgspec.json.encode({**msgspec.to_builtins(found), "guardian": guardian or 0}).decode())
    elif guardian is not None:
        since = datetime.fromtimestamp(found.since / 1_000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        where = spell(found.host, found.port) if found.port else "no port yet"
        print(f"Lobby on {where}, served since {since}, data in {paths.data}")
        rows = [(child.process, child.state, child.pid, child.restarts) for child in found.children]
        rows.insert(0, ("guardian", "running", guardian, 0))
        print(tabulate(rows, headers=("process", "state", "pid", "restarts")))
        _warn(paths)
    elif found.children:
        alive = [f"{child.process} (pid {child.pid})" for child in found.children]
        goes = f"{' and '.join(alive)} {'go' if len(alive) > 1 else 'goes'} on"
        print(f"The guardian is gone; {goes}. `serve` adopts what runs, `stop` ends it.")
    else:
        return _no_server(paths)
    serves = guardian is not None or any(child.process == "lobby" for child in found.children)
    return Exit.OK if serves else Exit.NO_SERVER


def _warn(paths: Paths) -> None:
    from lobby import freespace  # noqa: PLC0415 - it brings what reads accounts, which stop need not wait for

    notice = freespace.look(paths).notice
    if notice:
        print(f"Warning: {notice}.", file=sys.stderr)


def admin_rooms(paths: Paths, *, as_json: bool, wide: bool = False) -> Exit:
    """The table of every room, as admins see it; in the terminal's width unless `wide`."""
    try:
        answer = ask(paths, "admin", AdminList(), FromAdmin)
    except (OSError, msgspec.MsgspecError):
        return _no_server(paths)
    if isinstance(answer, AdminRefused):
        print(answer.text, file=sys.stderr)
        return commandline.refused(answer.code)
    assert isinstance(answer, AdminListed)
    if answer.notice:
        print(f"Warning: {answer.notice}.", file=sys.stderr)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(answer.rooms), indent=2).decode())
    else:
        from lobby.admin import table  # noqa: PLC0415 - it brings psutil, which stop and status need not wait for

        print(table(answer.rooms, None if wide else shutil.get_terminal_size().columns))
    return Exit.OK


def ask(paths: Paths, process: str, question: Struct, answer: Any) -> Any:
    """The answer of a process to one question over its control socket; raises OSError, msgspec.MsgspecError."""
    with connect_control(paths.control(process), timeout=ANSWER_SECONDS) as sock:
        sock.sendall(encode(question))
        return msgspec.json.decode(_line(sock), type=answer)


def _line(sock: socket.socket) -> bytes:
    """One line, however long: the listing comes whole."""
    with sock.makefile("rb") as file:
        return file.readline()


def _guardian(paths: Paths) -> Process | None:
    pid = holder(paths.lock("guardian"))
    with contextlib.suppress(ProcessLookupError):
        return Process(pid) if pid else None
    return None


def _left(paths: Paths) -> SystemStatus:
    """What runs without a guardian, by the locks; where the lobby listens is in the configuration it runs with."""
    pids = {name: holder(paths.lock(name)) for name in ("nursery", "lobby")}
    children = [
        ChildState(process=name, pid=pid, state="running", restarts=0) for name, pid in pids.items() if pid is not None
    ]
    host, port = "", 0
    if pids["lobby"] is not None:
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            server = configuration.parse(paths.effective_config.read_bytes()).server
            host, port = server.host, server.port
    return SystemStatus(children=children, host=host, port=port, since=0)


def _no_server(paths: Paths) -> Exit:
    print(f"No server runs on the data directory {paths.data}.", file=sys.stderr)
    return Exit.NO_SERVER
