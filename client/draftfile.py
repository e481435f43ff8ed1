"""The file that a running client keeps its drafts in, and the files of clients that run no more.

Law: a file for each running client, for its owner alone, written beside and renamed. It is locked (flock) while its
client runs, however that ends; the next client of the same person at the same server takes it over then. A file that
cannot be read is no drafts, and no fault.
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from io import BufferedWriter
from pathlib import Path
from typing import Final

import msgspec

from client import memory
from client.drafts import Drafts

LOCK: Final = (
    "drafts.lock"  # held while files are made and taken over, so that each new one is locked before it is seen
)
BESIDE: Final = ".new"


class DraftFile:
    """Of `who`, a name at a server; the name of the file tells nothing."""

    def __init__(self, who: str) -> None:
        self._begins = f"drafts-{hashlib.sha256(who.encode()).hexdigest()[:16]}"
        self._name = f"{self._begins}-{secrets.token_hex(6)}.json"
        self._file: BufferedWriter | None = None  # as it was written last: the lock goes with it

    def take_over(self) -> Drafts:
        """What clients left that run no more, from now on in a file of our own."""
        taken, theirs = Drafts(), []
        with contextlib.suppress(OSError, RuntimeError), _alone() as folder:
            for path in sorted(folder.glob(f"{self._begins}*"), key=lambda path: path.stat().st_mtime):
                if path.suffix == BESIDE:
                    path.unlink()  # nobody writes just now, so its writer died
                elif (left := _left(path)) is not None:
                    taken.take_in(left)
                    theirs.append(path)
            self._write(folder, taken)
            for path in theirs:
                path.unlink()
        return taken

    def keep(self, drafts: Drafts) -> None:
        with contextlib.suppress(OSError, RuntimeError), _alone() as folder:
            self._write(folder, drafts)

    def _write(self, folder: Path, drafts: Drafts) -> None:
        path, before = folder / self._name, self._file
        if drafts.empty():
            path.unlink(missing_ok=True)
            self._file = None
        else:
            beside = path.with_suffix(BESIDE)
            file = os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                file.write(msgspec.json.encode(drafts))
                file.flush()
                os.fsync(file.fileno())
                beside.replace(path)
            except OSError:
                file.close()
                raise
            self._file = file
        if before is not None:
            before.close()

    def close(self) -> None:
        """This client ends: the next one takes over what is left."""
        if self._file is not None:
            self._file.close()
            self._file = None


@contextlib.contextmanager
def _alone() -> Iterator[Path]:
    """The folder, while no other client makes or takes over a file in it."""
    folder = memory.place().parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600), "rb+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _left(path: Path) -> Drafts | None:
    """What is in a file whose client runs no more."""
    try:
        with path.open("rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return msgspec.json.decode(file.read(), type=Drafts)
    except (OSError, msgspec.MsgspecError):
        return None
