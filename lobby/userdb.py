"""The user db as text: reading, changing and merging it. Pure.

Law: what is not changed stays byte for byte. A line that cannot be read costs its own account only, stays where it is,
keeps its name taken, and is reported with its number. The format is documented in `resources/users/user-db`.
"""

import functools
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from wire.errors import Refused
from wire.names import check_name, fold

PLAIN: Final = "{PLAIN}"
ARGON2ID: Final = "{ARGON2ID}"
GONE: Final = "{GONE}"  # in place of a secret that is not kept; equal to none in the file
ROLES: Final = frozenset({"user", "operator", "admin"})
FLAGS: Final = frozenset({"test", "locked"})

_BOM: Final = b"\xef\xbb\xbf"
_SECRET = re.compile(r"\{([^{}]*)\}(.*)", re.DOTALL)
_HASH = re.compile(r"\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]{8,}\$[A-Za-z0-9+/]{8,}", re.ASCII)
# What follows the fourth colon. The time has colons itself; only after a time may further fields follow, so that a
# password with a colon in it, which moves every field to the right, is seen and not misread.
_MADE = re.compile(r" *(?:(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?Z?)?) *(:.*)?)?", re.ASCII | re.DOTALL)
_VERSION = re.compile(rb"#\s*user-db version (\d{1,15})")
_VERSION_LINE: Final = (
    b"# user-db version 0 (the server counts its writes here, to know which edits are older than its own: "
    b"leave this line)"
)


@dataclass(frozen=True, slots=True)
class Account:
    """One person's line. `secret` with its scheme; `made` in epoch milliseconds, whole seconds, 0 when not known."""

    name: str
    secret: str
    roles: tuple[str, ...]
    flags: frozenset[str]
    made: int


class BrokenLine(Exception):  # noqa: N818 - a finding about a file, not a fault of ours
    """The line is no account; the text says why."""


def read_line(text: str) -> tuple[Account, str]:
    """The account in one line, and the further fields after it, with their colon. Raises BrokenLine."""
    fields = text.split(":", 4)
    if len(fields) < 5:
        raise BrokenLine(f"a line is name:{{SCHEME}}secret:roles:flags:made, this has {len(fields)} of the 5 fields")
    name, secret, roles, flags, rest = fields
    try:
        check_name(name)
    except Refused as why:
        raise BrokenLine(why.text) from None
    tail = _MADE.fullmatch(rest)
    if tail is None:
        raise BrokenLine("the fifth field is a time such as 2026-11-20T21:15:03Z (a colon in the password?)")
    return Account(name, _secret(secret), _roles(roles), _flags(flags), _made(tail[1])), tail[2] or ""


