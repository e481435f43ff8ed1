"""The paces of many people: each has its own, and only so many are remembered."""

import pytest

from wire.errors import Refused
from wire.pace import Paces


def test_each_has_a_pace_of_their_own() -> None:
    paces = Paces()
    paces.take("ann", 1, 0.0)
    paces.take("bob", 1, 0.0)
    with pytest.raises(Refused, match="slow down"):
        paces.take("ann", 1, 1.0)
    paces.take("ann", 1, 61.0)


def test_none_is_any_number() -> None:
    paces = Paces()
    for _ in range(1_000):
        paces.take("ann", 0, 0.0)


def test_whoever_was_heard_of_longest_ago_is_forgotten() -> None:
    paces = Paces(most=2)
    for name in ("ann", "bob"):
        paces.take(name, 1, 0.0)
    with pytest.raises(Refused):
        paces.take("ann", 1, 0.0)  # heard of again
    paces.take("eve", 1, 0.0)
    with pytest.raises(Refused):
        paces.take("ann", 1, 0.0)
    paces.take("bob", 1, 0.0)
