"""Limits of a room: its own before the configuration's, and set in its process alone."""

import os
import resource

from base.config import Rooms
from roomproc import limits
from wire.control import RoomLimits


def test_the_rooms_own_come_first() -> None:
    config = Rooms(memory_mib=100, files=200, core_mib=3, nice=4)
    kept = {"keep_days": 0, "keep_lines": 0}
    assert limits.effective(config, RoomLimits()) == {"memory_mib": 100, "files": 200, "core_mib": 3, "nice": 4} | kept
    own = RoomLimits(memory_mib=0, nice=0)
    assert limits.effective(config, own) == {"memory_mib": 0, "files": 200, "core_mib": 3, "nice": 0} | kept


def in_a_fork(config: Rooms, own: RoomLimits) -> bytes:
    near, far = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            limits.apply(config, own)
            kinds = (resource.RLIMIT_AS, resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)
            found = [resource.getrlimit(kind)[0] for kind in kinds]
            try:
                bytearray(400 * limits.MIB)
                found.append(1)
            except MemoryError:
                found.append(0)
            os.write(far, repr([*found, os.getpriority(os.PRIO_PROCESS, 0)]).encode())
        finally:
            os._exit(0)
    os.close(far)
    with open(near, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(pid, 0)
    return answer


def test_they_bind_the_process_that_sets_them() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    answer = in_a_fork(Rooms(memory_mib=400, files=50, nice=3), RoomLimits())
    assert answer == repr([400 * limits.MIB, 50, 0, 0, 3]).encode()
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_none_is_none_and_more_than_we_have_is_what_we_have() -> None:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    answer = in_a_fork(Rooms(memory_mib=0, files=2**40), RoomLimits())
    assert answer == repr([resource.getrlimit(resource.RLIMIT_AS)[1], files, 0, 1, os.getpriority(0, 0)]).encode()
