"""What `serve` says before the guardian runs."""

import pytest

from base.config import Config
from lobby.serve import _say_if_few


def test_a_system_that_allows_too_few_descriptors_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    _say_if_few(4_096, Config())
    (line,) = capsys.readouterr().err.splitlines()
    assert "4096 open files (ulimit -Hn)" in line
    _say_if_few(262_144, Config())
    assert not capsys.readouterr().err
