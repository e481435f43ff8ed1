"""Where a server is, and how people write it: HOST:PORT, chat://HOST:PORT, HOST PORT NAME. Pure.

The ways without options are those of older programs: `NAME chat://HOST:PORT`, `HOST PORT NAME`, `HOST`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from wire.errors import Refused
from wire.names import check_name, check_person

PORT: Final = 22222
LOCAL: Final = "127.0.0.1"


class BadAddress(Exception):  # noqa: N818
    """What was written is no address; the text is one line that says why."""


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Target:
    """What the words of a command line ask for. `straight`: in without the menu; `stages`: tell each step."""

    address: Address | None = None
    name: str = ""
    straight: bool = False
    stages: bool = False


def parse(text: str) -> Address:
    """`HOST:PORT`, `HOST`, `[V6]:PORT` or `chat://HOST:PORT`; raises BadAddress."""
    if "://" in text:
        return _url(text)
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise BadAddress(f"'{text}' is no address: write [HOST]:PORT")
        return Address(_host(host), port(rest[1:]) if rest else PORT)
    if text.count(":") > 1:  # an IPv6 address by itself
        return Address(_host(text), PORT)
    host, colon, number = text.partition(":")
    return Address(_host(host), port(number) if colon else PORT)


def port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= 65_535 or len(text) > 9:
        raise BadAddress(f"'{text}' is no port: it is a number from 1 to 65535")
    return int(text)


def target(words: Sequence[str]) -> Target:
    """The words of the command line that are no options; raises BadAddress."""
    match tuple(words):
        case ():
            return Target()
        case (host,):
            return Target(parse(host))
        case (name, url) if "://" in url:
            return Target(parse(url), person(name), straight=True, stages=True)
        case (host, number):
            return Target(Address(_host(host), port(number)))
        case (host, number, name):
            return Target(Address(_host(host), port(number)), person(name), straight=True, stages=True)
        case _:
            raise BadAddress("too many words: NAME chat://HOST:PORT, or HOST PORT NAME, or options (--help)")


def person(name: str) -> str:
    """A name as the server will take it; raises BadAddress."""
    try:
        return check_person(name)
    except Refused as why:
        raise BadAddress(why.text) from None


def room(name: str) -> str:
    """A room's name as the server will take it; raises BadAddress."""
    try:
        return check_name(name, what="room's name")
    except Refused as why:
        raise BadAddress(why.text) from None


def _url(text: str) -> Address:
    if text.startswith("chats://"):
        raise BadAddress("chats:// (encrypted) is not spoken yet: use chat://, through a tunnel where it matters")
    try:
        parts = urlsplit(text)
        number = parts.port
    except ValueError:
        raise BadAddress(f"'{text}' is no address: write chat://HOST:PORT") from None
    if parts.scheme != "chat" or not parts.hostname or parts.path not in ("", "/") or "@" in text or text.endswith(":"):
        raise BadAddress(f"'{text}' is no address: write chat://HOST:PORT")
    return Address(_host(parts.hostname), PORT if number is None else port(str(number)))


def _host(text: str) -> str:
    if not text or not text.isprintable() or any(c in " /?#@\\" for c in text):
        raise BadAddress(f"'{text}' is no host")
    return text
