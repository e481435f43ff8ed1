"""The master key, and the rooms' keys that are derived from it.

Law: both are files of 0600 that are replaced whole. The highest generation signs; older ones still verify until every
token they signed has expired. A room finds only its own keys, and can forge nothing for another.
"""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from base.paths import DataError, RoomPaths
from lobby import beside
from wire.tickets import derive_ring

KEY_BYTES: Final = 32
GENERATIONS: Final = 3  # kept: a token lives for a day, so rotate less often than every twelve hours


def load_or_create(path: Path) -> dict[int, bytes]:
    """The master keys by generation. Raises DataError for a file that is no key, and OSError."""
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                os.fchmod(file.fileno(), 0o600)  # a copy back from somewhere else
            return _parse(file.read(), path)
    except FileNotFoundError:
        return _write(path, {1: secrets.token_bytes(KEY_BYTES)})


def rotate(path: Path) -> dict[int, bytes]:
    """Add a generation, by which everything is signed from now on; the oldest beyond three go."""
    keys = load_or_create(path)
    keys[max(keys) + 1] = secrets.token_bytes(KEY_BYTES)
    return _write(path, {generation: keys[generation] for generation in sorted(keys)[-GENERATIONS:]})


def write_room_key(room_paths: RoomPaths, masters: Mapping[int, bytes], room_id: str) -> None:
    """Put the room's keyring where the room reads it; no write when it is there already.

    It is not synced, which would be half of the syncs of a room's making: every start after a power cut is one that we
    ask for, and before we do, this looks at the file and makes it again from the master keys."""
    content = _encode(derive_ring(masters, "room", room_id))
    room_paths.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        if room_paths.key.read_bytes() == content:
            return
    except FileNotFoundError:
        pass
    beside.replace(room_paths.key, content, sync=False)


def _write(path: Path, keys: dict[int, bytes]) -> dict[int, bytes]:
    beside.replace(path, _encode(keys))
    return keys


def _encode(keys: Mapping[int, bytes]) -> bytes:
    return json.dumps({str(generation): key.hex() for generation, key in keys.items()}).encode() + b"\n"


def _parse(content: bytes, path: Path) -> dict[int, bytes]:
    try:
        keys = {int(generation): bytes.fromhex(key) for generation, key in json.loads(content).items()}
    except (ValueError, AttributeError, TypeError):
        keys = {}
    if not keys or any(len(key) != KEY_BYTES or generation < 1 for generation, key in keys.items()):
        raise DataError(f"{path} is no key file; restore it, or remove it and everybody logs in again")
    return keys
