"""What the line mode writes about events."""

from datetime import UTC

import pytest

from client import events
from client.memory import Place
from client.show import plain
from client.teller import CROWD, SINGLY, Teller
from tests.client.bench import AT, line
from wire import messages as m


class Written:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.roles: list[str] = []
        self.teller = Teller(self.write, UTC)
        self.teller.me = "ann"
        self.teller.look_at("hall")

    def write(self, spans: list[tuple[str, str]]) -> None:
        self.lines.append(plain(spans))
        self.roles += [role for role, _ in spans]

    def after(self, *happened: events.Event) -> list[str]:
        self.lines.clear()
        for event in happened:
            self.teller.event(event)
        return self.lines


@pytest.fixture
def written() -> Written:
    return Written()


def entered(**changes: object) -> events.RoomEntered:
    values = {"room": "hall", "topic": "", "count": 1, "members": ("ann",), "operator": False, "again": False,
              "missed": 0,
              "seq": 41, "epoch": 1}  # fmt: skip
    return events.RoomEntered(**(values | changes))  # type: ignore[arg-type]


def test_a_newcomer_learns_where_they_are_and_what_to_do(written: Written) -> None:
    assert written.after(entered(topic="chess", count=3, members=("ann", "bob", "joy"))) == [
        "-- you are in hall: chess",
        "-- here too: bob, joy",
        "-- type to talk; /help for the commands, /menu for the menu, Ctrl-D to leave",
    ]
    assert written.after(entered(room="games")) == ["-- you are in games", "-- nobody else is here yet"]


def test_a_large_room_is_not_read_out(written: Written) -> None:
    names = tuple(f"p{number}" for number in range(100))
    told = written.after(entered(count=5_000, members=("ann", *names)))[1]
    assert told == "-- here too: p0, p1, p2, p3, p4, p5, p6, p7 and 4991 more"


def test_lines_since_one_left(written: Written) -> None:
    written.teller.left_at = {"hall": Place(29, 1)}
    assert "-- 12 lines since you left" in written.after(entered())
    written.teller.left_at = {"hall": Place(29, 7)}
    assert not any("since you left" in told for told in written.after(entered()))


def test_ones_own_lines_of_another_terminal_are_not_new(written: Written) -> None:
    def came(seq: int, sender: str) -> events.EntryCame:
        return events.EntryCame("hall", line(seq, f"line {seq}", sender), True)

    written.teller.left_at = {"hall": Place(37, 1)}
    lines = [came(38, "bob"), came(39, "Ann"), came(40, "bob"), came(41, "bob")]
    told = written.after(entered(missed=4), *lines)
    assert [text.split(" ", 1)[1] for text in told[3:]] == [
        "bob: line 38", "Ann: line 39", "2 lines since you left", "bob: line 40", "bob: line 41",
    ]  # fmt: skip
    written.teller.left_at = {"hall": Place(39, 1)}
    own = written.after(entered(missed=2), came(40, "bob"), came(41, "ann"))
    assert not any("since" in text for text in own)
    written.teller.left_at = {"hall": Place(39, 1)}
    broken = written.after(entered(missed=2), came(40, "bob"), events.Lost("hall"))
    assert [text.split(" ", 1)[1] for text in broken[2:4]] == ["2 lines since you left", "bob: line 40"], (
        "nothing waits"
    )


def test_what_happened_meanwhile_is_counted(written: Written) -> None:
    assert written.after(entered(again=True, missed=2)) == ["-- 2 lines meanwhile:"]
    assert written.after(entered(again=True)) == []


def test_one_word_for_all_that_breaks_at_once(written: Written) -> None:
    assert written.after(
        events.Lost("hall"), events.Lost("games"), events.Lost(None), events.Back(None), events.Back("hall"),
        events.Back("games"),
    ) == ["(connection lost, trying again)", "(back)"]  # fmt: skip
    assert written.after(events.Lost(None), events.Back(None)) == ["(the lobby is away, trying again)", "(back)"]
    assert written.after(events.Lost(None), events.Lost("hall"), events.Back("hall"), events.Back(None)) == [
        "(the lobby is away, trying again)", "(connection lost, trying again)", "(back)"]  # fmt: skip
    written.teller.look_at("")
    assert written.after(events.Lost(None))[0] == "(connection lost, trying again)"


def test_other_rooms_are_marked_and_counted(written: Written) -> None:
    assert written.after(events.EntryCame("games", line(1), past=False)) == ["[games] 18:00 bob: hi"]
    assert written.teller.elsewhere() == " (games 1)"
    written.teller.look_at("games")
    assert written.teller.elsewhere() == ""
    assert written.after(events.PresenceCame("hall", m.Presence(joined=["joy"], left=[]), 2)) == []


def test_who_is_ignored_is_not_seen(written: Written) -> None:
    written.teller.ignored.add("bob")
    whisper = m.Whispered(sender="Bob", to="ann", text="hi", at=AT, number=1)
    assert (
        written.after(events.EntryCame("hall", line(1, sender="BOB"), past=False), events.WhisperCame("hall", whisper))
        == []
    )


