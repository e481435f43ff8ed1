"""Rules of the room's core: entering, numbers, exactly once, failed commits, grace, ends."""

import pytest

from roomproc import people
from tests.roomproc.inside import SETTINGS, Inside
from wire.codec import encode
from wire.control import Assign, Joined, Left, Present, PutOut, Revocation, Traffic
from wire.framing import LINE_MAX
from wire.messages import (
    UNSET,
    Closing,
    Done,
    Enter,
    Entered,
    Error,
    Kick,
    Leave,
    Line,
    Members,
    MembersPage,
    Ping,
    Pong,
    Presence,
    Say,
    Typing,
    TypingNow,
    Whisper,
    Whispered,
)  # fmt: skip

STREAM = "q1ZrAAAAAAAAAAAA"


@pytest.fixture
def inside(tmp_path):
    return Inside(tmp_path / "log.sqlite3")


def only(told, kind):
    return [message for message in told if isinstance(message, kind)]


def test_a_newcomer_is_told_who_is_here_and_the_last_lines(inside):
    inside.enter(1, "ann")
    for number in range(25):
        inside.do(1, Say(id=str(number), text=f"line {number}"))
    told = inside.enter(2, "bob")
    entered = told[0]
    assert isinstance(entered, Entered)
    assert (entered.room, entered.seq, entered.count, entered.members) == ("games", 25, 2, ["ann", "bob"])
    assert [line.seq for line in only(told, Line)] == list(range(6, 26))


def test_last_and_since_choose_what_a_newcomer_gets(inside):
    inside.enter(1, "ann")
    for number in range(5):
        inside.do(1, Say(text=f"line {number}"))
    assert [line.seq for line in only(inside.enter(2, "bob", last=2), Line)] == [4, 5]
    assert [line.seq for line in only(inside.enter(3, "cid", since=1), Line)] == [2, 3, 4, 5]
    assert only(inside.enter(4, "dan", last=0), Line) == []
    assert [only(inside.told[number], Entered)[0].after for number in (2, 3, 4)] == [3, 1, 5]


def test_the_operator_says_how_many_lines_a_newcomer_is_shown(tmp_path):
    inside = Inside(tmp_path / "log.sqlite3", "rooms.newcomer_lines=3")
    inside.enter(1, "ann")
    for number in range(5):
        inside.do(1, Say(text=f"line {number}"))
    entered, *rest = inside.enter(2, "bob")
    assert entered.after == 2
    assert [line.seq for line in only(rest, Line)] == [3, 4, 5]


def test_the_acknowledgement_comes_after_the_line_and_names_its_number(inside):
    inside.enter(1, "ann")
    told = inside.do(1, Say(id="a1", text="hi"))
    assert [type(message) for message in told] == [Line, Done]
    assert told[1] == Done(re="a1", seq=1)
    assert told[0].sender == "ann"
    assert told[0].guest is UNSET


def test_enter_and_say_in_one_segment(inside):
    inside.connect(1)
    inside.do(1, Enter(protocol=1, ticket=inside.ticket("ann")), commit=False)
    told = inside.do(1, Say(id="a1", text="hi"))
    assert [type(message) for message in told] == [Entered, Line, Done]
    assert told[0].seq == 1


def test_a_guests_line_says_so(inside):
    inside.enter(1, "eve", guest=True)
    assert only(inside.do(1, Say(text="hi")), Line)[0].guest is True


def test_a_line_sent_again_exists_once(inside):
    inside.enter(1, "ann", stream=STREAM)
    inside.enter(2, "bob")
    inside.do(1, Say(id="a1", text="hi"))
    assert inside.do(1, Say(id="a1", text="hi")) == [Done(re="a1", seq=1)]
    assert inside.room.seq == 1


