"""Every rule of the nursery's table: states, restarts, failing, sleep, adoption, stopping. No process is started."""

import signal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.exits import Exit
from base.processes import Death, Usage, death
from roomproc import nurserycore as core
from roomproc.nurserycore import TRANSITIONS, Nursery, State
from roomproc.nurseryeffects import (
    AskStacks,
    AwaitCaller,
    CloseListener,
    Kill,
    Record,
    Say,
    Start,
    Tell,
    TurnAway,
)
from wire.clock import Now
from wire.control import Probe, RoomSettings, RoomUp, StopRoom
from wire.tickets import TICKET_SECONDS

KILLED = Death(None, "signal 9 (SIGKILL)")


def exited(code: int) -> Death:
    return Death(code, f"exit code {code}")


def settings(room: str = "a", revision: int = 1) -> RoomSettings:
    return RoomSettings(room=room, name=f"n{room}", owner="o", access="public", topic="", made=0, revision=revision)


class Play:
    """A table and its clock; what is told is kept apart from the other effects."""

    def __init__(self) -> None:
        self.table = Nursery()
        self.mono = 100.0
        self.pid = 1_000
        self.told: list[tuple[str, int]] = []
        self.recorded: list[str] = []  # in flight records

    @property
    def now(self) -> Now:
        return Now(self.mono, int(self.mono * 1_000))

    def do(self, call: str, *arguments: Any) -> list[Any]:
        effects = getattr(self.table, call)(*arguments, self.now)
        self.told += [(effect.status.state, effect.status.port) for effect in effects if isinstance(effect, Tell)]
        self.recorded += [effect.text for effect in effects if isinstance(effect, Record)]
        return [effect for effect in effects if not isinstance(effect, Tell | Record)]

    def wait(self, seconds: float) -> list[Any]:
        """Let time pass, with a tick at each deadline as the loop gives it; effects in order."""
        end, effects = self.mono + seconds, []
        while (due := self.table.next_deadline()) is not None and due <= end:
            self.mono = max(self.mono, due)
            effects += self.do("tick")
        self.mono = end
        return effects

    def forked(self, room: str = "a") -> int:
        self.pid += 1
        assert self.do("forked", room, self.pid, 5_000) == []
        return self.pid

    def up(self, pid: int, room: str = "a", incarnation: int = 1) -> list[Any]:
        return self.do("up", RoomUp(settings=settings(room), pid=pid, port=5_000, incarnation=incarnation))

    def running(self, room: str = "a") -> int:
        assert self.do("spawn", settings(room)) == [Start(room)]
        pid = self.forked(room)
        assert self.up(pid, room) == []
        return pid

    def die(self, pid: int, how: Death = KILLED) -> list[Any]:
        return self.do("ended", pid, how)

    def state(self, room: str = "a") -> str:
        return self.table.rooms[room].state if room in self.table.rooms else "gone"


@pytest.fixture
def play() -> Play:
    return Play()


def test_a_room_runs_when_it_says_so(play: Play) -> None:
    play.do("spawn", settings())
    assert play.state() == "starting"
    pid = play.forked()
    assert play.state() == "starting"
    play.up(pid)
    assert play.state() == "running"
    assert [state for state, _port in play.told] == ["starting", "starting", "running"]


@pytest.mark.parametrize("state", ["starting", "running", "backoff"])
def test_spawn_again_starts_nothing_and_tells_the_state(play: Play, state: str) -> None:
    play.do("spawn", settings())
    if state != "starting":
        pid = play.forked()
        play.up(pid)
    if state == "backoff":
        play.die(pid)
    play.told.clear()
    assert play.do("spawn", settings()) == []
    assert [told for told, _port in play.told] == [state]


def test_the_higher_revision_wins(play: Play) -> None:
    play.running()
    play.do("spawn", settings(revision=3))
    play.do("spawn", settings(revision=2))
    assert play.table.rooms["a"].settings.revision == 3


def test_the_first_restart_comes_at_once_and_the_next_ever_later(play: Play) -> None:
    pid = play.running()
    pauses = []
    for _ in range(4):
        assert play.die(pid) == []
        assert play.state() == "backoff"
        due = play.table.next_deadline()
        assert due is not None
        pauses.append(due - play.mono)
        assert play.wait(due - play.mono) == [Start("a")]
        pid = play.forked()
        play.up(pid)
    assert pauses == [0.0, 0.5, 1.0, 2.0]
    assert play.table.rooms["a"].restarts == 4


