"""What a nursery leaves to the code that takes its place by `exec`: its table, and the descriptors that go with it.

Law: the process stays the same, so rooms stay its children and the lock its own; all that is not named here is opened
again. It goes through a memory file, so that nothing is left over on the disk by whichever side fails.
"""

import os
import sys

import msgspec
from msgspec import Struct

from roomproc.nurserycore import Room

OPTION = "--renew"


class Handover(Struct):
    lock: int  # descriptors, here and below
    rooms: dict[str, Room]
    listeners: dict[str, int]
    links: dict[str, int]
    children: list[int]  # pids


def leave(handover: Handover) -> None:
    """Become the code of now. Does not return; raises OSError when there is no way to."""
    memory = os.memfd_create("handover", 0)  # inherited
    os.write(memory, msgspec.json.encode(handover))
    for fd in (handover.lock, *handover.listeners.values(), *handover.links.values()):
        os.set_inheritable(fd, True)
    words = sys.orig_argv[1:]
    if OPTION in words:
        del words[words.index(OPTION) :]
    os.execv(sys.executable, [sys.executable, *words, OPTION, str(memory)])  # noqa: S606 - ourselves


def take(memory: int) -> Handover:
    """What was left to us; nothing of it is inherited any further."""
    with open(memory, "rb") as file:
        file.seek(0)
        handover = msgspec.json.decode(file.read(), type=Handover)
    for fd in (handover.lock, *handover.listeners.values(), *handover.links.values()):
        os.set_inheritable(fd, False)
    return handover
