"""Listening TCP sockets: the one way in which the lobby's and the rooms' are made."""

import errno
import os
import socket
from typing import Final

BACKLOG: Final = 4_096  # who comes while a process is away waits here; the kernel caps it at net.core.somaxconn


class CannotListen(Exception):  # noqa: N818 - the operator's to mend
    """Nothing can listen there; the text is one line that says why."""


def open_listener(host: str, port: int, backlog: int = BACKLOG) -> socket.socket:
    """A socket that listens on `host` (a name or an address) and `port` (0: any free one). Raises CannotListen."""
    family, address = resolve(host, port)
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # after a restart old ones linger in TIME_WAIT
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # :: takes IPv4 callers too
        sock.bind(address)
        sock.listen(backlog)
    except OSError as why:
        sock.close()
        raise CannotListen(_explain(why, host, port)) from None
    return sock


def place(sock: socket.socket) -> tuple[str, int]:
    """The address and the port that `sock` is bound to."""
    address = sock.getsockname()
    return str(address[0]), int(address[1])


def spell(host: str, port: int) -> str:
    """HOST:PORT, with brackets where the address has colons."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """The address that a host stands for; IPv4 first where a name has both: a room has one listener. Raises
    CannotListen."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as why:
        raise CannotListen(f"'{host}' is no address of this machine: {getattr(why, 'strerror', None) or why}") from None
    best = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return best[0], best[4]  # type: ignore[return-value]


def _explain(why: OSError, host: str, port: int) -> str:
    match why.errno:
        case errno.EADDRINUSE:
            return f"port {port} on {host} is in use by another program; give another with --port (0: any free one)"
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine"
        case errno.EACCES:
            return f"port {port} may only be used by root; give one above 1023 with --port"
    return f"cannot listen on {spell(host, port)}: {os.strerror(why.errno or 0)}"