def fail(play: Play) -> None:
    """Five deaths in a row, the last of them final."""
    pid = play.running()
    for _ in range(4):
        play.die(pid)
        play.wait(3)
        pid = play.forked()
    assert play.die(pid) == [TurnAway("a")]


def test_five_deaths_in_a_minute_are_a_failure_whose_callers_are_told(play: Play) -> None:
    fail(play)
    assert play.state() == "failed"
    assert play.told[-1] == ("failed", 5_000)  # the port goes on answering
    assert play.wait(50) == []


def test_deaths_far_apart_never_fail_a_room(play: Play) -> None:
    pid = play.running()
    for _ in range(20):
        assert play.die(pid) == []
        assert play.wait(0) == [Start("a")]
        pid = play.forked()
        play.up(pid)
        for _ in range(31):
            play.table.beat("a")
            play.wait(2)


def test_a_failed_room_is_tried_again_after_a_rest_when_asked_for(play: Play) -> None:
    fail(play)
    assert play.do("spawn", settings()) == []
    play.wait(core.REST)
    assert play.do("spawn", settings()) == [Start("a")]


def test_a_failed_room_is_restarted_at_once_by_its_operator(play: Play) -> None:
    fail(play)
    assert play.do("stop", "a", "restarting") == [Start("a")]
    pid = play.forked()
    play.up(pid)
    assert play.die(pid) == []  # and has its tries again
    assert play.state() == "backoff"


def test_an_unreadable_file_fails_at_once(play: Play) -> None:
    assert play.die(play.running(), exited(Exit.UNREADABLE)) == [TurnAway("a")]
    assert play.state() == "failed"


def test_a_room_that_cannot_be_forked_is_tried_again_and_fails(play: Play) -> None:
    play.do("spawn", settings())
    for _ in range(4):
        assert play.do("no_start", "a", "no port is free") == []
        assert play.state() == "backoff"
        assert play.wait(3) == [Start("a")]
    assert play.do("no_start", "a", "no port is free") == [TurnAway("a")]
    assert play.table.rooms["a"].reason == "no port is free"


@pytest.mark.parametrize("code", [Exit.SLEPT, Exit.ORPHANED])
def test_a_room_that_slept_keeps_its_port_for_a_tickets_life(play: Play, code: Exit) -> None:
    pid = play.running()
    assert play.die(pid, exited(code)) == [AwaitCaller("a")]
    assert play.told[-1] == ("sleeping", 5_000)
    assert play.wait(TICKET_SECONDS - 1) == []
    assert play.wait(2) == [CloseListener("a")]
    assert play.told[-1] == ("sleeping", 0)
    assert play.do("spawn", settings()) == [Start("a")]
    assert play.table.rooms["a"].restarts == 0


def test_a_caller_wakes_a_sleeping_room_and_no_other(play: Play) -> None:
    pid = play.running()
    assert play.do("woken", "a") == []
    play.die(pid, exited(Exit.SLEPT))
    assert play.do("woken", "a") == [Start("a")]
    assert play.do("woken", "a") == []


@pytest.mark.parametrize("code", [Exit.OK, Exit.CLOSED, Exit.STORAGE, Exit.BUG, Exit.LOCKED, 99])
def test_every_other_end_is_a_death(play: Play, code: int) -> None:
    play.die(play.running(), exited(code))
    assert play.state() == "backoff"


def test_a_room_that_answers_is_probed_for_ever(play: Play) -> None:
    play.running()
    for _ in range(100):
        assert play.wait(core.PROBE_SECONDS) == [Say("a", Probe())]
        play.table.beat("a")


def test_a_stuck_room_is_killed_within_ten_seconds_and_replaced(play: Play) -> None:
    pid = play.running()
    effects = play.wait(8)  # after its last word, RoomUp
    assert effects == [Say("a", Probe())] * core.SILENT_PROBES + [AskStacks(pid)]
    assert play.recorded == [f"process {pid}: no answer for 8 s"]
    assert play.wait(core.STACK_SECONDS) == [Kill(pid)]
    assert play.state() == "running"  # until it is gone: two processes never have one room
    play.die(pid)
    assert play.state() == "backoff"
    assert play.table.rooms["a"].reason == "no answer for 8 s; signal 9 (SIGKILL)"
    assert play.recorded[1:] == ["incarnation 1: no answer for 8 s; signal 9 (SIGKILL)"]
    assert play.wait(0) == [Start("a")]


