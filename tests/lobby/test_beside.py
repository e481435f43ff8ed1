"""Files that are written beside: what was there comes back, and nothing of somebody else's is overwritten."""

import os
from pathlib import Path

import pytest

from lobby import beside


@pytest.fixture(params=["renameat2", "link"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "link":
        monkeypatch.setattr(beside, "_libc", object())


@pytest.mark.usefixtures("both_ways")
def test_exchange_brings_out_what_was_there(tmp_path: Path) -> None:
    new, path = tmp_path / "new", tmp_path / "path"
    new.write_text("new")
    path.write_text("old")
    assert beside.exchange(new, path)
    assert (path.read_text(), new.read_text()) == ("new", "old")
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.usefixtures("both_ways")
def test_exchange_with_nothing(tmp_path: Path) -> None:
    new, path = tmp_path / "new", tmp_path / "path"
    new.write_text("new")
    assert not beside.exchange(new, path)
    assert path.read_text() == "new"
    assert not new.exists()


def test_a_file_that_came_at_the_same_moment_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, path = tmp_path / "new", tmp_path / "path"
    new.write_text("new")
    real = os.link

    def link(source: Path, target: Path) -> None:
        if target == path:
            path.write_text("theirs")
        real(source, target)

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(FileExistsError):
        beside.exchange(new, path)
    assert path.read_text() == "theirs"


def test_a_file_system_without_links_or_exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new, path = tmp_path / "new", tmp_path / "path"
    new.write_text("new")
    path.write_text("old")

    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(beside, "_libc", object())
    monkeypatch.setattr(os, "link", no_links)
    assert beside.exchange(new, path)
    assert (path.read_text(), new.read_text()) == ("new", "old")


def test_write_takes_mode_from_the_old_file_and_is_private_else(tmp_path: Path) -> None:
    path = tmp_path / "x"
    beside.write(path, b"1")
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    beside.write(tmp_path / "y", b"2", path.stat())
    assert (tmp_path / "y").stat().st_mode & 0o777 == 0o640


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        beside.replace(tmp_path / "x", b"1")
    assert not list(tmp_path.iterdir())


def test_copies_are_numbered(tmp_path: Path) -> None:
    path = tmp_path / "x"
    names = [beside.keep(path, b"%d" % number).name for number in range(3)]
    assert names == ["x.bak", "x.bak.1", "x.bak.2"]
    assert [(tmp_path / name).read_bytes() for name in names] == [b"0", b"1", b"2"]
