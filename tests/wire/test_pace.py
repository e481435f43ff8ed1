"""The paces of many people: each has its own, and only so many are remembered."""

import pytest

from wire.errors import Refused
from wire.pace import Pace, Paces


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


def test_so_many_at_once_or_none() -> None:
    pace = Pace(1.0, 5)
    assert not pace.take_all(6, 10.0)
    assert pace.take_all(5, 10.0), "what was refused took nothing"
    assert not pace.take_all(3, 12.5)
    assert pace.take_all(2, 12.5)
    assert not pace.take_all(1, 12.9), "nor does time count twice"
    assert Pace(0, 1).take_all(1_000, 0.0)
