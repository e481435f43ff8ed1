"""Every screen, brought up on a client that stands still; pictures of them for the README and snapshots for the tests.

`python -m tests.client.stills` draws docs/pictures/*.svg anew.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from textual.pilot import Pilot

from client.address import Address
from client.app import ParlourApp
from client.events import Greeted
from client.memory import Memory
from client.plain import Wishes
from client.screens import adminrooms
from client.settings import DARK, LIGHT, Settings
from tests.client.calm import calm
from tests.client.still import AT, Still

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
Steps = Callable[[Pilot[Any]], Awaitable[None]]


class StillApp(ParlourApp):
    """The client on a still, in the time zone of the pictures, never writing anything."""

    def __init__(self, theme: str = DARK) -> None:
        os.environ["TZ"] = "UTC"
        time.tzset()
        adminrooms.EVERY = 3_600.0  # type: ignore[misc] - a second look would draw a second bar
        wishes = Wishes(Address("chat.example.org", 22222), name="test_user")
        super().__init__(wishes, Memory(), Settings(theme=theme), make=Still)

    @property
    def still(self) -> Still:
        assert isinstance(self.visit.client, Still)
        return self.visit.client

    async def connect(self, where: Address) -> Greeted:
        """Without the drafts' file: what waits in this machine's would be in the pictures."""
        greeted = await super().connect(where)
        self.visit.speak_as = lambda _name: None
        return greeted

    def _keep_drafts(self) -> None:
        """A still has none."""

    def _close_drafts(self) -> None:
        """And leaves none."""

    def _soon(self) -> None:
        """Drawn at once, however slow the machine is just now."""
        self._frame()


async def settled(_pilot: Pilot[Any]) -> None:
    """Nothing comes from outside, so what is left to do is all there is to wait for, however slow the machine is."""
    await calm(max_sleep=60.0)


async def inside(pilot: Pilot[Any]) -> None:
    """Logged in, three rooms open, the lobby's page on the screen."""
    app = pilot.app
    assert isinstance(app, StillApp)
    await settled(pilot)
    await app.log_in("login", "test_user", "123")
    await settled(pilot)
    app.still.furnish()
    app._frame()
    await settled(pilot)
    app.hush()
    await settled(pilot)


async def welcome(pilot: Pilot[Any]) -> None:
    await settled(pilot)


async def rooms(pilot: Pilot[Any]) -> None:
    await inside(pilot)
    await pilot.press("f2")
    await settled(pilot)


async def room(pilot: Pilot[Any]) -> None:
    await inside(pilot)
    pilot.app.action_room("hall")  # type: ignore[attr-defined]
    await settled(pilot)
    await pilot.press(*"And candles")
    await settled(pilot)


async def lost(pilot: Pilot[Any]) -> None:
    await room(pilot)
    app = pilot.app
    assert isinstance(app, StillApp)
    app.still.lose("hall")
    app._frame()
    await settled(pilot)


def page(key: str, *more: str) -> Steps:
    async def steps(pilot: Pilot[Any]) -> None:
        await inside(pilot)
        await pilot.press(key)
        await settled(pilot)
        await pilot.press(*more)
        await settled(pilot)

    return steps


async def admin(pilot: Pilot[Any]) -> None:
    """The rooms after some minutes, so that graphs have something to show."""
    await page("f12")(pilot)
    main = pilot.app.main  # type: ignore[attr-defined]
    seen = main.query_one(adminrooms.AdminRooms)
    with patch.object(seen, "_draw"):  # nobody looks at those between
        for _ in range(adminrooms.LOOKS - 1):
            await seen.look().wait()
    await seen.look().wait()
    await settled(pilot)


async def find(pilot: Pilot[Any]) -> None:
    await room(pilot)
    await pilot.press("ctrl+f")
    await settled(pilot)
    await pilot.press(*"concert", "enter")
    await settled(pilot)


SCREENS: dict[str, Steps] = {
    "welcome": welcome, "rooms": rooms, "room": room, "lost": lost, "inbox": page("f3", "enter"), "people": page("f4"),
    "account": page("f5"), "admin": admin, "audit": page("f12", "g"),
    "accounts": page("f12", "u"), "announce": page("f12", "a"),
    "help": page("f1"), "write": page("f9"), "find": find, "palette": page("ctrl+p"),
}  # fmt: skip
SHOWN = ("welcome", "room", "inbox", "admin")  # in the README
SIZES = {"admin": (122, 32)}  # the width of all its columns


async def picture(name: str, theme: str, size: tuple[int, int]) -> str:
    app = StillApp(theme)
    async with app.run_test(size=size) as pilot:
        await SCREENS[name](pilot)
        return app.export_screenshot(title="Parlour")


def draw(names: tuple[str, ...] = SHOWN, folder: Path = PICTURES) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        for theme in (DARK, LIGHT):
            suffix = "" if theme == DARK else "-light"
            drawn = asyncio.run(picture(name, theme, SIZES.get(name, (110, 32)))).replace(
                "<svg ", '<svg xml:space="preserve" ', 1
            )
            (folder / f"{name}{suffix}.svg").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    draw()

__all__ = ["AT", "SCREENS", "StillApp", "draw"]
