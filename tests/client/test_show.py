"""What others sent cannot hurt a terminal, and is told apart."""

import unicodedata
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client import show
from wire.messages import Line, Mail, Moderated, Presence, Topic, Whispered

AT = 1_795_197_600_000  # 2026-11-20 18:00 UTC

EVIL = {
    "colour": "\x1b[31mred",
    "title": "\x1b]0;owned\x07",
    "c1": "\x9b31m",
    "clear": "\x1bc",
    "bell": "\a",
    "back": "abc\b\b\b",
    "return": "safe\rEVIL",
    "override": "\u202egnp.exe",
    "isolate": "\u2066x\u2069",
    "zero width": "pa\u200bypal",
    "joiner": "a\u200db",
    "byte order": "\ufeffx",
    "line separator": "a\u2028b",
    "soft hyphen": "a\u00adb",
    "tag": "a\U000e0041b",
    "filler": "\u3164",
    "hangul": "a\u115fb",
    "variation": "a\ufe0fb",
    "noncharacter": "\ufffe\U0010ffff",
    "surrogate": "\ud800",
    "delete": "\x7f",
    "null": "\0",
    "mark": "\u200f\u061c",
}


FORBIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def allowed(text: str) -> bool:
    return all(
        char == "\n" or (unicodedata.category(char) not in FORBIDDEN and ord(char) not in show.INVISIBLE)
        for char in text
    )


@pytest.mark.parametrize("text", EVIL.values(), ids=EVIL)
def test_no_trick_reaches_a_terminal(text: str) -> None:
    assert allowed(show.clean(text))
    assert "\n" not in show.word(text)


@given(st.text())
def test_nothing_at_all_reaches_a_terminal_that_should_not(text: str) -> None:
    assert allowed(show.clean(text))
    assert show.clean(show.clean(text)) == show.clean(text)


@given(st.text(st.characters(exclude_categories=["C", "M", "Z"], exclude_characters="".join(map(chr, show.INVISIBLE)))))
def test_plain_letters_of_every_script_stay(text: str) -> None:
    assert show.clean(text) == text


def test_letters_marks_and_emoji_stay_and_towers_of_marks_do_not() -> None:
    assert show.clean("héllo, שלום, 你好 👋") == "héllo, שלום, 你好 👋"
    assert show.clean("e\u0301") == "e\u0301"
    assert len(show.clean("Z" + "\u0336" * 50)) == 1 + show.COMBINING_MOST


@given(st.text(), st.text(), st.integers(-(2**63), 2**63 - 1))
def test_every_kind_of_entry_is_safe_and_of_one_row_each(sender: str, text: str, at: int) -> None:
    entries = [
        Line(seq=1, at=at, sender=sender, text=text),
        Topic(seq=1, at=at, sender=sender, topic=text),
        Moderated(seq=1, at=at, sender=sender, what=text, name=sender, reason=text),
    ]
    rows = [row for entry in entries for row in show.entry(entry, "me", UTC)]
    rows += show.whisper(Whispered(sender=sender, to=sender, text=text, at=at, number=1), "me", UTC)
    rows += show.mail(Mail(mail=1, sender=sender, to=[sender], subject=text, body=text, at=at, read=False), UTC)
    for row in rows:
        assert allowed(show.plain(row))
        assert "\n" not in show.plain(row)


def test_a_second_row_cannot_pass_for_another_line() -> None:
    rows = show.entry(Line(seq=1, at=AT, sender="eve", text="hi\n18:01 bob: I agree"), "me", UTC)
    assert [show.plain(row) for row in rows] == ["18:00 eve: hi", "      | 18:01 bob: I agree"]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (Line(seq=1, at=AT, sender="bob", text="hi"), "18:00 bob: hi"),
        (Line(seq=1, at=AT, sender="bob", text="hi", guest=True), "18:00 bob~: hi"),
        (Line(seq=1, at=AT, sender="bob", text="waves", kind="action"), "18:00 * bob waves"),
        (Topic(seq=1, at=AT, sender="bob", topic="chess"), "18:00 -- bob set the topic: chess"),
        (Topic(seq=1, at=AT, sender="bob", topic=""), "18:00 -- bob cleared the topic"),
        (
            Moderated(seq=1, at=AT, sender="bob", what="ban", name="eve", seconds=600, reason="spam"),
            "18:00 -- bob banned eve for 10 minutes (spam)",
        ),
        (Moderated(seq=1, at=AT, sender="bob", what="kick", name="eve"), "18:00 -- bob put eve out"),
        (
            Moderated(seq=1, at=AT, sender="bob", what="slow", name="", seconds=30),
            "18:00 -- bob set slow mode: 30 seconds between lines",
        ),
        (Moderated(seq=1, at=AT, sender="bob", what="new-in-2", name="eve"), "18:00 -- bob: new-in-2 eve"),
    ],
)
def test_entries_as_people_read_them(entry: Line | Topic | Moderated, told: str) -> None:
    assert [show.plain(row) for row in show.entry(entry, "me", UTC)] == [told]


def test_times_out_of_every_range_are_no_fault() -> None:
    assert show.clock(2**63, UTC) == "--:--"
    assert show.stamp(-(2**62), UTC) == "?"
    assert show.day(2**60, UTC) == ""


def test_comings_and_goings_are_summed_up_and_leave_us_out() -> None:
    crowd = [f"p{number}" for number in range(20)]
    assert show.presence("hall", Presence(joined=["me", "joy"], left=[]), "ME") == ["hall welcomes: joy"]
    assert show.presence("hall", Presence(joined=[], left=crowd), "me") == [
        "p0, p1, p2, p3, p4, p5, p6, p7 and 12 more left hall"
    ]


def test_durations() -> None:
    assert [show.duration(n) for n in (1, 30, 60, 90, 600, 3_600, 172_800)] == [
        "1 second",
        "30 seconds",
        "1 minute",
        "90 seconds",
        "10 minutes",
        "1 hour",
        "2 days",
    ]
