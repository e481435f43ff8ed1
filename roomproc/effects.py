"""What the pure cores of a room want done, as small frozen values; `roomproc.server` does them, in order."""

from typing import Any

from msgspec import Struct

from wire.messages import Entry, History, Search


class Effect(Struct, frozen=True, gc=False):
    pass


class Send(Effect, frozen=True):
    """Messages to one connection."""

    to: int
    messages: list[Any]


class Broadcast(Effect, frozen=True):
    """Numbered entries to every connection that is in step; the others meet them in the log."""

    entries: list[Entry]


class Transient(Effect, frozen=True):
    """An unnumbered message to every connection in step but some; whoever is behind never needs it."""

    message: Any
    but: tuple[int, ...] = ()


class Feed(Effect, frozen=True):
    """Bring a connection into step from the log, from the entry after `after` on."""

    to: int
    after: int


class ReadHistory(Effect, frozen=True):
    """Answer a history request."""

    to: int
    request: History


class SearchHistory(Effect, frozen=True):
    """Answer a search; the answer may come rounds later."""

    to: int
    request: Search


class Close(Effect, frozen=True):
    """End a connection once what was sent before has left."""

    to: int
    why: str


class Report(Effect, frozen=True):
    """Tell the lobby, if it is there."""

    message: Any