def test_a_stuck_room_that_ends_by_itself_meanwhile_is_replaced_all_the_same(play: Play) -> None:
    pid = play.running()
    play.wait(8)
    play.die(pid, exited(Exit.SLEPT))
    assert play.state() == "backoff", "nobody knows what it did last"
    assert play.wait(0) == [Start("a")]


def test_a_room_that_its_operator_stopped_is_not_started_again(play: Play) -> None:
    pid = play.running()
    assert play.die(pid, exited(Exit.STOPPED)) == [CloseListener("a")]
    assert play.told[-1] == ("gone", 0)
    assert play.do("spawn", settings()) == [Start("a")], "until somebody asks"


def test_a_room_that_ends_as_told_although_nobody_told_it_is_started_again(play: Play) -> None:
    """SIGTERM to one room: it says that it is back at once, and it is."""
    assert play.die(play.running(), exited(Exit.CLOSED)) == []
    assert play.wait(0) == [Start("a")]


def test_a_pause_of_the_nursery_itself_kills_no_room(play: Play) -> None:
    play.running()
    play.mono += 3_600  # stopped, or the machine was
    assert play.do("tick") == [Say("a", Probe())]


def test_a_start_that_hangs_is_killed(play: Play) -> None:
    play.do("spawn", settings())
    pid = play.forked()
    assert play.wait(core.START_SECONDS - 1) == []
    assert play.wait(2) == [Kill(pid)]
    play.die(pid)
    assert play.wait(0) == [Start("a")]


def test_a_room_of_an_earlier_nursery_is_adopted(play: Play) -> None:
    assert play.up(77, incarnation=5) == []
    assert play.state() == "running"
    assert play.table.rooms["a"].incarnation == 5
    play.die(77)
    assert play.wait(0) == [Start("a")]


def test_a_room_that_the_disk_refuses_is_tried_for_as_long_as_it_takes(play: Play) -> None:
    play.do("spawn", settings())
    for _ in range(3 * core.DEATHS):
        play.die(play.forked(), exited(Exit.STORAGE))
        assert play.state() == "backoff"
        assert play.wait(core.STORAGE_PAUSE) == [Start("a")]
    play.up(play.forked())
    play.die(play.pid)
    assert play.state() == "backoff", "they were no deaths of its own"


def test_an_orphan_with_the_lock_is_waited_for(play: Play) -> None:
    play.do("spawn", settings())
    assert play.do("held", "a", 77, 0.0) == []
    assert play.wait(core.ORPHAN_SILENCE - 1) == []
    play.up(77)
    assert play.state() == "running"


def test_an_orphan_that_does_not_register_is_ended_and_replaced(play: Play) -> None:
    play.do("spawn", settings())
    play.do("held", "a", 77, 0.0)
    assert play.wait(core.ORPHAN_SILENCE) == [Start("a")], "it is looked at again"
    assert play.do("held", "a", 77, core.ORPHAN_SILENCE) == [AskStacks(77)]
    assert play.wait(core.STACK_SECONDS) == [Kill(77)]
    assert play.die(77) == [Start("a")]
    pid = play.forked()
    play.die(pid)
    assert "register" not in play.table.rooms["a"].reason  # that was the other process


def test_an_orphan_that_was_silent_before_we_came_is_not_waited_for_all_over(play: Play) -> None:
    play.do("spawn", settings())
    play.do("held", "a", 77, 6.0)
    assert play.wait(1.9) == []
    assert play.wait(0.2) == [Start("a")]
    assert play.do("held", "a", 77, 8.1) == [AskStacks(77)]


def test_an_orphan_has_a_moment_however_silent_it_was(play: Play) -> None:
    """A clock that was set, or a machine that slept, make every orphan look so."""
    play.do("spawn", settings())
    play.do("held", "a", 77, 3_600.0)
    assert play.wait(core.ORPHAN_LEAST - 0.1) == []
    assert play.wait(0.2) == [Start("a")]
    assert play.do("held", "a", 77, 0.5) == [], "there it is"
    assert play.wait(core.ORPHAN_SILENCE - 1) == []


def test_an_orphan_that_lives_and_does_not_register_is_ended_in_the_end(play: Play) -> None:
    play.do("spawn", settings())
    play.do("held", "a", 77, 0.0)
    waited = 0.0
    while not any(isinstance(effect, AskStacks) for effect in play.do("held", "a", 77, 0.0)):
        play.wait(1.0)
        waited += 1.0
    assert waited == core.START_SECONDS


