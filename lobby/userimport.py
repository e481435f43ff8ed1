"""`admin user import FILE`: the accounts of py-chat-room with their inboxes, into a server that runs.

Law: passwords are hashed before they are stored, and no line that is refused keeps the others out. Done a second time
it adds nothing, and goes on where the first time broke off: an account is known again by its password.
"""
# ruff: noqa: T201 - a command speaks on standard output

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from base.exits import Exit
from base.locks import holder
from base.paths import Paths, connect_control
from base.progress import bar
from lobby import ancestor, freespace, passwords, usershell
from lobby.ancestor import User, Wrong
from lobby.userdb import Account, Table
from lobby.usershell import Refusal
from wire.codec import encode
from wire.control import AdminKeep, AdminKept, AdminRefused, FromAdmin
from wire.errors import Refused
from wire.loop import read_clock
from wire.messages import MailKeep
from wire.names import fold

ANSWER_SECONDS: Final = 10.0
PATIENCE: Final = 10.0  # seconds for the server to know the accounts that were just written
LOOK: Final = 0.1
SUBJECT: Final = "from py-chat-room"


@dataclass
class _Sorted:
    """The users of a file: to be added, there already, and not to be had."""

    new: list[User] = field(default_factory=list)
    known: list[User] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)


def load(paths: Paths, file: str) -> Exit:
    """Read FILE, and the directory `inboxes` beside it."""
    with usershell.telling() as told:
        users = _users(Path(file))
        if holder(paths.lock("lobby")) is None:
            raise Refusal(f"No server runs on the data directory {paths.data}: start it first.", Exit.NO_SERVER)
        try:
            freespace.look(paths).check()
        except Refused as why:
            raise Refusal(f"{why.text[:1].upper()}{why.text[1:]}.") from None
        found = _sort(paths, users)
        if found.new:
            secrets = _hashed(paths, found.new)
            usershell.change(paths, lambda table: _put(table, found, secrets))
        for wrong in found.wrong:
            print(f"line {wrong.line}, {wrong.name}: {wrong.why}", file=sys.stderr)
        mails = _mails(paths, found.new + found.known, Path(file).parent / "inboxes")
        print(
            f"{len(found.new)} accounts added, {len(found.known)} there already, {len(found.wrong)} refused; {mails}."
        )
    return told.code


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as why:
        raise Refusal(f"{path}: {why.strerror}.", Exit.MISUSE) from None


def _users(path: Path) -> list[User | Wrong]:
    """What the lines of the file say. Raises Refusal, also where it is another kind of file altogether."""
    found = list(ancestor.users(_text(path)))
    if not any(isinstance(user, User) for user in found):
        why = "none of its lines is NAME PASSWORD #KEY" if found else "it is empty"
        what = "name the file user-db of one, with its inboxes/ beside it"
        raise Refusal(f"{path} is no user db of py-chat-room, {why}: {what}.", Exit.MISUSE)
    return found


def _sort(paths: Paths, users: list[User | Wrong]) -> _Sorted:
    found, table, accounts = _Sorted(), usershell.table(paths), usershell.config(paths).accounts
    reserved = dict(usershell.read_lobby(paths, "SELECT who, gone FROM names WHERE gone > 0"))
    for user in users:
        if isinstance(user, Wrong):
            found.wrong.append(user)
            continue
        there = table.accounts.get(fold(user.name))
        if there is not None and passwords.verify(there.secret, user.password, accounts, renew=False)[0]:
            found.known.append(user)
        elif table.taken(user.name):
            found.wrong.append(Wrong(user.line, user.name, "the name is taken, with another password"))
        elif fold(user.name) in reserved:
            found.wrong.append(Wrong(user.line, user.name, "the name was that of an account which was deleted"))
        else:
            found.new.append(user)
    return found


def _hashed(paths: Paths, users: list[User]) -> dict[str, str]:
    """By folded name. Hashing takes tens of milliseconds each: threads, and a bar."""
    accounts, progress, secrets = usershell.config(paths).accounts, bar("accounts"), dict[str, str]()
    with ThreadPoolExecutor(accounts.hash_threads) as threads:
        made = threads.map(lambda user: passwords.make(user.password, accounts), users)
        for user, secret in zip(users, made, strict=True):
            secrets[fold(user.name)] = secret
            progress(len(secrets), len(users))
    return secrets


def _put(table: Table, found: _Sorted, secrets: dict[str, str]) -> str:
    """Add them; whose name was taken in the meantime is refused."""
    made = read_clock().wall // 1000 * 1000
    for user in tuple(found.new):
        if table.taken(user.name):
            found.new.remove(user)
            found.wrong.append(Wrong(user.line, user.name, "somebody took the name at this moment"))
        else:
            table.put(Account(user.name, secrets[fold(user.name)], ("user",), frozenset(), made))
    return "The accounts are written."


def _mails(paths: Paths, users: list[User], inboxes: Path) -> str:
    """What became of the inboxes, in words."""
    progress, fresh, refused = bar("inboxes"), 0, 0
    try:
        with connect_control(paths.control("admin"), timeout=ANSWER_SECONDS) as sock, sock.makefile("rb") as answers:
            for number, user in enumerate(users, 1):
                for mail in _inbox(inboxes / user.key, user):
                    answer = _kept(sock, answers, AdminKeep(owner=user.name, mail=mail))
                    if isinstance(answer, AdminKept):
                        fresh += answer.fresh
                    else:
                        refused += 1
                        print(f"a mail of {user.name}: {getattr(answer, 'text', 'no answer')}", file=sys.stderr)
                progress(number, len(users))
    except (OSError, msgspec.MsgspecError):
        raise Refusal("The lobby did not answer: do it again, it goes on where it was.") from None
    return f"{fresh} mails came in" + (f", {refused} were refused" if refused else "")


def _inbox(path: Path, user: User) -> list[MailKeep]:
    """The times are not known: they are those of the file, a second apart, so that a second time finds them again."""
    try:
        text, at = path.read_text(encoding="utf-8", errors="replace"), int(path.stat().st_mtime) * 1_000
    except OSError:
        return []  # nobody has written to them
    found = list(ancestor.mails(text))
    return [
        MailKeep(
            sender=sender, to=[user.name], subject=SUBJECT, body=body, at=at - 1_000 * (len(found) - number), read=False
        )
        for number, (sender, body) in enumerate(found)
    ]


def _kept(sock: Any, answers: Any, question: AdminKeep) -> AdminKept | AdminRefused:
    """The lobby's answer; it is asked again until it has read the accounts that were just written."""
    deadline = time.monotonic() + PATIENCE
    while True:
        sock.sendall(encode(question))
        answer: Any = msgspec.json.decode(answers.readline(), type=FromAdmin)
        new = isinstance(answer, AdminRefused) and answer.code == "no_such_user" and time.monotonic() < deadline
        if not new:
            return answer  # type: ignore[no-any-return]
        time.sleep(LOOK)
