"""What is remembered between visits, and what never is."""

import stat
from pathlib import Path

import pytest

from client import memory
from client.memory import Memory, Place, Visit


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)


def test_what_is_remembered_comes_back_for_its_owner_alone() -> None:
    kept = Memory(server="h:1", visits={"h:1": Visit(name="bob", guest=False, rooms={"hall": Place(41, 1)})})
    memory.remember(kept)
    assert memory.recall() == kept
    assert stat.S_IMODE(memory.place().stat().st_mode) == 0o600
    assert [path.name for path in memory.place().parent.iterdir()] == ["client.json"]


def test_rooms_are_those_of_who_was_here_last_and_of_nobody_else() -> None:
    visit = Visit(name="bob", rooms={"Den": Place(41, 1)})
    assert visit.rooms_of("Bob") == ["Den"]
    assert visit.rooms_of("eve") == []


def test_there_is_no_field_for_a_secret() -> None:
    assert set(Visit.__struct_fields__) == {"name", "guest", "rooms"}
    assert set(Memory.__struct_fields__) == {"server", "visits"}


@pytest.mark.parametrize("content", [b"", b"not json", b'{"server": 3}', b"\xff"])
def test_a_broken_memory_is_none(content: bytes) -> None:
    memory.remember(Memory())
    memory.place().write_bytes(content)
    assert memory.recall() == Memory()


def test_a_home_that_cannot_be_written_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    memory.remember(Memory(server="h:1"))
    assert memory.recall() == Memory()
