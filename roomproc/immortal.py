"""Objects that rooms share with their nursery lose their reference counts, where Python can do that (3.12 and later).

Law: a count that changes is a page copied, for each room, and most pages that a room copies hold nothing else that
changed. What exists before the first listener and the first fork lasts as long as the nursery does and needs no count.
PEP 683 calls such objects immortal, was made for servers that fork, and gives no way to ask for it: so the mark that
the interpreter gave `None` is written over their counts. Where that looks otherwise than expected all is left as it is.
"""

import gc
import sys
from typing import Any


def make_immortal() -> int:
    """All objects that can be reached; how many that were, 0 where Python has no such thing."""
    if sys.version_info < (3, 12) or "t" in sys.abiflags or sys.byteorder != "little":  # t: counted in another way
        return 0
    import ctypes  # noqa: PLC0415 - half a megabyte in each process, and of no use before 3.12

    def count_of(one: object) -> ctypes.c_uint32:
        return ctypes.c_uint32.from_address(id(one))

    mark = count_of(None).value
    if mark != sys.getrefcount(None) or count_of(Any).value == mark:
        return 0
    lasting = _reachable()
    for one in lasting:
        count_of(one).value = mark
    return len(lasting)


def _reachable() -> list[object]:
    """The collector's objects and what they refer to; not what is made here to find them."""
    found: list[object] = []
    seen: set[int] = set()
    ours = {id(found), id(seen)}
    new = gc.get_objects()
    ours.add(id(new))
    while new:
        one = new.pop()
        if id(one) not in seen and id(one) not in ours:
            seen.add(id(one))
            found.append(one)
            new.extend(gc.get_referents(one))
    return found
