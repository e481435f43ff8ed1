"""`admin user edit`: with editors that are shell scripts."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from base.exits import Exit
from base.locks import Lock
from base.paths import Paths
from lobby import beside, useredit
from lobby.userdb import Table

USERS = """\
# user-db version 3 (the server counts its writes here)
ann:{PLAIN}annspassword:user::
ben:{PLAIN}benspassword:user::
"""
CID = "cid:{PLAIN}cidspassword:user::\n"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path / "var")
    paths.create()
    paths.user_db.write_text(USERS)
    return paths


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes VISUAL a script; with several, each is the next run's."""

    def make(*scripts: str) -> None:
        count = tmp_path / "runs"
        cases = "\n".join(f"{number}) {script} ;;" for number, script in enumerate(scripts, 1))
        path = tmp_path / "editor with a space.sh"
        path.write_text(
            f'echo run >> "{count}"\ncase $(grep -c run "{count}") in\n{cases}\n'
            '*) echo "run too often"; exit 9 ;;\nesac\n'
        )
        monkeypatch.setenv("VISUAL", f"sh '{path}'")

    return make


def answers(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def left(paths: Paths) -> list[str]:
    return sorted(path.name for path in paths.user_db.parent.iterdir())


def test_an_edit_is_put_in_place(paths: Paths, editor: Callable[..., None], capfd: pytest.CaptureFixture[str]) -> None:
    editor(f'printf \'{CID}\' >> "$1"; sed -i /^ben/d "$1"; sed -i s/annspassword/another/ "$1"')
    assert useredit.edit(paths) is Exit.OK
    table = Table(paths.user_db.read_bytes())
    assert (sorted(table.accounts), table.accounts["ann"].secret) == (["ann", "cid"], "{PLAIN}another")
    out = capfd.readouterr().out
    assert "Added: cid\nRemoved: ben\nChanged: ann\n" in out
    assert "No server runs" in out
    assert left(paths) == ["user-db"]


def test_nothing_changed_and_an_editor_that_fails(
    paths: Paths, editor: Callable[..., None], capfd: pytest.CaptureFixture[str]
) -> None:
    editor("true", 'echo broken > "$1"; exit 3')
    inode = paths.user_db.stat().st_ino
    assert useredit.edit(paths) is Exit.OK
    assert "Nothing was changed" in capfd.readouterr().out
    assert useredit.edit(paths) is Exit.REFUSED
    assert "code 3. Nothing was changed" in capfd.readouterr().err
    assert (paths.user_db.read_text(), paths.user_db.stat().st_ino) == (USERS, inode)
    assert left(paths) == ["user-db"]


def test_broken_lines_are_shown_and_edited_again(
    paths: Paths,
    editor: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    editor("sed -i 's/ann:{PLAIN}/ann:/' \"$1\"", 'sed -i \'s/ann:/ann:{PLAIN}/\' "$1"; sed -i s/ben:/bea:/ "$1"')
    answers(monkeypatch, "what?\ne\n")
    assert useredit.edit(paths) is Exit.OK
    assert "  line 2: the secret begins with its scheme" in capfd.readouterr().out
    assert sorted(Table(paths.user_db.read_bytes()).accounts) == ["ann", "bea"]


@pytest.mark.parametrize(("typed", "kept"), [("k\n", True), ("d\n", False), ("", False)])
def test_broken_lines_are_kept_or_dropped(
    paths: Paths, editor: Callable[..., None], monkeypatch: pytest.MonkeyPatch, typed: str, kept: bool
) -> None:
    editor('echo rubbish >> "$1"')
    answers(monkeypatch, typed)
    assert useredit.edit(paths) is Exit.OK
    assert ("rubbish" in paths.user_db.read_text()) is kept


def test_what_others_changed_meanwhile_is_merged(paths: Paths, editor: Callable[..., None]) -> None:
    there = paths.user_db
    editor(
        f'sed -i s/annspassword/another/ "$1"; sed -i /^ben/d "$1"; '
        f"printf '{CID}' >> '{there}'; sed -i s/ann:/Ann:/ '{there}'; sed -i 's/:user::/:user:locked:/' '{there}'; "
        f"sed -i 's/version 3/version 4/' '{there}'"
    )
    assert useredit.edit(paths) is Exit.OK
    table = Table(there.read_bytes())
    assert sorted(table.accounts) == ["ann", "cid"], "ben was deleted by the operator, cid came meanwhile"
    assert table.accounts["ann"].secret == "{PLAIN}another"
    assert table.accounts["ann"].flags == {"locked"}, "both changes stand"
    assert table.version == 4, "else the server would take the deletion for an old copy's lack"


def test_who_writes_in_the_very_moment_is_merged_too(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server registers somebody between our last look and the exchange."""
    path, exchange = paths.user_db, beside.exchange
    writes = [CID, "dot:{PLAIN}dotspassword:user::\n"]

    def first_the_other(new: Path, there: Path) -> bool:
        if writes:
            there.write_text(there.read_text() + writes.pop(0))
        return exchange(new, there)

    monkeypatch.setattr(beside, "exchange", first_the_other)
    before = path.read_bytes()
    useredit.put(path, before, before.replace(b"ben", b"bea"))
    assert sorted(Table(path.read_bytes()).accounts) == ["ann", "bea", "cid", "dot"]
    assert left(paths) == ["user-db"]


def test_one_editor_at_a_time(paths: Paths, editor: Callable[..., None], capfd: pytest.CaptureFixture[str]) -> None:
    editor("true")
    lock = Lock(paths.lock("useredit"))
    assert useredit.edit(paths) is Exit.REFUSED
    assert "Somebody edits the user db already" in capfd.readouterr().err
    lock.release()
    assert useredit.edit(paths) is Exit.OK


@pytest.mark.parametrize("visual", ["no-such-editor-here", "/dev/null"])
def test_an_editor_that_is_none(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], visual: str
) -> None:
    monkeypatch.setenv("VISUAL", visual)
    assert useredit.edit(paths) is Exit.REFUSED
    assert "cannot be started" in capfd.readouterr().err


def test_no_user_db_yet(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert useredit.edit(Paths(tmp_path / "nothing")) is Exit.REFUSED
    assert capfd.readouterr().err.count("\n") == 1
