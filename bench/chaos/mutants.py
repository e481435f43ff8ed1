"""`python -m bench.chaos.mutants`: proves that the checker can fail. Each mutant is the product with one promise broken
by an exact replacement of text, in a copy of the tree; a short chaos on it has to find the violation.

Law: a replacement that does not match the source exactly once is an error, and so is a mutant that was not caught.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from base.commandline import Parser
from base.exits import Exit

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("wire", "base", "lobby", "roomproc", "bench", "resources")
SECONDS: Final = 14
DEADLINE: Final = 150.0
SEED: Final = 11


class Change(NamedTuple):
    file: str
    old: str
    new: str


class Mutant(NamedTuple):
    name: str
    changes: tuple[Change, ...]
    found: frozenset[str]  # kinds of violation, one of which has to be found
    only: tuple[str, ...] = ()  # kinds of fault that show it soonest; all when empty
    every: float = 1.0


_NO_KEY = Change(
    "roomproc/schema.py", "CREATE UNIQUE INDEX sent ON entries", "CREATE INDEX sent ON entries"
)  # the schema would refuse by itself
_ROOM_KILLS = ("kill room", "kill everything", "reset connections")
_LOBBY_KILLS = ("kill lobby", "kill everything")

MUTANTS: Final = (
    Mutant(
        "the room acknowledges and does not commit",
        (Change("roomproc/server.py", "                self.history.commit(work)\n", "                pass\n"),),
        frozenset({"lost"}),
    ),
    Mutant(
        "the room shows a round before it commits it, with the next",
        (
            Change(
                "roomproc/server.py",
                "                self.history.commit(work)\n",
                "                late, self._late = getattr(self, '_late', None), work\n"
                "                if late:\n                    self.history.commit(late)\n",
            ),
        ),
        frozenset({"lost", "gap"}),
        _ROOM_KILLS,
    ),
    Mutant(
        "the resend window is forgotten",
        (
            _NO_KEY,
            Change(
                "roomproc/speech.py",
                "    stream, current = connection.stream, room.round\n",
                "    return False\n",
            ),
        ),
        frozenset({"twice", "number"}),
        ("reset connections",),
    ),
    Mutant(
        "the resend window is forgotten over a restart of the room only",
        (
            _NO_KEY,
            Change(
                "roomproc/speech.py",
                "            seq = room.store.sent(stream.number, message_id)\n",
                "            seq = None\n",
            ),
        ),
        frozenset({"twice", "number"}),
        ("kill room", "kill everything"),
    ),
    Mutant(
        "the keys of lines that share a row are forgotten over a restart",
        (
            Change(
                "roomproc/keys.py",
                "WHERE stream = :stream AND before = :before",
                "WHERE stream = -:stream AND before = :before",
            ),
        ),
        frozenset({"twice", "number"}),
        ("kill room", "kill everything"),
    ),
    Mutant(
        "a number is used again after a restart",
        (
            Change(
                "roomproc/history.py",
                "            seq=seq,\n            first=self",
                "            seq=max(0, seq - 1),\n            first=self",
            ),
            Change("roomproc/history.py", '"INSERT INTO entries (', '"INSERT OR REPLACE INTO entries ('),
        ),
        frozenset({"lost", "twice", "number", "order"}),
        _ROOM_KILLS,
    ),
    Mutant(
        "a number is left out after a round that could not be stored",
        (
            Change(
                "roomproc/room.py",
                "done, self.round = self.round, Round(self.seq)\n        self.roster",
                "done, self.round = self.round, Round(self.round.seq)\n        self.roster",
            ),
        ),
        frozenset({"numbers", "gap"}),
        ("fill disk", "reset connections"),
    ),
    Mutant(
        "a round that could not be stored is acknowledged all the same",
        (
            Change(
                "roomproc/server.py",
                '            effects = room.aborted("storage", self.loop.now)\n',
                "            effects = room.committed(self.loop.now)\n",
            ),
        ),
        frozenset({"lost", "number", "gap"}),
        ("fill disk", "reset connections"),
    ),
    Mutant(
        "an acknowledgement tells the number of the line before",
        (
            Change(
                "roomproc/speech.py",
                "Done(re=message_id, seq=seq or UNSET)",
                "Done(re=message_id, seq=seq - 1 or UNSET)",
            ),
        ),
        frozenset({"number"}),
        ("reset connections",),
    ),
    Mutant(
        "who comes back is not fed from the log",
        (
            Change(
                "roomproc/feed.py",
                "        self._behind[connection] = (channel, Cursor(after, missed=False))\n",
                "        self._live[connection] = channel\n",
            ),
        ),
        frozenset({"gap"}),
        ("kill room", "reset connections"),
    ),
    Mutant(
        "a slow reader loses what did not fit into its queue",
        (
            Change(
                "roomproc/feed.py",
                "self._leave_behind(before)",
                "self._leave_behind(self.seq)",
            ),
        ),
        frozenset({"gap"}),
        ("flood room",),
    ),
    Mutant(
        "whispers do not survive a break",
        (
            Change(
                "roomproc/room.py",
                "            missed = self.store.whispers_since(member.key, request.whispers)\n",
                "            missed = []\n",
            ),
        ),
        frozenset({"lost"}),
        ("reset connections", "half-open connections"),
        0.3,
    ),
    Mutant(
        "a mail is acknowledged before it is stored",
        (Change("lobby/storage.py", "            self._mailbox.commit()\n", "            pass\n"),),
        frozenset({"mail"}),
        _LOBBY_KILLS,
    ),
    Mutant(
        "a mail that is sent again is stored again",
        (
            Change("lobby/mailbox.py", "return None if before is None else Sent(", "return None and Sent("),
            Change("lobby/mailbox.py", '"INSERT INTO sent VALUES', '"INSERT OR REPLACE INTO sent VALUES'),
        ),
        frozenset({"mail"}),
        ("reset connections",),
    ),
    Mutant(
        "the listing goes on to show a room whose process is dead",
        (
            Change(
                "lobby/registry.py",
                "            self._unlink(room)\n            self._drop_if_idle(room)\n        return room\n",
                "            pass\n        return room\n",
            ),
            Change(
                "roomproc/nursery.py",
                "            self.loop.watch(process.fd, lambda: self._ended(pid))\n",
                "            pass\n",
            ),
        ),
        frozenset({"listing"}),
        ("kill room",),
    ),
    Mutant(
        "a stuck room is left stuck",
        (
            Change(
                "roomproc/nurserycore.py",
                "        if room.silent >= SILENT_PROBES:\n",
                "        if room.silent >= 10 * SILENT_PROBES:\n",
            ),
        ),
        frozenset({"listing"}),
        ("hold room", "reset connections"),
    ),
    Mutant(
        "a restart loses the last lines",
        (
            Change(
                "roomproc/server.py",
                "        self.ending = self.ending or code\n",
                "        self.ending = self.ending or code\n"
                "        if code == 'restarting':\n"
                "            last = 'SELECT max(seq) FROM entries'\n"
                "            self.history._db.execute(f'DELETE FROM entries WHERE seq > ({last}) - 3')\n",
            ),
        ),
        frozenset({"lost", "order", "number"}),
        ("restart room", "upgrade"),
    ),
    Mutant(
        "stop leaves a room behind",
        (
            Change("roomproc/server.py", "        self.loop.unlisten(self.listener)\n", "        return\n"),
            Change("roomproc/nurserycore.py", "LAST_SECONDS: Final = 1.2", "LAST_SECONDS: Final = 99.0"),
            Change("lobby/sweep.py", "    while processes := left(paths):\n", "    while processes := []:\n"),
        ),
        frozenset({"strange"}),
        ("reset connections",),
    ),
)


def mutate(mutant: Mutant, tree: Path) -> None:
    """Apply it; raises SystemExit when a text is not there exactly once."""
    for change in mutant.changes:
        place = tree / change.file
        source = place.read_text(encoding="utf-8")
        if source.count(change.old) != 1:
            raise SystemExit(
                f"'{mutant.name}': {change.file} has {source.count(change.old)} times what is to be replaced; "
                f"the mutant has to follow the source:\n{change.old}"
            )
        place.write_text(source.replace(change.old, change.new), encoding="utf-8")


def caught(mutant: Mutant, home: Path) -> tuple[bool, str]:
    """Whether a short chaos finds it, and what the chaos said of it."""
    tree = home / "tree"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    mutate(mutant, tree)
    seconds = 27 if "hold room" in mutant.only else SECONDS
    words = [sys.executable, "-P", "-m", "bench.chaos", "--seconds", str(seconds), "--seed", str(SEED), "--rooms", "2"]
    result = subprocess.run(
        [*words, "--every", str(mutant.every), *(word for kind in mutant.only for word in ("--only", kind))],
        cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)}, capture_output=True, text=True, timeout=DEADLINE,
        check=False,
    )  # fmt: skip
    rows = [row for row in result.stdout.splitlines() if row.startswith("VIOLATION")]
    kinds = {row.split()[1].rstrip(":") for row in rows}
    return result.returncode == 1 and bool(kinds & mutant.found), "; ".join(rows) or result.stdout[
        -2_000:
    ] + result.stderr


def main(words: list[str]) -> int:
    parser = Parser(prog="python -m bench.chaos.mutants", description=__doc__)
    parser.add_argument("--only", metavar="WORDS", default="", help="mutants whose names have these words")
    parser.add_argument("--check", action="store_true", help="only see that each still matches the source")
    options = parser.parse_args(words)
    missed = 0
    for mutant in (mutant for mutant in MUTANTS if options.only in mutant.name):
        with tempfile.TemporaryDirectory(prefix="parlour-mutant-") as home:
            if options.check:
                for file in {change.file for change in mutant.changes}:
                    place = Path(home) / file
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / file, place)
                mutate(mutant, Path(home))
                continue
            good, said = caught(mutant, Path(home))
        missed += not good
        print(f"{'caught' if good else 'NOT CAUGHT'}: {mutant.name}\n    {said}", flush=True)
    return Exit.REFUSED if missed else Exit.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
