"""What every command of Parlour does the same way at the shell: how it reads its words, and what its exit code says.

Law: a command ends with one of `base.exits` 0 to 3, and says in one line why it is not 0. Who reads the code need not
know which command it was: 1 blames what was given, 2 the server that is not there, 3 is its answer.
"""

import argparse
from typing import Final, NoReturn

from base.exits import Exit

CODES: Final = (
    "exit codes: 0 done, 1 what was given is wrong (words, configuration, a file), 2 no server answers, 3 refused"
)
ILL_FORMED: Final = frozenset({"bad_name", "bad_text", "bad_password", "bad_message"})  # refusals that blame the words
AWAY: Final = frozenset({"busy", "going_down", "restarting"})  # and those that say nobody is there to decide


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line; argparse's own code is 2, which is ours for a server that does not answer."""
        self.exit(Exit.MISUSE, f"{self.prog}: {message} (--help explains)\n")


def refused(code: str) -> Exit:
    """The exit code for a refusal with an error code of the protocol."""
    if code in ILL_FORMED:
        return Exit.MISUSE
    return Exit.NO_SERVER if code in AWAY else Exit.REFUSED
