"""Which rooms run: each rule by hand, and a machine that lets rooms, nursery and people do anything in any order."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from lobby.effects import Admit, CloseForGood, CloseLink, Effect, Erase, Spawn, TurnAway
from lobby.registry import JOIN_SECONDS, Registry
from wire.clock import Now
from wire.control import Joined, Left, Present, Register, RoomSettings, RoomStatus, Traffic
from wire.names import fold


@dataclass(eq=False)
class Visitor:
    """Somebody on the way in; the registry only hands it back."""

    name: str = ""
    outcome: list[str] = field(default_factory=list)

    def admit(self, desk: Any, room_id: str) -> None:
        raise NotImplementedError

    def turn_away(self, desk: Any, code: str, text: str) -> None:
        raise NotImplementedError


def at(mono: float) -> Now:
    return Now(mono, int(mono * 1_000))


def settings(room: str = "r1", *, guest_made: bool = False, owner: str = "ann") -> RoomSettings:
    return RoomSettings(
        room=room, name=room.upper(), owner=owner, access="public", topic="", made=0, revision=1, guest_made=guest_made
    )


def registers(room: str = "r1", *names: str, incarnation: int = 1, lines: int = 0, port: int = 5_000) -> Register:
    return Register(
        settings=settings(room), pid=100 + incarnation, port=port, incarnation=incarnation, topic="t", lines=lines,
        members=[Present(name, guest=False) for name in names], revoked=0,
    )  # fmt: skip


def told(room: str, state: Any, **more: Any) -> RoomStatus:
    return RoomStatus(**{"room": room, "state": state, "pid": 9, "port": 5, "incarnation": 1, "restarts": 0,
                         "reason": "", **more})  # fmt: skip


def running(*names: str) -> Registry:
    registry = Registry()
    assert registry.register("link", registers("r1", *names), settings(), at(0)) == []
    return registry


# -- wanting


def test_a_room_that_runs_is_entered_at_once() -> None:
    registry, visitor = running(), Visitor()
    assert registry.want(settings(), at(1), visitor) == [Admit(visitor, "r1")]
    assert registry.want(settings(), at(1)) == []


def test_a_room_that_sleeps_is_spawned_once_and_all_who_wait_get_in() -> None:
    registry, first, second = Registry(), Visitor(), Visitor()
    assert registry.want(settings(), at(0), first) == [Spawn(settings())]
    assert registry.want(settings(), at(1), second) == []
    room = registry.get("r1")
    assert room is not None
    assert (room.state, room.live) == ("starting", True)
    effects = registry.register("link", registers(), settings(), at(2))
    assert effects == [Admit(first, "r1"), Admit(second, "r1")]
    assert registry.tick(at(100)) == []


def test_who_waits_in_vain_is_told_busy() -> None:
    registry, visitor = Registry(), Visitor()
    registry.want(settings(), at(0), visitor)
    assert registry.next_deadline() == JOIN_SECONDS
    assert registry.tick(at(JOIN_SECONDS - 0.1)) == []
    (away,) = registry.tick(at(JOIN_SECONDS))
    assert isinstance(away, TurnAway)
    assert (away.waiter, away.code) == (visitor, "busy")
    assert registry.get("r1") is None
    assert registry.next_deadline() is None


def test_who_came_later_still_waits_and_the_nursery_is_asked_again() -> None:
    registry, first, second = Registry(), Visitor(), Visitor()
    registry.want(settings(), at(0), first)
    registry.want(settings(), at(5), second)
    away, again = registry.tick(at(10))
    assert isinstance(away, TurnAway)
    assert away.waiter is first
    assert again == Spawn(settings())
    assert registry.register("link", registers(), settings(), at(11)) == [Admit(second, "r1")]


def test_a_failed_room_turns_everybody_away() -> None:
    registry, visitor = Registry(), Visitor()
    registry.want(settings(), at(0), visitor)
    (away,) = registry.status(told("r1", "failed", reason="signal 11"), None, at(1))
    assert isinstance(away, TurnAway)
    assert away.code == "room_failed"
    assert "signal 11" in away.text
    room = registry.get("r1")
    assert room is not None
    assert (room.state, room.live) == ("failed", False)
    assert registry.want(settings(), at(2), visitor) == [Spawn(settings())], "the nursery may find that it has rested"


@pytest.mark.parametrize("state", ["sleeping", "gone"])
def test_a_room_that_goes_while_somebody_is_on_the_way_is_asked_for_again(state: str) -> None:
    registry, visitor = Registry(), Visitor()
    registry.want(settings(), at(0), visitor)
    assert registry.status(told("r1", "running"), None, at(0)) == []
    assert registry.status(told("r1", state), None, at(1)) == [Spawn(settings())]
    assert registry.register("link", registers(), settings(), at(2)) == [Admit(visitor, "r1")]


def test_what_the_room_needs_could_not_be_written() -> None:
    registry, visitor = Registry(), Visitor()
    registry.want(settings(), at(0), visitor)
    assert registry.cannot_start("r1", "storage", "disk") == [TurnAway(visitor, "storage", "disk")]
    assert registry.cannot_start("r2", "storage", "disk") == []


# -- registering


def test_only_the_highest_incarnation_counts() -> None:
    registry = running("ann")
    assert registry.register("old", registers(incarnation=0), settings(), at(1)) == [
        CloseLink("old", "a higher incarnation is here")
    ]
    assert registry.joined("old", Joined(members=[Present("ben", guest=False)])) == []
    assert registry.where("ben") == []
    assert registry.register("new", registers("r1", "cid", incarnation=2), settings(), at(2)) == [
        CloseLink("link", "a higher incarnation came")
    ]
    assert (registry.where("ann"), registry.where("cid")) == ([], ["r1"])
    assert registry.link_lost("link") is None, "the old one's end says nothing about the new one"
    assert registry.where("cid") == ["r1"]


def test_the_same_room_over_another_link_replaces_itself() -> None:
    registry = running("ann")
    assert registry.register("again", registers("r1", "ben"), settings(), at(1)) == [
        CloseLink("link", "a higher incarnation came")
    ]
    assert (registry.where("ann"), registry.where("ben")) == ([], ["r1"])


def test_an_entry_goes_with_its_link() -> None:
    registry = running("ann")
    room = registry.get("r1")
    assert room is not None
    assert (room.state, room.pid, room.port) == ("running", 101, 5_000)
    assert registry.link_lost("link") is room
    assert (registry.get("r1"), registry.where("ann"), registry.of_link("link")) == (None, [], None)


def test_a_room_that_died_is_not_running_though_the_nursery_has_not_said_so() -> None:
    registry = running()
    registry.status(told("r1", "running"), None, at(0))
    registry.link_lost("link")
    room = registry.get("r1")
    assert room is not None
    assert room.state == "starting"
    registry.status(told("r1", "backoff"), None, at(0))
    assert room.state == "backoff"


def test_members_come_and_go() -> None:
    registry = running("Ann")
    ben = Present("ben", guest=True)
    assert registry.joined("link", Joined(members=[ben, Present("ann", guest=False)])) == [ben]
    assert registry.where("BEN") == ["r1"]
    assert registry.left("link", Left(names=["BEN", "nobody"])) == [ben]
    assert (registry.where("ben"), registry.where("ann")) == ([], ["r1"])
    assert registry.left("nowhere", Left(names=["ann"])) == []


def test_traffic_and_topic() -> None:
    registry = running()
    assert not registry.traffic("link", Traffic(lines=4, topic="t"), at(1))
    assert registry.traffic("link", Traffic(lines=5, topic="u"), at(2))
    assert not registry.traffic("nowhere", Traffic(lines=9, topic="v"), at(2))
    room = registry.get("r1")
    assert room is not None
    assert (room.lines, room.topic) == (5, "u")


# -- the nursery


def test_a_nursery_that_comes_back_is_told_what_is_wanted() -> None:
    registry = Registry()
    registry.want(settings("r1"), at(0), Visitor())
    registry.close_for_good("r2")
    assert registry.nursery_opened() == [CloseForGood("r2"), Spawn(settings("r1"))]


def test_what_a_new_nursery_does_not_name_has_no_process() -> None:
    registry = running()
    registry.status(told("r1", "running"), None, at(0))
    registry.status(told("r2", "sleeping"), settings("r2"), at(0))
    registry.nursery_opened()
    registry.status(told("r1", "running"), None, at(0))
    registry.nursery_told()
    assert [room.id for room in registry] == ["r1"]


def test_a_new_nursery_is_asked_for_what_runs_and_did_not_come_to_it() -> None:
    """A stuck room cannot register with it, and would be nobody's."""
    registry = running()
    registry.nursery_opened()
    assert registry.nursery_told() == [Spawn(settings("r1"))]
    registry.nursery_opened()
    registry.status(told("r1", "running"), None, at(0))
    assert registry.nursery_told() == []


