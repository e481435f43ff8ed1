"""A room's side: in, out, back, and each line once."""

import pytest
from msgspec import UNSET

from client import events
from client.entrance import FINAL, LOBBY_SECONDS, TRANSITIONS, RoomState
from client.patience import DEAD, QUIET
from tests.client.bench import AT, Bench, entered, entries, error, line, welcome
from wire import messages as m


def state(bench: Bench) -> RoomState | None:
    side = bench.session.rooms.get("hall")
    return side.state if side else None


# --- getting in


def test_a_redirect_without_a_host_leads_to_the_lobby_s() -> None:
    bench = Bench()
    bench.in_hall()
    assert (bench.opened[-1].host, bench.opened[-1].port) == ("lobby.example", 30001)
    assert (bench.last(m.Enter).ticket, bench.last(m.Enter).last) == ("ticket", UNSET)


def test_a_redirect_with_a_host_leads_there() -> None:
    bench = Bench()
    lobby = bench.logged_in()
    bench.session.join("hall")
    bench.settle()
    bench.redirected(lobby, host="rooms.example")
    assert bench.opened[-1].host == "rooms.example"


@pytest.mark.parametrize("code", ["no_such_room", "banned", "full", "storage"])
def test_a_newcomer_who_is_refused_is_told_at_once(code: str) -> None:
    bench = Bench()
    lobby = bench.logged_in()
    bench.session.join("hall")
    bench.settle()
    bench.answers(lobby, m.Join, error(code))
    assert bench.told[-1] == events.RoomRefused("hall", code, f"it is {code}")
    assert state(bench) is None


def test_a_port_that_refuses_twice_is_unreachable() -> None:
    bench = Bench()
    lobby = bench.logged_in()
    bench.session.join("hall")
    bench.settle()
    bench.redirected(lobby)
    bench.failed()
    bench.passes(1.0)
    assert bench.count(m.Join) == 2  # it may have gone to sleep, or moved
    bench.redirected(lobby)
    bench.failed("no answer")
    assert bench.told[-1] == events.RoomUnreachable("hall", "lobby.example", 30001, "no answer")


def test_a_bad_ticket_asks_the_lobby_for_another() -> None:
    bench = Bench()
    lobby = bench.logged_in()
    bench.session.join("hall")
    bench.settle()
    bench.redirected(lobby)
    bench.answers(bench.connected(), m.Enter, error("bad_ticket", fatal=True))
    bench.passes(1.0)
    bench.redirected(lobby, ticket="another")
    bench.answers(bench.connected(), m.Enter, entered())
    assert bench.last(m.Enter).ticket == "another"
    assert state(bench) is RoomState.IN


def test_tickets_that_are_never_taken_end_it() -> None:
    bench = Bench()
    lobby = bench.logged_in()
    bench.session.join("hall")
    bench.settle()
    for _ in range(10):
        if state(bench) is None:
            break
        bench.redirected(lobby)
        bench.answers(bench.connected(), m.Enter, error("bad_ticket", fatal=True))
        bench.passes(5.0)
    assert isinstance(bench.told[-1], events.RoomRefused)


def test_one_visit_to_a_room_at_a_time() -> None:
    bench = Bench()
    bench.in_hall()
    assert bench.session.join("HALL") is bench.session.rooms["hall"]
    assert bench.count(m.Join) == 1


def test_leaving_and_coming_again_at_once() -> None:
    bench = Bench()
    lobby, room = bench.in_hall()
    bench.session.leave("hall", bench.now)
    bench.session.join("hall")
    bench.settle()
    assert bench.heard(events.LeftRoom) == [events.LeftRoom("hall", "left", "")]
    assert room in bench.closed
    bench.redirected(lobby, ticket="second")
    bench.answers(bench.connected(), m.Enter, entered())
    assert state(bench) is RoomState.IN
    assert len({send.message.stream for send in bench.sent if isinstance(send.message, m.Enter)}) == 2


# --- breaks


