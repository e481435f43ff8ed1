"""The disk lets a room down: full, corrupt, truncated, of a newer version. The room says so, and it alone suffers."""

import contextlib
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenes.conftest import two_in, undisturbed
from tests.scenes.stage import QUICK, UNLIMITED, Refusal, Seat, Stage, eventually
from tests.scenes.test_steering import home, row
from tests.scenes.test_visit import refused

SIZE = 3_000_000  # bytes of the small disk: a room's file, and lines until it is full


@contextlib.contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """A filesystem of its own at `place`; skips where we may not mount."""
    place.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "tmpfs", str(place)]
    mounted = subprocess.run(mount, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a small filesystem cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_refuses_lines_and_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with small_disk(data / "rooms"):
        stage = Stage(data, *QUICK, *UNLIMITED)
        try:
            full_and_free_again(stage)
        finally:
            stage.stop()


def said(seat: Seat, text: str) -> int | None:
    """The number of the line; None when the disk refused it."""
    try:
        return seat.say(text)
    except Refusal as why:
        if why.code != "storage":
            raise
        return None


def full_and_free_again(stage: Stage) -> None:
    room = stage.new("games")
    ann, ben = two_in(stage, room)
    pid = stage.room_pid(room)
    text = "x" * 3_900
    kept: list[int] = []
    while (number := said(ann, text)) is not None:
        kept.append(number)
    assert len(kept) > 50
    lobby = stage.login("test_user")
    lobby.ask("mail_send", to=["test_user"], subject="still works", body="b")
    assert ben.fence()[-1]["seq"] == kept[-1], "what was refused was shown to nobody"
    assert [line["seq"] for line in ben.ask("history", limit=5)["lines"]] == kept[-5:]
    assert refused(ann.ask, "say", text=text) == "storage", "and again, for as long as it is full"

    subprocess.run(["mount", "-o", f"remount,size={SIZE * 3}", str(stage.data / "rooms")], check=True)
    assert ann.say("there is space again") == kept[-1] + 1, "no number is missing"
    ben.hears("there is space again")
    assert stage.room_pid(room) == pid, "the same process went on"

    stage.kill(pid)
    back = ben.back(since=0)
    numbers = [seq for seq, _ in (back.hears("there is space again"), back.lines)[1]]
    assert numbers == list(range(1, kept[-1] + 2)), "all that was acknowledged, once, in order"


def test_a_room_that_cannot_be_started_for_want_of_space_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with small_disk(data / "rooms"):
        stage = Stage(data, *QUICK, *UNLIMITED)
        try:
            ann, ben = two_in(stage, "first")
            with open(data / "rooms" / "ballast", "wb") as ballast, contextlib.suppress(OSError):
                while True:
                    ballast.write(b"x" * 65_536)
                    ballast.flush()
            with pytest.raises(Refusal, match=r"storage|room_failed|busy"):
                stage.guest().ticket("second")
            (data / "rooms" / "ballast").unlink()
            assert ann.say("goes on") == 1
            ben.hears("goes on")
            assert stage.run("admin", "start", "second").returncode in (0, 3)
            eventually(lambda: row(stage, "second")["state"] in ("running", "sleeping"))
        finally:
            stage.stop()


def spoil(file: Path, how: str) -> None:
    if how == "corrupt":
        size = file.stat().st_size
        with open(file, "r+b") as raw:
            for place in range(0, size, 1_024):
                raw.seek(place)
                raw.write(os.urandom(512))
    elif how == "truncated":
        os.truncate(file, 700)
    else:
        db = sqlite3.connect(file)
        db.execute("PRAGMA user_version = 999")
        db.close()


@pytest.mark.parametrize(
    ("how", "word"), [("corrupt", "not a database"), ("truncated", "malformed"), ("newer", "version 999")]
)
def test_a_file_that_cannot_be_read_fails_its_room_alone(own_stage: Stage, how: str, word: str) -> None:
    stage = own_stage
    room, other = stage.new("spoilt"), stage.new("other")
    ann, _ = two_in(stage, room)
    ann.say("kept")
    cid, dan = two_in(stage, other)
    place = home(stage, room)
    assert stage.run("admin", "stop", room).returncode == 0
    spoil(place / "log.sqlite3", how)
    (place / "log.sqlite3-wal").unlink(missing_ok=True)
    result = stage.run("admin", "start", room)
    assert result.returncode == 3
    assert "UNREADABLE" in result.stderr
    assert refused(stage.guest().ticket, room) == "room_failed"
    failed = row(stage, room)
    assert (failed["state"], failed["pid"]) == ("failed", 0)
    assert word in stage.run("admin", "room", room).stdout
    cid.say("did you notice?")
    dan.hears("did you notice?")
    assert len([m for m in dan.heard if m["type"] == "line"]) == 1


def test_a_room_on_a_read_only_disk_waits_for_it(own_stage: Stage) -> None:
    """It says so to whoever asks, others chat on, and it comes up by itself when it may write again."""
    stage = own_stage
    room, other = stage.new("carved"), stage.new("other")
    ann, _ = two_in(stage, room)
    ann.say("kept")
    cid, dan = two_in(stage, other)
    place = home(stage, room)
    assert stage.run("admin", "stop", room).returncode == 0
    files = {path.name: path.read_bytes() for path in place.iterdir() if path.is_file()}
    with small_disk(place):
        for name, content in files.items():
            (place / name).write_bytes(content)
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        admin = stage.login("admin_user")
        admin.ask("admin_room", room=room, do="start")
        found = eventually(lambda: "(STORAGE)" in (r := admin.listing()[room])["reason"] and r)
        assert found["state"] in ("backoff", "starting"), "it is tried again, for as long as it takes"
        undisturbed(cid, dan)
        subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)
        seat = stage.guest().enter(room, create=False)
        assert seat.hears("kept")["seq"] == 1
        assert seat.say("written") == 2
