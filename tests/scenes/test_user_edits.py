"""The user db edited by hand while the server runs, in every way that an operator does it: nobody is lost."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scenes.stage import PATIENCE, ROOT, Refusal, Stage, command, eventually

EVA = "eva:{PLAIN}evaspassword:user::"


def users(stage: Stage) -> Path:
    return stage.data / "users" / "user-db"


def may_log_in(stage: Stage, name: str, password: str) -> bool:
    try:
        stage.login(name, password).ask("quit")
    except Refusal:
        return False
    return True


def registered(stage: Stage) -> str:
    name = stage.new("reg")
    stage.actor().register(name, "a good password").ask("quit")
    return name


def as_vim(path: Path, content: str) -> None:
    """Vim with backupcopy=no: the old file is renamed, a new one is written, the backup goes."""
    backup = path.with_name("user-db~")
    path.rename(backup)
    path.write_text(content)
    backup.unlink()


def as_sed(path: Path, content: str) -> None:
    """sed -i: written beside, renamed over."""
    beside = path.with_name("sedXYZ")
    beside.write_text(content)
    beside.rename(path)


def in_place(path: Path, content: str) -> None:
    """nano, echo >: emptied and written, the same file."""
    path.write_text(content)


def with_crlf(path: Path, content: str) -> None:
    path.write_bytes(content.replace("\n", "\r\n").encode())


def without_a_newline_at_the_end(path: Path, content: str) -> None:
    path.write_text(content.rstrip("\n"))


WAYS = [as_vim, as_sed, in_place, with_crlf, without_a_newline_at_the_end]


@pytest.mark.parametrize("save", WAYS, ids=lambda way: way.__name__)
def test_an_edit_counts_and_loses_nobody(own_stage: Stage, save: Callable[[Path, str], None]) -> None:
    path = users(own_stage)
    before = registered(own_stage)
    opened = path.read_text()  # the editor opens the file
    meanwhile = registered(own_stage)
    save(path, opened.rstrip("\n") + f"\n{EVA}\n")
    after = registered(own_stage)
    eventually(lambda: may_log_in(own_stage, "eva", "evaspassword"))
    for name in (before, meanwhile, after):
        assert may_log_in(own_stage, name, "a good password"), name
    own_stage.stop()
    own_stage.start()
    for name in (before, meanwhile, after):
        assert may_log_in(own_stage, name, "a good password"), f"{name} after a new start"
    assert may_log_in(own_stage, "eva", "evaspassword")


def test_sed_itself(own_stage: Stage) -> None:
    name = registered(own_stage)
    actor = own_stage.login(name, "a good password")
    subprocess.run(["sed", "-i", f"/^{name}:/s/:user::/:user:locked:/", str(users(own_stage))], check=True)
    assert actor.ended()[-1]["code"] == "locked", "whoever is here is told and goes"
    assert not may_log_in(own_stage, name, "a good password")
    subprocess.run(["sed", "-i", f"/^{name}:/d", str(users(own_stage))], check=True)
    eventually(lambda: not may_log_in(own_stage, name, "a good password"))
    with pytest.raises(Refusal) as kept:
        own_stage.actor().register(name, "another password")
    assert kept.value.code == "name_taken", "the name is nobody else's for a while"


def test_a_broken_line_costs_its_own_account_only(own_stage: Stage) -> None:
    path = users(own_stage)
    name, other = registered(own_stage), registered(own_stage)
    text = path.read_text()
    as_vim(path, text.replace(f"{name}:{{ARGON2ID}}", f"{name}:"))
    eventually(lambda: not may_log_in(own_stage, name, "a good password"))
    assert may_log_in(own_stage, other, "a good password")
    with pytest.raises(Refusal) as taken:
        own_stage.actor().register(name, "another password")
    assert taken.value.code == "name_taken", "the name stays theirs"
    third = registered(own_stage)
    assert f"{name}:$argon2id" in path.read_text(), "the line stays as it was left"
    as_vim(path, path.read_text().replace(f"{name}:$", f"{name}:{{ARGON2ID}}$"))
    eventually(lambda: may_log_in(own_stage, name, "a good password"))
    assert may_log_in(own_stage, third, "a good password")


@pytest.mark.parametrize("junk", [b"", b"\x00\xff\xfe" * 500, b"not a user db\n"], ids=["empty", "bytes", "text"])
def test_a_file_that_is_ruined_and_put_back(own_stage: Stage, junk: bytes) -> None:
    path = users(own_stage)
    name = registered(own_stage)
    good = path.read_bytes()
    path.write_bytes(junk)
    eventually(lambda: not may_log_in(own_stage, "test_user", "123"))
    assert may_log_in(own_stage, name, "a good password"), "what the server wrote itself is written again"
    meanwhile = registered(own_stage)
    path.write_bytes(good)
    eventually(lambda: may_log_in(own_stage, "test_user", "123"))
    for one in (name, meanwhile):
        assert may_log_in(own_stage, one, "a good password"), one


def edit(stage: Stage, script: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """`admin user edit` with a shell script for an editor."""
    editor = stage.data / "editor.sh"
    editor.write_text(script)
    return subprocess.run(
        [*command("admin", "user", "edit"), "--data", str(stage.data)],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False, input=typed,
        env={**os.environ, "VISUAL": f"sh {editor}"},
    )  # fmt: skip


def test_the_safe_way_with_the_server_running_and_not(own_stage: Stage) -> None:
    name = registered(own_stage)
    ended = edit(own_stage, f"echo '{EVA}' >> \"$1\"\n")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "Added: eva\nThe server takes it over within a second.\n"
    eventually(lambda: may_log_in(own_stage, "eva", "evaspassword"))
    assert may_log_in(own_stage, name, "a good password")
    own_stage.stop()
    ended = edit(own_stage, f'sed -i /^{name}:/d "$1"\n')
    assert ended.stdout == f"Removed: {name}\nNo server runs: it counts from the next start.\n"
    own_stage.start()
    assert not may_log_in(own_stage, name, "a good password")
    assert may_log_in(own_stage, "eva", "evaspassword")


def test_a_registration_while_the_editor_is_open(own_stage: Stage) -> None:
    old = registered(own_stage)
    fifo = own_stage.data / "open"
    os.mkfifo(fifo)
    script = own_stage.data / "slow.sh"
    script.write_text(
        f'echo opened > "{fifo}"; cat "{fifo}" > /dev/null; sed -i /^{old}:/d "$1"; echo "{EVA}" >> "$1"\n'
    )
    editing = subprocess.Popen(
        [*command("admin", "user", "edit"), "--data", str(own_stage.data)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "VISUAL": f"sh {script}"},
    )  # fmt: skip
    assert fifo.read_text() == "opened\n"
    meanwhile = registered(own_stage)
    fifo.write_text("go on\n")
    out, _ = editing.communicate(timeout=PATIENCE)
    assert "Added: eva\n" in out
    assert f"Removed: {old}\n" in out
    eventually(lambda: may_log_in(own_stage, "eva", "evaspassword"))
    assert may_log_in(own_stage, meanwhile, "a good password")
    assert not may_log_in(own_stage, old, "a good password"), "what was deleted stays deleted"


def test_broken_lines_are_shown_before_they_count(own_stage: Stage) -> None:
    before = users(own_stage).read_text()
    ended = edit(own_stage, 'echo rubbish >> "$1"\n', "d\n")
    assert "a line is name:{SCHEME}secret:roles:flags:made" in ended.stdout
    assert "(e)dit again, (k)eep it as it is, or (d)rop your changes?" in ended.stdout
    assert users(own_stage).read_text() == before
