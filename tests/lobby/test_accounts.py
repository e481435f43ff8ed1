"""The accounts and their file: nobody's change is lost, whoever writes when, and in whatever style."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from base.paths import CODE
from lobby import beside
from lobby.accounts import Accounts, install
from lobby.userdb import Table
from lobby.userfile import WATCHED
from wire.errors import Refused

HASH = "{ARGON2ID}$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0c2E$" + "h" * 43
OTHER = HASH.replace("hhhh", "aaaa")
THIRD = HASH.replace("hhhh", "bbbb")
MADE = 1_795_197_600_000
FILE = f"""# our people

ann:{HASH}:user::2026-11-20
bob:{{PLAIN}}pw:user,admin::2026-11-20T10:00:00Z:shell=/bin/no
# the end
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "user-db"
    path.write_text(FILE)
    path.chmod(0o640)
    return path


@pytest.fixture
def users(path: Path) -> Iterator[Accounts]:
    users = Accounts(path, test_open=True)
    yield users
    users.close()


def register(users: Accounts, *names: str) -> None:
    for name in names:
        users.add(name, HASH, made=MADE)
    users.commit()


def on_disk(path: Path) -> Table:
    return Table(path.read_bytes())


def in_place(path: Path, data: bytes) -> None:
    """As nano, VS Code, cp, and `>` of a shell write."""
    with path.open("r+b") as file:
        file.truncate(0)
        file.write(data)


def by_rename(path: Path, data: bytes) -> None:
    """As sed -i and most programs write."""
    new = path.with_name("sedAb12")
    new.write_bytes(data)
    new.rename(path)


def like_vim(path: Path, data: bytes) -> None:
    """As vim writes with backupcopy=no: the old file is moved away, and a new one made under its name."""
    backup = path.with_name(path.name + "~")
    path.rename(backup)
    path.write_bytes(data)
    backup.unlink()


STYLES = pytest.mark.parametrize("save", [in_place, by_rename, like_vim])


def interfere(monkeypatch: pytest.MonkeyPatch, *acts: Callable[[], object]) -> None:
    """Let one of `acts` happen in the middle of each next write: after our look, before the exchange."""
    real, left = beside.exchange, list(acts)

    def exchange(new: Path, path: Path) -> bool:
        if left:
            left.pop(0)()
        return real(new, path)

    monkeypatch.setattr(beside, "exchange", exchange)


# -- reading and staging


def test_accounts_are_found_in_any_case(users: Accounts) -> None:
    ann = users.get("ANN")
    assert ann is not None
    assert (ann.name, ann.secret, ann.roles, ann.flags) == ("ann", HASH, ("user",), frozenset())
    assert users.get("nobody") is None
    assert [account.name for account in users] == ["ann", "bob"]
    assert len(users) == 2
    assert users.problems == []


def test_a_missing_file_has_no_accounts_and_is_made(tmp_path: Path) -> None:
    users = Accounts(tmp_path / "user-db", test_open=True)
    assert len(users) == 0
    register(users, "ann")
    assert list(on_disk(tmp_path / "user-db").accounts) == ["ann"]
    assert (tmp_path / "user-db").stat().st_mode & 0o777 == 0o600


def test_install_puts_the_shipped_file_once(tmp_path: Path) -> None:
    shipped = CODE / "resources" / "users" / "user-db"
    assert install(tmp_path / "user-db", shipped)
    assert (tmp_path / "user-db").read_bytes() == shipped.read_bytes()
    assert (tmp_path / "user-db").stat().st_mode & 0o777 == 0o600
    (tmp_path / "user-db").write_text("mine")
    assert not install(tmp_path / "user-db", shipped)
    assert (tmp_path / "user-db").read_text() == "mine"


