"""A room's first moments, played where nobody waits for them: once by the nursery, so that rooms share warm code and
full caches, and by each process that waits to be a room, so that what a room writes to is copied by then.

Law: it is real code in a place of its own, with nobody but itself to tell. Nothing of it is left in the process but
memory, no file, thread or database, so that the nursery may fork after it; its files stay for the next to clear away.
A disk that refuses costs the rehearsal and nothing else, and so does a bug.
"""

import gc
import logging
import os
import signal
import socket
import sqlite3
from typing import Final

import msgspec

from base import logs
from base.config import Config
from base.listeners import CannotListen, open_listener
from base.locks import Lock, Locked
from base.paths import Paths, RoomPaths
from roomproc.server import RoomServer, read_key
from wire.codec import encode
from wire.control import RoomSettings
from wire.messages import PROTOCOL, Enter
from wire.tickets import Ticket, sign

ROOM: Final = RoomSettings(room="rehearsal", name="rehearsal", owner="", access="public", topic="", made=0, revision=0)
ROUNDS: Final = 4  # after which whatever was asked for has been done

log = logging.getLogger("nursery")


def rehearse(paths: Paths, config: Config) -> None:
    """Be a room that somebody enters and leaves, while nobody else plays it."""
    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        _rehearse(Paths(paths.run / "rehearsal"), config)
    except (OSError, sqlite3.Error, CannotListen, Locked) as why:
        log.info("nothing is rehearsed: %s", why)
    except Exception:
        log.exception("a bug in the rehearsal")
    for number, handler in before:  # or what was played would stay, by the signals that it waits for
        signal.signal(number, handler)
    gc.collect()  # sockets among it


def _rehearse(paths: Paths, config: Config) -> None:
    files = paths.room(ROOM.room)
    files.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = Lock(files.lock)
    for left in {*files.home.iterdir()} - {files.lock}:
        left.unlink()
    files.key.write_bytes(msgspec.json.encode({"1": os.urandom(32).hex()}))
    unsynced = msgspec.structs.replace(config, rooms=msgspec.structs.replace(config.rooms, durability="off"))
    with logs.elsewhere(files.journal), open_listener("127.0.0.1", 0) as listener:
        _play(listener, paths, files, unsynced)
    lock.release()


def _play(listener: socket.socket, paths: Paths, files: RoomPaths, config: Config) -> None:
    link, nursery = socket.socketpair()
    with link, nursery, socket.create_connection(listener.getsockname()[:2]) as visitor:
        server = RoomServer(listener, link, ROOM, paths, config)
        _go_on(server)
        visitor.sendall(encode(Enter(id="1", protocol=PROTOCOL, ticket=_ticket(files, server.loop.now.wall))))
        _go_on(server)
        visitor.close()
        _go_on(server)
        server.history.close()


def _ticket(files: RoomPaths, wall: int) -> str:
    ticket = Ticket(
        room=ROOM.room, name="nobody", guest=True, roles=[], issued=wall, expires=wall + 10_000, number=str(wall)
    )
    return sign(read_key(files), ticket)


def _go_on(server: RoomServer) -> None:
    for _ in range(ROUNDS):
        server.loop.again(lambda: None)
        server.loop.round()
