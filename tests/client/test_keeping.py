"""What the full-screen client keeps in files: drafts over a crash, settings in TOML; and its colours and words."""

import re
from pathlib import Path

import pytest

from client import colours, completing, memory, notice, settings
from client.draftfile import DraftFile
from client.drafts import Drafts, Letter, Waiting
from client.floor import Alert
from client.screens.themes import DARK_BACKGROUND, LIGHT_BACKGROUND
from client.settings import Notices, Settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(memory, "place", lambda: tmp_path / "state" / "client.json")
    monkeypatch.setattr(settings, "place", lambda: tmp_path / "config" / "client.toml")
    return tmp_path


def left(drafts: Drafts, who: str = "ann@here") -> None:
    """By a client that has ended."""
    file = DraftFile(who)
    file.keep(drafts)
    file.close()


def files(home: Path) -> list[Path]:
    return sorted((home / "state").glob("drafts-*"))


def test_drafts_come_back_for_the_same_person_only(home: Path) -> None:
    left(Drafts(rooms={"hall": "half"}))
    assert files(home)[0].stat().st_mode & 0o777 == 0o600
    assert DraftFile("ben@here").take_over().empty()
    assert DraftFile("ann@here").take_over().rooms == {"hall": "half"}


def test_two_running_clients_have_a_file_each_and_the_next_takes_over_both(home: Path) -> None:
    first, second = DraftFile("ann@here"), DraftFile("ann@here")
    first.keep(Drafts(rooms={"hall": "of the first"}))
    assert second.take_over().empty(), "the first one runs"
    second.keep(Drafts(rooms={"hall": "of the second", "books": "too"}))
    first.keep(Drafts(rooms={"hall": "of the first, longer"}))
    assert len(files(home)) == 2
    first.close()
    second.close()
    third = DraftFile("ann@here")
    taken = third.take_over().rooms
    assert sorted(taken["hall"].split("\n")) == ["of the first, longer", "of the second"]
    assert taken["books"] == "too"
    assert len(files(home)) == 1


def test_what_two_had_on_their_way_comes_at_once_each_under_its_own_stream(home: Path) -> None:
    for stream in ("one", "two", "three"):
        letter = Letter("ben", stream, "Dear", id=f"mail-{stream}") if stream != "one" else Letter("ben", "", "Begun")
        left(Drafts(stream=stream, waiting={"hall": [Waiting(stream, f"of {stream}", 5)]}, letter=letter))
    taken = DraftFile("ann@here").take_over()
    assert [line.id for line in taken.waiting["hall"]] == ["one", "two", "three"]
    letters = (taken.letter, *taken.letters)
    assert [letter.subject for letter in letters] == ["", "two", "three"]
    assert [sent.stream for sent in (*taken.waiting["hall"], *letters)] == ["", "two", "three", "", "two", "three"]
    assert taken.stream == "one"
    assert len(files(home)) == 1
    left(taken)  # that client dies too, and another has something begun
    left(Drafts(stream="four", waiting={"hall": [Waiting("four", "of four", 6)]}))
    again = DraftFile("ann@here").take_over()
    assert {line.id: line.stream or again.stream for line in again.waiting["hall"]} == {
        name: name for name in ("one", "two", "three", "four")
    }


def test_a_mail_begun_is_not_mixed_with_another() -> None:
    mine = Drafts(letter=Letter("ben", "chess", "Your"))
    mine.take_in(Drafts(rooms={"hall": "x"}, letter=Letter("cleo", "", "Dear"), letters=[Letter("dora", "", "Oh")]))
    assert mine.letter == Letter("ben", "chess", "Your")
    assert [letter.body for letter in mine.letters] == ["Dear", "Oh"]
    assert mine.rooms == {"hall": "x"}


def test_a_client_killed_while_it_wrote_leaves_nothing_behind(home: Path) -> None:
    left(Drafts(rooms={"hall": "whole"}))
    files(home)[0].with_suffix(".new").write_bytes(b"half")
    taking = DraftFile("ann@here")
    assert taking.take_over().rooms == {"hall": "whole"}
    taking.keep(Drafts())
    assert files(home) == []


def test_what_waits_is_kept_with_its_key_until_it_is_settled() -> None:
    kept = Drafts(stream="s" * 24)
    kept.wait("hall", Waiting("a-1", "one", 5))
    kept.wait("hall", Waiting("a-2", "psst", 6, to="ben"))
    left(kept)
    again = DraftFile("ann@here").take_over()
    assert again == kept
    assert again.settled("hall", "a-1") == Waiting("a-1", "one", 5)
    assert again.settled("hall", "a-1") is None
    assert not again.empty()
    again.settled("hall", "a-2")
    assert again.empty()


