"""Growing pauses, spread out; and a pulse that notices a dead connection."""

import random

from client.patience import BASE, DEAD, FIRST, LONGEST, QUIET, STEADY, Pauses, Pulse
from wire.clock import Now


def at(mono: float) -> Now:
    return Now(mono, 0)


def test_pauses_grow_and_end_at_the_longest() -> None:
    pauses = Pauses(random.Random(1))
    waits = [pauses.next() for _ in range(12)]
    assert 0 <= waits[0] <= FIRST
    for number, wait in enumerate(waits[1:], 1):
        longest = min(LONGEST, BASE * 2**number)
        assert longest / 2 <= wait <= longest


def test_a_thousand_clients_spread_their_first_attempt() -> None:
    waits = sorted(Pauses(random.Random(seed)).next() for seed in range(1_000))
    assert waits[100] < FIRST * 0.2
    assert waits[-100] > FIRST * 0.8


def test_only_a_connection_that_lasted_begins_the_pauses_anew() -> None:
    pauses = Pauses(random.Random(1))
    pauses.next()
    pauses.succeeded(at(10))
    pauses.broke(at(10 + STEADY - 1))
    assert pauses.next() > FIRST
    pauses.succeeded(at(100))
    pauses.broke(at(100 + STEADY))
    assert pauses.next() <= FIRST


def test_silence_is_asked_about_once_and_then_is_death() -> None:
    pulse = Pulse()
    pulse.heard(at(0))
    assert not pulse.wants_ping(at(QUIET - 1))
    assert pulse.wants_ping(at(QUIET))
    assert not pulse.wants_ping(at(QUIET + 1))
    assert not pulse.dead(at(QUIET + DEAD - 1))
    assert pulse.next_deadline() == QUIET + DEAD
    assert pulse.dead(at(QUIET + DEAD))


def test_anything_heard_is_life() -> None:
    pulse = Pulse()
    pulse.heard(at(0))
    pulse.wants_ping(at(QUIET))
    pulse.heard(at(QUIET + 5))
    assert not pulse.dead(at(QUIET + DEAD))
    assert pulse.next_deadline() == QUIET + 5 + QUIET
