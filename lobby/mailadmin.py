"""The operator's `admin mail`, `admin mailbox export` and `admin mailbox import`.

Law: an export reads the file beside the server, running or not, and changes nothing. What is to come in goes through
the lobby, so that whoever is logged in sees it; an import that is done twice adds nothing the second time.
"""
# ruff: noqa: T201 - a command speaks on standard output

import os
import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from base import commandline
from base.exits import Exit
from base.paths import Paths, connect_control
from base.progress import bar
from lobby import mailpages
from lobby.mailpages import Reader
from lobby.operator import ANSWER_SECONDS, ask
from wire.codec import encode
from wire.control import AdminKeep, AdminKept, AdminMail, AdminMailed, AdminRefused, FromAdmin
from wire.letters import Form, Letter, LettersError, batches, keep, letter, read, write

UNDER_WAY: Final = 50  # mails of an import that wait for their answer


def send(paths: Paths, to: list[str], subject: str, sender: str) -> int:
    """Standard input as a mail to accounts, or to everyone."""
    body = sys.stdin.read().rstrip()
    try:
        answer = ask(paths, "admin", AdminMail(to=to, subject=subject, body=body, sender=sender), FromAdmin)
    except (OSError, msgspec.MsgspecError):
        return _no_server(paths)
    if isinstance(answer, AdminRefused):
        return _refused("mail", answer.text, commandline.refused(answer.code))
    assert isinstance(answer, AdminMailed)
    print(f"Mail {answer.mail} is sent to {answer.recipients} {'person' if answer.recipients == 1 else 'people'}.")
    return Exit.OK


def export(paths: Paths, name: str, form: Form, place: Path) -> int:
    """All mails of somebody, in all folders."""
    os.umask(0o077)
    if not paths.mail_db.exists():
        return _refused("export", f"there is no server's data in {paths.data}")
    reader = Reader(paths.mail_db)
    try:
        count = sum(row.mails for row in mailpages.folders(reader.read, name))
        if not count:
            return _refused("export", f"{name} has no mail")
        letters = map(letter, mailpages.every(reader.read, name))
        done = write(place, form, letters, count, bar("mails"))
    except (LettersError, OSError) as why:
        return _refused("export", _why(why, place), Exit.MISUSE)
    except sqlite3.Error as why:
        return _refused("export", str(why))
    finally:
        reader.close()
    print(f"{done} {'mail' if done == 1 else 'mails'} of {name} in {place}.")
    return Exit.OK


def load(paths: Paths, name: str, place: Path) -> int:
    """Put the mails of an mbox file or a Maildir into somebody's mailbox."""
    try:
        letters = read(place)
    except (LettersError, OSError) as why:
        return _refused("import", _why(why, place), Exit.MISUSE)
    try:
        with connect_control(paths.control("admin"), timeout=ANSWER_SECONDS) as sock:
            fresh = _load(sock, name, letters)
    except (OSError, msgspec.MsgspecError):
        return _no_server(paths)
    except LettersError as why:
        return _refused("import", str(why))
    known = f"; {len(letters) - fresh} were there already" if fresh < len(letters) else ""
    print(f"{fresh} {'mail' if fresh == 1 else 'mails'} came into the mailbox of {name}{known}.")
    return Exit.OK


def _load(sock: socket.socket, owner: str, letters: list[Letter]) -> int:
    """How many are new there. Raises LettersError at the first that is refused; those before it stay."""
    progress, numbers = bar("mails"), dict[str, int]()
    fresh = done = 0
    with sock.makefile("rb") as answers:
        for batch in batches(letters, UNDER_WAY):
            sock.sendall(b"".join(encode(AdminKeep(owner=owner, mail=keep(each, numbers))) for each in batch))
            for each in batch:
                answer: Any = msgspec.json.decode(answers.readline(), type=FromAdmin)
                if not isinstance(answer, AdminKept):
                    text = answer.text if isinstance(answer, AdminRefused) else "the lobby did not answer"
                    raise LettersError(f"mail {done + 1} of {len(letters)}: {text}; {fresh} came in before it")
                numbers[each.key] = answer.mail
                fresh, done = fresh + answer.fresh, done + 1
            progress(done, len(letters))
    return fresh


def _why(why: Exception, place: Path) -> str:
    return f"{place}: {why.strerror}" if isinstance(why, OSError) else str(why)


def _refused(act: str, text: str, code: Exit = Exit.REFUSED) -> int:
    print(f"{act}: {text}", file=sys.stderr)
    return code


def _no_server(paths: Paths) -> int:
    print(f"No server runs on the data directory {paths.data}: start it first.", file=sys.stderr)
    return Exit.NO_SERVER