def test_a_line_sent_twice_in_one_round_exists_once(inside):
    inside.enter(1, "ann", stream=STREAM)
    inside.do(1, Say(id="a1", text="hi"), commit=False)
    told = inside.do(1, Say(id="a1", text="hi"))
    assert [type(message) for message in told] == [Line, Done, Done]
    assert {message.seq for message in told} == {1}


def test_a_resend_after_a_crash_gets_the_old_number(inside):
    token = inside.enter(1, "ann", stream=STREAM)[0].resume
    inside.do(1, Say(id="a1", text="hi"))
    inside.do(1, Say(id="a2", text="ho"))
    inside.crash()
    inside.enter(1, "ann", token=token, stream=STREAM, since=2)
    assert inside.do(1, Say(id="a1", text="hi")) == [Done(re="a1", seq=1)]
    assert only(inside.do(1, Say(id="a3", text="hey")), Done) == [Done(re="a3", seq=3)]


def test_the_stream_is_carried_by_the_resume_token(inside):
    token = inside.enter(1, "ann")[0].resume
    inside.do(1, Say(id="a1", text="hi"))
    inside.crash()
    inside.enter(1, "ann", token=token, since=1)
    assert inside.do(1, Say(id="a1", text="hi")) == [Done(re="a1", seq=1)]


def test_two_terminals_that_both_call_their_line_a1(inside):
    inside.enter(1, "ann", stream=STREAM)
    inside.enter(2, "ann", stream=STREAM[::-1])
    assert only(inside.do(1, Say(id="a1", text="one")), Done)[0].seq == 1
    assert only(inside.do(2, Say(id="a1", text="two")), Done)[0].seq == 2


def test_anothers_stream_name_is_not_mine(inside):
    inside.enter(1, "ann", stream=STREAM)
    inside.enter(2, "bob", stream=STREAM)
    inside.do(1, Say(id="a1", text="one"))
    assert only(inside.do(2, Say(id="a1", text="two")), Done)[0].seq == 2


def test_a_failed_commit_refuses_and_the_number_is_used_again(inside):
    inside.enter(1, "ann")
    inside.enter(2, "bob")
    inside.do(1, Say(id="a1", text="lost"), commit=False)
    inside.do(2, Ping(id="p"), commit=False)
    told = inside.round(fail=True)
    assert [message.code for message in told[1]] == ["storage"]
    assert told[1][0].re == "a1"
    assert told[2] == [Pong(re="p")]
    assert only(inside.do(1, Say(id="a1", text="kept")), Done)[0].seq == 1


def test_an_entry_that_failed_to_be_stored_leaves_the_ticket_good(inside):
    inside.connect(1)
    ticket = inside.ticket("ann")
    inside.do(1, Enter(protocol=1, ticket=ticket), commit=False)
    assert inside.round(fail=True)[1][0].code == "storage"
    assert inside.closed[1] == "storage"
    assert len(inside.room.roster) == 0
    assert isinstance(inside.enter(2, "ann", token=ticket)[0], Entered)


def test_who_could_not_be_let_in_was_never_announced(inside):
    inside.enter(1, "ann")
    inside.enter(2, "bob", commit=False)
    inside.round(fail=True)
    assert only(inside.round()[1], Presence) == []


def test_a_ticket_opens_once_also_over_a_crash(inside):
    ticket = inside.ticket("ann")
    inside.enter(1, "ann", token=ticket)
    assert inside.enter(2, "ann", token=ticket)[0].code == "bad_ticket"
    inside.crash()
    assert inside.enter(3, "ann", token=ticket)[0].code == "bad_ticket"


def test_first_words_must_be_enter(inside):
    inside.connect(1)
    told = inside.do(1, Say(id="x", text="hi"))
    assert (told[0].code, told[0].fatal, inside.closed[1]) == ("not_logged_in", True, "not_logged_in")


def test_another_version_is_told_so(inside):
    inside.connect(1)
    assert inside.do(1, Enter(protocol=2, ticket="x"))[0].code == "version"


