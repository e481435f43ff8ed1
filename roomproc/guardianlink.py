"""The nursery's link to the guardian, which tells how rooms that are not its children ended.

Law: the guardian does without it; who restarts the nursery needs to know only that it is up.
"""

import logging
import os
from collections.abc import Callable

from wire import control
from wire.codec import Codec
from wire.control import ChildUp, OrphanExited
from wire.uplink import Uplink

log = logging.getLogger("nursery")


class GuardianEnd:
    """What comes from the guardian."""

    def __init__(self, orphan_exited: Callable[[OrphanExited], None]) -> None:
        self._orphan_exited = orphan_exited
        self._codec: Codec[control.FromGuardian] = Codec(control.FromGuardian)

    def opened(self, uplink: Uplink) -> None:
        uplink.send(ChildUp(process="nursery", pid=os.getpid()))

    def lines(self, uplink: Uplink, lines: list[bytes]) -> None:
        for message in self._codec.understood(lines, lambda bad: log.warning("from %s: %s", uplink.name, bad.text)):
            if isinstance(message, OrphanExited):
                self._orphan_exited(message)

    def lost(self, uplink: Uplink, why: str) -> None:
        log.info("%s lost: %s", uplink.name, why)