def test_a_break_resumes_at_the_same_port_with_what_was_seen() -> None:
    bench = Bench()
    _, room = bench.in_hall()
    bench.says(room, line(1), line(2))
    stream = bench.last(m.Enter).stream
    bench.lost(room)
    bench.until_opened()
    room = bench.connected()
    again = bench.last(m.Enter)
    assert (again.ticket, again.stream, again.since) == ("resume", stream, 2)
    assert again.whispers <= AT  # what was whispered meanwhile comes too
    bench.answers(room, m.Enter, entered(seq=4))
    bench.says(room, line(2), line(3), line(4))
    assert entries(bench) == [1, 2, 3, 4]
    assert bench.count(m.Join) == 1
    assert bench.heard(events.RoomEntered)[-1].missed == 2
    assert bench.heard(events.Back) == [events.Back("hall")]


def test_a_port_that_is_gone_sends_us_to_the_lobby_with_what_was_seen() -> None:
    bench = Bench()
    lobby, room = bench.in_hall()
    bench.says(room, line(1))
    bench.lost(room)
    bench.until_opened()
    bench.failed()
    bench.passes(2.0)
    bench.redirected(lobby, port=30002, ticket="new")
    bench.connected()
    assert bench.opened[-1].port == 30002
    assert (bench.last(m.Enter).ticket, bench.last(m.Enter).since) == ("new", 1)


def test_while_the_lobby_is_away_the_old_port_is_tried_too() -> None:
    bench = Bench()
    lobby, room = bench.in_hall()
    bench.lost(room)
    bench.until_opened()
    bench.failed()
    bench.lost(lobby)
    ports = set()
    for _ in range(6):
        ports.add(bench.until_opened().port)
        bench.failed()
    assert ports == {22222, 30001}
    assert LOBBY_SECONDS < 10


def test_an_orderly_restart_is_no_news() -> None:
    bench = Bench()
    _, room = bench.in_hall()
    bench.says(room, m.Closing(code="restarting", text="back at once", resume=True))
    bench.until_opened()
    bench.answers(bench.connected(), m.Enter, entered())
    assert state(bench) is RoomState.IN
    assert not bench.heard(events.Lost)


def test_a_room_that_fell_asleep_is_woken_by_the_lobby() -> None:
    bench = Bench()
    _, room = bench.in_hall()
    bench.says(room, m.Closing(code="sleeping", text="asleep", resume=True))
    bench.passes(1.0)
    assert bench.count(m.Join) == 2


def test_a_room_may_send_us_to_another_port_itself() -> None:
    bench = Bench()
    _, room = bench.in_hall()
    bench.says_in_hall("under way")
    bench.says(room, m.Redirect(room="hall", host="", port=30009, ticket="drained"))
    assert room in bench.closed
    room = bench.connected()
    assert (bench.opened[-1].port, bench.last(m.Enter).ticket) == (30009, "drained")
    bench.answers(room, m.Enter, entered())
    assert bench.count(m.Say) == 2
    assert not bench.heard(events.Lost)


def test_who_is_put_out_does_not_come_back() -> None:
    bench = Bench()
    _, room = bench.in_hall()
    bench.says(room, m.Closing(code="kicked", text="bob put you out", resume=False))
    assert bench.told[-1] == events.LeftRoom("hall", "kicked", "bob put you out")
    opened = len(bench.opened)
    bench.passes(60.0)
    assert len(bench.opened) == opened


@pytest.mark.parametrize("code", sorted(FINAL))
def test_a_plain_refusal_ends_even_a_long_visit(code: str) -> None:
    bench = Bench()
    _, room = bench.in_hall()
    bench.lost(room)
    bench.until_opened()
    bench.answers(bench.connected(), m.Enter, error(code, fatal=True))
    assert bench.told[-1] == events.LeftRoom("hall", code, f"it is {code}")


def test_a_full_room_takes_us_back_when_it_says() -> None:
    bench = Bench()
    _, room = bench.in_hall()
    bench.lost(room)
    bench.until_opened()
    bench.answers(bench.connected(), m.Enter, error("full", fatal=True, retry_after=9.0))
    before = bench.now.mono
    bench.until_opened()
    assert bench.now.mono - before >= 9.0