def test_a_closed_room_is_erased_when_it_is_gone() -> None:
    registry, visitor = Registry(), Visitor()
    registry.want(settings(), at(0), visitor)
    closing, away = registry.close_for_good("r1")
    assert closing == CloseForGood("r1")
    assert isinstance(away, TurnAway)
    assert away.code == "no_such_room"
    registry.status(told("r1", "stopping"), None, at(0))
    assert registry.status(told("r1", "gone"), None, at(1)) == [Erase("r1")]
    assert registry.status(told("r1", "gone"), None, at(1)) == []
    assert registry.get("r1") is None


def test_a_room_that_is_kept_after_all_is_not_erased() -> None:
    registry = Registry()
    registry.close_for_good("r1")
    registry.keep("r1")
    assert registry.status(told("r1", "gone"), None, at(1)) == []


def test_counts_of_live_rooms() -> None:
    registry = Registry()
    registry.want(settings("g1", guest_made=True, owner="Joe"), at(0))
    registry.want(settings("g2", guest_made=True, owner="zoe"), at(0))
    registry.want(settings("a1"), at(0))
    registry.status(told("s1", "sleeping"), settings("s1", guest_made=True, owner="joe"), at(0))
    assert (registry.live(), registry.live_guest_rooms(), registry.live_guest_rooms("joe")) == (3, 2, 1)


