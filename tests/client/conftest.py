"""Pilots of apps that know when there is nothing to wait for."""

from collections.abc import Iterator

import pytest
from textual import app, pilot

from tests.client.calm import calm


@pytest.fixture(scope="session", autouse=True)
def _calm() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (app, pilot):
            patch.setattr(module, "wait_for_idle", calm)
        yield
