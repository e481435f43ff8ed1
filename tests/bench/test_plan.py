"""A plan is the same for the same seed, has every kind of fault, and asks nothing impossible of a room."""

import pytest

from bench.chaos.plan import COOL_DOWN, DEATHS, KINDS, WARM_UP, WITHIN, plan


def test_a_seed_repeats_its_plan_and_another_does_not() -> None:
    assert plan(7, 60, 4) == plan(7, 60, 4)
    assert plan(7, 60, 4) != plan(8, 60, 4)


@pytest.mark.parametrize("seed", range(5))
def test_an_hour_has_every_kind_often(seed: int) -> None:
    events = plan(seed, 3_600, 4)
    assert {event.kind for event in events} == set(KINDS)
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert events[0].at >= WARM_UP
    assert all(event.at <= 3_600 - COOL_DOWN and event.at + event.seconds < 3_600 + 1 for event in events)


@pytest.mark.parametrize("seed", range(5))
def test_no_room_dies_so_often_that_it_is_given_up(seed: int) -> None:
    deaths: dict[int, list[float]] = {room: [] for room in range(3)}
    for event in plan(seed, 600, 3, every=0.3):
        if KINDS[event.kind][3]:
            for room in deaths if event.kind == "kill everything" else (event.room,):
                deaths[room].append(event.at)
    for moments in deaths.values():
        assert len(moments) > DEATHS
        assert all(sum(at - WITHIN < other <= at for other in moments) <= DEATHS for at in moments)


def test_kinds_are_left_out_as_asked() -> None:
    assert "fill disk" not in {event.kind for event in plan(1, 600, 3, without=frozenset({"fill disk"}))}
