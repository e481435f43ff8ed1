"""What the full-screen client keeps in files: drafts over a crash, settings in TOML; and its colours and words."""

from pathlib import Path

import pytest

from client import colours, completing, drafts, memory, notice, settings
from client.drafts import Drafts, Waiting
from client.floor import Alert
from client.screens.themes import DARK_BACKGROUND, LIGHT_BACKGROUND
from client.settings import Notices, Settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(memory, "place", lambda: tmp_path / "state" / "client.json")
    monkeypatch.setattr(settings, "place", lambda: tmp_path / "config" / "client.toml")
    return tmp_path


def test_drafts_come_back_for_the_same_person_only() -> None:
    drafts.keep("ann@here", Drafts(rooms={"hall": "half"}))
    assert drafts.load("ann@here").rooms == {"hall": "half"}
    assert drafts.load("ben@here").empty()
    assert drafts.place("ann@here").stat().st_mode & 0o777 == 0o600


def test_what_waits_is_kept_with_its_key_until_it_is_settled() -> None:
    kept = Drafts(stream="s" * 24)
    kept.wait("hall", Waiting("a-1", "one", 5))
    kept.wait("hall", Waiting("a-2", "psst", 6, to="ben"))
    drafts.keep("ann@here", kept)
    again = drafts.load("ann@here")
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


def test_no_drafts_leave_no_file_and_a_broken_one_is_none() -> None:
    drafts.keep("ann@here", Drafts(rooms={"hall": "x"}))
    drafts.keep("ann@here", Drafts())
    assert not drafts.place("ann@here").exists()
    drafts.place("ann@here").write_bytes(b"\x00{")
    assert drafts.load("ann@here").empty()


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