def test_who_says_nothing_is_put_out(inside):
    inside.connect(1)
    inside.wait(5)
    inside.connect(2)
    inside.wait(6)
    assert inside.round()[1][0].code == "timeout"
    assert 2 not in inside.closed


def test_entering_twice_is_refused_and_harmless(inside):
    inside.enter(1, "ann")
    assert inside.do(1, Enter(protocol=1, ticket=inside.ticket("ann")))[0].code == "already"
    assert only(inside.do(1, Say(id="a", text="hi")), Done)


def test_presence_is_one_frame_a_round(inside):
    inside.enter(1, "ann")
    for number, name in enumerate(["bob", "cid", "dan"], start=2):
        inside.enter(number, name, commit=False)
    assert only(inside.round()[1], Presence) == [Presence(joined=["bob", "cid", "dan"], left=[])]


def test_two_connections_are_one_member(inside):
    inside.enter(1, "ann")
    inside.enter(2, "bob")
    assert only(inside.enter(3, "bob"), Entered)[0].count == 2
    assert inside.do(2, Leave(id="l")) == [Done(re="l")]
    assert inside.reports == [Joined(members=[Present("ann", False)]), Joined(members=[Present("bob", False)])]
    inside.do(3, Leave())
    assert inside.reports[-1] == Left(names=["bob"])
    assert inside.told[1][-1] == Presence(joined=[], left=["bob"])


def test_a_broken_connection_keeps_its_member_for_the_grace(inside):
    inside.enter(1, "ann")
    token = inside.enter(2, "bob")[0].resume
    inside.lose(2)
    assert only(inside.round()[1], Presence) == [Presence(joined=[], left=[], away=["bob"])]
    inside.wait(14)
    told = inside.enter(3, "bob", token=token)
    assert told[0].count == 2
    assert only(inside.told[1], Presence)[-1] == Presence(joined=[], left=[], back=["bob"])
    inside.lose(3)
    inside.wait(16)
    assert only(inside.round()[1], Presence)[-1] == Presence(joined=[], left=["bob"])


def test_after_a_restart_only_those_who_did_not_return_are_announced(inside):
    tokens = {name: inside.enter(number, name)[0].resume for number, name in enumerate(["ann", "bob", "cid"])}
    inside.crash()
    inside.enter(1, "ann", token=tokens["ann"])
    inside.enter(2, "bob", token=tokens["bob"])
    assert not only(inside.told[1], Presence) or only(inside.told[1], Presence)[0].joined == []
    assert inside.room.roster.page("", 10) == (["ann", "bob", "cid"], False)
    inside.wait(16)
    assert only(inside.round()[1], Presence)[-1].left == ["cid"]


def test_members_come_in_pages(inside):
    for number in range(5):
        inside.enter(number, f"u{number}")
    page = inside.do(0, Members(id="m", limit=2))[0]
    assert page == MembersPage(re="m", count=5, members=["u0", "u1"], more=True)
    assert inside.do(0, Members(after="u3", limit=2))[0].members == ["u4"]


def test_a_whisper_reaches_one_and_is_told_what_became_of_it(inside):
    for number, name in enumerate(["ann", "bob", "cid"]):
        inside.enter(number, name)
    assert inside.do(0, Whisper(id="w", to="BOB", text="psst")) == [Done(re="w")]
    whisper = inside.told[1][-1]
    assert (type(whisper), whisper.sender, whisper.to, whisper.text) == (Whispered, "ann", "bob", "psst")
    assert not only(inside.told[2], Whispered)
    assert inside.do(0, Whisper(id="w", to="bob", text="psst")) == [Done(re="w")]
    assert len(only(inside.told[1], Whispered)) == 1
    refused = inside.do(0, Whisper(id="w2", to="nobody", text="psst"))[0]
    assert (refused.code, refused.text) == ("no_such_member", "nobody is not in this room")


