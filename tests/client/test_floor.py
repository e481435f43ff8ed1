"""All rooms at once: what counts as unread, who is alerted, what of our own lines is shown."""

from client import events
from client.floor import Floor, names
from client.memory import Place
from client.notice import heading
from client.show import plain
from wire.clock import Now
from wire.messages import Direct, Invited, Line, MailNew, Presence, Say, TypingNow, Whisper

NOW = Now(100.0, 1_000_000)


def floor() -> Floor:
    made = Floor("ann")
    for room in ("hall", "books"):
        made.event(events.RoomEntered(room, "", 2, ("ann", "ben"), False, False, 0, 5, 1), NOW)
    made.look_at("hall")
    return made


def said(room: str, seq: int, text: str, sender: str = "ben", *, past: bool = False) -> events.EntryCame:
    return events.EntryCame(room, Line(seq=seq, at=0, sender=sender, text=text), past)


def test_only_what_one_does_not_look_at_is_unread() -> None:
    made = floor()
    made.event(said("hall", 6, "here"), NOW)
    made.event(said("books", 6, "there"), NOW)
    made.event(said("books", 7, "before you came", past=True), NOW)
    assert (made.table("hall").unread, made.table("books").unread) == (0, 1)
    made.look_at("books")
    assert made.table("books").unread == 0


def test_a_mention_is_a_whole_word_and_alerts() -> None:
    made = floor()
    alert = made.event(said("books", 6, "Ann, look"), NOW)
    assert (alert.kind, alert.room, made.table("books").mentions) == ("mention", "books", 1)  # type: ignore[union-attr]
    assert made.event(said("books", 7, "planning annually"), NOW) is None
    assert names("hi @ann!", "ann")
    assert not names("ann-marie", "ann")


def test_whispers_direct_messages_and_mail_alert() -> None:
    made = floor()
    told = Direct(number=1, sender="ben", to="ann", text="psst", at=0)
    alert = made.event(events.DirectCame(told, False), NOW)
    assert alert is not None
    assert (alert.room, heading(alert)) == ("@ben", "ben tells you")
    mail = MailNew(mail=1, sender="ben", subject="", at=0, unread=1)
    assert made.event(events.MailCame(mail), NOW).kind == "mail"  # type: ignore[union-attr]


def test_what_is_read_or_answered_at_another_terminal_is_not_unread_here() -> None:
    made = floor()
    for number in (3, 4):
        made.event(events.DirectCame(Direct(number=number, sender="ben", to="ann", text="psst", at=0), False), NOW)
    table = made.table("@ben")
    made.event(events.DirectsRead("Ben", 3), NOW)
    assert (table.unread, table.mentions, table.to_read) == (2, 2, 4), "the second is not"
    made.event(events.DirectsRead("Ben", 4), NOW)
    assert (table.unread, table.mentions, table.to_read) == (0, 0, 0)
    made.event(events.DirectCame(Direct(number=5, sender="ben", to="ann", text="so?", at=0), False), NOW)
    made.event(events.DirectCame(Direct(number=6, sender="ann", to="ben", text="yes", at=0), False), NOW)
    assert (table.unread, table.to_read) == (0, 0)
    made.event(events.DirectsRead("nobody", 9), NOW)
    assert "@nobody" not in made.tables


def test_an_invitation_alerts_and_stays_until_one_has_been_there() -> None:
    made = floor()
    invited = Invited(room="Den", sender="ben", at=0)
    alert = made.event(events.InvitationCame(invited), NOW)
    assert alert is not None
    assert (heading(alert), alert.text) == ("ben invites you into a room", "Den is in your rooms (F2)")
    assert made.invitations == {"den": "ben"}
    made.event(events.RoomEntered("Den", "", 1, ("ann",), False, False, 0, 0, 1), NOW)
    assert made.invitations == {}


