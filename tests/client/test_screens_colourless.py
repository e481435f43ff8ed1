"""With NO_COLOR no screen has a colour, and what colours say is said otherwise."""

import asyncio
from collections.abc import Iterator

import pytest
from rich.segment import Segment
from rich.style import Style

from client import colours
from client.screens.colourless import REVERSED, bare
from client.settings import LIGHT
from tests.client.stills import StillApp, inside, settled

PAGES = ("f3", "f5", "f12")
WINDOWS = ("ctrl+p",)


def drawn(app: StillApp) -> Iterator[Segment]:
    for strip in app.screen._compositor.render_strips():
        yield from strip


def coloured(app: StillApp) -> list[Segment]:
    return [one for one in drawn(app) if one.style is not None and (one.style.color or one.style.bgcolor)]


def reversed_(app: StillApp) -> str:
    """What stands out."""
    return "".join(one.text for one in drawn(app) if one.style is not None and one.style.reverse)


def test_an_empty_no_color_asks_for_nothing() -> None:
    assert not colours.unwanted({})
    assert not colours.unwanted({"NO_COLOR": ""})
    assert colours.unwanted({"NO_COLOR": "0"})


def test_a_bare_style_keeps_all_but_colours() -> None:
    style = Style(color="red", bgcolor="#14171c", bold=True, underline=True, link="https://a.test")
    assert bare(style + Style.from_meta({"here": 1})) == Style(
        bold=True, underline=True, link="https://a.test"
    ) + Style.from_meta({"here": 1})
    assert bare(Style(bgcolor="#{:02x}{:02x}{:02x}".format(*REVERSED))).reverse is True
    assert bare(Style(bgcolor="#14171c")).reverse is None


def test_no_screen_has_a_colour_and_all_is_told_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def play() -> None:
        app = StillApp()
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await settled(pilot)
            assert not coloured(app), "the first screen"
            await inside(pilot)
            for key in PAGES:
                await pilot.press(key)
                await settled(pilot)
                assert not coloured(app), key
                if key == "f3":
                    assert "Re: Saturday" in reversed_(app), "the row under the cursor"
            for key in WINDOWS:
                await pilot.press(key)
                await settled(pilot)
                assert not coloured(app), key
                await pilot.press("escape")
                await settled(pilot)
            app.action_room("hall")
            app.notify("a word", severity="error")
            app.still.lose("hall")
            app._frame()
            app.theme = LIGHT
            await settled(pilot)
            assert not coloured(app)
            for told in ("test_user: and you?", "a word", "connection to hall lost"):
                assert told in reversed_(app), told

    asyncio.run(play())


def test_without_that_wish_there_are_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")

    async def play() -> None:
        app = StillApp()
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            assert len({one.style.color for one in coloured(app)}) > 3

    asyncio.run(play())
