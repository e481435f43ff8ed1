"""The desk with real stores, for tests of requests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lobby.front import Front


@pytest.fixture
def make_front(tmp_path: Path) -> Iterator[Callable[..., Front]]:
    """Makes a desk with `--set` settings."""
    made: list[Front] = []

    def make(*settings: str) -> Front:
        made.append(Front(tmp_path, *settings))
        return made[-1]

    yield make
    for front in made:
        front.close()


@pytest.fixture
def front(make_front: Callable[..., Front]) -> Front:
    return make_front()
