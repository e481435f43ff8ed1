"""The stage for plays with real processes: a running Parlour, and actors that speak its protocol over sockets.

Law: an actor is another program. It knows docs/protocol.md and the standard library's json, and nothing of ours: so
what it understands is what anybody's program would. Nothing here sleeps: what is waited for is a message, the end of a
process, or an answer that is asked for until it is right.
"""

import contextlib
import itertools
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds until what was waited for counts as never coming: only a broken product waits for so long
QUICK = ("accounts.hash_memory_kib=8", "accounts.hash_time=1")  # hashes that do not slow the plays down
UNLIMITED = (
    "limits.logins_per_address=0", "limits.connections_per_address=0", "limits.lines_per_second=0",
    "limits.requests_per_second=0", "limits.mail_per_minute=0", "limits.tells_per_minute=0", "accounts.guest_rooms=0",
    "accounts.guest_rooms_total=0", "accounts.account_rooms=0",
)  # fmt: skip

Message = dict[str, Any]


class Gone(AssertionError):  # noqa: N818 - what happened
    """The other end closed the connection while something was expected of it."""


class Refusal(Exception):  # noqa: N818 - the answer of a server
    """A request was answered by an error, which is `message`."""

    def __init__(self, message: Message) -> None:
        super().__init__(f"{message['code']}: {message['text']}")
        self.message = message
        self.code = message["code"]