def test_a_restored_log_is_told_anew() -> None:
    bench = Bench()
    _, room = bench.in_hall()
    bench.says(room, line(1), line(2), line(3))
    bench.lost(room)
    bench.until_opened()
    bench.answers(bench.connected(), m.Enter, entered(seq=2, epoch=2))
    assert bench.heard(events.Reloaded) == [events.Reloaded("hall")]
    room = bench.connected()
    assert bench.last(m.Enter).since is UNSET
    bench.answers(room, m.Enter, entered(seq=2, epoch=2))
    bench.says(room, line(1), line(2))
    assert entries(bench) == [1, 2, 3, 1, 2]


def test_a_silent_room_is_pinged_and_given_up() -> None:
    bench = Bench()
    _, room = bench.in_hall()
    bench.passes(QUIET)
    bench.passes(DEAD)
    assert room in bench.closed
    assert events.Lost("hall") in bench.told


# --- lines


def test_gaps_are_told() -> None:
    bench = Bench()
    _, room = bench.in_hall()
    bench.says(room, line(1), line(4), m.Gap(first=5, last=8), line(9))
    assert bench.heard(events.GapCame) == [events.GapCame("hall", 2, 3), events.GapCame("hall", 5, 8)]
    assert entries(bench) == [1, 4, 9]


def test_one_line_under_way_and_the_next_after_its_answer() -> None:
    bench = Bench()
    _, room = bench.in_hall()
    ids = [bench.says_in_hall(text) for text in "abc"]
    assert bench.count(m.Say) == 1
    for number, id_ in enumerate(ids, 1):
        bench.says(room, m.Done(re=id_, seq=number))
    assert [event.seq for event in bench.heard(events.Acknowledged)] == [1, 2, 3]
    assert bench.session.unacknowledged() == 0


def test_too_fast_waits_and_is_told() -> None:
    bench = Bench()
    _, room = bench.in_hall()
    first, _ = bench.says_in_hall("a"), bench.says_in_hall("b")
    bench.answers(room, m.Say, error("too_fast", retry_after=30.0))
    assert bench.heard(events.Held) == [events.Held("hall", 30.0)]
    bench.passes(29.0)
    assert bench.count(m.Say) == 1
    bench.passes(2.0)
    assert [send.message.id for send in bench.sent if isinstance(send.message, m.Say)] == [first, first]


def test_a_refused_line_is_told_and_the_next_goes() -> None:
    bench = Bench()
    _, room = bench.in_hall()
    bench.says_in_hall("a")
    bench.says_in_hall("b")
    bench.answers(room, m.Say, error("muted"))
    assert [event.code for event in bench.heard(events.NotSent)] == ["muted"]
    assert bench.last(m.Say).text == "b"


def test_a_line_is_resent_under_its_id_and_too_late_not_at_all() -> None:
    for seconds, sent, not_sent in ((50.0, 2, []), (70.0, 1, ["timeout"])):
        bench = Bench()
        _, room = bench.in_hall()  # whose window is 60 seconds
        bench.says_in_hall("a")
        bench.lost(room)
        bench.until_opened()
        bench.passes(seconds)
        bench.answers(bench.connected(), m.Enter, entered())
        assert bench.count(m.Say) == sent
        assert [event.code for event in bench.heard(events.NotSent)] == not_sent


def test_a_line_that_waits_long_is_worth_a_word() -> None:
    bench = Bench()
    _, room = bench.in_hall()
    bench.says_in_hall("a")
    bench.lost(room)
    bench.passes(5.0)
    assert bench.heard(events.Unconfirmed) == [events.Unconfirmed("hall", 1)]


def test_a_line_in_a_room_that_ends_is_told_as_not_sent() -> None:
    bench = Bench()
    _, room = bench.in_hall()
    bench.says_in_hall("a")
    ask = bench.session.ask_room("hall", m.Members())
    bench.settle()
    bench.says(room, m.Closing(code="closed", text="closed for good", resume=False))
    assert len(bench.heard(events.NotSent)) == 1
    assert [event.id for event in bench.heard(events.Answered)] == [ask]


