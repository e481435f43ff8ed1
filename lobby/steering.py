"""The operator's commands over admin.sock: what is done with one room, a look at it with its flight record,
announcements, the audit log, and new keys.

Law: a command that changes something says what came of it, or that it has not come yet; it ends in a bounded time.
"""
# ruff: noqa: T201 - a command speaks on standard output

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct
from tabulate import tabulate

from base import commandline
from base.exits import Exit
from base.locks import holder
from base.paths import Paths
from lobby.operator import ask
from wire.control import (
    AdminAct,
    AdminAnnounce,
    AdminAudit,
    AdminFind,
    AdminFound,
    AdminLimit,
    AdminList,
    AdminListed,
    AdminRefused,
    AdminRotate,
    FromAdmin,
    RoomSettings,
)
from wire.messages import AdminRoomRow, AuditRow, Deed

PATIENCE: Final = 8.0  # seconds for a room to be what it was told to be
HEARD: Final = 1.0  # by when the nursery has heard of it
BUSY: Final = 3.0  # for which a lobby that says `busy` is asked again
LOOK: Final = 0.05  # seconds between two looks
LAST_LINES: Final = 15
RECORD_LINES: Final = 60  # a stack has some
TAIL: Final = 16_384  # bytes of a log that are looked at for them


class Refusal(Exception):  # noqa: N818 - an answer
    """The server refused, or is not there; the text says so."""

    def __init__(self, text: str, code: Exit = Exit.REFUSED) -> None:
        super().__init__(text)
        self.code = code


def rotate(paths: Paths) -> Exit:
    """A new master key for what is signed from now on."""
    try:
        tell(paths, AdminRotate())
    except Refusal as why:
        return _said(why)
    print("Rotated. What the three newest keys signed is valid; older sessions log in again.")
    return Exit.OK


def deed(paths: Paths, room: str, do: Deed, seconds: float | None) -> Exit:
    """stop, restart, drain or start a room, and say what came of it."""
    try:
        before = row_of(paths, room)
        tell(paths, AdminAct(room=room, do=do, seconds=UNSET if seconds is None else seconds))
        if do == "drain":
            print(f"{before.name} lets nobody new in, and ends when it is empty or at its time.")
            return Exit.OK
        print(follow(paths, before, do))
    except Refusal as why:
        return _said(why)
    return Exit.OK


def follow(paths: Paths, before: AdminRoomRow, do: Deed) -> str:
    """Wait until it is done; what there is to say then. Raises Refusal when it does not come, or the room fails."""
    told = before.state != "failed"  # one that had failed is still listed so until the nursery has heard
    heard_by = time.monotonic() + HEARD

    def done(row: AdminRoomRow) -> bool:
        nonlocal told
        if do == "stop":
            return row.state == "stopped"
        told = told or row.state != "failed" or time.monotonic() > heard_by
        if told and row.state == "failed":
            raise Refusal(f"{row.name} has failed: {row.reason}")
        return row.state == "running" and (do == "start" or row.pid != before.pid)

    row = until(lambda: row_of(paths, before.name), done)
    if row is None:
        now = row_of(paths, before.name)
        why = f"it is {now.state}; {now.reason}".removesuffix("; ")
        raise Refusal(f"{now.name} has not come to it ({why}); see: ./run.sh admin room {now.name}")
    return f"{row.name} is stopped." if do == "stop" else f"{row.name} runs, pid {row.pid}, port {row.port}."


def until(look: Callable[[], Any], right: Callable[[Any], bool], seconds: float = PATIENCE) -> Any:
    """What `look` gives as soon as it is right; None when that does not come in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if right(found):
            return found
        time.sleep(LOOK)
    return None


def limit(paths: Paths, room: str, words: list[str]) -> Exit:
    """Change limits of one room's process: KEY=VALUE, or KEY= for what the configuration says; without any, show."""
    try:
        changes: dict[str, int | None] = {}
        for word in words:
            key, _, value = word.partition("=")
            if value and not value.removeprefix("-").isdigit():
                raise Refusal(f"a limit is KEY=NUMBER, not '{word}'", Exit.MISUSE)
            changes[key] = int(value) if value else None
        settings = tell(paths, AdminLimit(room=room, limits=changes)).settings
    except Refusal as why:
        return _said(why)
    print(f"{settings.name}: {_limits(settings)}")
    if words:
        print(f"In force from its next start; at once: ./run.sh admin restart {settings.name}")
    return Exit.OK