class Wire:
    """One connection, spoken by hand."""

    def __init__(self, host: str, port: int) -> None:
        self.address = (host, port)
        self.sock = socket.create_connection(self.address, timeout=PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.waiting: deque[Message] = deque()  # received, and expected by nobody so far
        self.heard: list[Message] = []  # all that was ever received
        self._bytes = b""
        self._ids = itertools.count(1)

    # -- saying

    def raw(self, data: bytes) -> None:
        self.sock.settimeout(PATIENCE)
        self.sock.sendall(data)

    def send(self, type: str, **fields: Any) -> None:  # noqa: A002 - the protocol's word
        self.raw(json.dumps({"type": type, **fields}, ensure_ascii=False).encode() + b"\n")

    def ask(self, type: str, **fields: Any) -> Message:  # noqa: A002
        """Send a request; return its answer, or raise Refusal."""
        fields.setdefault("id", f"q{next(self._ids)}")
        self.send(type, **fields)
        answer = self.answer(fields["id"])
        if answer["type"] == "error":
            raise Refusal(answer)
        return answer

    def answer(self, re: str) -> Message:
        return self._until(lambda message: message.get("re") == re, f"the answer to {re}")

    # -- hearing

    def expect(self, type: str, timeout: float = PATIENCE, **fields: Any) -> Message:  # noqa: A002
        """The next message of this type with these fields; what comes before it waits for later expectations."""
        return self._until(
            lambda message: message["type"] == type and all(message.get(k) == v for k, v in fields.items()),
            f"{type} {fields or ''}",
            timeout,
        )

    def fence(self) -> list[Message]:
        """Ping, and all that came before the answer and was expected by nobody."""
        mark = f"fence{next(self._ids)}"
        self.send("ping", id=mark)
        self.answer(mark)
        before = list(self.waiting)
        self.waiting.clear()
        return before

    def ended(self, timeout: float = PATIENCE) -> list[Message]:
        """Read until the server closes; what it said until then."""
        deadline = time.monotonic() + timeout
        with contextlib.suppress(Gone):
            while True:
                self.waiting.append(self._receive(deadline, "the end of the connection"))
        last = list(self.waiting)
        self.waiting.clear()
        return last

    # -- leaving

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        """Vanish: the other end gets an RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _until(self, wanted: Callable[[Message], bool], what: str, timeout: float = PATIENCE) -> Message:
        for message in self.waiting:
            if wanted(message):
                self.waiting.remove(message)
                return message
        deadline = time.monotonic() + timeout
        while True:
            message = self._receive(deadline, what)
            if wanted(message):
                return message
            self.waiting.append(message)

    def _receive(self, deadline: float, what: str) -> Message:
        while b"\n" not in self._bytes:
            self.sock.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                data = self.sock.recv(262_144)
            except TimeoutError:
                raise AssertionError(f"{what} did not come; heard: {self.heard[-5:]}") from None
            except OSError as why:
                raise Gone(f"{why} while {what} was expected; heard: {self.heard[-5:]}") from None
            if not data:
                raise Gone(f"closed while {what} was expected; heard: {self.heard[-5:]}")
            self._bytes += data
        line, _, self._bytes = self._bytes.partition(b"\n")
        assert len(line) < 65_536, "no line passes 64 KiB"
        message: Message = json.loads(line.decode("utf-8"))
        self.heard.append(message)
        return message


class Seat(Wire):
    """A place in a room: the connection, and what its member remembers for coming back."""

    def __init__(self, host: str, port: int, ticket: str, **enter: Any) -> None:
        super().__init__(host, port)
        self.entered = self.ask("enter", protocol=1, ticket=ticket, **enter)
        self.stream: str | None = enter.get("stream")
        self.actor: Actor | None = None  # who sits here; at the lobby as long as this is kept
        self.name = ""

    @property
    def newest(self) -> int:
        """The last number it has seen."""
        return max((m["seq"] for m in self.heard if m["type"] in ("line", "topic", "moderated")), default=0)

    @property
    def lines(self) -> list[tuple[int, str]]:
        """Every line it was ever told, with its number."""
        return [(m["seq"], m["text"]) for m in self.heard if m["type"] == "line"]

    def say(self, text: str, **fields: Any) -> int:
        """Say it; its number, when it is stored."""
        seq: int = self.ask("say", text=text, **fields)["seq"]
        return seq

    def hears(self, text: str, timeout: float = PATIENCE) -> Message:
        return self.expect("line", timeout, text=text)

    def back(self, **enter: Any) -> "Seat":
        """Come back with the resume token, for what was missed."""
        self.close()
        fields = {"since": self.newest or self.entered["seq"], **enter}
        if self.stream is not None:
            fields.setdefault("stream", self.stream)
        seat = Seat(*self.address, self.entered["resume"], **fields)
        seat.actor, seat.name = self.actor, self.name
        return seat


class Actor(Wire):
    """Somebody at the lobby."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self.hello = self.ask("hello", protocol=1, client="scenes")
        self.welcome: Message = {}
        self.name = ""

    def login(self, name: str, password: str = "123", **fields: Any) -> Self:
        return self._in("login", name=name, password=password, **fields)

    def register(self, name: str, password: str, **fields: Any) -> Self:
        return self._in("register", name=name, password=password, **fields)

    def guest(self, name: str) -> Self:
        return self._in("guest", name=name)

    def resume(self, session: str, **fields: Any) -> Self:
        return self._in("resume", session=session, **fields)

    def ticket(self, room: str, *, create: bool = True) -> tuple[str, int, str]:
        """Where the room is, and what lets one in: host, port, ticket."""
        there = self.ask("join", room=room, create=create)
        assert there["type"] == "redirect"
        return there["host"] or self.address[0], there["port"], there["ticket"]

    def enter(self, room: str, *, create: bool = True, **enter: Any) -> Seat:
        try:
            seat = Seat(*self.ticket(room, create=create), **enter)
        except Refusal as why:
            if why.code != "bad_ticket":
                raise
            seat = Seat(*self.ticket(room, create=create), **enter)  # as clients do: the lobby is asked again, once
        seat.actor, seat.name = self, self.name
        return seat

    def listing(self) -> dict[str, Message]:
        """The admin's listing, by room."""
        found: dict[str, Message] = {}
        after = ""
        while True:
            page = self.ask("admin_rooms", after=after)
            found |= {row["name"]: row for row in page["rooms"]}
            if not page["more"]:
                return found
            after = page["rooms"][-1]["name"]

    def _in(self, type: str, **fields: Any) -> Self:  # noqa: A002
        self.welcome = self.ask(type, **fields)
        assert self.welcome["type"] == "welcome"
        self.name = self.welcome["name"]
        return self


class Stage:
    """A running Parlour on a data directory."""

    def __init__(self, data: Path, *settings: str, options: tuple[str, ...] = (), code: Path = ROOT) -> None:
        self.data = data
        self.code = code
        self.settings = settings
        self.options = options
        self.host, self.port = "127.0.0.1", 0
        self._numbers = itertools.count(1)
        self.guardian: subprocess.Popen[str]
        self.start()

    # -- the system

    def start(self) -> None:
        """`serve`, and wait for its first line."""
        sets = [part for setting in self.settings for part in ("--set", setting)]
        self.guardian = subprocess.Popen(
            [*command("serve", "--data", str(self.data)), "--port", str(self.port), *sets, *self.options],
            cwd=self.code, stdout=subprocess.PIPE, stderr=open_append(self.data.with_suffix(".stderr")), text=True,
            start_new_session=True,
        )  # fmt: skip
        try:
            self.first_line = read_line(self.guardian)
            assert self.first_line.startswith("Lobby listening on "), f"{self.first_line!r}\n{self.stderr()}"
        except BaseException:
            self.sweep()  # nobody has this stage yet, who could stop it
            raise
        host, _, port = self.first_line.removeprefix("Lobby listening on ").strip().rpartition(":")
        self.host, self.port = host.strip("[]"), int(port)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> float:
        """End it as an operator does; the seconds it took. Fails when any process is left."""
        begun = time.monotonic()
        if self.guardian.poll() is None:
            self.guardian.send_signal(how)
            try:
                code = self.guardian.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.sweep()
                raise AssertionError("the guardian did not end") from None
            took = time.monotonic() - begun
            left = self.sweep()
            assert code == 0, f"exit code {code}\n{self.stderr()}"
        else:
            took, left = 0.0, self.sweep()
        assert not left, f"left over: {left}"
        return took

    def sweep(self) -> dict[int, str]:
        """Kill whatever is left of this system; what that was."""
        left = self.processes()
        with contextlib.ExitStack() as ends:
            held = []
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    held.append(ends.enter_context(ending(pid)))
                    os.kill(pid, signal.SIGKILL)
            for gone in held:
                gone()
        if self.guardian.poll() is None:
            self.guardian.kill()
        self.guardian.wait(PATIENCE)
        if self.guardian.stdout is not None:
            self.guardian.stdout.close()
        return left

    def stderr(self) -> str:
        with contextlib.suppress(OSError):
            return self.data.with_suffix(".stderr").read_text()
        return ""

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """An operator's command on this data directory."""
        return subprocess.run(
            [*command(*words), "--data", str(self.data)],
            cwd=self.code, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip

    # -- its processes, as /proc tells of them

    def processes(self) -> dict[int, str]:
        """Every process that has a file of this data directory open or names it: pid and title."""
        return {pid: title(pid) for pid in pids() if self._is_ours(pid)}

    def _is_ours(self, pid: int) -> bool:
        if pid == os.getpid():
            return False
        if str(self.data) in title(pid):
            return True
        home = str(self.data) + "/"
        with contextlib.suppress(OSError):
            for fd in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    if os.readlink(f"/proc/{pid}/fd/{fd}").startswith(home):
                        return True
        return False

    def pid(self, process: str) -> int:
        """Of `guardian`, `lobby` or `nursery`, as their lock says."""
        return int((self.data / "run" / f"{process}.lock").read_text())

    def room_pid(self, room: str) -> int:
        """Of a room, by its name in `ps`."""
        (pid,) = (pid for pid, name in self.processes().items() if name == f"parlour: room {room}")
        return pid

    def kill(self, pid: int) -> None:
        """kill -9, and wait until it is gone."""
        with ending(pid) as gone:
            os.kill(pid, signal.SIGKILL)
            gone()

    # -- people

    def actor(self) -> Actor:
        return Actor(self.host, self.port)

    def login(self, name: str, password: str = "123", **fields: Any) -> Actor:
        return self.actor().login(name, password, **fields)

    def guest(self, name: str = "guest") -> Actor:
        """A guest; the name gets a number, so that no two plays meet."""
        return self.actor().guest(self.new(name))

    def new(self, name: str) -> str:
        """A name that nothing on this stage has had."""
        return f"{name}{next(self._numbers)}"


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "lobby", *words]


def open_append(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    poll = select.poll()
    poll.register(process.stdout, select.POLLIN)
    assert poll.poll(PATIENCE * 1_000), "no first line"
    return process.stdout.readline()


def pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def title(pid: int) -> str:
    """What `ps` shows as the command; empty when it is gone or a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


@contextlib.contextmanager
def ending(pid: int) -> Iterator[Callable[[], None]]:
    """Hold on to a process; what is yielded waits for its end."""
    fd = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(fd, select.POLLIN)

    def wait() -> None:
        assert poll.poll(PATIENCE * 1_000), f"process {pid} ({title(pid)}) did not end"

    try:
        yield wait
    finally:
        os.close(fd)


def eventually(condition: Callable[[], Any]) -> Any:
    """Ask until the answer is true; each asking waits for a server, so this spins on nothing."""
    deadline = time.monotonic() + PATIENCE
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, "it did not become true"


def within(limit: float, play: Callable[[], float]) -> None:
    """A play, which returns its seconds, takes less than so many. It is played again while it took longer: what the
    product takes, it takes each time; what a busy machine adds, it does not."""
    took: list[float] = []
    while not took or (min(took) >= limit and len(took) < 4):
        took.append(play())
    assert min(took) < limit, f"it took {took} s, and is to take less than {limit}"


def seconds(act: Callable[[], object]) -> float:
    """How long it takes, by the wall."""
    begun = time.monotonic()
    act()
    return time.monotonic() - begun