def test_a_stray_that_is_stuck_is_ended_and_not_replaced_unasked(play: Play) -> None:
    assert play.do("found", "a", 77, 7.0) == []
    assert play.told[-1] == ("starting", 0)
    assert play.wait(1.0) == [Start("a")]
    assert play.do("held", "a", 77, 8.0) == [AskStacks(77)]
    assert play.wait(core.STACK_SECONDS) == [Kill(77)]
    assert play.die(77) == [CloseListener("a")]
    assert play.told[-1] == ("gone", 0)


def test_a_stray_that_is_asked_for_is_replaced(play: Play) -> None:
    assert play.do("found", "a", 77, 20.0) == [AskStacks(77)], "it had its moment"
    assert play.do("spawn", settings()) == []
    assert play.wait(core.STACK_SECONDS) == [Kill(77)]
    assert play.die(77) == [Start("a")]
    assert play.table.rooms["a"].settings == settings()


def test_a_stray_that_registers_is_a_room_like_others(play: Play) -> None:
    play.do("found", "a", 77, 0.0)
    play.up(77)
    assert play.table.rooms["a"].settings == settings()
    assert play.do("found", "a", 77, 0.0) == [], "known by now"
    assert play.state() == "running"


def test_a_lock_without_a_pid_is_looked_at_again(play: Play) -> None:
    play.do("spawn", settings())
    play.do("held", "a", 0, 0.0)
    assert play.wait(core.UNREADABLE_PID) == [Start("a")]


def test_an_orphan_registers_while_its_replacement_starts(play: Play) -> None:
    play.do("spawn", settings())
    pid = play.forked()
    play.up(77)
    assert play.die(pid, exited(Exit.LOCKED)) == []
    assert play.state() == "running"
    assert play.table.rooms["a"].pid == 77


def test_stop_says_it_waits_and_forgets(play: Play) -> None:
    pid = play.running()
    assert play.do("stop", "a", "closed") == [Say("a", StopRoom(room="a", code="closed"))]
    assert play.state() == "stopping"
    assert play.die(pid, exited(Exit.CLOSED)) == [CloseListener("a")]
    assert play.told[-1] == ("gone", 0)
    assert play.table.next_deadline() is None


def test_a_room_that_does_not_stop_is_killed(play: Play) -> None:
    pid = play.running()
    play.do("stop", "a", "closed")
    assert play.wait(core.STOP_SECONDS) == [AskStacks(pid)]
    assert play.wait(core.STACK_SECONDS) == [Kill(pid)]
    assert play.die(pid) == [CloseListener("a")]


def test_restart_keeps_the_port(play: Play) -> None:
    pid = play.running()
    play.do("stop", "a", "restarting")
    assert play.die(pid, exited(Exit.CLOSED)) == [Start("a")]


def test_spawn_while_it_stops_starts_it_afterwards(play: Play) -> None:
    pid = play.running()
    play.do("stop", "a", "closed")
    assert play.do("spawn", settings()) == []
    assert play.die(pid, exited(Exit.CLOSED)) == [Start("a")]


def test_reap_wins_over_a_restart(play: Play) -> None:
    pid = play.running()
    play.do("stop", "a", "restarting")
    play.do("reap", "a")
    assert play.die(pid, exited(Exit.CLOSED)) == [CloseListener("a")]


def test_reap_of_an_unknown_room_is_answered(play: Play) -> None:
    assert play.do("reap", "zz") == []
    assert play.told == [("gone", 0)]


@pytest.mark.parametrize("how", ["sleeping", "failed", "backoff"])
def test_a_room_without_a_process_is_gone_at_once(play: Play, how: str) -> None:
    code = {"sleeping": Exit.SLEPT, "failed": Exit.UNREADABLE, "backoff": Exit.BUG}[how]
    play.die(play.running(), exited(code))
    assert play.state() == how
    assert play.do("reap", "a") == [CloseListener("a")]
    assert play.state() == "gone"


def test_a_room_that_comes_back_while_it_stops_is_told_again(play: Play) -> None:
    pid = play.running()
    play.do("stop", "a", "closed")
    assert play.up(pid) == [Say("a", StopRoom(room="a", code="closed"))]  # its link had broken


