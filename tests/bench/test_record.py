"""The recorded session leaves out no item of a menu, key list, window or command that the client has."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.binding import Binding

from bench.screens import items, record
from bench.screens.steps import foo
from bench.screens.tmux import Unseen
from bench.screens.watched import watching
from client import commands
from client.screens import dialogs, inbox, palette


def test_the_recorded_session_does_every_item() -> None:
    recorded, wanted = items.read(record.PAGE.read_text(encoding="utf-8")), items.items()
    again = "play it (bench/screens/play) and record it: python -m bench.screens.record"
    assert not wanted - recorded, again
    assert not recorded - wanted, f"the client has these no more: {again}"


def test_whatever_the_client_gets_anew_is_an_item(monkeypatch: pytest.MonkeyPatch) -> None:
    before = items.items()
    monkeypatch.setitem(commands.VERBS, "brew", commands.Form("", "/brew", "tea", "most"))
    monkeypatch.setitem(palette.OTHERS, "brew", ("Brew tea", "in a pot"))
    monkeypatch.setitem(items.FAMILIES, "do-", ["brew"])
    monkeypatch.setattr(inbox.InboxPage, "BINDINGS", [Binding("t", "brew('green')", "tea")])
    monkeypatch.setattr(items.inspect, "getsource", _with_a_pot)
    assert items.items() - before == {
        "Commands: brew", "Palette: Brew tea", "InboxPage: brew('green')", "Pot: lid", "Pot: OptionList",
        "Windows: Pot.pour ?",
    }  # fmt: skip


def _with_a_pot(module: Any) -> str:
    if module is not dialogs:
        return ""
    return """
class Pot:
    def compose(self):
        yield Button("Lift", id="lid", compact=True)
        yield OptionList()
    def pour(self):
        dialogs.Choose("Which cup?", [])
"""


def test_a_list_of_items_is_read_as_it_was_written() -> None:
    done = {"Keys: help": 3, "Windows: OwnAccount._sessions one of them": 12, "Lines: page('up')": 7}
    assert items.read(f"**1.** They talk.\n\n{items.listed(done)}\n") == set(done)


def test_what_is_done_with_a_client_is_noted() -> None:
    noted: list[str] = []

    async def play() -> None:
        app = App[None]()
        async with app.run_test() as pilot:
            app.push_screen(dialogs.Confirm("Tea?"))
            await pilot.pause()
            await pilot.press("tab", "enter")
            app.push_screen(dialogs.Ask("Which?"))
            await pilot.pause()
            await pilot.press("a", "escape")

    with watching(noted.append):
        asyncio.run(play())
    wanted = items.items()
    done = [item for item in noted if item in wanted]
    assert done == ["Keys: focus_next", "Confirm: yes", "Ask: Input", "Dialog: dismiss_with_nothing"]


class Screens:
    """A terminal whose screens are known beforehand, one at each look."""

    def __init__(self, *screens: str) -> None:
        self.screens = list(screens)

    def screen(self, _who: str) -> str:
        return self.screens[0]

    def press(self, _who: str, _key: str) -> None:
        self.screens.pop(0)

    def until(self, _who: str, right: Any, what: str) -> str:
        if not right(self.screens[0]):
            raise Unseen(what)
        return self.screens[0]

    still = screen

    def done(self, _who: str) -> list[str]:
        return ["Keys: help", "Ways: page('help')"]


def played(*screens: str, **step: str) -> record.Recorder:
    recorder = record.Recorder(Screens(*screens), {})  # type: ignore[arg-type]
    recorder.play(foo("F1", **step))
    return recorder


def test_a_step_that_waits_for_what_is_there_already_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "PACE", 0.0)
    with pytest.raises(Unseen, match="already"):
        played("Rooms", "Help", sees="Rooms")
    with pytest.raises(Unseen, match="already"):
        played("Rooms", "Help", gone="Inbox")
    with pytest.raises(Unseen, match="'Help' without 'Rooms'"):
        played("Rooms", "Rooms Help", sees="Help", gone="Rooms")


def test_what_was_seen_and_done_is_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "PACE", 0.0)
    recorder = played("Rooms", "Help at 21:47", sees="Help", told="F1: help.")
    assert "**1.** F1: help.\n\n```text\nHelp at 20:02\n```\n" in recorder.page()
    assert items.read(recorder.page()) == {"Keys: help"}
    assert "Keys: inbox" in recorder.missing()


def test_its_help_plays_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    with pytest.raises(SystemExit, match="0"):
        record.main([str(page), "--help"])
    assert "docs" in capsys.readouterr().out
    assert not page.exists()