def format_line(account: Account, extra: str = "") -> str:
    """The line `read_line` reads as `account`; raises ValueError for what no line can hold."""
    made = ""
    if account.made or extra:  # further fields come after a time only
        made = datetime.fromtimestamp(account.made // 1000, UTC).replace(tzinfo=None).isoformat() + "Z"
    roles = ",".join(account.roles)
    line = f"{account.name}:{account.secret}:{roles}:{','.join(sorted(account.flags))}:{made}{extra}"
    try:
        sound = "\n" not in line and read_line(line) == (account, extra)
    except BrokenLine as why:
        raise ValueError(f"no line of the user db can hold this: {why}") from None
    if not sound:
        raise ValueError("a line of the user db cannot hold this")
    return line


def _secret(field: str) -> str:
    parts = _SECRET.fullmatch(field)
    if parts is None:
        raise BrokenLine("the secret begins with its scheme, {PLAIN} or {ARGON2ID}")
    scheme, value = parts[1].upper(), parts[2]
    if scheme == "PLAIN":
        if not value:
            raise BrokenLine("the password is empty")
    elif scheme == "ARGON2ID":
        if not _HASH.fullmatch(value):
            raise BrokenLine("this is no whole argon2id hash")
    else:
        raise BrokenLine(f"the scheme {{{parts[1][:20]}}} is not known, only {{PLAIN}} and {{ARGON2ID}}")
    return f"{{{scheme}}}{value}"


@functools.lru_cache(1000)  # ten thousand lines have few different ones
def _roles(field: str) -> tuple[str, ...]:
    roles = tuple(dict.fromkeys(word.strip() for word in field.split(",")))
    if not ROLES.issuperset(roles):
        raise BrokenLine(f"the roles are user, operator, admin, not '{field[:40]}' (a colon in the password?)")
    return roles


@functools.lru_cache(1000)  # ten thousand lines have few different ones
def _flags(field: str) -> frozenset[str]:
    flags = frozenset(word.strip() for word in field.split(",")) - {""}
    if not flags <= FLAGS:
        raise BrokenLine(f"the flags are test, locked, not '{field[:40]}' (a colon in the password?)")
    return flags


def _made(field: str | None) -> int:
    if field is None:
        return 0
    try:
        made = datetime.fromisoformat(field).replace(tzinfo=UTC)
    except ValueError:
        raise BrokenLine(f"{field} is no time") from None
    return int(made.timestamp()) * 1000


class Table:
    """A user db: its lines as they are, and the accounts in them."""

    def __init__(self, data: bytes, known: "Table | None" = None) -> None:
        """Read `data`; lines that `known` has as well are not looked at twice (ten thousand accounts, one edit)."""
        self.accounts: dict[str, Account] = {}
        self.broken: set[str] = set()  # folded names of lines that cannot be read: nobody else may have them
        self.problems: list[tuple[int, str]] = []
        self.version = 0  # of the server's last write that this copy has seen
        self._version_at = -1
        self._at: dict[str, int] = {}  # folded name → index of its line
        self._lines = data.split(b"\n")
        self._bom = self._lines[0].startswith(_BOM)
        if self._bom:
            self._lines[0] = self._lines[0][len(_BOM) :]
        self._read({} if known is None else {known._lines[at]: known.accounts[key] for key, at in known._at.items()})

    def encode(self) -> bytes:
        return (_BOM if self._bom else b"") + b"\n".join(self._lines)

    def copy(self) -> "Table":
        new = object.__new__(Table)
        new.accounts, new._at, new._lines = dict(self.accounts), dict(self._at), list(self._lines)
        new.broken, new.problems = set(self.broken), list(self.problems)
        new.version, new._version_at, new._bom = self.version, self._version_at, self._bom
        return new

    def line(self, key: str) -> bytes:
        """The line of the account with this folded name, as it stands."""
        return self._lines[self._at[key]]

    def remarks(self) -> list[bytes]:
        """The lines that say something but are no accounts."""
        accounts = {*self._at.values(), self._version_at}
        return [text for at, line in enumerate(self._lines) if at not in accounts and (text := line.strip())]

    def taken(self, name: str) -> bool:
        key = fold(name)
        return key in self.accounts or key in self.broken

    def put(self, account: Account) -> None:
        """Change the line of that name, whose further fields stay, or add one at the end."""
        key = fold(account.name)
        at = self._at.get(key)
        if at is not None:
            _, extra = read_line(self._lines[at].strip().decode())
            self._lines[at] = format_line(account, extra).encode() + self._eol(self._lines[at])
        else:
            self._append(key, format_line(account).encode())
        self.accounts[key] = account

    def remove(self, key: str) -> None:
        """Take out the line of the account with this folded name."""
        at = self._at.pop(key)
        del self._lines[at], self.accounts[key]
        self._at = {other: line - (line > at) for other, line in self._at.items()}
        self._version_at -= self._version_at > at
        self.problems = [(number - (number > at + 1), why) for number, why in self.problems]

    def count_write(self, version: int) -> None:
        """Set the version line, which is put at the top when there is none."""
        self.version = version
        if self._version_at < 0:
            self._lines.insert(0, _VERSION_LINE + (b"\r" if self._crlf() else b""))
            self._version_at = 0
            self._at = {key: at + 1 for key, at in self._at.items()}
            self.problems = [(number + 1, why) for number, why in self.problems]
        line = self._lines[self._version_at]
        if found := _VERSION.search(line):
            self._lines[self._version_at] = line[: found.start(1)] + b"%d" % version + line[found.end(1) :]

    def _append(self, key: str, line: bytes) -> None:
        eol = b"\r" if self._crlf() else b""
        if self._lines[-1]:  # no newline at the end, until now
            self._lines[-1] += eol if not self._lines[-1].endswith(b"\r") else b""
            self._lines.append(b"")
        self._at[key] = len(self._lines) - 1
        self._lines.insert(-1, line + eol)

    def _crlf(self) -> bool:
        return len(self._lines) > 1 and self._lines[0].endswith(b"\r")

    @staticmethod
    def _eol(line: bytes) -> bytes:
        return b"\r" if line.endswith(b"\r") else b""

    def _read(self, known: dict[bytes, Account]) -> None:
        for at, raw in enumerate(self._lines):
            account = known.get(raw)
            if account is None:
                line = raw.strip()
                if not line:
                    continue
                if line.startswith(b"#"):
                    self._read_version(at, line)
                    continue
                account = self._read_account(at, line)
                if account is None:
                    continue
            key = fold(account.name)
            if key in self.accounts:
                self.problems.append((at + 1, f"{account.name} is on line {self._at[key] + 1} already, which stands"))
                continue
            self.accounts[key] = account
            self._at[key] = at

    def _read_account(self, at: int, line: bytes) -> Account | None:
        try:
            return read_line(line.decode())[0]
        except UnicodeDecodeError:
            why = "the line is not UTF-8"
        except BrokenLine as broken:
            why = str(broken)
        self.problems.append((at + 1, why))
        self.broken.add(fold(line.split(b":", 1)[0].strip().decode(errors="replace")))
        return None

    def _read_version(self, at: int, line: bytes) -> None:
        if self._version_at < 0 and (found := _VERSION.match(line)):
            self._version_at = at
            self.version = int(found[1])


@dataclass(frozen=True, slots=True)
class Edit:
    """What the server did to one account: `before` None when it was added. `rehash`: the same password, hashed.
    `gone`: it was removed, and `after` says which it was."""

    before: Account | None
    after: Account
    rehash: bool = False
    gone: bool = False


def changes(seen: Sequence[Table], now: Table) -> list[Edit]:
    """What was added, changed and removed in `now`, which was made of one of `seen`: what none of them has that it may
    have been made of. Those are of its own version, or, when it is a newer one of the server's, of the newest.

    No removals are a line that broke, and what a version lacks of which none is among `seen`.
    """
    latest = seen[-1].accounts
    version = min(now.version, max(table.version for table in seen))
    sources = [table for table in seen if table.version == version]
    edits = [
        Edit(latest.get(key), account)
        for key, account in now.accounts.items()
        if all(table.accounts.get(key) != account for table in sources or seen)
    ]
    if not sources:
        return edits
    there = (account for key, account in latest.items() if all(key in table.accounts for table in sources))
    return edits + [Edit(account, account, gone=True) for account in there if not now.taken(account.name)]


@dataclass(frozen=True, slots=True)
class Clash:
    """Two changes of one account that cannot both stand: `why` says which does; `lost` is ours, None for theirs."""

    why: str
    lost: Account | None = None


def merge(theirs: Table, edits: Sequence[Edit]) -> tuple[Table, list[Clash]]:
    """The server's `edits`, which `theirs` has not seen, laid over it account by account and field by field.

    An account that theirs lacks is added; one that they deleted stays deleted. Roles and flags are sets, so that both
    sides' changes stand. A password that both changed stays ours, but a mere rehash gives way.
    """
    merged = theirs.copy()
    clashes = [clash for edit in edits if (clash := _lay(merged, edit)) is not None]
    return merged, clashes


def _lay(table: Table, edit: Edit) -> Clash | None:
    after, before = edit.after, edit.before
    there = table.accounts.get(fold(after.name))
    if edit.gone:
        if there is not None and there.made == after.made:  # else somebody has the name anew
            table.remove(fold(after.name))
        return None
    if there is None:
        if before is not None:
            why = f"{after.name} was changed by the server while the line was deleted or broken: it stays so"
            return Clash(why, after)
        table.put(after)
        return None
    if before is None:
        if there == after:
            return None
        table.put(after)
        return Clash(f"{after.name} was added by the server as well: the server's line stands")
    secret, clash = _lay_secret(there, before, after, edit.rehash)
    flags = (there.flags - (before.flags - after.flags)) | (after.flags - before.flags)
    merged = replace(there, secret=secret, roles=_lay_roles(there.roles, before.roles, after.roles), flags=flags)
    if after.name != before.name:
        merged = replace(merged, name=after.name)
    if merged != there:
        table.put(merged)
    return clash


def _lay_secret(there: Account, before: Account, after: Account, rehash: bool) -> tuple[str, Clash | None]:
    if after.secret in (before.secret, there.secret):
        return there.secret, None
    if before.secret in (there.secret, marked(there.secret)) and before.secret != GONE:
        return after.secret, None
    if rehash:
        return there.secret, None
    why = f"the password of {there.name} was changed by the server as well: the server's stands"
    return after.secret, Clash(why)


def _lay_roles(there: Iterable[str], before: Iterable[str], after: Iterable[str]) -> tuple[str, ...]:
    there, before, after = tuple(there), tuple(before), tuple(after)
    if there == before:
        return after
    gone = set(before) - set(after)
    kept = [role for role in there if role not in gone]
    kept += [role for role in after if role not in before and role not in kept]
    return tuple(kept) or ("user",)


def marked(secret: str) -> str:
    """What can be kept of a secret that was replaced, to know it again: nothing of a password in clear."""
    if not secret.startswith(ARGON2ID):
        return GONE
    return "{SHA256}" + hashlib.sha256(secret.encode()).hexdigest()