def test_staged_accounts_are_seen_at_once_and_gone_after_rollback(users: Accounts, path: Path) -> None:
    before = path.read_bytes()
    users.add("Cy", HASH, made=MADE + 123)
    users.change("ann", secret=OTHER)
    assert users.dirty
    assert users.get("cy") is not None
    assert users.get("ann").secret == OTHER  # type: ignore[union-attr]
    assert [account.name for account in users] == ["ann", "bob", "Cy"]
    assert len(users) == 3
    users.rollback()
    assert not users.dirty
    assert (users.get("cy"), len(users)) == (None, 2)
    users.commit()
    assert path.read_bytes() == before


def test_a_commit_changes_its_lines_and_no_others(users: Accounts, path: Path) -> None:
    users.add("Cy", HASH, ("user", "operator"), ("locked",), made=MADE + 123)
    users.change("bob", secret=OTHER)
    users.change("bob", roles=("user",))
    users.commit()
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# user-db version 1 ")
    assert lines[1:] == [
        "# our people",
        "",
        f"ann:{HASH}:user::2026-11-20",
        f"bob:{OTHER}:user::2026-11-20T10:00:00Z:shell=/bin/no",
        "# the end",
        f"Cy:{HASH}:user,operator:locked:2026-11-20T18:00:00Z",
    ]
    assert path.stat().st_mode & 0o777 == 0o640
    assert not users.dirty
    assert users.refresh() == []
    again = Accounts(path, test_open=True)
    assert list(again) == list(users)
    assert sorted(entry.name for entry in path.parent.iterdir()) == [".user-db.recent", "user-db"]


def test_a_commit_of_nothing_touches_nothing(users: Accounts, path: Path) -> None:
    before = path.stat()
    users.change("ann", secret=HASH)
    assert not users.dirty
    users.commit()
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino


@pytest.mark.parametrize(("name", "code"), [("ANN", "name_taken"), ("admin", "bad_name"), ("a b", "bad_name")])
def test_names_that_cannot_be_had(users: Accounts, name: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        users.add(name, HASH, made=MADE)
    assert refused.value.code == code
    users.add("new", HASH, made=MADE)
    with pytest.raises(Refused):
        users.add("NEW", HASH, made=MADE)


def test_nobody_gets_the_name_of_a_broken_line(path: Path) -> None:
    path.write_text(FILE + "cy:{MD5}x:user::\n")
    users = Accounts(path, test_open=True)
    assert users.problems == [(6, "the scheme {MD5} is not known, only {PLAIN} and {ARGON2ID}")]
    assert users.get("cy") is None
    assert users.taken("CY")
    with pytest.raises(Refused) as refused:
        users.add("Cy", HASH, made=MADE)
    assert refused.value.code == "name_taken"


def test_a_change_of_nobody_is_refused(users: Accounts) -> None:
    with pytest.raises(Refused) as refused:
        users.change("nobody", secret=HASH)
    assert refused.value.code == "no_such_user"


def test_a_secret_that_no_line_can_hold_is_refused_before_it_is_staged(users: Accounts) -> None:
    with pytest.raises(ValueError, match="user db"):
        users.add("new", "{PLAIN}a:b", made=MADE)
    with pytest.raises(ValueError, match="user db"):
        users.change("ann", secret="{PLAIN}a:b")
    assert not users.dirty


@pytest.mark.parametrize("test_open", [True, False])
def test_locked_accounts_and_test_accounts(path: Path, test_open: bool) -> None:
    path.write_text("ann:{PLAIN}1:user:locked:\nbob:{PLAIN}1:user:test:\ncy:{PLAIN}1:user::\n")
    users = Accounts(path, test_open=test_open)
    ann, bob, cy = users
    users.usable(cy)
    with pytest.raises(Refused) as refused:
        users.usable(ann)
    assert refused.value.code == "locked"
    if test_open:
        users.usable(bob)
    else:
        with pytest.raises(Refused, match="test account"):
            users.usable(bob)


# -- edits while the server runs


@STYLES
def test_an_edit_is_picked_up_and_told(users: Accounts, path: Path, save: Callable[[Path, bytes], None]) -> None:
    register(users, "cy", "di", "ed")
    assert users.refresh() == []
    text = path.read_text()
    text = text.replace("bob:{PLAIN}pw", "bob:{PLAIN}new")
    text = text.replace(f"cy:{HASH}:user:", f"cy:{HASH}:user:locked")
    text = "".join(line + "\n" for line in text.splitlines() if not line.startswith("di:"))
    text = text.replace(f"ed:{HASH}:user", f"ed:{HASH}:user,admin") + "fay:{PLAIN}x:user::\n"
    save(path, text.encode())
    assert sorted(users.refresh()) == ["bob", "cy", "di", "ed"]
    assert users.refresh() == []
    assert users.get("di") is None
    assert users.get("fay") is not None
    assert not users.dirty
    assert path.read_text() == text


def test_a_line_that_is_broken_by_an_edit_costs_its_account_only(users: Accounts, path: Path) -> None:
    path.write_text(FILE.replace("bob:{PLAIN}pw", "bob:{PLAN}pw"))
    assert users.refresh() == ["bob"]
    assert [number for number, _ in users.problems] == [4]
    register(users, "cy")
    assert "bob:{PLAN}pw:user,admin::2026-11-20T10:00:00Z:shell=/bin/no\n" in path.read_text()
    path.write_text(FILE)
    assert users.refresh() == []
    assert users.problems == []
    assert users.get("cy") is not None  # this copy had not seen the registration


def test_a_file_that_went_away_changes_nothing_and_is_told(users: Accounts, path: Path) -> None:
    path.unlink()
    assert users.refresh() == users.refresh() == []
    assert users.get("ann") is not None
    assert users.problems == [(0, "user-db cannot be read (No such file or directory): the accounts stay as they were")]
    register(users, "cy")
    assert list(on_disk(path).accounts) == ["ann", "bob", "cy"]
    assert path.read_text().count("# our people") == 1


def test_a_file_being_written_is_not_taken_for_deletions(
    users: Accounts, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = path.open("r+b")
    writer.truncate(0)
    rest = [FILE[:40], FILE[40:] + "cy:{PLAIN}x:user::\n"]

    def writes_on(_seconds: float) -> None:
        if rest:
            writer.write(rest.pop(0).encode())
            writer.flush()

    monkeypatch.setattr(time, "sleep", writes_on)
    assert users.refresh() == []
    assert len(users) == 3
    writer.close()


def test_an_emptied_file_has_no_accounts(users: Accounts, path: Path) -> None:
    path.write_bytes(b"")
    assert users.refresh() == ["ann", "bob"]
    register(users, "cy")
    assert list(on_disk(path).accounts) == ["cy"]


def test_an_edit_that_only_a_commit_noticed_is_told_by_refresh(users: Accounts, path: Path) -> None:
    path.write_text(FILE.replace("bob:{PLAIN}pw", "bob:{PLAIN}new"))
    register(users, "cy")
    assert users.get("bob").secret == "{PLAIN}new"  # type: ignore[union-attr]
    assert users.refresh() == ["bob"]
    assert users.refresh() == []


def test_force_reads_whatever_stat_says(users: Accounts, path: Path) -> None:
    before = path.stat()
    path.write_text(FILE.replace("{PLAIN}pw", "{PLAIN}wp"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert users.refresh() == []
    assert users.refresh(force=True) == ["bob"]


def test_a_link_stays_a_link(tmp_path: Path, path: Path) -> None:
    link = tmp_path / "elsewhere" / "user-db"
    link.parent.mkdir()
    link.symlink_to(path)
    users = Accounts(link, test_open=True)
    register(users, "cy")
    assert link.is_symlink()
    assert "cy" in on_disk(path).accounts


# -- edits in the middle of a write


@STYLES
def test_an_edit_between_our_look_and_our_write_is_merged(
    users: Accounts, path: Path, save: Callable[[Path, bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = (
        FILE.replace("# the end", "# the very end").replace("bob:{PLAIN}pw", "bob:{PLAIN}new") + "fay:{PLAIN}x:user::"
    )
    interfere(monkeypatch, lambda: save(path, edited.encode()))
    users.change("ann", secret=OTHER)
    register(users, "cy")
    table = on_disk(path)
    assert {key: account.secret for key, account in table.accounts.items()} == {
        "ann": OTHER,
        "bob": "{PLAIN}new",
        "fay": "{PLAIN}x",
        "cy": HASH,
    }
    assert "# the very end" in path.read_text()
    assert users.refresh() == ["bob"]
    assert list(users) == list(table.accounts.values())
    assert sorted(entry.name for entry in path.parent.iterdir()) == [".user-db.recent", "user-db"]


def test_edits_in_the_middle_of_write_after_write_are_merged(
    users: Accounts, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def append(line: str) -> Callable[[], None]:
        def act() -> None:
            with path.open("a") as file:
                file.write(line + "\n")

        return act

    interfere(monkeypatch, *[append(f"u{number}:{{PLAIN}}x:user::") for number in range(4)])
    register(users, "cy")
    assert set(on_disk(path).accounts) == {"ann", "bob", "cy", "u0", "u1", "u2", "u3"}
    assert set(users._table.accounts) == {"ann", "bob", "cy", "u0", "u1", "u2", "u3"}


def test_somebody_who_never_stops_writing_loses_no_more_than_into_a_copy(
    users: Accounts, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts = [lambda n=n: by_rename(path, FILE.encode() + b"u%d:{PLAIN}x:user::\n" % n) for n in range(9)]
    interfere(monkeypatch, *acts)
    register(users, "cy")
    assert "cy" in on_disk(path).accounts
    assert list(path.parent.glob("user-db.bak*"))
    assert "all the time" in users.problems[-1][1]


def test_the_same_password_changed_by_both_is_ours_and_theirs_is_kept(
    users: Accounts, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.with_name("user-db.bak").write_text("mine")
    edited = FILE.replace(f"ann:{HASH}", "ann:{PLAIN}theirs").encode()
    interfere(monkeypatch, lambda: in_place(path, edited))
    users.change("ann", secret=OTHER)
    users.commit()
    assert on_disk(path).accounts["ann"].secret == OTHER
    assert path.with_name("user-db.bak").read_text() == "mine"
    assert path.with_name("user-db.bak.1").read_bytes() == edited
    assert path.with_name("user-db.bak.1").stat().st_mode & 0o777 == 0o600
    assert [number for number, _ in users.problems] == [0]
    assert "user-db.bak.1" in users.problems[0][1]


def test_a_deleted_account_stays_deleted_and_our_change_of_it_is_kept(users: Accounts, path: Path) -> None:
    users.change("ann", secret=OTHER)
    path.write_text(FILE.replace(f"ann:{HASH}:user::2026-11-20\n", ""))
    users.commit()
    assert "ann" not in on_disk(path).accounts
    assert OTHER in path.with_name("user-db.bak").read_text()
    assert users.refresh() == ["ann"]


def test_without_backup_no_copies_are_made(path: Path) -> None:
    users = Accounts(path, test_open=True, backup=False)
    users.change("ann", secret=OTHER)
    path.write_text(FILE.replace(f"ann:{HASH}", "ann:{PLAIN}theirs"))
    users.commit()
    assert not list(path.parent.glob("*.bak*"))
    assert "not kept" in users.problems[0][1]


def test_what_is_written_into_the_file_that_was_exchanged_comes_too(users: Accounts, path: Path) -> None:
    late = path.open("ab")  # an editor that has the file open, and writes a moment after the exchange
    register(users, "cy")
    late.write(b"fay:{PLAIN}x:user::\n")
    late.flush()
    assert users.refresh() == []
    assert not users.dirty  # once may be the middle of it
    assert users.refresh() == []
    assert users.dirty
    users.commit()
    assert list(on_disk(path).accounts) == ["ann", "bob", "cy", "fay"]
    late.close()


def test_what_is_written_into_the_exchanged_file_and_the_new_one_is_merged(users: Accounts, path: Path) -> None:
    users.change("ann", secret=OTHER)
    with path.open("ab") as late:
        register(users, "cy")
        late.write(b"fay:{PLAIN}x:user::\n")
        late.flush()
        users.refresh()
        users.refresh()
        with path.open("ab") as other:
            other.write(b"gil:{PLAIN}x:user::\n")
        users.commit()
    assert set(on_disk(path).accounts) == {"ann", "bob", "cy", "fay", "gil"}
    assert on_disk(path).accounts["ann"].secret == OTHER
    assert not list(path.parent.glob("*.bak*"))


def test_a_lock_and_a_remark_written_late_are_not_lost(users: Accounts, path: Path) -> None:
    with path.open("r+b") as late:
        register(users, "cy")
        edited = FILE.replace(f"ann:{HASH}:user:", f"ann:{HASH}:user:locked") + "# a remark\n"
        late.write(edited.encode())
        late.flush()
        users.refresh()
        users.refresh()
        users.commit()
    assert users.refresh() == ["ann"]
    assert on_disk(path).accounts["ann"].flags == {"locked"}
    assert path.with_name("user-db.bak").read_text() == edited
    assert "user-db.bak" in users.problems[-1][1]


def test_an_older_copy_written_late_takes_nothing_back(users: Accounts, path: Path) -> None:
    users.change("ann", secret=OTHER)
    users.commit()
    with path.open("r+b") as late:
        users.change("ann", secret=THIRD)
        register(users, "cy")
        late.truncate(0)
        late.write(FILE.encode() + b"fay:{PLAIN}x:user::\n")
        late.flush()
        users.refresh()
        users.refresh()
        users.commit()
    table = on_disk(path)
    assert set(table.accounts) == {"ann", "bob", "cy", "fay"}
    assert table.accounts["ann"].secret == THIRD


def test_many_commits_in_a_row_still_see_who_wrote_late(users: Accounts, path: Path) -> None:
    with path.open("ab") as late:
        register(users, "u0")
        late.write(b"fay:{PLAIN}x:user::\n")
        late.flush()
        for number in range(1, WATCHED + 2):
            register(users, f"u{number}")
    users.refresh()
    users.commit()
    assert "fay" in on_disk(path).accounts


def test_a_file_emptied_before_the_exchange_and_written_after_it(
    users: Accounts, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = path.open("r+b")
    interfere(monkeypatch, lambda: writer.truncate(0))

    def writes_on(_seconds: float) -> None:
        writer.write(FILE.encode() + b"fay:{PLAIN}x:user::\n")
        writer.close()
        monkeypatch.setattr(time, "sleep", lambda _: None)

    monkeypatch.setattr(time, "sleep", writes_on)
    register(users, "cy")
    assert users.refresh() == []
    assert list(on_disk(path).accounts) == ["ann", "bob", "fay", "cy"]
    assert path.read_text().count("# our people") == 1


# -- an editor that was open over our writes


@STYLES
@pytest.mark.parametrize("restarted", [False, True])
def test_a_registration_comes_back_that_an_editors_older_copy_lacks(
    users: Accounts, path: Path, save: Callable[[Path, bytes], None], restarted: bool
) -> None:
    register(users, "early")
    editor = path.read_text()
    register(users, "cy")
    users.change("cy", secret=OTHER)
    users.change("ann", secret=OTHER)
    users.commit()
    if restarted:
        users = Accounts(path, test_open=True)
    editor = "".join(line + "\n" for line in editor.splitlines() if not line.startswith("early:"))
    editor = editor.replace("bob:{PLAIN}pw", "bob:{PLAIN}new").replace("# the end", "# I was here")
    save(path, editor.encode())
    assert sorted(users.refresh()) == ["bob", "early"]
    assert users.get("cy") is not None
    assert users.dirty
    users.commit()
    table = on_disk(path)
    assert {key: account.secret for key, account in table.accounts.items()} == {
        "ann": OTHER,
        "bob": "{PLAIN}new",
        "cy": OTHER,
    }
    assert "# I was here" in path.read_text()
    assert not list(path.parent.glob("*.bak*"))
    save(path, editor.encode())  # it saves again, from the same old copy
    assert users.refresh() == []
    users.commit()
    assert set(on_disk(path).accounts) == {"ann", "bob", "cy"}


def test_an_older_copy_written_while_the_server_was_down_is_mended_at_the_start(users: Accounts, path: Path) -> None:
    register(users, "cy")
    path.write_text(FILE)
    users = Accounts(path, test_open=True)
    assert users.get("cy") is not None
    assert users.dirty
    users.commit()
    assert "cy" in on_disk(path).accounts


def test_a_deletion_in_a_copy_of_the_newest_version_stands(users: Accounts, path: Path) -> None:
    old = path.read_bytes()
    register(users, "cy")
    text = path.read_text()
    path.write_text("".join(line + "\n" for line in text.splitlines() if not line.startswith("cy:")))
    assert users.refresh() == ["cy"]
    assert not users.dirty
    path.write_bytes(old)  # and is not undone by a copy from before the registration
    assert users.refresh() == []
    assert users.get("cy") is None


def test_a_password_that_an_older_copy_changed_as_well_is_ours_and_theirs_is_kept(users: Accounts, path: Path) -> None:
    users.change("ann", secret=OTHER)
    users.commit()
    edited = FILE.replace(f"ann:{HASH}", "ann:{PLAIN}theirs").encode()
    path.write_bytes(edited)
    assert users.refresh() == []
    users.commit()
    assert on_disk(path).accounts["ann"].secret == OTHER
    assert path.with_name("user-db.bak").read_bytes() == edited


def test_a_lock_in_an_older_copy_stands(users: Accounts, path: Path) -> None:
    users.change("ann", secret=OTHER)
    users.commit()
    path.write_text(FILE.replace(f"ann:{HASH}:user:", f"ann:{HASH}:user:locked"))
    assert users.refresh() == ["ann"]
    users.commit()
    ann = on_disk(path).accounts["ann"]
    assert (ann.secret, ann.flags) == (OTHER, {"locked"})


def test_a_copy_older_than_what_is_remembered_is_told(users: Accounts, path: Path) -> None:
    register(users, "cy")
    users = Accounts(path, test_open=True)
    path.with_name(".user-db.recent").unlink()
    users = Accounts(path, test_open=True)
    path.write_text(FILE)
    assert users.refresh() == ["cy"]
    assert b"cy:" in path.with_name("user-db.bak").read_bytes()
    assert "too old" in users.problems[0][1]


def test_no_password_in_clear_is_kept_beside(users: Accounts, path: Path) -> None:
    users.change("bob", secret=OTHER, rehash=True)
    users.commit()
    users.change("bob", roles=("user",))
    users.add("cy", "{PLAIN}geheim", made=MADE)
    users.commit()
    kept = path.with_name(".user-db.recent")
    assert b"pw" not in kept.read_bytes()
    assert b"geheim" not in kept.read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_sed_and_the_shell(users: Accounts, path: Path) -> None:
    register(users, "cy")
    subprocess.run(["sed", "-i", "s/bob:{PLAIN}pw/bob:{PLAIN}sed/", str(path)], check=True)
    subprocess.run(f"echo 'fay:{{PLAIN}}x:user::' >> {path}", shell=True, check=True)
    assert users.refresh() == ["bob"]
    register(users, "di")
    assert list(on_disk(path).accounts) == ["ann", "bob", "cy", "fay", "di"]
    assert on_disk(path).accounts["bob"].secret == "{PLAIN}sed"


@pytest.mark.skipif(shutil.which("vim") is None, reason="no vim here")
@pytest.mark.parametrize("backupcopy", ["yes", "no"])
def test_vim_open_over_a_registration(users: Accounts, path: Path, backupcopy: str) -> None:
    copy = path.with_name("buffer")
    copy.write_bytes(path.read_bytes())
    register(users, "cy")
    command = ["vim", "-N", "-u", "NONE", "-es", "-c", f"set backupcopy={backupcopy}", "-c", "%s/PLAIN}pw/PLAIN}vim/"]
    subprocess.run([*command, "-c", f"w! {path}", "-c", "q!", str(copy)], check=True, timeout=30)
    users.refresh()
    users.commit()
    assert list(on_disk(path).accounts) == ["ann", "bob", "cy"]
    assert on_disk(path).accounts["bob"].secret == "{PLAIN}vim"


# -- failures


def test_a_failed_commit_leaves_the_file_and_forgets_what_was_staged(
    users: Accounts, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(beside, "write", full)
        users.add("cy", HASH, made=MADE)
        with pytest.raises(OSError, match="No space"):
            users.commit()
    assert path.read_bytes() == before
    assert users.get("cy") is None
    assert not users.dirty
    assert users.refresh() == []
    register(users, "cy")
    assert "cy" in on_disk(path).accounts


@pytest.mark.parametrize("failing", ["exchange", "sync_directory"])
def test_a_failure_at_any_step_leaves_the_file(
    users: Accounts, path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    before = path.read_bytes()
    real, left = getattr(beside, failing), [1]

    def fail(*values: object) -> object:
        if left:
            left.pop()
            raise OSError(5, "Input/output error")
        return real(*values)

    monkeypatch.setattr(beside, failing, fail)
    users.add("cy", HASH, made=MADE)
    with pytest.raises(OSError, match="Input/output"):
        users.commit()
    assert path.read_bytes() == before
    assert users.refresh() == []
    register(users, "cy")
    assert "cy" in on_disk(path).accounts


def test_a_disk_that_is_full_when_an_edit_is_to_be_merged_leaves_the_edit(
    users: Accounts, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = FILE.encode() + b"fay:{PLAIN}x:user::\n"
    real, writes = beside.write, []

    def write(*values: object) -> None:
        writes.append(1)
        if len(writes) == 2:
            raise OSError(28, "No space left on device")
        real(*values)  # type: ignore[arg-type]

    interfere(monkeypatch, lambda: in_place(path, edited))
    monkeypatch.setattr(beside, "write", write)
    users.add("cy", HASH, made=MADE)
    with pytest.raises(OSError, match="No space"):
        users.commit()
    assert path.read_bytes() == edited
    users.refresh()
    assert users.get("fay") is not None
    assert users.get("cy") is None


def test_an_older_copy_is_mended_when_the_disk_lets_it(
    users: Accounts, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(users, "cy")
    path.write_text(FILE)
    users.refresh()

    def full(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(beside, "write", full)
        users.commit()  # nobody's registration hangs on it, so nobody is told
    assert not users.dirty
    assert users.get("cy") is not None
    users.refresh()
    assert users.dirty
    users.commit()
    assert "cy" in on_disk(path).accounts


@pytest.mark.parametrize("name", [".user-db.new", ".user-db.out", ".user-db.new.was"])
def test_what_a_crash_left_is_kept_when_it_has_something_of_its_own(path: Path, name: str) -> None:
    left = path.with_name(name)
    left.write_text(FILE + "fay:{PLAIN}x:user::\n")  # the operator's, exchanged and not yet merged
    users = Accounts(path, test_open=True)
    assert not left.exists()
    assert b"fay" in path.with_name("user-db.bak").read_bytes()
    assert "user-db.bak" in users.problems[0][1]
    for text in (FILE, "# user-db version 99\ncy:{PLAIN}x:user::\n"):  # what was in place; what never came there
        left.write_text(text)
        assert Accounts(path, test_open=True).problems == []
        assert not left.exists()


# -- where renameat2 is missing


@pytest.mark.parametrize("interfering", [False, True])
def test_without_renameat2_it_works_by_link_and_rename(
    users: Accounts, path: Path, monkeypatch: pytest.MonkeyPatch, interfering: bool
) -> None:
    monkeypatch.setattr(beside, "_libc", object())
    if interfering:
        interfere(monkeypatch, lambda: by_rename(path, FILE.encode() + b"fay:{PLAIN}x:user::\n"))
    register(users, "cy")
    assert set(on_disk(path).accounts) == {"ann", "bob", "cy"} | ({"fay"} if interfering else set())
    assert sorted(entry.name for entry in path.parent.iterdir()) == [".user-db.recent", "user-db"]


# -- one editor and the server, in any order


class EditorAndServer(RuleBasedStateMachine):
    """What the server acknowledged, and what the editor saved, is all there, unless the editor deleted it knowingly."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.path = self.home / "user-db"
        self.path.write_text(FILE)
        self.users = Accounts(self.path, test_open=True)
        self.buffer: str | None = None
        self.expected = {"ann": HASH, "bob": "{PLAIN}pw"}
        self.edited: dict[str, str | None] = {}
        self.number = 0

    def name(self, what: str) -> str:
        self.number += 1
        return f"{what}{self.number}"

    @rule()
    def somebody_registers(self) -> None:
        name = self.name("user")
        register(self.users, name)
        self.expected[name] = HASH

    @rule(data=st.data(), secret=st.sampled_from([HASH, OTHER, THIRD]))
    def somebody_changes_the_password(self, data: st.DataObject, secret: str) -> None:
        free = [name for name in self.expected if self.users.get(name) and name not in self.edited]
        if free:
            name = data.draw(st.sampled_from(free))
            self.users.change(name, secret=secret)
            self.users.commit()
            self.expected[name] = secret

    @rule()
    def the_server_looks(self) -> None:
        self.users.refresh()
        self.users.commit()

    @rule()
    def the_server_is_killed_and_comes_back(self) -> None:
        self.users.close()
        self.users = Accounts(self.path, test_open=True)

    @precondition(lambda self: self.buffer is None)
    @rule()
    def the_editor_opens(self) -> None:
        self.the_server_looks()
        self.buffer = self.path.read_text()
        self.edited = {}

    @precondition(lambda self: self.buffer is not None)
    @rule()
    def the_editor_adds(self) -> None:
        name = self.name("typed")
        self.buffer = (self.buffer or "") + f"{name}:{{PLAIN}}x:user::\n"
        self.edited[name] = "{PLAIN}x"

    @precondition(lambda self: self.buffer is not None)
    @rule(data=st.data())
    def the_editor_deletes(self, data: st.DataObject) -> None:
        there = Table((self.buffer or "").encode()).accounts
        unchanged = [name for name, account in there.items() if account.secret == self.expected.get(name)]
        if unchanged:
            name = data.draw(st.sampled_from(unchanged))
            lines = (self.buffer or "").splitlines()
            self.buffer = "".join(line + "\n" for line in lines if not line.startswith(f"{name}:"))
            self.edited[name] = None

    @precondition(lambda self: self.buffer is not None)
    @rule(save=st.sampled_from([in_place, by_rename, like_vim]), stays=st.booleans())
    def the_editor_saves(self, save: Callable[[Path, bytes], None], stays: bool) -> None:
        save(self.path, (self.buffer or "").encode())
        for name, secret in self.edited.items():
            if secret is None:
                self.expected.pop(name, None)
            else:
                self.expected[name] = secret
        if not stays:
            self.buffer, self.edited = None, {}

    @invariant()
    def nothing_is_lost(self) -> None:
        self.users.refresh()
        shown = {name: account.secret for name, account in self.users._table.accounts.items()}
        assert shown == self.expected
        self.users.commit()
        assert {key: account.secret for key, account in on_disk(self.path).accounts.items()} == self.expected

    def teardown(self) -> None:
        self.users.close()
        shutil.rmtree(self.home)


TestEditorAndServer = EditorAndServer.TestCase
TestEditorAndServer.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
