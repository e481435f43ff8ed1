"""What the server lately changed: known again after a restart, bounded, and never in the way."""

from pathlib import Path

import pytest

from lobby import beside, recent
from lobby.recent import Recent
from lobby.userdb import Account, Edit

HASH = "{ARGON2ID}$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0c2E$" + "h" * 43


def added(name: str) -> Edit:
    return Edit(None, Account(name, HASH, ("user",), frozenset({"locked"}), 1000))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recent"


def test_it_is_the_same_after_a_restart(path: Path) -> None:
    one = Recent(path, 3)
    one.record(4, [added("ann")])
    one.record(5, [added("bob"), added("cy")])
    again = Recent(path, 5)
    assert again.version == 5
    assert again.since(3) == [added("ann"), added("bob"), added("cy")]
    assert again.since(4) == [added("bob"), added("cy")]
    assert again.since(5) == []
    assert again.knows(3)
    assert not again.knows(2)


def test_a_user_db_of_a_newer_version_is_believed(path: Path) -> None:
    Recent(path, 0).record(1, [added("ann")])
    assert Recent(path, 9).version == 9


def test_who_is_forgotten_stays_so(path: Path) -> None:
    one = Recent(path, 0)
    one.record(1, [added("Ann"), added("bob")])
    one.forget(["ann"])
    assert one.since(0) == Recent(path, 1).since(0) == [added("bob")]


@pytest.mark.parametrize("restarted", [False, True])
def test_it_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch, restarted: bool) -> None:
    monkeypatch.setattr(recent, "KEPT", 3)
    one = Recent(path, 0)
    for version in range(1, 21):
        one.record(version, [added(f"u{version}")])
    if restarted:
        one = Recent(path, 20)
        one.record(21, [])
    assert [edit.after.name for edit in one.since(17)] == ["u18", "u19", "u20"]
    assert one.knows(17)
    assert not one.knows(10)
    assert len(path.read_bytes().splitlines()) <= 7


@pytest.mark.parametrize("torn", [b'{"version":2,"aft', b"\xff\xfe\n", b"[]\n", b'{"version":2,"after":{"name":1}}\n'])
def test_a_torn_line_ends_it_and_the_next_write_mends_it(path: Path, torn: bytes) -> None:
    Recent(path, 0).record(1, [added("ann")])
    with path.open("ab") as file:
        file.write(torn)
    one = Recent(path, 1)
    assert one.since(0) == [added("ann")]
    one.record(2, [added("bob")])
    assert Recent(path, 2).since(0) == [added("ann"), added("bob")]


def test_a_disk_that_cannot_be_written_costs_the_protection_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    one = Recent(path, 0)
    with monkeypatch.context() as patch:
        patch.setattr(beside, "replace", full)
        one.record(1, [added("ann")])
        one.forget(["bob"])
        assert one.since(0) == [added("ann")]
    one.record(2, [added("bob")])
    assert Recent(path, 2).since(0) == [added("ann"), added("bob")]
