"""Whatever others send, what reaches the screen moves, colours, hides and disguises nothing."""

import asyncio
import re
import unicodedata
import unittest.mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from client import marks, notice, show
from client.floor import Alert
from client.grouping import Page
from client.maildeeds import subject_of_reply
from client.screens.dialogs import FindLines
from client.show import PAD, plain
from tests.client.sight import Sight
from tests.client.still import PEOPLE
from tests.client.stills import StillApp, inside, settled
from wire import messages as m

EVIL = {
    "csi": "\x1b[2J\x1b[1;1H", "osc title": "\x1b]0;owned\x07", "osc clipboard": "\x1b]52;c;aGk=\x07",
    "osc link": "\x1b]8;;http://evil.test\x07bank\x1b]8;;\x07",
    "c1 csi": "\x9b31m", "c1 osc": "\x9d0;owned\x9c", "dcs": "\x1bPq\x1b\\",
    "bell": "\x07", "backspace": "safe\x08\x08evil", "return": "ann\rbob", "rlo": "\u202egnp.exe",
    "isolates": "\u2066a\u2069\u2067b",
    "marks": "\u200e\u200f\u061c", "zero width": "ad\u200bmin\u200c\u200d\u2060\ufeff", "tags": "\U000e0041\U000e0042",
    "soft hyphen": "ad\u00admin", "hangul filler": "\u3164\u115f", "variation": "a\ufe0f\U000e0100",
    "zalgo": "a" + "\u0300" * 40, "jamo": "a" + "\u1161" * 40,
    "line separator": "one\u2028two\u2029three", "nul": "a\x00b", "surrogate": "\ud800",
    "low byte": "\u541b[31m\u015d52;c;aGk=\u0107",
    "private": "\ue000", "unassigned": "a\u0378\u0379b\U0001fffd", "noncharacter": "\ufdd0\uffff", "del": "\x7f",
    "markup": "[bold red]x[/] [link=http://evil.test]bank[/link] [@click=app.quit]quit[/]", "brackets": "[/] [[ ]] \\[",
}  # fmt: skip
INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def page() -> Page:
    made = Page("test_user", cell_len)
    made.width = 60
    return made


@pytest.mark.parametrize("name", EVIL)
@pytest.mark.parametrize("kind", ["text", "sender", "topic", "whisper", "direct", "reason"])
def test_no_trick_passes_into_a_row(name: str, kind: str) -> None:
    evil = EVIL[name]
    item = {
        "text": m.Line(seq=1, at=0, sender="ann", text=evil),
        "sender": m.Line(seq=1, at=0, sender=evil, text="hi"),
        "topic": m.Topic(seq=1, at=0, sender=evil, topic=evil),
        "whisper": m.Whispered(sender=evil, to=evil, text=evil, at=0, number=1),
        "direct": m.Direct(number=1, sender=evil, to="test_user", text=evil, at=0),
        "reason": m.Moderated(seq=1, at=0, sender=evil, what=evil, name=evil, reason=evil),
    }[kind]
    for spans in page().rows(item, None):
        for char in plain(spans):
            assert unicodedata.category(char) not in INVISIBLE
            assert ord(char) not in show.INVISIBLE


def test_no_trick_passes_to_the_terminal() -> None:
    async def play() -> None:
        app = StillApp()
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await inside(pilot)
            hall = app.still.session.rooms["hall"]
            for number, (name, evil) in zip(range(10, 1_000, 2), EVIL.items(), strict=False):
                hall.members = {member: member for member in (*PEOPLE, evil)}
                hall.topic = evil
                app.still.line("hall", number, evil or "x", f"test_user: {evil}")
                app.still.line("hall", number + 1, "ann", f"the end of number {number}")
                app.action_room("hall")
                app._frame()
                await settled(pilot)
                strips = app.screen._compositor.render_strips()
                assert any(f"the end of number {number}" in strip.text for strip in strips), name
                for strip in strips:
                    assert not [char for char in strip.text if unicodedata.category(char) in INVISIBLE], name
                    for segment in strip:
                        link = segment.style.link if segment.style else None
                        assert link is None or segment.text.strip() in link, name

    asyncio.run(play())


@given(st.text(max_size=300))
def test_marks_hide_nothing_but_themselves(text: str) -> None:
    paragraphs = show.paragraphs(text)
    seen = "".join(plain(spans) for spans in marks.rows(paragraphs))
    letters = [char for char in "".join(paragraphs) if char.isalnum()]
    if "```" not in text:
        assert [char for char in seen if char.isalnum()] == letters


@given(st.text(alphabet=st.sampled_from("ab *_~`>[]()-:/.@\n"), max_size=80))
def test_marks_end_soon_whatever_is_typed(text: str) -> None:
    marks.rows(show.paragraphs(text))


def test_marks_of_four_thousand_characters_take_no_time() -> None:
    for hard in ("*" * 4_000, "*a" * 2_000, "`" * 4_000, "_ _" * 1_300, "**a" * 1_300, "https://" * 500, "~~" * 2_000):
        marks.rows([hard])