def test_whispers_survive_a_break_and_a_crash(inside):
    inside.enter(1, "ann")
    token = inside.enter(2, "bob")[0].resume
    inside.do(1, Whisper(id="w1", to="bob", text="one"))
    seen = inside.told[2][-1].number
    inside.lose(2)
    inside.do(1, Whisper(id="w2", to="bob", text="two"))
    inside.crash()
    again = only(inside.enter(2, "bob", token=token, since=0, whispers=seen), Whispered)
    assert [whisper.text for whisper in again] == ["two"]


def test_a_senders_other_terminal_sees_the_whisper(inside):
    inside.enter(1, "ann")
    inside.enter(2, "ann")
    inside.enter(3, "bob")
    inside.do(1, Whisper(id="w", to="bob", text="psst"))
    assert only(inside.told[2], Whispered)
    assert not only(inside.told[1], Whispered)


def test_texts_are_checked(inside):
    inside.enter(1, "ann")
    for text, code in [("", "bad_text"), (" \n", "bad_text"), ("a\x1b[2J", "bad_text"), ("x" * 4001, "too_long")]:
        assert inside.do(1, Say(id="a", text=text))[0].code == code
    assert only(inside.do(1, Say(text="two\nlines\tand a tab")), Line)


def test_too_fast_says_when_to_come_back(tmp_path):
    inside = Inside(tmp_path / "log.sqlite3", "limits.lines_per_second=1", "limits.lines_burst=2")
    inside.enter(1, "ann")
    inside.do(1, Say(id="1", text="x"))
    inside.do(1, Say(id="2", text="x"))
    refused = inside.do(1, Say(id="3", text="x"))[0]
    assert refused.code == "too_fast"
    inside.wait(refused.retry_after)
    assert only(inside.do(1, Say(id="3", text="x")), Done)


def test_typing_reaches_the_others_and_not_too_often(inside):
    inside.enter(1, "ann")
    inside.enter(2, "bob")
    inside.do(1, Typing())
    inside.do(1, Typing())
    assert only(inside.told[2], TypingNow) == [TypingNow(sender="ann")]
    assert not only(inside.told[1], TypingNow)


def test_a_time_that_goes_backwards_does_not_turn_lines_round(inside):
    inside.enter(1, "ann")
    first = only(inside.do(1, Say(text="x")), Line)[0]
    inside.wall -= 3_600_000
    second = only(inside.do(1, Say(text="y")), Line)[0]
    assert second.at >= first.at


def test_another_epoch_is_not_resumed_by_number(inside):
    token = inside.enter(1, "ann")[0].resume
    for number in range(3):
        inside.do(1, Say(text=str(number)))
    inside.history._db.execute("UPDATE facts SET value = value + 1 WHERE name = 'epoch'")
    inside.history._db.execute("DELETE FROM entries WHERE seq > 1")
    inside.crash()
    told = inside.enter(1, "ann", token=token, since=3)
    assert told[0].seq == 1
    assert [line.seq for line in only(told, Line)] == [1]


def test_revocations_of_the_lobby_void_tokens_and_put_out(inside):
    token = inside.enter(1, "bob")[0].resume
    inside.room.assign(inside.room.settings, [Revocation(number=7, name="Bob", before=inside.wall)])
    inside.room.put_out(PutOut(name="bob", code="locked", text="your account was locked"))
    closing = only(inside.round()[1], Closing)
    assert (closing[0].code, closing[0].resume) == ("locked", False)
    assert inside.enter(2, "bob", token=token)[0].code == "bad_ticket"
    inside.crash()
    assert inside.room.revoked_to == 7
    assert inside.enter(3, "bob", token=token)[0].code == "bad_ticket"
    assert isinstance(inside.enter(4, "bob")[0], Entered)


