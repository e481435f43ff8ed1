"""What the client says beside the screens, and what leaves it: small, soon gone, never where one types; links and
copies with a word about what became of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.widgets import Input
from textual.widgets._toast import Toast

from client.events import Announced
from client.screens import asides
from tests.client.sight import Sight
from tests.client.stills import StillApp, inside, settled

LINK = "https://example.org/concert?day=sat"


@asynccontextmanager
async def in_the_hall(size: tuple[int, int] = (80, 24)) -> AsyncIterator[Sight]:
    app = StillApp()
    async with app.run_test(size=size, notifications=True) as pilot:
        await inside(pilot)
        app.action_room("hall")
        await settled(pilot)
        app.hush()
        await settled(pilot)
        yield Sight(app, pilot)


def browser(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One that writes down what it is to open."""
    for sign in ("SSH_CONNECTION", "SSH_TTY", "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(sign, raising=False)
    command, opened = folder / "browser", folder / "opened"
    command.write_text(f'#!/bin/sh\nprintf "%s" "$1" > {opened}\n')
    command.chmod(0o700)
    monkeypatch.setenv("BROWSER", str(command))
    return opened


def test_a_link_is_opened_or_copied_and_the_screen_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = browser(tmp_path, monkeypatch)

    async def play() -> None:
        async with in_the_hall() as ann:
            await ann.presses("ctrl+l")
            await settled(ann.pilot)
            await ann.presses("enter")
            await settled(ann.pilot)
            await ann.presses("enter")
            await ann.sees(f"Opened: {LINK}")
            assert opened.read_text() == LINK
            assert ann.app.clipboard == ""
            monkeypatch.delenv("BROWSER")
            monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
            ann.app.open_url(LINK)
            await ann.sees("Copied, as over ssh no browser opens here:", LINK)
            assert ann.app.clipboard == LINK
            monkeypatch.delenv("SSH_CONNECTION")
            ann.app.open_url(f"{LINK}#{'long' * 100}")
            await ann.sees("Copied, as there is no browser here:")
            assert ann.app.clipboard == f"{LINK}#{'long' * 100}"

    asyncio.run(play())


def test_text_that_the_mouse_selects_is_copied_and_a_password_never() -> None:
    async def play() -> None:
        async with in_the_hall() as ann:
            lines = ann.app.main.room.lines  # type: ignore[union-attr]
            rows = [lines.render_line(y).text for y in range(lines.size.height)]
            row = next(y for y, text in enumerate(rows) if "keep me a piece?" in text)
            await ann.pilot.mouse_down(lines, offset=(4, row))
            await ann.pilot.hover(lines, offset=(18, row))
            await ann.pilot.mouse_up(lines, offset=(18, row))
            await settled(ann.pilot)
            await ann.presses("ctrl+c")
            await ann.sees("Copied: keep me a piece")
            assert ann.app.clipboard == "keep me a piece"
            await ann.presses("f5")
            await ann.until(lambda: ann.app.screen.query("#old"))
            secret = ann.app.screen.query_one("#old", Input)
            secret.value = "opensesame"
            await ann.app_is_on("#old")
            secret.select_all()
            secret.action_copy()
            secret.action_cut()
            await settled(ann.pilot)
            assert "opensesame" not in (ann.app.clipboard, ann.text)

    asyncio.run(play())


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=str)
def test_an_aside_is_small_and_goes_with_the_next_key(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECONDS", "READ"):  # however slow the machine is
        monkeypatch.setattr(asides, name, 60.0)

    async def play() -> None:
        async with in_the_hall(size) as ann:
            for word in ("first", "second", "[bold]third[/] " + "x " * 500):
                ann.app.notify(word, title="ann")
            await ann.sees("ann: second", "ann: [bold]third[/]", "…")
            assert "first" not in ann.text
            toasts = ann.app.screen.query(Toast)
            assert sum(toast.region.height for toast in toasts) == 3
            assert max(toast.region.bottom for toast in toasts) == 3, "at the top, nowhere near the composer"
            assert all(toast.region.width <= 56 for toast in toasts)
            await ann.presses("a")
            await settled(ann.pilot)
            assert "ann: second" in ann.text, "who types goes on, and may read it"
            monkeypatch.setattr(asides, "READ", 0.0)
            await ann.presses("b")
            await ann.sees_no("ann: second")
            assert not ann.app.screen.query(Toast)
            assert ann.app.main.room.composer.text == "ab", "the key did what it does"  # type: ignore[union-attr]
            ann.app.notify("again")
            await ann.sees("again")
            assert "again" in ann.text.splitlines()[0], "nothing is left of those before"
            await ann.pilot.click(Toast)
            await ann.sees_no("again")

    asyncio.run(play())


def test_what_the_operator_says_to_all_stays_where_one_is() -> None:
    async def play() -> None:
        app = StillApp()
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await inside(pilot)
            said = "We move " + "to the new machine " * 20 + "tonight."
            app.still.tell(Announced(None, said, 0))
            app.action_room("hall")
            app.still.tell(Announced(None, said, 0))
            ann = await Sight(app, pilot).sees("tonight.")
            await ann.presses("f2")
            await ann.sees("The server's operator says: We move", "tonight.")

    asyncio.run(play())