def test_nothing_up_to_ones_own_last_line_is_new() -> None:
    made = floor()
    made.left_at["attic"] = Place(2, 1)
    made.event(events.RoomEntered("attic", "", 1, ("ann",), False, False, 4, 6, 1), NOW)
    new = made.table("attic").transcript
    made.event(said("attic", 3, "hello", past=True), NOW)
    assert new.new_from == 3
    made.event(said("attic", 4, "I was here", "Ann", past=True), NOW)
    made.event(said("attic", 5, "after that", past=True), NOW)
    made.event(said("attic", 6, "and that", past=True), NOW)
    made.event(said("attic", 7, "now", "Ann"), NOW)
    assert new.new_from == 5


def test_whom_one_ignores_is_nowhere() -> None:
    made = floor()
    made.teller.ignored.add("ben")
    assert made.event(said("books", 6, "ann!"), NOW) is None
    assert made.table("books").unread == 0


def test_our_own_line_is_shown_once_whichever_comes_first() -> None:
    for first_entry in (True, False):
        made = floor()
        made.said("hall", "1", Say(text="mine"), NOW)
        assert [one.text for one in made.table("hall").transcript.pending] == ["mine"]
        came = [said("hall", 6, "mine", "ann"), events.Acknowledged("hall", "1", Say(text="mine"), 6, 0)]
        for event in came if first_entry else reversed(came):
            made.event(event, NOW)
        transcript = made.table("hall").transcript
        assert not transcript.pending
        assert len([item for item in transcript.items if isinstance(item, Line)]) == 1


def test_a_refused_line_goes_with_its_reason() -> None:
    made = floor()
    made.said("hall", "1", Whisper(to="zoe", text="hey"), NOW)
    made.event(events.NotSent("hall", "1", Whisper(to="zoe", text="hey"), "no_such_member", "zoe is not here"), NOW)
    transcript = made.table("hall").transcript
    assert transcript.pending == []
    assert "not sent: zoe is not here" in plain(transcript.items[-1].spans)


def test_a_line_that_waits_for_the_room_says_so_and_is_shown_once_when_it_goes_again() -> None:
    made = floor()
    said = Say(text="hey")
    made.said("hall", "1", said, NOW)
    made.event(events.NotSent("hall", "1", said, "closed", "over"), NOW)
    (waiting,) = made.table("hall").transcript.pending
    assert "when we are in it again" in waiting.refused
    made.said("hall", "1", said, NOW)
    (again,) = made.table("hall").transcript.pending
    assert again.refused == ""


def test_new_since_you_left_is_from_the_same_epoch_only() -> None:
    made = Floor("ann")
    made.left_at = {"hall": Place(3, 1), "books": Place(3, 9)}
    for room in ("hall", "books"):
        made.event(events.RoomEntered(room, "", 2, (), False, False, 0, 5, 1), NOW)
    assert made.table("hall").transcript.new_from == 4
    assert made.table("books").transcript.new_from == 0


def test_typing_is_for_others_and_ends_with_their_line() -> None:
    made = floor()
    for name in ("ann", "ben"):
        made.event(events.TypingCame("hall", TypingNow(sender=name).sender), NOW)
    assert list(made.table("hall").typing) == ["ben"]
    made.event(said("hall", 6, "done"), NOW)
    assert not made.table("hall").typing


def test_comings_and_goings_of_a_crowd_are_not_told() -> None:
    made = floor()
    before = len(made.table("hall").transcript.items)
    made.event(events.PresenceCame("hall", Presence(joined=["zoe"], left=[]), 200), NOW)
    assert len(made.table("hall").transcript.items) == before
    made.event(events.PresenceCame("hall", Presence(joined=["zoe"], left=[]), 3), NOW)
    assert len(made.table("hall").transcript.items) == before + 1


def test_a_room_one_was_put_out_of_stays_to_be_read_and_one_left_goes() -> None:
    made = floor()
    made.event(events.LeftRoom("hall", "kicked", "ben put you out"), NOW)
    assert "hall" in made.tables
    made.event(events.LeftRoom("books", "left", ""), NOW)
    assert "books" not in made.tables
