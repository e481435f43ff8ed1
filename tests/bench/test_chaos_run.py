"""What a run counts as a gap in service: until the next answer after a fault, and at worst while a command ran."""

import pytest

from bench.chaos.run import away

SERVED = [1.0, 1.1, 2.0, 5.0, 5.5, 9.0]


@pytest.mark.parametrize(
    ("begun", "until", "gap"),
    [
        pytest.param(1.5, 0.0, 0.5, id="a fault, until the next answer"),
        pytest.param(9.5, 0.0, None, id="nothing was answered any more"),
        pytest.param(1.05, 5.2, 3.0, id="a command: the longest time while it ran"),
        pytest.param(5.2, 6.0, 3.5, id="which may reach beyond its end"),
        pytest.param(5.2, 9.5, None, id="or have no end"),
    ],
)
def test_a_gap(begun: float, until: float, gap: float | None) -> None:
    assert away(SERVED, begun, until) == (gap if gap is None else pytest.approx(gap))
