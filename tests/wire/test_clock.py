"""The time that passed here follows the wall clock, but for its jumps ahead."""

from wire.clock import Now, Passed

START = 1_800_000_000_000
HOUR = 3_600_000  # ms
DAY = 86_400  # s


def test_it_follows_a_clock_that_goes_as_clocks_do() -> None:
    passed = Passed(Now(10.0, START), trust=DAY)
    assert passed.at(Now(70.0, START + 60_000)) == START + 60_000
    assert passed.at(Now(130.0, START + 121_500)) == START + 121_500, "it is being set right, bit by bit"
    assert passed.at(Now(190.0, START - HOUR)) == START - HOUR, "back at once: what is younger is kept longer"


def test_a_jump_ahead_counts_once_it_has_stood() -> None:
    passed = Passed(Now(0.0, START), trust=DAY)
    assert passed.at(Now(60.0, START + 50 * HOUR)) == START + 60_000
    assert passed.at(Now(DAY, START + 50 * HOUR + DAY * 1_000)) == START + DAY * 1_000
    assert passed.at(Now(DAY + 60, START + 50 * HOUR + DAY * 1_000)) == START + 50 * HOUR + DAY * 1_000


def test_a_jump_that_is_taken_back_never_was() -> None:
    passed = Passed(Now(0.0, START), trust=DAY)
    passed.at(Now(60.0, START + 50 * HOUR))
    assert passed.at(Now(120.0, START + 120_000)) == START + 120_000
    assert passed.at(Now(DAY + 60, START + 50 * HOUR)) < START + 25 * HOUR, "another one has to stand as long"
