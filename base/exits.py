"""Exit codes: an API between the processes, and to the shell. docs/architecture.md, "Exit codes"."""

from enum import IntEnum


class Exit(IntEnum):
    """How a process ended. 0 to 3 are what every command says to the shell, the rest what rooms say to the nursery."""

    OK = 0
    MISUSE = 1  # what was given is wrong: words, configuration, a name or password, a file that is missing or another
    NO_SERVER = 2  # none answers, so nothing is known; of the chaos: there was no run to judge
    REFUSED = 3  # it was understood, and the answer is no; of the chaos: a promise was broken
    SLEPT = 10  # a room nobody was in: start it again when somebody asks
    LOCKED = 11  # another process has the room
    STORAGE = 12  # the disk failed in a way that only a fresh look at the file can mend
    UNREADABLE = 13  # the room's file is corrupt or of a newer version: starting again will not help
    ORPHANED = 14  # no guardian, nursery or lobby for minutes, and nobody in the room
    CLOSED = 15  # told to stop
    STOPPED = 16  # an operator stopped the room: it is not started again until they say so
    MEMORY = 17  # the memory that the room may use is used up
    BUG = 70  # an exception nobody expected (sysexits.h EX_SOFTWARE)