def test_whispers_are_told_once_and_our_own_copy_not_at_all() -> None:
    bench = Bench()
    _, room = bench.in_hall()
    bench.session.say("hall", m.Whisper(to="bob", text="psst"), bench.now)
    bench.settle()
    bench.answers(room, m.Whisper, m.Done())
    theirs = m.Whispered(sender="bob", to="ann", text="yes?", at=AT, number=AT + 1)
    ours = m.Whispered(sender="ann", to="bob", text="psst", at=AT, number=AT + 2)
    elsewhere = m.Whispered(sender="ann", to="bob", text="from my other terminal", at=AT, number=AT + 3)
    bench.says(room, theirs, ours, theirs, elsewhere)
    assert [event.whisper.text for event in bench.heard(events.WhisperCame)] == ["yes?", "from my other terminal"]
    assert len(bench.heard(events.Acknowledged)) == 1


def test_members_follow_presence_and_snapshots() -> None:
    bench = Bench()
    _, room = bench.in_hall()
    side = bench.session.rooms["hall"]
    bench.says(room, m.Presence(joined=["Bob", "eve"], left=[]), m.Presence(joined=[], left=["bob"]))
    assert (side.count, sorted(side.members.values())) == (2, ["ann", "eve"])
    bench.says(room, m.MembersPage(count=7, members=["ann", "joy"], more=True))
    assert (side.count, sorted(side.members.values())) == (7, ["ann", "joy"])


def test_being_made_an_operator_is_noticed() -> None:
    bench = Bench()
    _, room = bench.in_hall()
    bench.says(room, m.Moderated(seq=1, at=AT, sender="bob", what="op", name="Ann"))
    assert bench.session.rooms["hall"].operator
    bench.says(room, m.Moderated(seq=2, at=AT, sender="bob", what="deop", name="ann"))
    assert not bench.session.rooms["hall"].operator


def test_moderation_that_broke_off_is_of_unknown_outcome_and_reading_goes_again() -> None:
    bench = Bench()
    _, room = bench.in_hall()
    kick = bench.session.ask_room("hall", m.Kick(name="bob"))
    bench.session.ask_room("hall", m.History())
    bench.settle()
    bench.lost(room)
    assert [event.id for event in bench.heard(events.Answered)] == [kick]
    bench.until_opened()
    bench.answers(bench.connected(), m.Enter, entered())
    assert (bench.count(m.Kick), bench.count(m.History)) == (1, 2)


def test_every_message_in_every_state_is_survived() -> None:
    messages = [
        entered(), line(1), m.Done(re="99"), error("busy"), error("too_fast"), error("banned", fatal=True),
        m.Gap(first=1, last=2),
        m.Closing(code="restarting", text="", resume=True), m.Closing(code="kicked", text="", resume=False),
        m.Redirect(room="hall", host="", port=1, ticket="t"), m.Pong(), m.Presence(joined=["x"], left=["x"]),
        m.Whispered(sender="x", to="ann", text="hi", at=0, number=1), m.TypingNow(sender="x"), welcome(),
        m.MembersPage(count=1, members=["x"], more=False), m.HistoryPage(lines=[], more=False),
        m.Announcement(text="x", at=0),
    ]  # fmt: skip
    for reach in ("entering", "in", "leaving"):
        for first in messages:
            for second in messages:
                bench = Bench()
                if reach == "entering":
                    lobby = bench.logged_in()
                    bench.session.join("hall")
                    bench.settle()
                    bench.redirected(lobby)
                    room = bench.connected()
                else:
                    _, room = bench.in_hall()
                if reach == "leaving":
                    bench.session.leave("hall", bench.now)
                bench.settle()
                bench.says(room, first, second)
                bench.lost(room)
                bench.passes(30.0)
    assert set(TRANSITIONS) == set(RoomState)
