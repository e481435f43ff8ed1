"""Operators' orders: who may, what they change, and that they last."""

import pytest

from tests.roomproc.inside import Inside
from wire.messages import (
    Ban,
    Closing,
    Deop,
    Done,
    Entered,
    Kick,
    Line,
    Moderated,
    Mute,
    Op,
    Say,
    SetTopic,
    Slow,
    Topic,
    Unban,
)


@pytest.fixture
def inside(tmp_path):
    inside = Inside(tmp_path / "log.sqlite3")
    for number, (name, roles) in enumerate([("ann", ("user",)), ("bob", ("user",)), ("adm", ("user", "admin"))]):
        inside.enter(number, name, roles=roles)
    return inside


ANN, BOB, ADM = 0, 1, 2


def code(told):
    return told[0].code


@pytest.mark.parametrize(
    "order",
    [
        SetTopic(topic="x"), Kick(name="ann"), Ban(name="ann"), Unban(name="ann"), Mute(name="ann"), Op(name="bob"),
        Deop(name="ann"), Slow(seconds=5),
    ],
    ids=lambda order: type(order).__name__,
)  # fmt: skip
def test_members_may_not(inside, order):
    assert code(inside.do(BOB, order)) == "not_allowed"


def test_a_topic_is_a_numbered_entry_and_lasts(inside):
    told = inside.do(ANN, SetTopic(id="t", topic="chess"))
    assert isinstance(told[0], Topic)
    assert told[1] == Done(re="t", seq=1)
    inside.crash()
    assert inside.enter(5, "cid")[0].topic == "chess"


def test_a_kick_ends_all_connections_and_voids_the_token(inside):
    token = inside.enter(5, "bob")[0].resume
    told = inside.do(ANN, Kick(id="k", name="Bob", reason="noise"))
    assert isinstance(told[0], Moderated)
    for connection in (BOB, 5):
        closing = next(m for m in inside.told[connection] if isinstance(m, Closing))
        assert (closing.code, closing.resume) == ("kicked", False)
        assert "noise" in closing.text
    assert code(inside.enter(6, "bob", token=token)) == "bad_ticket"
    inside.wait(1)
    assert isinstance(inside.enter(7, "bob")[0], Entered)


def test_a_ban_lasts_over_a_crash_and_ends_at_its_time(inside):
    inside.do(ANN, Ban(name="bob", seconds=60))
    inside.wait(1)
    assert code(inside.enter(5, "bob")) == "banned"
    inside.crash()
    assert code(inside.enter(6, "bob")) == "banned"
    inside.wait(60)
    assert isinstance(inside.enter(7, "bob")[0], Entered)


def test_an_unban_lets_back_in(inside):
    inside.do(ANN, Ban(name="bob"))
    inside.do(ANN, Unban(name="bob"))
    inside.wait(1)
    assert isinstance(inside.enter(5, "bob")[0], Entered)


def test_a_mute_is_temporary(inside):
    inside.do(ANN, Mute(name="bob", seconds=600))
    assert "for 10 minutes more" in inside.do(BOB, Say(text="hi"))[0].text
    inside.do(ANN, Mute(name="bob", seconds=60))
    refused = inside.do(BOB, Say(text="hi"))[0]
    assert refused.text.endswith(" s more")
    assert refused.code == "muted"
    assert 0 < refused.retry_after <= 60
    inside.wait(61)
    assert isinstance(inside.do(BOB, Say(text="hi"))[0], Line)


def test_a_mute_is_lifted(inside):
    inside.do(ANN, Mute(name="bob"))
    told = inside.do(ANN, Mute(name="bob", seconds=0))
    assert told[0].what == "unmute"
    assert isinstance(inside.do(BOB, Say(text="hi"))[0], Line)


def test_slow_mode_spares_operators(inside):
    inside.do(ANN, Slow(seconds=30))
    assert isinstance(inside.do(BOB, Say(text="one"))[0], Line)
    refused = inside.do(BOB, Say(text="two"))[0]
    assert (refused.code, refused.retry_after) == ("too_fast", 30)
    assert isinstance(inside.do(ANN, Say(text="one"))[0], Line)
    assert isinstance(inside.do(ANN, Say(text="two"))[0], Line)
    inside.crash()
    assert inside.room.moderation.slow == 30


def test_ranks_go_upwards_only(inside):
    inside.do(ANN, Op(name="bob"))
    assert code(inside.do(BOB, Kick(name="ann"))) == "not_allowed"
    assert code(inside.do(ANN, Kick(name="adm"))) == "not_allowed"
    assert code(inside.do(BOB, Op(name="cid"))) == "not_allowed"
    inside.enter(5, "cid")
    assert isinstance(inside.do(BOB, Kick(name="cid"))[0], Moderated)
    assert isinstance(inside.do(ADM, Deop(name="bob"))[0], Moderated)
    assert code(inside.do(BOB, SetTopic(topic="x"))) == "not_allowed"


def test_an_order_that_was_not_stored_has_not_happened(inside):
    inside.do(ANN, Mute(id="m", name="bob"), commit=False)
    assert inside.round(fail=True)[ANN][0].code == "storage"
    assert isinstance(inside.do(BOB, Say(text="hi"))[0], Line)


def test_who_has_the_name_anew_has_neither_its_bans_nor_its_rights(inside):
    inside.do(ANN, Op(name="bob"))
    inside.do(ANN, Mute(name="bob", seconds=600))
    inside.do(ANN, Ban(name="cid"))
    earlier = inside.ticket("bob", since=inside.wall - 10_000)
    assert inside.enter(12, "bob", token=earlier)[0].operator, "they were meant"
    inside.lose(12)
    inside.lose(BOB)
    inside.crash()
    later = inside.wall + 1
    assert not inside.enter(13, "bob", token=inside.ticket("bob", since=later))[0].operator
    assert isinstance(inside.do(13, Say(text="I am new here"))[-1], Done)
    assert inside.enter(14, "cid", token=inside.ticket("cid"))[0].code == "banned", "since when is not known"
    assert isinstance(inside.enter(15, "cid", token=inside.ticket("cid", since=later))[0], Entered)
