"""What the screens do when an answer is a refusal, comes late, or was not the last word: they go on."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text
from textual.app import App, ComposeResult
from textual.widgets import Input

from client.answers import Refusal
from client.screens.grid import Grid
from client.screens.main import Main
from tests.client.sight import Sight
from tests.client.still import AT, Still
from tests.client.stills import StillApp, inside, settled
from wire import messages as m


def run(play: Coroutine[Any, Any, None]) -> None:
    asyncio.run(play)


ASKING = ("f2 enter", "f3 enter d z tab enter", "f4", "f12 u g", "alt+1 ctrl+f x enter escape", "ctrl+g")


def test_a_server_that_refuses_everything_just_now_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page and each key that asks the server for something."""

    async def refuse(*_: Any, **__: Any) -> None:
        raise Refusal("busy", "the server does not answer just now")

    async def play() -> None:
        app = StillApp()
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await inside(pilot)
            await pilot.press("f3")  # what has something to choose from
            await settled(pilot)
            monkeypatch.setattr(Still, "ask", refuse)
            monkeypatch.setattr(Still, "ask_room", refuse)
            for keys in ASKING:
                app.visit.floor.table("hall").transcript.more_after = True
                await pilot.press(*keys.split())
                await settled(pilot)
                assert app.is_running, keys
                assert isinstance(app.screen, Main), keys
            main = app.main
            main.room.jump(1_000)
            main.room._newer()
            await settled(pilot)
            assert "does not answer just now" in Sight(app, pilot).text

    run(play())


def test_what_could_not_be_fetched_is_asked_for_again_at_the_very_top(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing moves there any more: the wheel, the page up, Home and the arrow all ask once more."""
    asked, away = 0, True
    app = StillApp()

    async def ask(*_: Any, **__: Any) -> m.HistoryPage:
        nonlocal asked
        asked += 1
        if away:
            raise Refusal("busy", "the room is away")
        return m.HistoryPage(lines=[m.Line(seq=99, at=AT, sender="ben", text="the oldest")], more=False)

    async def play() -> None:
        nonlocal away
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await inside(pilot)
            sight = Sight(app, pilot)
            transcript = app.visit.floor.table("hall").transcript
            transcript.items = [m.Line(seq=seq, at=AT, sender="ann", text=f"line {seq}") for seq in range(100, 200)]
            app.action_room("hall")
            await sight.sees("line 199")
            monkeypatch.setattr(Still, "ask_room", ask)
            lines = app.main.room.lines
            lines.focus()
            await sight.presses("home")
            await sight.sees("line 100", "the room is away")
            for times, key in enumerate(("wheel", "pageup", "home", "up"), 2):
                await (sight.wheels_up("#lines") if key == "wheel" else sight.presses(key))
                await sight.until(lambda times=times: asked == times, key)
                assert lines.scroll_offset.y == 0
            away = False
            await sight.wheels_up("#lines")
            await sight.until(lambda: transcript.items[0].text == "the oldest")
            assert not transcript.more_before

    run(play())


def test_columns_are_as_wide_as_their_cells_though_they_were_drawn_before_they_were_measured() -> None:
    class Tables(App[None]):
        CSS = "Grid { height: 1fr; }"  # as in the admin's page: it is drawn anew when its own size changes

        def compose(self) -> ComposeResult:
            yield Grid()

    async def play() -> None:
        app = Tables()
        async with app.run_test(size=(60, 10)) as pilot:
            table = app.query_one(Grid)
            table.add_columns("name", "role")
            await pilot.pause()
            table.add_row(Text("somebody_with_a_long_name"), Text("operator"))
            assert "somebody_with" not in table.render_line(1).text, "it is not measured yet"
            await pilot.pause()
            assert table.render_line(1).text.split() == ["somebody_with_a_long_name", "operator"]

    run(play())


def test_many_mails_out_and_in_tell_how_far_they_are(tmp_path: Path) -> None:
    async def play() -> None:
        app = StillApp()
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await inside(pilot)
            app.still.many = 1_040
            sight = Sight(app, pilot)
            await sight.presses("f3")
            await sight.sees("Inbox")
            for words, last in (("export mbox", "1,040 mails in"), ("import", "1,040 mails of")):
                await sight.presses("x")
                await sight.until(lambda: isinstance(app.focused, Input))
                app.focused.value = f"{words} {tmp_path / 'mails'}"
                await sight.presses("enter")
                await sight.sees("1,000 of 1,040 mails", last)
                app.clear_notifications()
                await sight.sees_no("1,000 of")

    run(play())
