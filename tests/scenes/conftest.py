"""Stages for plays: `stage`, shared by the plays of a module, and `own_stage`, for those that kill and stop things."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scenes.stage import QUICK, UNLIMITED, Actor, Seat, Stage, seconds, within


@pytest.fixture(scope="module")
def stage(module_path: Path) -> Iterator[Stage]:
    stage = Stage(module_path / "data", *QUICK, *UNLIMITED)
    yield stage
    stage.stop()


@pytest.fixture
def own_stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path / "data", *QUICK, *UNLIMITED)
    yield stage
    stage.stop()


@pytest.fixture
def open_stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Stages with settings of the play's own."""
    stages: list[Stage] = []

    def start(*settings: str, options: tuple[str, ...] = ()) -> Stage:
        stages.append(Stage(tmp_path / f"data{len(stages)}", *QUICK, *settings, options=options))
        return stages[-1]

    yield start
    for stage in stages:
        stage.stop()


@pytest.fixture
def pair(stage: Stage) -> tuple[Seat, Seat]:
    """Two people in a room of their own; they have seen each other."""
    return two_in(stage, stage.new("parlour"))


def two_in(stage: Stage, room: str) -> tuple[Seat, Seat]:
    first = stage.guest("ann").enter(room)
    visitor: Actor = stage.guest("ben")
    second = visitor.enter(room)
    first.expect("presence", joined=[visitor.name])
    first.fence()
    second.fence()
    return first, second


def undisturbed(one: Seat, two: Seat, text: str = "did you notice?") -> None:
    """Whatever goes on elsewhere, what one says here the other hears at once."""
    within(1.0, lambda: seconds(lambda: (one.say(text), two.hears(text))))