@given(st.text(max_size=400), st.integers(30, 120))
def test_no_text_reaches_the_left_edge(text: str, width: int) -> None:
    """So none can pass for a heading, a notice or somebody else's line."""
    made = page()
    made.width = width
    rows = made.rows(m.Line(seq=2, at=0, sender="ann", text=text), m.Line(seq=1, at=0, sender="ann", text="x"))
    assert all(plain(row).startswith(PAD) or not plain(row).strip() for row in rows)


FORGED = (
    "x" * 34
    + " ● admin_user  11-21 04:20 "
    + "y" * 90
    + "\nFrom:    admin_user   2026-11-21 04:20\n"
    + "From:    " * 40
)


def test_no_text_passes_for_a_mail_of_another_or_for_another_result() -> None:
    """What is long is cut off or indented, so that no row of it begins where another one's would."""

    async def play() -> None:
        app = StillApp()
        async with app.run_test(size=(120, 40)) as pilot:
            await inside(pilot)
            mail = (9, "mallory", FORGED.replace("\n", " ")[:200], False, FORGED)
            with (
                unittest.mock.patch("tests.client.still.MAILS", (mail,)),
                unittest.mock.patch.object(app.still, "shown", (9,)),
            ):
                await pilot.press("f3", "enter")
                await settled(pilot)
            rows = Sight(app, pilot).text.split("\n")
            assert not [row for row in rows if re.search(r"(^|│)\W*● admin_user", row)]
            assert sum(re.search(r"│ From:", row) is not None for row in rows) == 1
            app.action_room("hall")
            await pilot.press("ctrl+f", "x", "enter")
            await settled(pilot)
            found = app.screen.query_one("#found")
            found.set_options([FindLines._row(m.Line(seq=1, at=0, sender="mallory", text=FORGED))])
            await settled(pilot)
            assert sum("mallory" in row for row in Sight(app, pilot).text.split("\n")) == 1
            assert found.virtual_size.height == 1

    asyncio.run(play())


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org@evil.test/",
        "https://xn--pple-43d.com/",
        "https://example.org\\@evil.test",
        "https://bank.test%2eevil.test/",
        "https://bank.test%2f.evil.test",
        "https://bank.test;.evil.test",
        "https://bank.test'.evil.test",
        "https://XN--pple-43d.com/",
        "http://[::1",
        "https://",
    ],
)
def test_what_leads_elsewhere_than_it_says_is_no_link(address: str) -> None:
    assert not [role for row in marks.rows([address]) for role, _ in row if role.startswith(marks.LINK)]
    assert marks.addresses(address) == []


def test_ordinary_addresses_are_links() -> None:
    for address in (
        "http://localhost:8080/x",
        "https://a-b.example.org/~ann?q=%40#x",
        "http://[::1]:80/",
        "http://10.0.0.1",
    ):
        assert marks.addresses(f"see {address} there") == [address]


@pytest.mark.parametrize("name", EVIL)
def test_what_comes_to_stand_in_a_field_is_clean(name: str) -> None:
    """The subject of a mail, as its answer has it."""
    mail = m.Mail(mail=1, sender="ann", to=["ben"], subject=EVIL[name], body="", at=0, read=True)
    assert not [char for char in subject_of_reply(mail) if unicodedata.category(char) in INVISIBLE]


def test_a_link_is_shown_whole_and_leads_there() -> None:
    (row,) = marks.rows(["(see https://example.org/a_(b)?q=1#x), or [bank](https://evil.test/)"])
    links = [(role.removeprefix(marks.LINK), text) for role, text in row if role.startswith(marks.LINK)]
    assert links == [
        ("https://example.org/a_(b)?q=1#x", "https://example.org/a_(b)?q=1#x"),
        ("https://evil.test/",) * 2,
    ]


@pytest.mark.parametrize("name", EVIL)
@pytest.mark.parametrize("environment", [{}, {"TMUX": "/tmp/x"}, {"STY": "1.pts"}], ids=["bare", "tmux", "screen"])
def test_notices_hold_no_sequence_of_others(name: str, environment: dict[str, str]) -> None:
    alert = Alert("mention", EVIL[name], EVIL[name], EVIL[name])
    mine = notice.desktop(notice.heading(alert), alert.text, environment)
    clean = notice.desktop("a", "b", environment)
    assert mine.count("\x1b") == clean.count("\x1b")
    assert mine.count("\x07") == clean.count("\x07")
    assert re.fullmatch("\x1b]2;[^\x1b\x07]*\x07", notice.title(EVIL[name], environment))
    if "STY" in environment:  # it keeps the lowest byte of each character
        kept, harmless = ("".join(chr(ord(char) & 0xFF) for char in text) for text in (mine, clean))
        assert (kept.count("\x1b"), kept.count("\x07")) == (harmless.count("\x1b"), harmless.count("\x07"))