@pytest.mark.parametrize(
    ("line", "typed"),
    [
        (Waiting("1", "hi", 0), "hi"),
        (Waiting("1", "waves", 0, "action"), "/me waves"),
        (Waiting("1", "psst", 0, to="ben"), "@ben psst"),
    ],
)
def test_what_cannot_be_sent_is_a_draft_again_as_it_was_typed(line: Waiting, typed: str) -> None:
    kept = Drafts(rooms={"hall": "begun"})
    kept.give_back("hall", line)
    assert kept.rooms["hall"] == f"{typed}\nbegun"


def test_no_drafts_leave_no_file_and_a_broken_one_is_none(home: Path) -> None:
    file = DraftFile("ann@here")
    file.keep(Drafts(rooms={"hall": "x"}))
    [path] = files(home)
    file.keep(Drafts())
    assert files(home) == []
    path.write_bytes(b"\x00{")
    assert DraftFile("ann@here").take_over().empty()


def test_settings_come_back_as_they_were_saved() -> None:
    mine = Settings("nord", False, Notices(bell=False, quiet=["hall", 'a"b']), {"next": "ctrl+t"})
    assert settings.save(mine) == ""
    assert settings.load() == (mine, "")


@pytest.mark.parametrize("text", ["theme = 3", "theme = [", "[notices]\nbell = 'loud'"])
def test_settings_that_cannot_be_understood_are_told_and_the_defaults_hold(text: str) -> None:
    settings.place().parent.mkdir()
    settings.place().write_text(text)
    found, complaint = settings.load()
    assert found == Settings()
    assert "client.toml" in complaint


@pytest.mark.parametrize("shades", [(colours.ON_DARK, DARK_BACKGROUND), (colours.ON_LIGHT, LIGHT_BACKGROUND)])
def test_names_can_be_read_on_their_background(shades: tuple[tuple[str, ...], str]) -> None:
    names, background = shades
    assert min(colours.contrast(name, background) for name in names) >= 4.5


def test_the_same_person_has_the_same_colour() -> None:
    assert colours.of("Ann", dark=True) == colours.of("ann", dark=True)


def test_words_are_completed() -> None:
    assert completing.words("/to", True, [], []) == ["/topic "]
    assert completing.words("@be", False, ["ben"], []) == ["@ben "]
    assert completing.words("be", True, ["Ben"], ["berlin"]) == ["Ben: ", "berlin: "]
    assert completing.words(":wave", False, [], []) == ["👋 "]
    assert completing.words("", True, ["ben"], []) == []


def test_a_quiet_room_and_the_one_looked_at_give_no_notice() -> None:
    alert, mine = Alert("mention", "Hall", "ben", "ann!"), Settings()
    assert notice.wanted(alert, mine, "books", focused=True)
    assert not notice.wanted(alert, mine, "hall", focused=True)
    assert notice.wanted(alert, mine, "hall", focused=False)
    mine.notices.quiet.append("hall")
    assert not notice.wanted(alert, mine, "books", focused=True)
    mine.notices.mail = False
    assert not notice.wanted(Alert("mail", "", "ben", "x"), mine, "", focused=True)


def test_a_notice_says_where_it_was_said() -> None:
    assert notice.heading(Alert("whisper", "@ben", "ben", "psst")) == "ben tells you"
    assert notice.heading(Alert("whisper", "hall", "ben", "psst")) == "ben in hall, in private"
    assert notice.heading(Alert("mention", "hall", "ben", "ann!")) == "ben in hall"
    assert notice.heading(Alert("mail", "", "ben", "chess")) == "Mail from ben"


def test_notices_pass_through_tmux() -> None:
    assert notice.desktop("a", "b", {"TMUX": "x"}).startswith("\x1bPtmux;\x1b\x1b]9;a: b\x07")


@pytest.mark.parametrize(
    ("environment", "sent"),
    [
        ({"TERM": "xterm-kitty"}, {"777"}),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, {"777"}),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, {"777"}),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, {"9"}),
        ({"TERM": "xterm-256color"}, {"9", "777"}),
        ({"TERM": "tmux-256color", "TMUX": "x", "KITTY_WINDOW_ID": "1"}, {"9", "777"}),
    ],
)
def test_a_notice_is_shown_once_where_the_terminal_is_known(environment: dict[str, str], sent: set[str]) -> None:
    assert set(re.findall("\x1b](9|777);", notice.desktop("a", "b", environment))) == sent


def test_a_notice_holds_no_markup() -> None:
    assert notice.desktop("a", "<b>x</b>; y", {"TERM": "foot"}) == "\x1b]777;notify;a;‹b›x‹/b› y\x07"
