"""The operator's `admin export` and `admin import`: rooms by name, with the server running or not.

Law: the room's package reads and writes its file (it is started as a command); the catalogue says which room is
meant. An import becomes a room only once all of its file is stored.
"""
# ruff: noqa: T201 - a command speaks on standard output

import os
import secrets
import shutil
import subprocess
import sys
from typing import Any

import msgspec

from base import commandline
from base.exits import Exit
from base.locks import holder
from base.paths import CODE, Paths
from lobby import freespace
from lobby.operator import ask
from lobby.store import Store
from wire.control import AdminAdopt, AdminFind, AdminFound, AdminRefused, FromAdmin, RoomSettings
from wire.errors import Refused
from wire.loop import read_clock
from wire.names import check_name


def export(paths: Paths, room: str, form: str, file: str) -> int:
    """Write the room called `room` to `file` (- for standard output), as jsonl or text."""
    try:
        settings = _find(paths, room)
    except Refused as refused:
        return _refused("export", refused)
    return _archive(paths, "export", settings.room, "--name", settings.name, "--format", form, "--file", file)


def load(paths: Paths, file: str, room: str, owner: str) -> int:
    """Make a new room called `room` from an export."""
    try:
        name = check_name(room, what="room's name")
        if owner:
            check_name(owner)
        freespace.look(paths).check()
        if _exists(paths, name):
            raise Refused("name_taken", f"there is a room {name} already")
    except Refused as refused:
        return _refused("import", refused)
    settings = RoomSettings(
        room=secrets.token_hex(8),
        name=name,
        owner=owner,
        access="public",
        topic="",
        made=read_clock().wall,
        revision=1,
    )
    code = _archive(paths, "import", settings.room, "--file", file)
    if code == Exit.OK:
        try:
            _adopt(paths, settings)
        except Refused as refused:
            code = _refused("import", refused)
        else:
            print(f"The room {name} is there.")
    if code != Exit.OK:
        shutil.rmtree(paths.room(settings.room).home, ignore_errors=True)
    return code


def _archive(paths: Paths, act: str, room_id: str, *words: str) -> int:
    program = [sys.executable, "-P", "-m", "roomproc.archiving", act]
    command = [*program, "--data", str(paths.data), "--id", room_id, *words]
    return subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": str(CODE)}).returncode


def _exists(paths: Paths, name: str) -> bool:
    try:
        _find(paths, name)
    except Refused:
        return False
    return True


def _find(paths: Paths, name: str) -> RoomSettings:
    if holder(paths.lock("lobby")) is not None:
        return _asked(paths, AdminFind(room=name)).settings
    if not paths.lobby_db.exists():
        raise Refused("no_such_room", f"there is no server's data in {paths.data}")
    store = Store(paths, "full")
    try:
        found = store.catalogue.room(name)
    finally:
        store.close()
    if found is None:
        raise Refused("no_such_room", f"there is no room {name}")
    return found


def _adopt(paths: Paths, settings: RoomSettings) -> None:
    if holder(paths.lock("lobby")) is not None:
        _asked(paths, AdminAdopt(settings=settings))
        return
    store = Store(paths, "full")
    try:
        store.catalogue.adopt(settings)
        store.commit()
    finally:
        store.close()


def _asked(paths: Paths, question: msgspec.Struct) -> AdminFound:
    try:
        answer: Any = ask(paths, "admin", question, FromAdmin)
    except (OSError, msgspec.MsgspecError):
        raise Refused("busy", "the lobby did not answer; try again") from None
    if isinstance(answer, AdminRefused):
        raise Refused(answer.code, answer.text)
    assert isinstance(answer, AdminFound)
    return answer


def _refused(act: str, refused: Refused) -> int:
    print(f"{act}: {refused.text}", file=sys.stderr)
    return commandline.refused(refused.code)
