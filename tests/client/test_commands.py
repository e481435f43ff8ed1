"""What typed lines mean, in every dialect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.commands import OTHER_WORDS, SLASH, VERBS, WORDS, Command, Mistake, Talk, nearest, parse
from client.verbs import Verbs
from wire.names import check_text


@pytest.mark.parametrize(
    ("typed", "verb", "args"),
    [
        # pychat
        ("<list>", "rooms", ()),
        ("<join> games", "join", ("games",)),
        ("<manual>", "help", ()),
        ("<quit>", "quit", ()),
        # Chatroom with multiple users
        ("!show", "rooms", ()),
        ("!join games", "join", ("games",)),
        ("!man", "help", ()),
        ("!q", "quit", ()),
        # CS3357 chat
        ("!list", "who", ()),
        ("!exit", "quit", ()),
        ("!attach notes.txt", "attach", ("notes.txt",)),
        ("!follow @bob", "follow", ("@bob",)),
        # TCP Chat Room
        ("@bob psst", "whisper", ("bob", "psst")),
        ("*users", "who", ()),
        ("*help", "help", ()),
        ("*exit", "quit", ()),
        # py-chat-room
        ("exit()", "quit", ()),
        ("disconnect()", "leave", ()),
        # slashes
        ("/join games", "join", ("games",)),
        ("/me waves  twice", "me", ("waves  twice",)),
        ("/history", "history", ()),
        ("/whisper bob hi  there", "whisper", ("bob", "hi  there")),
        ("/kick bob too loud", "kick", ("bob", "too loud")),
        ("/topic", "topic", ()),
        ("/JOIN Games", "join", ("Games",)),
        ("  /who  ", "who", ()),
        ("@bob: psst", "whisper", ("bob", "psst")),
    ],
)
def test_every_dialect_has_its_words(typed: str, verb: str, args: tuple[str, ...]) -> None:
    command = parse(typed)
    assert isinstance(command, Command)
    assert (command.verb, command.args) == (verb, args)


@pytest.mark.parametrize(
    "typed",
    [
        "hello",
        "DISCONNECT",
        "name: bob",
        "say <list> and !show",
        "<list> of things",
        "!show me",
        "exit() is a function",
        "*users* are people",
        "<3",
        "!",
        "!important",
        "@ five",
        "/",
        "/etc/passwd",
        "I said /quit",
        "mail@bob.org hi",
    ],
)
def test_words_inside_a_sentence_are_said(typed: str) -> None:
    assert parse(typed) == Talk(typed)


def test_two_slashes_say_one() -> None:
    assert parse("//quit is the word") == Talk("/quit is the word")


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("/jion hall", "/join"),
        ("/wisper bob hi", "/whisper"),
        ("<lisst>", "<list>"),
        ("!shwo", "!show"),
        ("*user", "*users"),
        ("exi()", "exit()"),
        ("/qiut", "/quit"),
    ],
)
def test_an_unknown_command_is_told_with_the_nearest(typed: str, suggested: str) -> None:
    mistake = parse(typed)
    assert isinstance(mistake, Mistake)
    assert f"did you mean {suggested}?" in mistake.text


@pytest.mark.parametrize("typed", ["/join", "/whisper bob", "/kick", "@bob", "/quit now", "/me", "/slow"])
def test_a_command_without_its_words_tells_how_it_is_written(typed: str) -> None:
    mistake = parse(typed)
    assert isinstance(mistake, Mistake)
    assert "like this" in mistake.text


def test_nothing_is_near_to_everything() -> None:
    assert nearest("/zzzzzz") is None


@pytest.mark.parametrize("typed", ["<jion> attic", "<jion>", "!jion attic", "<Jion>  attic", "!atach notes.txt"])
def test_what_is_near_a_word_of_a_dialect_is_asked_about_and_then_said(typed: str) -> None:
    mistake = parse(typed)
    assert isinstance(mistake, Mistake)
    assert "did you mean" in mistake.text
    assert parse(typed, mistake.doubt) == Talk(typed)
    assert parse(typed, "something else") == mistake


@pytest.mark.parametrize(
    "typed",
    ["<3 you", "<grin> hello", "<jion> attic is what I typed", "<lsit> of things", "!", "*sigh* oh", "<-- this",
     "a <jion> b", "!important: read this", "<b>attic</b>"],
)  # fmt: skip
def test_a_text_is_a_text(typed: str) -> None:
    assert parse(typed) == Talk(typed)


def test_only_what_is_close_is_suggested() -> None:
    assert nearest("/frobnicate") is None
    for typed, meant in {"/jion": "/join", "/hlep": "/help", "/lst": "/list", "/inv": "/invite"}.items():
        assert nearest(typed) == meant, typed


def test_every_word_means_a_verb_and_every_verb_is_done() -> None:
    assert set(WORDS.values()) <= set(VERBS)
    for verb, form in VERBS.items():
        assert form.group == "mail" or verb in ("mail", "read") or hasattr(Verbs, f"do_{verb}"), (
            verb
        )  # those are in tests/client/test_maildeeds.py
    assert not set(SLASH) & set(OTHER_WORDS)


@given(st.text())
def test_whatever_is_typed_has_a_meaning_and_can_be_sent(typed: str) -> None:
    meaning = parse(typed)
    if isinstance(meaning, Talk) and meaning.text:
        meaning.text.encode()
        check_text(meaning.text.replace("\u2028", "").replace("\u2029", "") or "x", limit=len(typed) + 1)
