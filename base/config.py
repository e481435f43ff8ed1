"""Configuration: every option with its type and default. The file is TOML; `--set KEY=VALUE` is laid over it.

`resources/parlour.toml` documents each option for operators; a test holds the two together. 0 is no limit.
"""

import ipaddress
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from base import allowed
from base.sqlite import Durability

Limit = Annotated[int, Meta(ge=0)]
Rate = Annotated[float, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]
Port = Annotated[int, Meta(ge=0, le=65_535)]


class ConfigError(Exception):
    """The configuration cannot be used; the text is one line that says what to change."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Server(Section, frozen=True):
    host: str = "127.0.0.1"
    port: Port = 22_222
    insecure: bool = False  # listen beyond loopback although nothing is encrypted
    public_host: str = ""  # what redirects name; empty: the host the client reached the lobby at
    room_ports: str = "any"  # or a range such as "22300-22399"
    motd: Annotated[str, Meta(max_length=4_000)] = ""  # empty: the file resources/motd


class Accounts(Section, frozen=True):
    registration: bool = True
    guests: Literal["auto", "yes", "no"] = "auto"  # auto: while every listener is on loopback
    guest_rooms: Limit = 3  # live rooms one guest may have made
    guest_rooms_total: Limit = 100  # live rooms that guests made
    account_rooms: Limit = 50  # rooms one account may own
    deleted_name_days: Limit = 30  # in which nobody else may take a deleted account's name; 0: at once
    code_hours: Annotated[int, Meta(ge=1, le=8_760)] = 24  # in which a one-time code is good
    password_min: Annotated[int, Meta(ge=1, le=100)] = 8
    hash_memory_kib: Annotated[int, Meta(ge=8, le=4_194_304)] = 19_456  # OWASP's argon2id recommendation: 19 MiB, 2, 1
    hash_time: Annotated[int, Meta(ge=1, le=100)] = 2
    hash_threads: Annotated[int, Meta(ge=1, le=64)] = 2  # worker threads that verify


class Rooms(Section, frozen=True):
    default: str = "hall"  # exists from the start; empty: none
    durability: Durability = "full"
    newcomer_lines: Limit = 20
    sleep_after: Seconds = 300.0  # seconds without members; 0: never
    resend_window: Annotated[int, Meta(ge=60)] = 86_400  # seconds
    queue_bytes: Annotated[int, Meta(ge=65_536)] = 1_048_576  # a member's queue, beyond which it is fed from history
    keep_days: Limit = 0  # lines older are dropped; 0: kept for ever
    keep_lines: Limit = 0  # beyond so many the oldest are dropped; 0: all are kept
    grace: Seconds = 15.0  # seconds a broken connection keeps its member
    memory_mib: Limit = 2_048  # address space of a room's process
    files: Limit = 16_384  # its descriptors
    core_mib: Annotated[int, Meta(ge=0)] = 0  # of a dump of its memory when it crashes; 0: none, it holds what was said
    nice: Annotated[int, Meta(ge=-20, le=19)] = 0


class Limits(Section, frozen=True):
    lines_per_second: Rate = 10.0  # lines and whispers of one connection, on average
    lines_burst: Limit = 30
    requests_per_second: Rate = 50.0  # everything else a connection asks
    requests_burst: Limit = 100
    connections_per_address: Limit = 200
    connections: Limit = 12_000  # of one process
    logins_per_address: Limit = 60  # failed ones a minute
    hello_seconds: Seconds = 10.0  # until the first message
    ping_seconds: Seconds = 90.0  # a connection silent for so long is closed
    rooms: Limit = 10_000
    live_rooms: Limit = 2_000
    mail_per_minute: Limit = 30
    tells_per_minute: Limit = 60  # direct messages of one person, that many at once
    mailbox: Limit = 20_000  # mails that one person may keep, in all folders
    mailbox_mib: Limit = 200  # MiB of them
    free_disk_mib: Limit = 256  # MiB free, below which mail, imports and new rooms are refused
    trash_days: Limit = 30  # after which what was deleted is gone for good; 0: never by itself


class Log(Section, frozen=True):
    level: Literal["debug", "info", "warning", "error"] = "info"  # debug shows what is said


class Config(Section, frozen=True):
    server: Server = Server()
    accounts: Accounts = Accounts()
    rooms: Rooms = Rooms()
    limits: Limits = Limits()
    log: Log = Log()

    @property
    def on_loopback(self) -> bool:
        """Whether every listener is bound to loopback."""
        return is_loopback(self.server.host)

    @property
    def guests_allowed(self) -> bool:
        return self.accounts.guests == "yes" or (self.accounts.guests == "auto" and self.on_loopback)

    @property
    def room_port_range(self) -> range | None:
        """The ports rooms may listen on; None for any free one. Raises ConfigError."""
        text = self.server.room_ports
        if text == "any":
            return None
        low, _, high = text.partition("-")
        try:
            ports = range(int(low), int(high or low) + 1)
        except ValueError:
            raise ConfigError(f"server.room_ports: '{text}' is neither any nor a range such as 22300-22399") from None
        if not ports or ports.start < 1 or ports.stop > 65_536:
            raise ConfigError(f"server.room_ports: '{text}' is no range of ports between 1 and 65535")
        return ports


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load(path: Path | None, settings: list[str], overrides: dict[str, Any] | None = None) -> Config:
    """The configuration of file, then `--set` settings, then overrides ("server.port": 0). Raises ConfigError."""
    tree: dict[str, Any] = {}
    where: dict[str, str] = {}
    if path is not None:
        tree = _read(path)
        where = dict.fromkeys(tree, str(path))
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or "." not in key:
            raise ConfigError(
                f"--set takes SECTION.KEY=VALUE, for example --set limits.lines_per_second=0, not '{setting}'"
            )
        _put(tree, key.strip(), _value(value.strip()), where, "--set")
    for key, value in (overrides or {}).items():
        _put(tree, key, value, where, f"--{key.rpartition('.')[2]}")
    if (wrong := allowed.mistake(tree, Config, where)) is not None:
        raise ConfigError(wrong)
    config = msgspec.convert(tree, Config)
    _ = config.room_port_range
    _check_host(config.server.host)
    return config


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as why:
        raise ConfigError(f"cannot read {path}: {why.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as why:
        raise ConfigError(f"{path} is not TOML: {why}") from None


def _put(tree: dict[str, Any], key: str, value: Any, where: dict[str, str], source: str) -> None:
    section, _, name = key.partition(".")
    where.setdefault(section, source)
    where[key] = source
    below = tree.setdefault(section, {})
    if isinstance(below, dict):  # else the file is wrong, and what is wrong in it is told
        below[name] = value


def _check_host(host: str) -> None:
    """What looks like an address has to be one: asking for it by name would take its time and find nothing."""
    if not host or not (":" in host or set(host) <= set("0123456789.")):
        return
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ConfigError(f"server.host: '{host}' is no address; it takes one such as 127.0.0.1 or ::1") from None


def _value(text: str) -> Any:
    """A value as TOML writes it; what is not TOML is taken as a plain string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def dump(config: Config) -> bytes:
    return msgspec.json.encode(config)


def parse(data: bytes) -> Config:
    """What `dump` wrote."""
    return msgspec.json.decode(data, type=Config)
