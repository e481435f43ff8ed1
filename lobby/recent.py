"""What the server lately changed in the user db, so that an editor's older copy does not undo it.

Law: every write of the server counts the version line of the user db up. A copy that says version 5 has seen the
changes up to 5, so those after it are laid over it; what such a copy lacks is no deletion. What a copy of the newest
version lacks was deleted, and is forgotten here. Kept in a file beside, because editors stay open over a restart.
"""

import logging
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from lobby import beside
from lobby.userdb import ARGON2ID, GONE, Account, Edit, marked
from wire.names import fold

KEPT: Final = 2_000  # changes; an editor open over more of them gets its copy beside, and a word in the log

log = logging.getLogger(__name__)


class _Stored(msgspec.Struct, frozen=True):
    """A line of the file: one change, or (with a version alone) that those up to there are not here any more."""

    version: int
    before: Account | None = None
    after: Account | None = None
    rehash: bool = False
    gone: bool = False


_DECODER: Final = msgspec.json.Decoder(_Stored)


class Recent:
    def __init__(self, path: Path, version: int) -> None:
        """Read the file; `version` is that of the user db as found."""
        self._path = path
        self._floor = 0  # changes up to this version are not known (any more)
        self._edits: list[tuple[int, Edit]] = []
        self._lines = 0  # in the file
        if not self._load():
            self._floor = version
        self.version = max([version, self._floor] + [number for number, _ in self._edits])

    def since(self, version: int) -> list[Edit]:
        """What a copy of that version has not seen, oldest first."""
        return [edit for number, edit in self._edits if number > version]

    def knows(self, version: int) -> bool:
        """Whether `since` has all of it."""
        return version >= self._floor

    def record(self, version: int, edits: Iterable[Edit]) -> None:
        """`edits` were written as `version`. A failure costs no account, only the protection: it is logged."""
        self.version = version
        new = [(version, edit) for edit in edits]
        self._edits += new
        if len(self._edits) > KEPT:
            self._floor = self._edits[-KEPT - 1][0]
            self._edits = self._edits[-KEPT:]
        try:
            if self._lines == 0 or self._lines + len(new) > 2 * KEPT:
                self._rewrite()
            else:
                self._append(new)
        except OSError as why:
            log.warning("cannot write %s: %s", self._path, why)

    def forget(self, keys: Iterable[str]) -> None:
        """These accounts, by their folded names, were deleted on purpose."""
        gone = set(keys)
        kept = [(number, edit) for number, edit in self._edits if fold(edit.after.name) not in gone]
        if len(kept) == len(self._edits):
            return
        self._edits = kept
        try:
            self._rewrite()
        except OSError as why:
            log.warning("cannot write %s: %s", self._path, why)

    def _load(self) -> bool:
        """Whether there was a file; a line that was torn by a crash ends it."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return False
        except OSError as why:
            log.warning("cannot read %s: %s", self._path, why)
            return False
        lines = data.split(b"\n")
        for line in lines[:-1]:
            try:
                stored = _DECODER.decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                log.warning("%s has a line that cannot be read, and is left out", self._path)
                self._lines = 0  # so that the next write makes it anew
                return True
            if stored.after is None:
                self._floor = max(self._floor, stored.version)
            else:
                self._edits.append((stored.version, Edit(stored.before, stored.after, stored.rehash, stored.gone)))
        self._lines = len(lines) - 1 if lines[-1] == b"" else 0
        return True

    def _rewrite(self) -> None:
        beside.replace(self._path, _lines([_Stored(self._floor)]) + _lines(self._stored(self._edits)))
        self._lines = 1 + len(self._edits)

    def _append(self, new: list[tuple[int, Edit]]) -> None:
        """No fsync: a power cut ends the editor as well, and nothing else depends on this file."""
        fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:
            file.write(_lines(self._stored(new)))
        self._lines += len(new)

    @staticmethod
    def _stored(edits: list[tuple[int, Edit]]) -> list[_Stored]:
        shrunk = [(version, edit) for version, whole in edits if (edit := _without_secrets(whole)) is not None]
        return [_Stored(version, edit.before, edit.after, edit.rehash, edit.gone) for version, edit in shrunk]


def _without_secrets(edit: Edit) -> Edit | None:
    """`edit` with nothing in it that may not be stored twice: a password in clear stays in the user db alone."""
    before, after = edit.before, edit.after
    if before is not None and before.secret == after.secret:
        return Edit(replace(before, secret=GONE), replace(after, secret=GONE), gone=edit.gone)
    if not after.secret.startswith(ARGON2ID):
        return None
    return Edit(before and replace(before, secret=marked(before.secret)), after, edit.rehash)


def _lines(stored: list[_Stored]) -> bytes:
    return b"".join(msgspec.json.encode(entry) + b"\n" for entry in stored)