def test_followed_names_and_words_are_marked(written: Written) -> None:
    written.teller.followed |= {"bob", "chess"}
    for said, marked in ((line(1), True), (line(2, "a game of Chess?", "joy"), True), (line(3, "no", "joy"), False)):
        written.roles.clear()
        written.after(events.EntryCame("hall", said, past=False))
        assert ("marked" in written.roles) is marked
        assert ("(marked)" in written.lines[-1]) is marked


def test_a_crowd_comes_and_goes_in_one_line(written: Written) -> None:
    for number in range(60):
        assert (
            written.after(events.PresenceCame("hall", m.Presence(joined=[f"p{number}"], left=[]), CROWD + number)) == []
        )
    written.after(events.PresenceCame("hall", m.Presence(joined=[], left=["p1", "joy"]), CROWD))
    written.lines.clear()
    written.teller.tell_crowd()
    (told,) = written.lines
    assert told.startswith("-- hall: 59 came (p0, ")
    assert told.endswith("1 left (joy)")
    written.lines.clear()
    written.teller.tell_crowd()
    assert written.lines == []


def test_a_room_that_fills_at_once_is_summed_up_although_it_is_small(written: Written) -> None:
    def comes(name: str, count: int) -> list[str]:
        return written.after(events.PresenceCame("hall", m.Presence(joined=[name], left=[]), count))

    assert [len(comes(f"p{number}", number)) for number in range(8)] == [1] * SINGLY + [0] * (8 - SINGLY)
    written.after(events.PresenceCame("hall", m.Presence(joined=[], left=["p0"]), 7))
    assert written.lines == [], "what follows a sum is part of it, or it would be told out of order"
    written.teller.look_at("games")
    assert written.lines == ["-- hall: 3 came (p5, p6, p7), 1 left (p0)"]
    written.teller.look_at("hall")
    assert len(comes("again", 8)) == 1


def test_a_new_day_has_its_line(written: Written) -> None:
    tomorrow = line(2)
    tomorrow.at += 86_400_000
    assert written.after(
        events.EntryCame("hall", line(1), past=True), events.EntryCame("hall", tomorrow, past=False)
    ) == ["18:00 bob: hi", "-- Saturday, 21 November 2026", "18:00 bob: hi"]


def test_whispers_and_what_became_of_ours(written: Written) -> None:
    theirs = m.Whispered(sender="bob", to="ann", text="psst\nquick", at=AT, number=1)
    assert written.after(events.WhisperCame("hall", theirs)) == [
        "18:00 bob to you, in private: psst", "      | quick"]  # fmt: skip
    ours = m.Whisper(to="bob", text="yes?")
    assert written.after(events.Acknowledged("hall", "1", ours, None, AT)) == ["18:00 you to bob, in private: yes?"]
    assert written.after(events.NotSent("hall", "1", ours, "no_such_member", "bob is not in this room")) == [
        "-- not delivered to bob: bob is not in this room (/tell bob TEXT reaches people elsewhere)"]  # fmt: skip
    said = m.Say(text="hello")
    assert written.after(events.Acknowledged("hall", "1", said, 4, AT)) == []  # the line itself has come


def test_the_fate_of_lines(written: Written) -> None:
    assert written.after(
        events.Held("hall", 0.5), events.Held("hall", 30.0), events.Unconfirmed("hall", 2),
        events.NotSent("hall", "1", m.Say(text="hi"), "muted", "you are muted"), events.GapCame("hall", 3, 7),
        events.Reloaded("hall"),
    ) == [
        "-- your line goes out in 30 seconds; the room is slow or you are fast",
        "-- 2 lines of yours are not stored yet; kept, and sent again by itself",
        "-- not sent: hi (you are muted)",
        "-- 5 earlier lines no longer kept here",
        "-- hall was restored from a copy: what follows is its log anew",
    ]  # fmt: skip


def test_news_of_the_lobby(written: Written) -> None:
    news = m.MailNew(mail=3, sender="bob", subject="", at=AT, unread=2)
    assert written.after(
        events.MailCame(news), events.Announced(None, "at noon:\nmaintenance", AT), events.Complaint(None, "x", "hm"),
        events.LoggedOut("this session has ended"), events.InvitationCame(m.Invited(room="den", sender="bob", at=AT)),
    ) == [
        "-- new mail from bob: no subject (/mail for your inbox, 2 unread)",
        "-- the server's operator says: at noon:",
        "-- the server's operator says: maintenance",
        "-- the server says: hm",
        "-- you have to log in again: this session has ended",
        "-- bob invites you into the room den: /join den enters it",
    ]  # fmt: skip


def test_leaving_of_every_kind(written: Written) -> None:
    assert written.after(
        events.LeftRoom("hall", "left", ""), events.LeftRoom("hall", "kicked", "bob put you out"),
        events.LeftRoom("hall", "going_down", "the server is ending"),
    ) == ["-- you left hall", "-- you are out of hall: bob put you out"]  # fmt: skip
