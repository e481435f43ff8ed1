"""What `serve` does before the guardian runs: checks, data directory, lock, port, the effective configuration.

Law: whatever is wrong is one line that says how to go on (Misuse), and nothing that runs has been touched then.
"""
# ruff: noqa: T201 - a command speaks on standard output

import contextlib
import os
import socket
import sys
from pathlib import Path
from typing import Final

import msgspec
from setproctitle import setproctitle

from base import config as configuration
from base import logs
from base.config import Config
from base.exits import Exit
from base.listeners import CannotListen, open_listener, place, resolve
from base.locks import Lock, Locked, holder
from base.paths import CODE, DataError, Paths
from base.processes import raise_descriptor_limit
from lobby import beside
from lobby.guardian import Commands, GuardianServer

INSECURE: Final = (
    "{host} can be reached from other machines, and nothing on the way is encrypted: passwords could be read. "
    "If that is meant (behind a tunnel, in a network you trust), go on with --set server.insecure=true"
)
WARNINGS: Final = (
    "warning: {host} can be reached from other machines and nothing is encrypted (server.insecure)",
    "warning: the test accounts are locked, as not every listener is on loopback",
)


class Misuse(Exception):  # noqa: N818 - the operator's to mend
    """`serve` cannot begin; the text is one line that says why and how to go on."""


def commands(paths: Paths) -> Commands:
    """How the two processes are started; -P, so that no package of the working directory is taken for ours."""
    python = [sys.executable, "-P", "-m"]
    return {
        "nursery": [*python, "roomproc", "--data", str(paths.data)],
        "lobby": [*python, "lobby", "run", "--data", str(paths.data)],
    }


def serve(paths: Paths, config: Config, starts: Commands) -> Exit:
    """Run the system until it is stopped. Raises Misuse."""
    try:
        resolve(config.server.host, config.server.port)
    except CannotListen as why:
        raise Misuse(str(why)) from None
    if not config.on_loopback and not config.server.insecure:
        raise Misuse(INSECURE.format(host=config.server.host))
    os.umask(0o077)
    _say_if_few(raise_descriptor_limit(), config)
    try:
        paths.create()
        Lock(paths.lock("guardian"))
    except DataError as why:
        raise Misuse(str(why)) from None
    except Locked as locked:
        raise Misuse(f"already running, pid {locked.pid} (data directory {paths.data}); `stop` ends it") from None
    logs.start(paths.log / "guardian.log", config.log.level)
    server = _prepare(paths, config, starts)
    setproctitle("parlour: guardian")
    end = server.run()
    if server.renewing:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ourselves
    if server.gave_up:
        print(server.gave_up, file=sys.stderr)
    return end


def _say_if_few(descriptors: int, config: Config) -> None:
    """Each connection is one; beyond them callers wait in vain."""
    wanted = max(config.limits.connections, config.rooms.files)
    if descriptors < wanted:
        print(
            f"this system allows a process {descriptors} open files (ulimit -Hn), fewer than limits.connections and "
            f"rooms.files say ({wanted}): raise it, or nobody gets in beyond {descriptors}",
            file=sys.stderr,
        )


def _prepare(paths: Paths, config: Config, starts: Commands) -> GuardianServer:
    alive = {name: holder(paths.lock(name)) for name in ("lobby", "nursery")}
    adopts = any(pid is not None for pid in alive.values())
    if adopts:
        config = _as_it_runs(paths, config)
    listeners = [] if alive["lobby"] is not None else [_listen(config)]
    if listeners:  # the port is part of what a second `serve` must find again
        host, port = config.server.host, place(listeners[0])[1]
        config = msgspec.structs.replace(config, server=msgspec.structs.replace(config.server, host=host, port=port))
    if not config.on_loopback:
        for warning in WARNINGS:
            print(warning.format(host=config.server.host), file=sys.stderr)
    try:
        if not adopts:
            _write(paths.effective_config, configuration.dump(config))
        if not paths.user_db.exists():
            _write(paths.user_db, (CODE / "resources" / "users" / "user-db").read_bytes())
    except OSError as why:
        told = f"cannot write in the data directory {paths.data}: {why.strerror}"
        raise Misuse(f"{told}; mend that and serve again") from None
    return GuardianServer(paths, config, starts, listeners, adopts=adopts, say=_say)


def _as_it_runs(paths: Paths, config: Config) -> Config:
    """The configuration of what runs already: rooms and lobby have it, and whether all is on loopback hangs on it."""
    try:
        found = configuration.parse(paths.effective_config.read_bytes())
    except (OSError, msgspec.MsgspecError):
        return config
    same_port = config.server.port in {found.server.port, 0}
    if msgspec.structs.replace(config, server=found.server) != found or not same_port:
        print("a running system is adopted, with its configuration; to change that, stop it first", file=sys.stderr)
    return found


def _listen(config: Config) -> socket.socket:
    try:
        return open_listener(config.server.host, config.server.port)
    except CannotListen as why:
        raise Misuse(str(why)) from None


def _write(path: Path, content: bytes) -> None:
    """Write beside, sync, rename; mode 0600. What is there already is not written again: the disk may be full."""
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == content:
            return
    new = path.with_name(path.name + ".new")
    beside.write(new, content)
    new.rename(path)


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads it any longer; the system runs all the same
        print(line, flush=True)