# -- anything in any order

ROOMS = st.sampled_from(["r1", "r2"])
NAMES = st.lists(st.sampled_from(["ann", "BEN", "cid"]), max_size=3)


class AnyOrder(RuleBasedStateMachine):
    """Keeps a second, plain account of what must be true."""

    links = Bundle("links")

    def __init__(self) -> None:
        super().__init__()
        self.registry = Registry()
        self.mono = 0.0
        self.number = 0
        self.open: dict[str, tuple[str, int, set[str]]] = {}  # link → room, incarnation, members
        self.waiting: dict[Visitor, tuple[str, float]] = {}

    @property
    def now(self) -> Now:
        return at(self.mono)

    def heed(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Admit | TurnAway):
                assert isinstance(effect.waiter, Visitor)
                room, until = self.waiting.pop(effect.waiter)
                if isinstance(effect, Admit):
                    assert room == effect.room
                    assert any(entry[0] == room for entry in self.open.values())
                elif effect.code == "busy":
                    assert self.mono >= until

    @rule(target=links, room=ROOMS, incarnation=st.integers(1, 4), names=NAMES)
    def register(self, room: str, incarnation: int, names: list[str]) -> str:
        self.number += 1
        link = f"link{self.number}"
        there = {key: entry for key, entry in self.open.items() if entry[0] == room}
        accepted = all(incarnation >= entry[1] for entry in there.values())
        effects = self.registry.register(
            link, registers(room, *names, incarnation=incarnation), settings(room), self.now
        )
        closed = [effect.link for effect in effects if isinstance(effect, CloseLink)]
        if accepted:
            assert closed == list(there)
            for key in there:
                del self.open[key]
            self.open[link] = (room, incarnation, {fold(name) for name in names})
        else:
            assert closed == [link]
        self.heed(effects)
        return link

    @rule(link=links, names=NAMES)
    def joined(self, link: str, names: list[str]) -> None:
        self.registry.joined(link, Joined(members=[Present(name, guest=False) for name in names]))
        if link in self.open:
            self.open[link][2].update(fold(name) for name in names)

    @rule(link=links, names=NAMES)
    def left(self, link: str, names: list[str]) -> None:
        self.registry.left(link, Left(names=names))
        if link in self.open:
            self.open[link][2].difference_update(fold(name) for name in names)

    @rule(link=consumes(links))
    def lost(self, link: str) -> None:
        room = self.registry.link_lost(link)
        assert (room is not None) == (link in self.open)
        self.open.pop(link, None)

    @rule(room=ROOMS)
    def want(self, room: str) -> None:
        visitor = Visitor()
        self.waiting[visitor] = (room, self.mono + JOIN_SECONDS)
        self.heed(self.registry.want(settings(room), self.now, visitor))

    @rule(
        room=ROOMS, state=st.sampled_from(["starting", "running", "sleeping", "backoff", "failed", "stopping", "gone"])
    )
    def status(self, room: str, state: str) -> None:
        self.heed(self.registry.status(told(room, state), settings(room), self.now))

    @rule()
    def nursery_comes_back(self) -> None:
        self.registry.nursery_opened()
        self.registry.nursery_told()

    @rule(room=ROOMS)
    def close(self, room: str) -> None:
        self.heed(self.registry.close_for_good(room))

    @rule(seconds=st.floats(0, 12))
    def time_passes(self, seconds: float) -> None:
        self.mono += seconds
        self.heed(self.registry.tick(self.now))

    @invariant()
    def running_is_what_has_a_link(self) -> None:
        there = {room.id: room for room in self.registry if room.running}
        assert set(there) == {entry[0] for entry in self.open.values()}
        for link, (room_id, incarnation, members) in self.open.items():
            room = there[room_id]
            assert (room.link, room.incarnation, set(room.members)) == (link, incarnation, members)
            assert self.registry.of_link(link) is room

    @invariant()
    def people_are_where_they_are(self) -> None:
        for name in ("ann", "ben", "cid"):
            expected = sorted(entry[0] for entry in self.open.values() if name in entry[2])
            assert self.registry.where(name) == expected

    @invariant()
    def nobody_waits_for_ever(self) -> None:
        due = self.registry.next_deadline()
        for room_id, until in self.waiting.values():
            assert due is not None
            assert due <= until
            room = self.registry.get(room_id)
            assert room is not None
            assert not room.running


TestAnyOrder = AnyOrder.TestCase
