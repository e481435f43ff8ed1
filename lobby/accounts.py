"""The accounts: the user db in memory, kept in step with a file that operators edit at the same time.

Law: nobody's change is lost. A commit writes beside, exchanges, and compares what came out with what was read; whatever
else was written meanwhile is merged account by account (`userdb.merge`), and what loses a clash is kept as user-db.bak
and told in `problems`. A copy older than our last writes, from an editor that was open over them, is known by its
version line (`recent`): what we changed since is laid over it again. Changes are staged, and live by `commit`.
"""

import contextlib
import logging
from collections.abc import Iterable, Iterator, Set
from dataclasses import replace
from pathlib import Path
from typing import Final

from base.locks import Locked
from lobby import beside
from lobby.recent import Recent
from lobby.turns import turn
from lobby.userdb import Account, Clash, Edit, Table, changes, format_line, merge
from lobby.userfile import UserFile
from wire.errors import Refused
from wire.names import check_person, fold

__all__ = ["Account", "Accounts", "install"]

ATTEMPTS: Final = 5  # rewrites in one commit while others write at the same moment
PATIENCE: Final = 0.25  # seconds that a commit waits for an operator's command to finish its write
NOTES: Final = 50  # of problems without a line of their own; the log has all

log = logging.getLogger(__name__)


def install(path: Path, shipped: Path) -> bool:
    """Put the shipped user db at `path` when there is none; whether it did. Raises OSError."""
    if path.exists():
        return False
    beside.replace(path, shipped.read_bytes())
    return True


