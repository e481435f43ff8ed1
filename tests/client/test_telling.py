"""Direct messages, being away, and the rooms one was in, as the line mode shows them; over pipes."""

from tests.client.fake_parlour import FakeParlour
from tests.client.test_plain import Pipes, environment, parlour, pipes, server, url
from wire import messages as m

__all__ = ["environment", "parlour", "pipes"]


def test_telling_says_what_became_of_it(parlour: FakeParlour, pipes: Pipes) -> None:
    parlour.away["foo_user"] = "at lunch"
    code, out, _ = pipes("bob", url(parlour), typed="/tell foo_user are you there?\n/msg nobody x\n/directs foo_user\n")
    assert code == 0
    assert "-- foo_user is not here: it is kept for them (foo_user is away: at lunch)" in out
    assert "-- there is no account nobody" in out
    assert "2026-11-20 18:00 you told foo_user: are you there?" in out
    assert parlour.texts() == [], "nothing of it was said in the room"


def test_at_the_menu_a_name_with_an_at_is_told_as_well(parlour: FakeParlour, pipes: Pipes) -> None:
    code, out, _ = pipes(*server(parlour), typed="1\ntest_user\n123\n@foo_user hello\n0\n")
    assert code == 0
    assert "foo_user is not here: it is kept for them" in out
    assert [direct.text for direct in parlour.directs] == ["hello"]


def test_being_told_shows_from_whom_and_an_ignored_one_nothing(parlour: FakeParlour, pipes: Pipes) -> None:
    typed = "/tell bob psst\n/ignore bob\n/tell bob unheard\n/ignore bob\n/tell bob again\n"
    code, out, _ = pipes("bob", url(parlour), typed=typed)  # the fake lets one tell oneself
    assert code == 0
    assert [out.count(f"you told bob: {text}") for text in ("psst", "unheard", "again")] == [1, 0, 1]


def test_away_and_back(parlour: FakeParlour, pipes: Pipes) -> None:
    typed = "/away gone fishing\n/whois bob\n/away\n/directs foo_user\n"
    _, out, _ = pipes("bob", url(parlour), typed=typed)
    assert "-- you are away: gone fishing (/away ends it)" in out
    assert "online, in hall, away: gone fishing" in out
    assert "-- you are back" in out
    assert "-- you and foo_user have told each other nothing" in out


def test_the_rooms_one_was_in_are_offered_at_the_next_login(parlour: FakeParlour, pipes: Pipes) -> None:
    parlour.make_room("games")
    for text in ("check", "mate", "again?"):
        parlour.say("games", "foo_user", text)
    parlour.back["test_user"] = [m.BackRow(room="games", seq=1, missed=2), m.BackRow(room="hall", seq=0, missed=0)]
    code, out, _ = pipes(*server(parlour), typed="1\ntest_user\n123\n\nhello\n/quit\n")
    assert code == 0
    assert "-- you were in games: 2 lines since\n-- you were in hall\n" in out
    assert "Your choice [Enter: go to games, hall]" in out
    assert "-- 2 lines since you left" in out
    assert parlour.texts("hall") == ["hello"], "the last of them is the one looked at"


def test_leaving_says_where_one_was(parlour: FakeParlour, pipes: Pipes) -> None:
    pipes("bob", url(parlour), typed="one\n/join games\ntwo\nthree\n/quit\n")
    (quitting,) = [request for request in parlour.seen if isinstance(request, m.Quit)]
    assert isinstance(quitting.places, list)
    assert [(place.room, place.seq) for place in quitting.places] == [("hall", 1), ("games", 2)]