def show(paths: Paths, room: str, *, as_json: bool) -> Exit:
    """One room in detail: its row, why it ended, where its files are, and its last words."""
    try:
        row = row_of(paths, room)
        settings: RoomSettings = tell(paths, AdminFind(room=room)).settings
    except Refusal as why:
        return _said(why)
    files = paths.room(settings.room)
    if as_json:
        whole = {**msgspec.to_builtins(row), "id": settings.room, "limits": msgspec.to_builtins(settings.limits)}
        whole |= {"log": str(files.journal), "flight_record": str(files.flight_record)}
        print(msgspec.json.format(msgspec.json.encode(whole), indent=2).decode())
        return Exit.OK
    for name, value in {**msgspec.to_builtins(row), "id": settings.room, "limits": _limits(settings)}.items():
        print(f"{name:<16} {value}")
    for title, path, most in (
        ("flight record", files.flight_record, RECORD_LINES),
        ("log", files.journal, LAST_LINES),
    ):
        print(f"\n{title}: {path}")
        for line in last_lines(path, most):
            print(f"  {line}")
    return Exit.OK


def announce(paths: Paths, text: str, room: str) -> Exit:
    """Say something to everybody who is here, or to the members of one room."""
    try:
        tell(paths, AdminAnnounce(text=text, room=room))
    except Refusal as why:
        return _said(why)
    print(f"Said to {f'the members of {room}' if room else 'everybody who is here'}.")
    return Exit.OK


def audit(paths: Paths, last: int, *, as_json: bool) -> Exit:
    """The last acts of admins and operator, the oldest of them first."""
    acts: list[AuditRow] = []
    try:
        more = True
        while more and len(acts) < last:
            page = tell(paths, AdminAudit(limit=last - len(acts), before=acts[-1].number if acts else UNSET))
            acts, more = acts + page.acts, page.more
    except Refusal as why:
        return _said(why)
    acts.reverse()
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(acts), indent=2).decode())
    elif acts:
        print(tabulate([_act(row) for row in acts], ("when", "who", "what", "to", ""), disable_numparse=True))
    else:
        print("Nothing has been done yet.")
    return Exit.OK


def _act(row: AuditRow) -> tuple[str, str, str, str, str]:
    when = datetime.fromtimestamp(row.at / 1_000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return when, row.by, row.what, row.target, row.text.replace("\n", " ")[:120]


def last_lines(path: Path, most: int) -> list[str]:
    """The last lines of a log, printable; none when there is no such file."""
    try:
        with open(path, "rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return []
    return ["".join(c if c.isprintable() else "?" for c in line) for line in lines[-most:]]


def rows(paths: Paths) -> list[AdminRoomRow]:
    """Every room."""
    answer = tell(paths, AdminList())
    assert isinstance(answer, AdminListed)
    return answer.rooms


def row_of(paths: Paths, room: str) -> AdminRoomRow:
    """The listing's row of a room. Raises Refusal."""
    found = tell(paths, AdminFind(room=room))
    assert isinstance(found, AdminFound)
    return next(row for row in rows(paths) if row.name == found.settings.name)


def tell(paths: Paths, message: Struct) -> Any:
    """The lobby's answer. `busy` is asked again for a moment, and so is a lobby that is away and has a guardian:
    somebody is just being replaced. Raises Refusal."""

    def answered() -> Any:
        try:
            return ask(paths, "admin", message, FromAdmin)
        except (OSError, msgspec.MsgspecError) as why:
            asked = not isinstance(why, FileNotFoundError | ConnectionRefusedError)
            if asked or not holder(paths.lock("guardian")):
                raise Refusal(f"No server runs on the data directory {paths.data}.", Exit.NO_SERVER) from None
            return AdminRefused(code="busy", text="the lobby is just being started again: try again")

    passed = until(answered, lambda answer: not isinstance(answer, AdminRefused) or answer.code != "busy", BUSY)
    answer = answered() if passed is None else passed
    if isinstance(answer, AdminRefused):
        raise Refusal(answer.text, commandline.refused(answer.code))
    return answer


def _limits(settings: RoomSettings) -> str:
    own = msgspec.to_builtins(settings.limits)
    return ", ".join(f"{name}={value}" for name, value in own.items()) or "as the configuration says"


def _said(why: Refusal) -> Exit:
    print(why, file=sys.stderr)
    return why.code