class Accounts:
    """The accounts in the file at `path`. `test_open`: test accounts may log in. `backup`: keep what loses a clash.
    `lock`: where operators' commands and a commit wait for each other; None when there are no such commands."""

    def __init__(self, path: Path, *, test_open: bool, backup: bool = True, lock: Path | None = None) -> None:
        """Read the file; one that is missing has no accounts. Raises OSError when it cannot be read."""
        self._lock = lock
        self._stopped = 0  # the process that was waited for in vain
        self._test_open = test_open
        self._file = UserFile(path, self._looks_whole, backup=backup)
        self._name = path.name
        self._staged: dict[str, Edit] = {}
        self._notes: list[str] = []
        self._news: dict[str, None] = {}  # accounts that others changed, until `refresh` tells
        self._behind = False  # the file lacks something of ours that `_table` has
        self._due = False  # ... and the next commit is to write it
        self.absorbed = 0  # how often what others wrote became ours
        self._late: list[Edit] = []  # what others wrote into files that are not in place any more
        self._table = Table(b"")
        self._seen: bytes | None = None  # the content of the file that `_table` stands for
        with self._turn():  # which makes the lock as well, or a command of root's might, and keep us out
            self._seen = self._file.read()
        table = Table(self._seen or b"")
        self._recent = Recent(self._file.beside("recent"), table.version)
        self._clear_leftovers(table)
        self._absorb(self._seen, table)

    # -- the accounts

    def get(self, name: str) -> Account | None:
        key = fold(name)
        edit = self._staged.get(key)
        if edit is not None:
            return None if edit.gone else edit.after
        return self._table.accounts.get(key)

    def taken(self, name: str) -> bool:
        """Whether the name is somebody's, be it on a line that cannot be read."""
        return fold(name) in self._staged or self._table.taken(name)

    def names(self) -> Set[str]:
        """Folded names."""
        gone = {key for key, edit in self._staged.items() if edit.gone}
        return (self._table.accounts.keys() | self._staged.keys()) - gone

    def __len__(self) -> int:
        return len(self.names())

    def __iter__(self) -> Iterator[Account]:
        for key, account in self._table.accounts.items():
            edit = self._staged.get(key)
            if edit is None or not edit.gone:
                yield account if edit is None else edit.after
        for key, edit in self._staged.items():
            if key not in self._table.accounts and not edit.gone:
                yield edit.after

    @property
    def problems(self) -> list[tuple[int, str]]:
        """Line numbers and what is wrong there, of the last reading; number 0 for what has no line of its own."""
        return self._table.problems + [(0, note) for note in self._notes]

    def usable(self, account: Account) -> None:
        """Raises Refused(locked) when the account may not log in."""
        if "locked" in account.flags:
            raise Refused("locked", f"the account {account.name} is locked")
        if "test" in account.flags and not self._test_open:
            raise Refused("locked", f"the test account {account.name} is locked: other machines can reach this server")

    # -- staging

    def add(
        self, name: str, secret: str, roles: Iterable[str] = ("user",), flags: Iterable[str] = (), *, made: int
    ) -> Account:
        """Stage a new account, made at `made` (epoch ms, kept to the second). Raises Refused(bad_name, name_taken)."""
        check_person(name)
        if self.taken(name):
            raise Refused("name_taken", f"the name {name} is taken")
        account = Account(name, secret, tuple(roles), frozenset(flags), made // 1000 * 1000)
        format_line(account)  # what the file could not hold must not be found out at the commit
        self._staged[fold(name)] = Edit(None, account)
        return account

    def change(
        self,
        name: str,
        *,
        secret: str | None = None,
        roles: Iterable[str] | None = None,
        flags: Iterable[str] | None = None,
        spelled: str | None = None,
        rehash: bool = False,
    ) -> Account:
        """Stage a change of what is given; `spelled`: the same name in other capitals. Raises Refused(no_such_user).

        `rehash`: it is the same password in another form, so an operator's edit at the same moment wins over it.
        """
        before = self.get(name)
        if before is None:
            raise Refused("no_such_user", f"there is no account {name}")
        if spelled is not None and fold(spelled) != fold(name):
            raise ValueError("that is another name")
        after = replace(
            before,
            name=before.name if spelled is None else spelled,
            secret=before.secret if secret is None else secret,
            roles=before.roles if roles is None else tuple(roles),
            flags=before.flags if flags is None else frozenset(flags),
        )
        format_line(after)
        if after != before:
            staged = self._staged.get(fold(name))
            first, rehash = (staged.before, rehash and staged.rehash) if staged is not None else (before, rehash)
            self._staged[fold(name)] = Edit(first, after, rehash)
        return after

    def remove(self, name: str) -> Account:
        """Stage the end of an account; what it was. Raises Refused(no_such_user)."""
        before = self.get(name)
        if before is None:
            raise Refused("no_such_user", f"there is no account {name}")
        staged = self._staged.get(fold(name))
        self._staged[fold(name)] = Edit(before if staged is None else staged.before, before, gone=True)
        return before

    @property
    def dirty(self) -> bool:
        """Whether `commit` has something to write."""
        return bool(self._staged) or self._due

    @property
    def staged(self) -> list[Account]:
        """What `commit` will add or change, as it will be."""
        return [edit.after for edit in self._staged.values() if not edit.gone]

    def commit(self) -> None:
        """Write what is staged; at no cost when nothing is. Raises OSError, and what was staged is gone then."""
        if not self.dirty:
            return
        edits = list(self._staged.values())
        self._staged.clear()
        self._due = False
        try:
            with self._turn():
                self._write(edits)
        except OSError as why:
            self._file.doubt()
            with contextlib.suppress(OSError):
                self._file.put_back()
            if edits:
                raise
            log.warning("cannot bring %s up to date: %s", self._name, why)

    def rollback(self) -> None:
        """Forget what is staged."""
        self._staged.clear()

    def close(self) -> None:
        self._file.close()

    # -- the file, as others change it

    def refresh(self, force: bool = False) -> list[str]:
        """Read again when the file has changed. Cheap when it has not: ask every second or so.

        Returns the folded names of accounts that vanished, were locked, or got another secret or other roles by others.
        What the file lacks of ours is written by the next `commit`, which is to follow even if nothing is staged.
        """
        for before, now in self._file.written_late():
            self._take_late(before, now)
        self._due = self._behind or bool(self._late)
        try:
            if self._file.changed() or force:
                self._read_again()
        except OSError as why:
            self._note(f"{self._name} cannot be read ({why.strerror}): the accounts stay as they were")
        news, self._news = list(self._news), {}
        return news

    def _read_again(self) -> None:
        content = self._file.read()
        if content is None or content == self._seen:
            return
        self._notes.clear()
        self._absorb(content, Table(content, self._table))

    def _looks_whole(self, content: bytes | None) -> bool:
        """Whether nobody is missing. Accounts are deleted more rarely than files are caught half written."""
        if content is None or content == self._seen or not self._table.accounts:
            return True
        return Table(content, self._table).accounts.keys() >= self._table.accounts.keys()

    def _absorb(self, content: bytes | None, table: Table) -> None:
        """Make `table`, found in the file, ours, with what it has not seen of ours laid over it."""
        self.absorbed += 1
        for number, why in table.problems:
            log.warning("%s line %d: %s", self._name, number, why)
        old = self._table
        vanished = [key for key in old.accounts if not table.taken(key)]
        if table.version >= self._recent.version:
            self._recent.forget(vanished)
        elif vanished and not self._recent.knows(table.version):
            kept = self._file.keep(old.encode())
            self._note(f"{self._name} was written from a copy too old to tell what it lacks; the one before is {kept}")
        merged, clashes = merge(table, self._recent.since(table.version))
        self._tell(clashes, content)
        self._behind = self._due = merged.encode() != (content or b"")
        self._table, self._seen = merged, content
        self._tell_news(old.accounts.values(), merged)

    # -- writing

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """No command of an operator writes meanwhile. It may be had or not: what is written without is merged.

        A command that is stopped in the middle holds the lobby up once, and not at each commit."""
        with contextlib.ExitStack() as stack:
            try:
                if self._lock is not None:
                    stack.enter_context(turn(self._lock, PATIENCE, self._stopped))
                self._stopped = 0
            except Locked as why:
                if why.pid != self._stopped:
                    log.warning(
                        "%s is being written by process %d all the time; it is not waited for", self._name, why.pid
                    )
                self._stopped = why.pid
            except OSError as why:
                self._note(f"server and commands do not wait for each other ({self._lock}: {why.strerror})")
            yield

    def _write(self, edits: list[Edit]) -> None:
        """One rewrite; more when others write at the same moment."""
        there = self._file.read()
        if there is not None and there != self._seen:
            self._absorb(there, Table(there, self._table))
        late = self._late
        unseen = late + edits  # by what is in place
        seen: list[Table] = []  # what somebody who writes at the same moment may have had before them
        for attempt in range(ATTEMPTS):
            base = self._table
            merged, clashes = merge(base, unseen)
            merged.count_write(max(self._recent.version, base.version) + 1)
            content = merged.encode()
            came_out = self._file.put(content, there)
            if came_out is None or came_out == there:
                break
            theirs = Table(came_out, base)
            seen += [merged] if seen else [Table(there or b"", base), merged]
            if attempt:  # it may lack what came out of our last try
                whole, _ = merge(merged, changes(seen, theirs))
                unseen = late + edits + changes([theirs], whole)
                kept = self._file.keep(self._seen or b"")
                self._note(f"{self._name} was written by several at once; one copy is {kept}")
            seen.append(theirs)
            self._absorb(came_out, theirs)
            there = content
        else:
            self._note(f"{self._name} is being written all the time; one copy is {self._file.keep(self._seen or b'')}")
        self._tell(clashes, self._seen)
        self._recent.record(merged.version, edits)
        self._tell_news(filter(None, map(self._there, late)), merged)
        self._table, self._seen, self._behind, self._late = merged, content, False, self._late[len(late) :]
        self._file.settle()

    def _take_late(self, before: bytes, now: bytes) -> None:
        """Somebody wrote at our own moment, into a file that is not in place any more: the next commit brings it in.

        Only accounts that came or changed can be told apart from what has happened in the file in place since; where
        there is more, or the same account has changed there too, the whole of it is kept.
        """
        was, wrote = Table(before), Table(now)
        late, _ = merge(wrote, self._recent.since(wrote.version))
        told = [edit for edit in changes([was], late) if not edit.gone and edit.after != self._there(edit)]
        fitting = [edit for edit in told if edit.before == self._there(edit)]
        self._late = self._late + fitting
        clean = wrote.remarks() == was.remarks() and late.accounts.keys() >= was.accounts.keys()
        if not clean or len(fitting) < len(told):
            self._note(f"{self._name} was edited in the moment of a write; the edited copy is {self._file.keep(now)}")

    def _there(self, edit: Edit) -> Account | None:
        return self._table.accounts.get(fold(edit.after.name))

    # -- what is told

    def _tell(self, clashes: list[Clash], theirs: bytes | None) -> None:
        ours = [format_line(clash.lost) for clash in clashes if clash.lost is not None]
        kept_ours = self._file.keep("".join(line + "\n" for line in ours).encode()) if ours else ""
        kept_theirs = self._file.keep(theirs or b"") if len(ours) < len(clashes) else ""
        for clash in clashes:
            self._note(f"{clash.why}; the other is {kept_theirs if clash.lost is None else kept_ours}")

    def _tell_news(self, before: Iterable[Account], now: Table) -> None:
        for account in before:
            if _is_news(account, now.accounts.get(fold(account.name))):
                self._news[fold(account.name)] = None

    def _note(self, text: str) -> None:
        if text not in self._notes:
            log.warning("%s: %s", self._name, text)
            self._notes = [*self._notes[1 - NOTES :], text]

    def _clear_leftovers(self, table: Table) -> None:
        """A crash in the middle of a write leaves our new copy, or the one before: what is in place has all of both,
        unless an operator wrote in the same moment."""
        standing = {table.line(key) for key in table.accounts}
        for path in self._file.leftovers():
            left = Table(path.read_bytes())
            ours = left.version > table.version
            if not ours and not standing.issuperset(left.line(key) for key in left.accounts):
                kept = self._file.keep(left.encode())
                self._note(f"a copy that was exchanged when the server was killed is {kept}")
            path.unlink()


def _is_news(before: Account, now: Account | None) -> bool:
    if now is None or now.secret != before.secret or now.roles != before.roles:
        return True
    return "locked" in now.flags - before.flags
