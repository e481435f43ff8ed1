"""The full-screen client as a person sees it: keys in, text out, and waiting for what should be seen."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Self

from textual.events import MouseScrollUp
from textual.pilot import Pilot

from client.address import Address
from client.app import ParlourApp
from client.memory import Memory, recall
from client.plain import Wishes
from client.settings import Settings
from tests.client.calm import calm

SECONDS = 60.0  # until what should be seen counts as never coming
GLANCE = 0.01  # seconds from one look at the screen to the next


class Sight:
    def __init__(self, app: ParlourApp, pilot: Pilot[Any]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def text(self) -> str:
        """All rows of the screen."""
        screen = self.app.screen
        return "\n".join(strip.text for strip in screen._compositor.render_strips())

    async def until(self, condition: Callable[[], Any], what: str = "") -> Self:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"{what or 'it'} did not come:\n{self.text}"
            await asyncio.sleep(GLANCE)
        await calm()
        return self

    async def sees(self, *words: str) -> Self:
        for word in words:
            await self.until(lambda word=word: word in self.text, repr(word))
        return self

    async def sees_no(self, word: str) -> Self:
        return await self.until(lambda: word not in self.text, f"the end of {word!r}")

    async def presses(self, *keys: str) -> Self:
        await self.pilot.press(*keys)
        return self

    async def wheels_up(self, selector: str) -> Self:
        """One notch of the mouse's wheel over a widget."""
        await self.pilot._post_mouse_events([MouseScrollUp], selector, button=0)
        return self

    async def types(self, text: str) -> Self:
        """Text at the keyboard, and Enter."""
        await self.pilot.press(*text, "enter")
        return self

    async def logs_in(self, name: str, password: str = "123") -> Self:
        await self.sees("is there.")
        await self.app_is_on("#name")
        await self.types(name)
        await self.until(lambda: self.app.focused is not None and self.app.focused.id == "password")
        await self.types(password)
        return await self.sees("Rooms", "F1 Help")

    async def keys_go_to(self, id_: str) -> Self:
        """Until this has the focus."""
        return await self.until(lambda: self.app.focused is not None and self.app.focused.id == id_, f"#{id_}")

    async def sees_the_page(self) -> Self:
        """No window is open any more."""
        return await self.until(lambda: self.app.screen is self.app.main, "the end of the window")

    async def app_is_on(self, selector: str) -> Self:
        self.app.screen.query_one(selector).focus()
        return await self.until(lambda: self.app.focused is self.app.screen.query_one(selector))

    async def enters(self, room: str) -> Self:
        """A room that there is."""
        await self.presses("f2")
        await self.app_is_on("#find-room")
        self.app.screen.query_one("#find-room").value = room  # type: ignore[attr-defined]
        await self.presses("enter")
        return await self.until(lambda: self.app.visit.floor.shown == room.lower(), f"the room {room}")


@asynccontextmanager
async def looking(
    host: str, port: int, size: tuple[int, int] = (100, 30), memory: Memory | None = None, **more: Any
) -> AsyncIterator[Sight]:
    wishes = Wishes(Address(host, port), **more)
    app = ParlourApp(wishes, recall() if memory is None else memory, Settings())
    async with app.run_test(size=size, notifications=True) as pilot:
        yield Sight(app, pilot)
        app.visit.remember()
        await app.visit.client.quit()


def run(play: Coroutine[Any, Any, None]) -> None:
    """A play to its end."""
    asyncio.run(play)
