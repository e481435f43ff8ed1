"""Lines a second."""

import pytest

from lobby.traffic import Meter


def test_nothing_told_is_nothing() -> None:
    meter = Meter()
    assert meter.rate(5) == 0
    meter.note(5, 1_000)
    assert meter.rate(6) == 0


def test_the_rate_of_the_last_ten_seconds() -> None:
    meter = Meter()
    for second in range(31):
        meter.note(float(second), second * 3)
    assert meter.rate(30) == pytest.approx(3.0)
    assert meter.rate(35) == pytest.approx(1.5), "nothing for five seconds"
    assert meter.rate(40) == 0


def test_a_burst_after_a_long_silence() -> None:
    meter = Meter()
    meter.note(0, 0)
    meter.note(3_600, 50)
    assert meter.rate(3_600) == pytest.approx(5.0)


def test_a_young_room_is_measured_over_its_life() -> None:
    meter = Meter()
    meter.note(0, 0)
    meter.note(2, 10)
    assert meter.rate(2) == pytest.approx(5.0)


def test_it_keeps_little() -> None:
    meter = Meter()
    for second in range(10_000):
        meter.note(float(second), second)
    assert len(meter._told) <= 12