def test_a_room_told_to_stop_before_it_was_up_is_not_told_twice(play: Play) -> None:
    play.do("spawn", settings())
    pid = play.forked()
    assert play.do("stop", "a", "closed") == [Say("a", StopRoom(room="a", code="closed"))]
    assert play.up(pid) == []
    assert play.state() == "stopping"


def test_the_end_stops_all_and_starts_none(play: Play) -> None:
    first, second = play.running("a"), play.running("b")
    play.die(play.running("c"), exited(Exit.SLEPT))
    stops = [Say(room, StopRoom(room=room, code="going_down")) for room in "ab"]
    assert play.do("end") == [*stops, CloseListener("c")]
    assert play.do("spawn", settings("d")) == []
    play.die(first, exited(Exit.CLOSED))
    assert play.wait(core.LAST_SECONDS) == [Kill(second)]
    play.die(second)
    assert not play.table.rooms


def test_an_orphan_that_registers_at_the_end_is_stopped(play: Play) -> None:
    play.do("end")
    assert play.up(77) == [Say("a", StopRoom(room="a", code="going_down"))]


def test_the_end_of_a_stranger_is_nothing(play: Play) -> None:
    play.running()
    assert play.die(4_711) == []
    assert play.state() == "running"


def test_how_a_process_ended_in_words() -> None:
    assert death(9, Usage(0.44, 12_300_000)).text == "signal 9 (SIGKILL), cpu 0.4 s, peak 12 MB"
    assert death(Exit.SLEPT << 8, Usage(1.0, 0)) == Death(Exit.SLEPT, "exit code 10 (SLEPT), cpu 1.0 s, peak 0 MB")
    assert death(99 << 8, Usage(0, 0)).text.startswith("exit code 99,")
    assert death(signal.SIGRTMIN + 3, Usage(0, 0)).code is None


STEPS = st.sampled_from(["spawn", "stop", "restart", "reap", "up", "orphan", "die", "slept", "woken", "wait", "long"])


@given(st.lists(st.tuples(STEPS, st.sampled_from("ab")), max_size=60))
def test_whatever_happens_a_room_has_one_process_and_every_change_is_in_the_table(steps: list[tuple[str, str]]) -> None:
    """The shell is played by the letter: Start forks, Kill kills. No order of events leads to a missing transition."""
    play = Play()
    alive: dict[int, str] = {}

    def shell(effects: list[Any]) -> None:
        for effect in effects:
            match effect:
                case Start(room=room):
                    orphans = [pid for pid, name in alive.items() if name == room]
                    assert len(orphans) <= 1
                    if orphans:
                        silent = core.ORPHAN_SILENCE if play.table.rooms[room].orphan else 0.0
                        shell(play.do("held", room, orphans[0], silent))
                    else:
                        alive[play.forked(room)] = room
                case Kill(pid=pid):
                    if alive.pop(pid, None):
                        shell(play.die(pid))

    for what, room in steps:
        pid = next((pid for pid, name in alive.items() if name == room), 0)
        match what:
            case "spawn":
                shell(play.do("spawn", settings(room)))
            case "stop" | "restart":
                shell(play.do("stop", room, "restarting" if what == "restart" else "closed"))
            case "reap" | "woken":
                shell(play.do(what, room))
            case "up" if pid:
                shell(play.up(pid, room))
            case "orphan" if not pid and play.state(room) in {"gone", "sleeping", "backoff"}:
                alive[9_000 + len(steps)] = room
            case "die" | "slept" if pid:
                del alive[pid]
                shell(play.die(pid, KILLED if what == "die" else exited(Exit.SLEPT)))
            case "wait":
                shell(play.wait(1))
            case "long":
                shell(play.wait(70))
    assert len(set(alive.values())) == len(alive)
    shell(play.do("end"))
    shell(play.wait(core.LAST_SECONDS))
    for pid in tuple(alive):
        del alive[pid]
        shell(play.die(pid))
    assert not play.table.rooms


def test_the_table_of_transitions_names_every_state_and_can_leave_it() -> None:
    assert set(TRANSITIONS) == set(get_args(get_args(State)[0])) | {"gone"}
    for state, following in TRANSITIONS.items():
        assert following
        assert state not in following
        assert following <= set(TRANSITIONS)


def test_what_the_table_does_not_have_is_refused(play: Play) -> None:
    play.running()
    with pytest.raises(ValueError, match="no way from running to starting"):
        play.table._to(play.table.rooms["a"], "starting")
