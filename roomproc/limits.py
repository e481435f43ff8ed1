"""What a room's process may use: set in the fork, before the room runs, so that a room over its limit dies alone.

Law: a limit that the system does not let us set is logged and left out; a room is not kept from running by it.
"""

import logging
import os
import resource
from typing import Final

from msgspec import UNSET

from base.config import Rooms
from wire.control import RoomLimits

MIB: Final = 1_048_576

log = logging.getLogger("room")


def effective(config: Rooms, own: RoomLimits) -> dict[str, int]:
    """Each limit: the room's own where it has one, else the configuration's."""
    found = {}
    for name in own.__struct_fields__:
        value = getattr(own, name)
        found[name] = getattr(config, name) if value is UNSET else value
    return found


def apply(config: Rooms, own: RoomLimits) -> None:
    """Bind this process by them."""
    limits = effective(config, own)
    _bind("memory_mib", resource.RLIMIT_AS, limits["memory_mib"] * MIB or resource.RLIM_INFINITY)
    _bind("files", resource.RLIMIT_NOFILE, limits["files"] or resource.RLIM_INFINITY)
    _bind("core_mib", resource.RLIMIT_CORE, limits["core_mib"] * MIB)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, limits["nice"])
    except PermissionError:
        log.warning("nice %d is not allowed to us", limits["nice"])


def _bind(name: str, kind: int, value: int) -> None:
    """Both the soft and the hard limit; never above the hard one that we have."""
    hard = resource.getrlimit(kind)[1]
    if value == resource.RLIM_INFINITY or (hard != resource.RLIM_INFINITY and value > hard):
        value = hard
    try:
        resource.setrlimit(kind, (value, value))
    except (ValueError, OSError) as why:
        log.warning("%s cannot be limited to %d: %s", name, value, why)
