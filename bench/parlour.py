"""Parlour as it is measured: started by its command, known by its data directory, and spoken to as any client does.

Law: rooms' members come in with tickets that are signed here, with the room's key, as the lobby signs them: what is
measured of a room has nothing of the lobby in it. What is measured of the lobby goes through the lobby.
"""

import base64
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

from base.locks import holder
from base.paths import Paths
from bench.crowd import Crowd, Step, Visitor
from bench.generator import LISTENS, NUMBERED, SAYS, Seat
from bench.machine import ROOT, on_server_core
from wire.tickets import Ticket, sign

SETTINGS: Final = (
    "limits.logins_per_address=0", "limits.connections_per_address=0", "limits.lines_per_second=0",
    "limits.requests_per_second=0", "limits.mail_per_minute=0", "limits.ping_seconds=0", "limits.connections=0",
    "limits.rooms=0", "limits.live_rooms=0", "limits.mailbox=0", "limits.hello_seconds=60",
    "accounts.guest_rooms=0", "accounts.guest_rooms_total=0", "accounts.account_rooms=0", "rooms.default=''",
)  # fmt: skip
PATIENCE: Final = 120.0  # seconds until an answer counts as never coming
TICKET_MS: Final = 3_600_000
SAY: Final = (b'{"type":"say","id":"', b'","text":"', b'"}\n')
Message = dict[str, Any]


class Talk:
    """One connection, one question at a time."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""
        self._asked = 0
        self._early: dict[str, Message] = {}  # answers to questions that were asked at the same time

    def send(self, type: str, **fields: Any) -> None:  # noqa: A002 - the protocol's word
        self.sock.sendall(json.dumps({"type": type, **fields}).encode() + b"\n")

    def ask(self, type: str, **fields: Any) -> Message:  # noqa: A002
        """The answer to a request; raises RuntimeError when it is an error."""
        self._asked += 1
        mark = f"q{self._asked}"
        self.send(type, id=mark, **fields)
        return self.answer(mark)

    def answer(self, mark: str) -> Message:
        while mark not in self._early:
            message = self.hear()
            if "re" in message:
                self._early[message["re"]] = message
        message = self._early.pop(mark)
        if message["type"] == "error":
            raise RuntimeError(f"{message['code']}: {message['text']}")
        return message

    def hear(self) -> Message:
        while b"\n" not in self._rest:
            data = self.sock.recv(262_144)
            if not data:
                raise ConnectionError("the server closed the connection")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        message: Message = json.loads(line)
        return message

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RoomAt:
    """A live room: where it is, and what lets people in."""

    def __init__(self, system: "System", name: str, redirect: Message) -> None:
        self.name = name
        self.port: int = redirect["port"]
        self.id: str = _payload(redirect["ticket"])["room"]
        self.paths = system.paths.room(self.id)
        keys = json.loads(self.paths.key.read_text())
        self._ring = {int(generation): bytes.fromhex(key) for generation, key in keys.items()}

    @property
    def pid(self) -> int:
        return holder(self.paths.lock) or 0

    def ticket(self, name: str) -> str:
        now = time.time_ns() // 1_000_000
        number = secrets.token_hex(8)
        return sign(
            self._ring,
            Ticket(
                room=self.id, name=name, guest=False, roles=["user"], issued=now, expires=now + TICKET_MS, number=number
            ),
        )

    def steps(self, name: str) -> list[Step]:
        return [(enter(self.ticket(name), last=0), b'"type":"entered"')]

    def visitors(self, count: int, prefix: str = "m", receive_buffer: int = 0) -> Iterator[Visitor]:
        return (Visitor(self.port, self.steps(f"{prefix}{n}"), receive_buffer) for n in range(count))


class System:
    """A running Parlour on a data directory of its own."""

    def __init__(self, data: Path, *settings: str, both_cores: bool = False, default_hash: bool = False) -> None:
        self.paths = Paths(data)
        self._settings = [*SETTINGS, *settings]
        if not default_hash:
            self._settings += ["accounts.hash_memory_kib=8", "accounts.hash_time=1"]
        self._both = both_cores
        self.port = 0
        self._guardian: subprocess.Popen[str]
        self.start()

    def start(self) -> None:
        sets = [part for setting in self._settings for part in ("--set", setting)]
        words = [sys.executable, "-P", "-m", "lobby", "serve", "--data", str(self.paths.data), "--port", str(self.port)]
        self._guardian = subprocess.Popen(
            on_server_core([*words, *sets], both=self._both),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._guardian.stdout is not None
        line = self._guardian.stdout.readline().strip()
        if not line.startswith("Lobby listening on "):
            raise RuntimeError(f"serve said {line!r}")
        self.port = int(line.rpartition(":")[2])

    def stop(self) -> None:
        self._guardian.send_signal(signal.SIGTERM)
        self._guardian.wait(10)
        assert self._guardian.stdout is not None
        self._guardian.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- processes

    def pid(self, process: str) -> int:
        return holder(self.paths.lock(process)) or 0

    def room_pids(self) -> list[int]:
        found = (holder(home / "lock") for home in (self.paths.data / "rooms").iterdir())
        return [pid for pid in found if pid]

    def pids(self) -> list[int]:
        """Of all processes, the one that waits to be a room with them."""
        nursery = self.pid("nursery")
        forked = Path(f"/proc/{nursery}/task/{nursery}/children").read_text().split()
        return [self._guardian.pid, nursery, self.pid("lobby"), *{*self.room_pids(), *map(int, forked)}]

    # -- people

    def talk(self) -> Talk:
        talk = Talk(self.port)
        talk.ask("hello", protocol=1, client="bench")
        return talk

    def guest(self) -> Talk:
        talk = self.talk()
        talk.ask("guest", name=f"bench-{secrets.token_hex(6)}")  # a name stays its guest's for a while
        return talk

    def room(self, name: str) -> RoomAt:
        """The room, made where there is none, and running."""
        with self.guest() as guest:
            return RoomAt(self, name, guest.ask("join", room=name, create=True))


def enter(ticket: str, **fields: Any) -> bytes:
    return json.dumps({"type": "enter", "protocol": 1, "ticket": ticket, **fields}).encode() + b"\n"


def seat(visitor: Visitor, group: int, *, says: bool, listens: bool) -> Seat:
    flags = NUMBERED | (SAYS if says else 0) | (LISTENS if listens else 0)
    return Seat(visitor.sock.fileno(), group, flags, *(SAY if says else ()))


def fill(room: RoomAt, crowd: Crowd, members: int, group: int = 0, senders: int = 4) -> list[Seat]:
    """`members` of a room, of which some speak, as seats for the load generator."""
    brought = crowd.bring(room.visitors(members))
    return [seat(visitor, group, says=n < senders, listens=n >= senders) for n, visitor in enumerate(brought)]


def kill(pid: int) -> None:
    """kill -9, and wait until it is gone."""
    fd = os.pidfd_open(pid)
    try:
        os.kill(pid, signal.SIGKILL)
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        poll.poll(10_000)
    finally:
        os.close(fd)


def _payload(token: str) -> Message:
    payload = token.split(".")[1]
    message: Message = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return message
