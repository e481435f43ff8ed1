"""The states of the session's lobby connection, and the ways between them. Pure."""

from enum import Enum
from typing import Final


class LobbyState(Enum):
    OFF = "off"
    CONNECTING = "connecting"
    GREETING = "greeting"
    GREETED = "greeted"
    LOGGING_IN = "logging in"
    IN = "in"
    WAITING = "waiting"  # until the next attempt
    LEAVING = "leaving"
    OVER = "over"


_S = LobbyState
TRANSITIONS: Final = {
    _S.OFF: {_S.CONNECTING, _S.OVER},
    _S.CONNECTING: {_S.GREETING, _S.WAITING, _S.OVER},
    _S.GREETING: {_S.GREETED, _S.WAITING, _S.OVER},
    _S.GREETED: {_S.LOGGING_IN, _S.WAITING, _S.LEAVING, _S.OVER},
    _S.LOGGING_IN: {_S.IN, _S.GREETED, _S.WAITING, _S.LEAVING, _S.OVER},
    _S.IN: {_S.CONNECTING, _S.WAITING, _S.LEAVING, _S.OVER},
    _S.WAITING: {_S.CONNECTING, _S.OVER},
    _S.LEAVING: {_S.OVER},
    _S.OVER: set(),
}
