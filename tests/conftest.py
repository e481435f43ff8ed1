"""What all tests share. Law: no test sleeps or picks a port; it waits for a message or a condition, with a limit."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("parlour", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("parlour")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits longest begins first, so that nothing waits for it alone at the end."""
    items.sort(key=lambda item: item.name != "test_a_minute_of_chaos")


def pytest_collection_finish() -> None:
    """What was collected stays to the end: no search for garbage need go through thousands of tests again."""
    gc.freeze()


TERMINAL = (  # what says in which terminal a program runs, and what its user likes
    *("BROWSER", "COLORTERM", "COLUMNS", "EDITOR", "FORCE_COLOR", "LINES", "NO_COLOR", "SSH_CONNECTION", "SSH_TTY"),
    *("STY", "TMUX", "VISUAL"),
)


@pytest.fixture(autouse=True)
def _no_operators_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own PARLOUR_* and terminal must not decide what a test does."""
    for name in tuple(os.environ):
        if name.startswith("PARLOUR_") or name in TERMINAL:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def module_path() -> Iterator[Path]:
    """A directory of this module's own, for what its tests share; gone afterwards, as databases are big."""
    path = Path(tempfile.mkdtemp(prefix="parlour-test-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)