def test_who_is_here_by_what_was_made_void_is_put_out_though_the_lobby_said_no_more(inside):
    """It died before it could, and tells its revocations to a room that registers with the next."""
    token = inside.enter(1, "bob", token=inside.ticket("bob", session="1"))[0].resume
    inside.enter(2, "bob", token=inside.ticket("bob", session="2", issued=inside.wall + 5))
    inside.enter(3, "ann")
    inside.room.assign(inside.room.settings, [Revocation(number=7, name="bob", before=inside.wall)])
    told = inside.round()
    (closing,) = only(told[1], Closing)
    assert (closing.code, closing.resume) == ("bad_ticket", True), "the lobby says whether they may come back"
    assert inside.closed == {1: "bad_ticket"}, "the other came in after that"
    assert inside.enter(4, "bob", token=token)[0].code == "bad_ticket"
    inside.room.assign(inside.room.settings, [Revocation(number=8, name="bob#2", before=inside.wall + 9)])
    inside.round(fail=True)
    assert inside.closed == {1: "bad_ticket", 2: "bad_ticket", 4: "bad_ticket"}, "whatever the disk says"
    inside.wait(60)
    assert [member.name for member in inside.room.roster.everybody()] == ["ann"]


def test_one_session_ends_and_its_member_stays_by_the_other(inside):
    one = inside.ticket("bob", session="1")
    token = inside.enter(1, "bob", token=one)[0].resume
    inside.enter(2, "bob", token=inside.ticket("bob", session="2"))
    order = PutOut(name="bob#1", code="bad_session", text="ended")
    inside.room.assign(inside.room.settings, [Revocation(number=7, name="bob#1", before=inside.wall)])
    inside.room.put_out(order)
    told = inside.round()
    assert only(told[1], Closing)[0].code == "bad_session"
    assert not only(told[2], Closing)
    assert inside.closed == {1: "bad_session"}
    assert [member.name for member in inside.room.roster.everybody()] == ["bob"]
    inside.crash()
    assert inside.enter(3, "bob", token=token)[0].code == "bad_ticket"
    inside.enter(4, "bob", token=inside.ticket("bob", session="2"))
    inside.room.put_out(PutOut(name="bob!3", code="bad_session", text="ended"))
    inside.round()
    assert inside.closed == {3: "bad_ticket", 4: "bad_session"}
    assert not inside.room.roster.everybody()


def test_a_member_whose_connection_just_broke_stays_by_it_when_another_session_ends(inside):
    token = inside.enter(1, "bob", token=inside.ticket("bob", session="1"))[0].resume
    inside.lose(1)
    inside.room.put_out(PutOut(name="bob#2", code="bad_session", text="ended"))
    inside.round()
    assert isinstance(inside.enter(2, "bob", token=token)[0], Entered)
    assert not [report for report in inside.reports if isinstance(report, Left)]


def test_the_higher_revision_of_settings_wins(inside):
    settings = Assign(settings=inside.room.settings, revocations=[]).settings
    newer = type(settings)(
        **{f: getattr(settings, f) for f in settings.__struct_fields__} | {"revision": 9, "owner": "zoe"}
    )
    inside.room.assign(newer, [])
    inside.room.assign(settings, [])
    inside.round()
    assert inside.room.settings.owner == "zoe"
    assert inside.history.open(inside.wall).settings.revision == 9


def test_the_settings_a_room_started_with_need_no_commit_when_the_lobby_says_them_again(inside):
    inside.room.assign(inside.room.settings, [])
    assert not inside.room.work()


def test_every_request_has_a_rule():
    from typing import get_args

    from roomproc.room import RULES
    from wire.messages import RoomRequest

    assert set(RULES) == set(get_args(RoomRequest)) - {Enter}


def test_errors_carry_the_id_they_answer(inside):
    inside.enter(1, "ann")
    assert inside.do(1, Whisper(id="zz", to="x", text="y"))[0] == Error(
        re="zz", code="no_such_member", text="x is not in this room"
    )


