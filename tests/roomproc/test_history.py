"""The room's file: what is stored together is there together, in order, and found again."""

import sqlite3
import stat

import pytest

from base.sqlite import NewerFile
from roomproc.history import History
from roomproc.keys import LOOKED_AT
from roomproc.people import Remembered, Stream
from roomproc.staged import Sent, Standing, StoredWhisper, Work
from wire.control import RoomSettings
from wire.messages import Line, Moderated, Topic


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.sqlite3"


@pytest.fixture
def history(path):
    history = History(path, "process")
    history.open(1_000)
    return history


def line(seq, text="x", at=None, **fields):
    return Line(seq=seq, at=at or seq * 10, sender="ann", text=text, **fields)


def store(history, *entries):
    work = Work()
    work.entries = list(entries)
    history.commit(work)


def test_entries_come_back_as_they_were(history):
    entries = [
        line(1, "hello\n\tworld 👋"), line(2, "waves", kind="action"), line(3, guest=True),
        Topic(seq=4, at=40, sender="ann", topic="chess"),
        Moderated(seq=5, at=50, sender="ann", what="ban", name="bob", seconds=60, reason="noise"),
        Moderated(seq=6, at=60, sender="ann", what="op", name="bob"),
    ]  # fmt: skip
    store(history, *entries)
    assert history.after(0, 10) == entries
    assert history.after(2, 2) == entries[2:4]
    assert history.before(5, 2) == entries[2:4]


