"""Where things are in the data directory, and Unix sockets below it whatever its length.

Source of the layout: docs/architecture.md, "Top level".
"""

import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CODE = Path(__file__).resolve().parent.parent  # the checkout: run.sh, resources/ and the packages


class DataError(Exception):
    """The data directory cannot be used; the text is one line that says what to do."""


@dataclass(frozen=True)
class Paths:
    """The places in one data directory."""

    data: Path

    @property
    def user_db(self) -> Path:
        return self.data / "users" / "user-db"

    @property
    def master_key(self) -> Path:
        return self.data / "master-key"

    @property
    def lobby_db(self) -> Path:
        return self.data / "lobby.sqlite3"

    @property
    def mail_db(self) -> Path:
        return self.data / "mail.sqlite3"

    @property
    def run(self) -> Path:
        return self.data / "run"

    @property
    def log(self) -> Path:
        return self.data / "log"

    @property
    def effective_config(self) -> Path:
        """What `serve` made of file and options, for the processes it starts."""
        return self.run / "config.json"

    def lock(self, process: str) -> Path:
        """The lock, with the pid in it, of `guardian`, `nursery` or `lobby`."""
        return self.run / f"{process}.lock"

    def control(self, process: str) -> Path:
        """The control socket of `guardian`, `nursery`, `lobby`, or `admin` (the lobby's, for the operator)."""
        return self.run / f"{process}.sock"

    def room(self, room_id: str) -> "RoomPaths":
        return RoomPaths(self.data / "rooms" / room_id)

    def room_locks(self) -> list[Path]:
        """Of all rooms that ever ran; the directory of each is named by its id."""
        return sorted((self.data / "rooms").glob("*/lock"))

    def create(self) -> None:
        """Make the directories, mode 0700; raises DataError."""
        try:
            for place in (self.data, self.user_db.parent, self.data / "rooms", self.run, self.log):
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
            if stat.S_IMODE(self.data.stat().st_mode) & 0o077:
                self.data.chmod(0o700)
        except OSError as why:
            raise DataError(
                f"cannot use the data directory {self.data}: {why.strerror}; give another with --data"
            ) from why


@dataclass(frozen=True)
class RoomPaths:
    """The places of one room; its id never changes, its name may."""

    home: Path

    @property
    def log_db(self) -> Path:
        return self.home / "log.sqlite3"

    @property
    def search_db(self) -> Path:
        """The search index, made from the log and made again when it is gone."""
        return self.home / "search.sqlite3"

    @property
    def key(self) -> Path:
        return self.home / "key"

    @property
    def lock(self) -> Path:
        return self.home / "lock"

    @property
    def flight_record(self) -> Path:
        """How each process of the room ended, and the stacks of those that could still write them."""
        return self.home / "crash.log"

    @property
    def journal(self) -> Path:
        """The room's own log file, for its operator."""
        return self.home / "room.log"


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """`path` in a form that fits sockaddr_un (108 bytes): by way of its directory's descriptor."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def bind_control(path: Path) -> socket.socket:
    """A listening Unix socket at `path`, mode 0600, in place of what was there."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    beside = path.with_name(path.name + ".new")  # bound beside and renamed: whoever connects finds the old or the new
    beside.unlink(missing_ok=True)
    with _short(beside) as address:
        sock.bind(address)
    beside.chmod(0o600)
    sock.listen(1024)
    beside.rename(path)
    return sock


def connect_control(path: Path, timeout: float | None = None) -> socket.socket:
    """A connection to the control socket at `path`; raises OSError when nobody listens."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(timeout)
    try:
        with _short(path) as address:
            sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def peer_is_ours(sock: socket.socket) -> bool:
    """Whether the other end of a Unix socket runs as our user or as root (SO_PEERCRED, unix(7))."""
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    uid = int.from_bytes(credentials[4:8], "little")
    return uid in (os.getuid(), 0)