def test_a_guests_name_passes_on_and_what_was_whispered_to_it_does_not(inside):
    inside.enter(1, "ann")
    token = inside.enter(2, "eve", guest=True)[0].resume
    inside.do(1, Whisper(id="w", to="eve", text="for the first eve"))
    inside.lose(2)
    inside.wait(16)
    inside.round()
    assert only(inside.enter(3, "eve", guest=True, whispers=0), Whispered) == [], "somebody else, by a ticket"
    again = only(inside.enter(4, "eve", token=token, whispers=0), Whispered)
    assert [whisper.text for whisper in again] == ["for the first eve"], "the same one, by the resume token"


def test_entered_names_the_whisper_one_has_before_any_came(inside):
    inside.enter(1, "ann")
    entered = inside.enter(2, "bob")[0]
    inside.lose(2)
    inside.do(1, Whisper(id="w", to="bob", text="psst"))
    told = inside.enter(2, "bob", token=entered.resume, since=0, whispers=entered.whisper)
    assert [whisper.text for whisper in only(told, Whispered)] == ["psst"]
    assert told[0].whisper > entered.whisper


def test_what_follows_leave_in_one_segment_counts_for_nothing(inside):
    resume = inside.enter(1, "ann")[0].resume
    inside.do(1, Leave(id="l"), commit=False)
    inside.do(1, Enter(protocol=1, ticket=resume), commit=False)
    assert [type(message) for message in inside.do(1, Say(text="and one more"))] == [Done]
    assert inside.closed == {1: "left"}
    assert (len(inside.room.roster), inside.room.seq) == (0, 0)


def test_presence_of_a_crowd_comes_in_frames_that_fit(inside):
    inside.enter(1, "ann")
    names = [f"somebody-with-a-long-name-{number:05d}" for number in range(2_500)]
    for number, name in enumerate(names, start=2):
        inside.enter(number, name, commit=False)
    frames = only(inside.round()[1], Presence)
    assert [name for frame in frames for name in frame.joined] == names
    reports = only(inside.reports, Joined)
    assert [who.name for report in reports for who in report.members] == ["ann", *names]
    for number in range(2, 2_502):
        inside.lose(number)
    frames += only(inside.round()[1], Presence)
    inside.wait(20)
    frames += only(inside.round()[1], Presence)
    assert sum(len(frame.left) for frame in frames) == 2_500
    assert max(len(encode(message)) for message in [*frames, *inside.reports]) < LINE_MAX


def test_what_the_lobby_voids_is_stored_by_the_next_round_that_can_be(inside):
    inside.enter(1, "ann")
    resume = inside.enter(2, "bob")[0].resume
    inside.wall += 5
    bob = Revocation(number=1, name="bob", before=inside.wall)
    inside.room.assign(SETTINGS, [bob])
    inside.room.put_out(PutOut(name="bob", code="locked", text="locked"))
    assert isinstance(inside.round(fail=True)[2][0], Closing), "that needs no disk"
    inside.room.assign(SETTINGS, [Revocation(number=2, name="zoe", before=inside.wall)])
    inside.round()
    inside.crash()
    assert inside.room.revoked_to == 2
    assert inside.enter(3, "bob", token=resume)[0].code == "bad_ticket"


def test_two_connections_of_one_stream_share_it_however_many_streams_there_were(inside, monkeypatch):
    monkeypatch.setattr(people, "STREAMS", 3)
    for number in range(1, 4):
        inside.enter(number, f"member{number}", stream=STREAM)
        inside.lose(number)
    inside.enter(8, "ann", stream=STREAM)
    inside.enter(9, "ann", stream=STREAM)
    assert only(inside.do(8, Say(id="a1", text="once")), Done)[0].seq == 1
    assert only(inside.do(9, Say(id="a1", text="once")), Done)[0].seq == 1