def test_the_file_is_its_owners_only(history, path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(("durability", "synchronous"), [("full", 2), ("process", 1), ("off", 0)])
def test_rounds_are_as_durable_as_asked_and_the_opening_waits_for_the_first(path, durability, synchronous):
    history = History(path, durability)
    assert history._db.execute("PRAGMA synchronous").fetchone() == (0,)
    history.open(1_000)
    assert history._db.execute("PRAGMA synchronous").fetchone() == (synchronous,)


def test_every_opening_is_an_incarnation_of_one_epoch(path):
    first, second = History(path, "full").open(1_000), History(path, "full").open(2_000)
    assert (first.incarnation, second.incarnation) == (1, 2)
    assert first.epoch == second.epoch == 1_000


def test_the_settings_of_a_start_are_stored_unless_the_file_has_later_ones(path):
    def opened(revision, owner):
        settings = RoomSettings(
            room="r", name="games", owner=owner, access="public", topic="", made=1, revision=revision
        )
        history = History(path, "process")
        try:
            return history.open(1_000, settings).settings
        finally:
            history.close()

    assert opened(2, "ann").owner == "ann"
    assert opened(1, "bob").owner == "ann"
    assert opened(2, "cat").owner == "cat"
    assert opened(3, "dan").owner == "dan"
    assert History(path, "process").open(1_000).settings.revision == 3


def test_what_a_room_must_know_again(history, path):
    stream = Stream("ann", "stream", None)
    work = Work()
    work.add(line(1), stream, "a1")
    work.streams = [stream]
    work.spent = [("late", 900), ("n", 5_000)]
    work.revoked = [("bob", 7)]
    work.facts = {"topic": "chess", "slow": 5, "revoked_to": 3}
    work.standing = [Standing(what="ban", name="Bob", until=None), Standing(what="mute", name="cid", until=9)]
    work.came = [Remembered("ann", False), Remembered("eve", True)]
    work.whispers = [StoredWhisper(number=77, at=1, sender="ann", recipient="eve", text="psst")]
    history.commit(work)
    opened = History(path, "process").open(2_000)
    assert (opened.seq, opened.first, opened.at) == (1, 1, 10)
    assert (opened.topic, opened.slow, opened.revoked_to, opened.whisper) == ("chess", 5, 3, 77)
    assert opened.spent == {"n": 5_000}
    assert opened.revoked == {"bob": 7}
    assert {(order.what, order.name, order.until) for order in opened.standing} == {
        ("ban", "Bob", None),
        ("mute", "cid", 9),
    }
    assert opened.members == [Remembered("ann", False), Remembered("eve", True)]


def test_what_is_lifted_and_who_left_are_forgotten(history, path):
    work = Work()
    work.standing = [Standing(what="ban", name="Bob", until=None)]
    work.came = [Remembered("ann", False)]
    history.commit(work)
    work = Work()
    work.standing = [Standing(what="ban", name="bob", until=0)]
    work.went = ["ann"]
    history.commit(work)
    opened = History(path, "process").open(2_000)
    assert (opened.standing, opened.members) == ([], [])


def test_durable_keys(history):
    stream, other = Stream("ann", "s", None), Stream("bob", "s", None)
    work = Work()
    work.add(line(1), stream, "a1")
    work.add(line(2), other, "a1")
    work.whispers = [StoredWhisper(number=5, at=1, sender="ann", recipient="bob", text="x", stream=stream, id="w1")]
    work.streams = [stream, other]
    history.commit(work)
    assert history.stream("ann", "s") == stream.number
    assert history.stream("ann", "t") is None
    assert (history.sent(stream.number, "a1"), history.sent(other.number, "a1")) == (1, 2)
    assert history.sent(stream.number, "w1") == 0
    assert history.sent(stream.number, "a2") is None


def test_the_highest_id_of_a_stream(history):
    ann, bob = Stream("ann", "s", None), Stream("bob", "s", None)
    work, seq = Work(), 0
    work.streams = [ann, bob]

    def highest():
        history.commit(work)
        work.entries, work.sent, work.whispers = [], [], []
        return [history.highest(stream.number) for stream in (ann, bob)]

    assert highest() == ["", ""]
    for before, first, count in (("", 95, 8), ("b-", 1, 6), ("a\0", 11, 4)):
        work.entries += [line(seq + number, at=10) for number in range(1, count + 1)]
        work.sent.append(Sent(ann, f"{before}{first}", seq + 1, count))
        seq += count
    assert highest() == ["a\0" + "14", ""]
    work.whispers = [StoredWhisper(number=1, at=9, sender="a", recipient="b", text="x", stream=ann, id="b-1234")]
    assert highest() == ["b-1234", ""]
    work.add(line(seq + 1, at=20), ann, "b-1235")
    assert highest() == ["b-1235", ""]
    history.drop_before(seq + 2, 1_000)
    assert highest() == ["b-1235", ""], "its key outlives a line"
    for number in range(LOOKED_AT + 1):
        work.add(line(seq + 2 + number, at=20), bob, f"{number}x")
    assert highest() == ["b-1235", None], "too many to look at"


def test_all_of_a_round_or_nothing(history):
    stream = Stream("ann", "s", None)
    work = Work()
    work.add(line(1), stream, "a1")
    work.add(line(1), stream, "a2")
    work.streams = [stream]
    work.spent = [("n", 5_000)]
    with pytest.raises(sqlite3.IntegrityError):
        history.commit(work)
    assert stream.number is None
    assert history.after(0, 10) == []
    assert history.stream("ann", "s") is None
    store(history, line(1))
    assert len(history.after(0, 10)) == 1


def test_a_key_cannot_be_stored_twice_whatever_the_core_does(history):
    stream = Stream("ann", "s", None)
    work = Work()
    work.add(line(1), stream, "a1")
    work.streams = [stream]
    history.commit(work)
    work = Work()
    work.add(line(2), stream, "a1")
    with pytest.raises(sqlite3.IntegrityError):
        history.commit(work)


def test_a_moment_is_found_by_bisection(history):
    store(history, *[line(seq, at=at) for seq, at in enumerate([10, 10, 20, 30, 30], start=1)])
    assert [history.first_at(at, 1, 5) for at in (5, 10, 11, 20, 30, 31)] == [1, 1, 3, 3, 4, 6]


def test_what_has_had_its_time_is_dropped(history):
    stream = Stream("ann", "s", None)
    work = Work()
    work.streams = [stream]
    work.whispers = [
        StoredWhisper(number=n, at=n, sender="ann", recipient="bob", text="x", stream=stream, id=str(n))
        for n in (10, 20, 30)
    ]
    work.spent = [("n", 50)]
    history.commit(work)
    assert [w.number for w in history.whispers_since("bob", 10)] == [20, 30]
    history.forget(100, whispers_before=30, window_before=15, void_before=0)
    assert [w.number for w in history.whispers_since("bob", 0)] == [30]
    assert (history.sent(stream.number, "10"), history.sent(stream.number, "20")) == (None, 0)


def test_a_newer_file_is_refused(path):
    History(path, "process").close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(NewerFile):
        History(path, "process")


@pytest.mark.parametrize(
    "upkeep",
    [
        lambda h: h.forget(10_000, whispers_before=9_000, window_before=9_000, void_before=0),
        lambda h: h.drop_before(2, 10),
    ],
    ids=["forget", "drop_before"],
)
def test_upkeep_that_the_disk_refuses_leaves_no_transaction_behind(history, upkeep):
    store(history, line(1), line(2))
    history._db.set_authorizer(lambda action, *_: action == sqlite3.SQLITE_DELETE)  # 1 is SQLITE_DENY
    with pytest.raises(sqlite3.DatabaseError):
        upkeep(history)
    history._db.set_authorizer(None)
    store(history, line(3))
    assert [entry.seq for entry in history.after(0, 10)] == [1, 2, 3]


def test_a_disk_that_refuses_the_last_checkpoint_keeps_nobody_from_ending(history):
    class Refusing:
        def execute(self, sql):
            raise sqlite3.OperationalError("database or disk is full")

        def close(self):
            raise sqlite3.OperationalError("disk I/O error")

    whole, history._db = history._db, Refusing()
    history.close()
    whole.close()


DAY = 86_400_000


def said_under(history, name, seq, at):
    """A line under the stream `name`, as a connection says it that has just come in."""
    stream, work = Stream("ann", name, None), Work()
    work.add(line(seq, at=at), stream, "a1")
    work.streams = [stream]
    history.commit(work)
    assert stream.noted
    return stream


def forget(history, wall):
    return history.forget(wall, whispers_before=wall - 600_000, window_before=wall - DAY, void_before=wall - DAY)


def test_a_stream_is_forgotten_when_no_resend_can_meet_its_lines(history):
    old, used, newest = (said_under(history, name, seq, at=5 * DAY) for seq, name in enumerate(("a", "b", "c"), 1))
    assert not forget(history, 6 * DAY)
    assert history.stream("ann", "a") == old.number, "inside the window, and a note may be an hour old"
    used.noted, work = False, Work()
    work.add(line(4, at=7 * DAY), used, "a2")
    work.streams = [used]
    history.commit(work)
    assert forget(history, 7 * DAY), "streams went"
    assert history.stream("ann", "a") is None
    assert (history.stream("ann", "b"), history.sent(used.number, "a1")) == (used.number, 2)
    assert history.stream("ann", "c") == newest.number, "the newest stays, so that no number comes again"
    again = said_under(history, "a", 5, at=7 * DAY)
    assert again.number > newest.number
    assert history.sent(again.number, "a1") == 5


def test_a_round_that_fails_leaves_a_streams_number(history):
    stream = said_under(history, "a", 1, at=DAY)
    stream.noted, work = False, Work()
    work.add(line(1, at=DAY), stream, "a2")
    work.streams = [stream]  # a number that is taken
    with pytest.raises(sqlite3.IntegrityError):
        history.commit(work)
    assert (stream.number, stream.noted) == (history.stream("ann", "a"), False)


def test_notes_of_a_time_in_which_nobody_made_any_are_not_trusted(path):
    history = History(path, "process")
    history.open(DAY)
    for seq, name in enumerate("ab", 1):
        said_under(history, name, seq, at=5 * DAY)
    history.close()
    db = sqlite3.connect(path)
    db.execute("UPDATE facts SET value = value + 1 WHERE name = 'incarnation'")  # another version had the file
    db.commit()
    db.close()
    history = History(path, "process")
    history.open(7 * DAY)
    forget(history, 8 * DAY)
    assert history.stream("ann", "a") is not None
    forget(history, 9 * DAY + 3 * 3_600_000)
    assert history.stream("ann", "a") is None


def test_what_is_void_by_its_age_needs_no_revocation(history):
    work = Work()
    work.revoked = [("ann", 5 * DAY), ("bob", 6 * DAY)]
    history.commit(work)
    forget(history, 6 * DAY)
    assert history.open(6 * DAY).revoked == {"bob": 6 * DAY}


def test_the_keys_of_rows_for_many_go_with_the_resend_window(history):
    stream = Stream("ann", "s", None)
    for day in (1, 2, 3):
        work = Work()
        work.entries = [line(seq, at=day * DAY) for seq in range(10 * day - 9, 10 * day + 1)]
        work.sent = [Sent(stream, f"a{100 * day}", 10 * day - 9, 9), Sent(stream, f"x{day}x", 10 * day)]
        work.streams = [stream]
        history.commit(work)

    def known():
        number = stream.number
        return [(history.sent(number, f"a{100 * day + 8}"), history.sent(number, f"x{day}x")) for day in (1, 2, 3)]

    def forget(window_before):
        history.forget(DAY, whispers_before=0, window_before=window_before, void_before=0)

    assert known() == [(9, 10), (19, 20), (29, 30)]
    forget(2 * DAY)
    assert known() == [(None, None), (19, 20), (29, 30)]
    assert history.drop_before(25, 100) == 25
    assert known() == [(None, None), (19, 20), (29, 30)], "retention takes no key"
    forget(4 * DAY)
    assert known() == [(None, None)] * 3
    forget(5 * DAY)  # and where there is none, nothing goes wrong


def test_very_many_keys_go_in_pieces(history, monkeypatch):
    monkeypatch.setattr("roomproc.keys.AT_ONCE", 3)
    stream = Stream("ann", "s", None)
    for number in range(8):
        work = Work()
        first = 20 * number + 1
        work.entries = [line(seq, at=10 + number // 4) for seq in range(first, first + 20)]
        work.sent = [
            Sent(stream, f"a{first}", first, 10),
            *(Sent(stream, f"{n}x", n) for n in (first + 15, first + 16)),
        ]
        work.streams = [stream]
        history.commit(work)
    looks = 0
    while looks == 0 or history.forget_due(DAY):
        history.forget(DAY, whispers_before=0, window_before=11, void_before=0)
        left = [history._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("runs", "dropped")]
        looks += 1
        assert left == [[5, 8], [4, 8]][looks - 1]
    assert looks == 2
    assert (history.sent(stream.number, "a61"), history.sent(stream.number, "a81")) == (None, 81)
