"""The keys: private, replaced whole, and one room's are of no use for another."""

import json
from pathlib import Path

import pytest

from base.paths import DataError, Paths
from lobby.keys import load_or_create, rotate, write_room_key
from wire.errors import Refused
from wire.tickets import SessionToken, derive_ring, sign, verify


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "master-key"


def test_the_key_is_made_once_and_is_private(path: Path) -> None:
    keys = load_or_create(path)
    assert list(keys) == [1]
    assert len(keys[1]) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_or_create(path) == keys
    assert json.loads(path.read_text()) == {"1": keys[1].hex()}
    assert [entry.name for entry in path.parent.iterdir()] == ["master-key"]


def test_a_key_that_others_could_read_is_made_private(path: Path) -> None:
    load_or_create(path)
    path.chmod(0o644)
    load_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_rotation_keeps_older_generations_for_a_while(path: Path) -> None:
    first = load_or_create(path)
    token = SessionToken(session="s", name="ann", guest=False, issued=0, expires=100)
    signed = sign(derive_ring(first, "session"), token)
    second = rotate(path)
    assert second == load_or_create(path)
    assert second[1] == first[1]
    assert verify(derive_ring(second, "session"), signed, SessionToken, wall=1, code="bad_session") == token
    assert sign(derive_ring(second, "session"), token).startswith("2.")
    assert list(rotate(path)) == [1, 2, 3]
    assert list(rotate(path)) == [2, 3, 4]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"1": "abcd"}',
        '{"x": "00"}',
        '{"1": 5}',
        '{"0": "' + "00" * 32 + '"}',
        '{"1": "zz"}',
        "\xff",
    ],
)
def test_a_file_that_is_no_key_is_said_and_left_alone(path: Path, content: str) -> None:
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(DataError, match="is no key file"):
        load_or_create(path)
    assert path.read_bytes() == content.encode("latin-1")


def test_a_room_gets_its_own_keys(tmp_path: Path, path: Path) -> None:
    masters = rotate(path)
    one, two = (Paths(tmp_path).room(room_id) for room_id in ("a" * 16, "b" * 16))
    write_room_key(one, masters, "a" * 16)
    write_room_key(two, masters, "b" * 16)
    rings = [{int(g): bytes.fromhex(key) for g, key in json.loads(room.key.read_text()).items()} for room in (one, two)]
    assert rings[0] == derive_ring(masters, "room", "a" * 16)
    assert one.key.stat().st_mode & 0o777 == 0o600
    assert one.home.stat().st_mode & 0o777 == 0o700
    token = SessionToken(session="s", name="ann", guest=False, issued=0, expires=100)
    with pytest.raises(Refused):
        verify(rings[1], sign(rings[0], token), SessionToken, wall=1, code="bad_ticket")


def test_a_rooms_key_is_written_only_when_it_is_new(tmp_path: Path, path: Path) -> None:
    room = Paths(tmp_path).room("a" * 16)
    write_room_key(room, load_or_create(path), "a" * 16)
    before = room.key.stat()
    write_room_key(room, load_or_create(path), "a" * 16)
    assert room.key.stat().st_ino == before.st_ino
    write_room_key(room, rotate(path), "a" * 16)
    whole = room.key.read_bytes()
    assert list(json.loads(whole)) == ["1", "2"]
    room.key.write_bytes(b"")  # what a power cut may leave, since nobody waited for the disk
    write_room_key(room, load_or_create(path), "a" * 16)
    assert room.key.read_bytes() == whole