def test_a_line_sent_again_in_its_round_exists_once_however_many_streams_come_between(inside, monkeypatch):
    monkeypatch.setattr(people, "STREAMS", 2)
    inside.enter(8, "ann", stream=STREAM)
    inside.enter(9, "bob", stream=STREAM)
    inside.do(8, Say(id="a1", text="once"), commit=False)
    inside.do(8, Leave(), commit=False)
    for number in (1, 2, 3):
        inside.enter(number, f"member{number}", stream=STREAM, commit=False)
    inside.enter(10, "ann", stream=STREAM, commit=False)
    inside.do(10, Say(id="a1", text="once"), commit=False)
    inside.lose(9)
    assert only(inside.round()[10], Done)[0].seq == 1
    assert inside.room.seq == 1
    assert sorted(account for account, _ in inside.room.streams._known) == ["ann", "member1", "member2", "member3"]


def test_lines_sent_again_in_their_round_exist_once_however_many_there_are(inside, monkeypatch):
    monkeypatch.setattr(people, "REMEMBERED", 2)
    monkeypatch.setattr(people, "RUNS", 1)
    inside.enter(1, "ann", stream=STREAM)
    said = [Say(id=f"{number}x", text="x") for number in range(9)]
    runs = [[Say(id=f"r-{10 * run + number}", text="x") for number in range(5)] for run in range(1, 6)]
    for messages in (said, *runs, said, *runs):
        inside.do_all(1, messages)
    assert [done.seq for done in only(inside.round()[1], Done)] == [*range(1, 35)] * 2
    stream = inside.room.connections[1].stream
    assert (len(stream._recent), len(stream._runs)) == (0, 1), "and then the file has them"


def test_a_line_sent_again_exists_once_though_retention_dropped_it(inside):
    inside.enter(1, "ann", stream=STREAM)
    for number in range(1, 4):
        inside.do(1, Say(id=f"a{number}", text="one of many"))
    inside.history.drop_before(3, 100)
    inside.crash()
    assert (inside.room.first, inside.room.seq) == (3, 3)
    inside.enter(2, "ann", stream=STREAM)
    assert only(inside.do(2, Say(id="a1", text="one of many")), Done)[0].seq == 1
    assert inside.room.seq == 3

    inside.history.forget(inside.wall, whispers_before=0, window_before=inside.wall, void_before=0)
    assert inside.history._db.execute("SELECT count(*) FROM dropped").fetchone() == (0,), "the window is over"


def test_a_kick_is_told_to_the_lobby_with_its_stamp_and_voids_what_came_before_it_by_any_clock(inside):
    inside.enter(1, "ann", roles=("user",))
    resume = inside.enter(2, "bob")[0].resume
    inside.wall -= 3_600_000  # the clock steps back by an hour
    inside.do(1, Kick(name="bob"))
    stamp = only(inside.reports, Traffic)[-1].withdrew
    assert inside.enter(3, "bob", token=resume)[0].code == "bad_ticket"
    inside.crash()
    assert inside.room.door.stamps.void == stamp
    assert inside.enter(4, "bob", token=resume)[0].code == "bad_ticket"
    fresh = inside.ticket("bob", issued=stamp + 1)  # as the lobby makes it, that was told
    assert isinstance(inside.enter(5, "bob", token=fresh)[0], Entered)


def test_a_stream_in_use_is_noted_again_from_time_to_time(inside):
    inside.enter(1, "ann", stream=STREAM)
    inside.do(1, Say(id="a1", text="one"))
    used = "SELECT used FROM streams"
    before = inside.history._db.execute(used).fetchone()
    inside.wall += 7_200_000
    inside.do(1, Say(id="a2", text="two"))
    assert inside.history._db.execute(used).fetchone() == before, "once in a while is enough"
    inside.room.streams.note()
    inside.do(1, Say(id="a3", text="three"))
    assert inside.history._db.execute(used).fetchone()[0] >= before[0] + 7_200_000
