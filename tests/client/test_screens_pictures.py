"""Every screen as it looks: in two sizes and both themes, compared with what was looked at and found good.

`pytest tests/client/test_screens_pictures.py --snapshot-update` draws them anew; the report shows what differs.
"""

import asyncio
from typing import Any

import pytest
import textual._doc

from client.settings import DARK, LIGHT
from tests.client.stills import PICTURES, SCREENS, SHOWN, StillApp, settled

SIZES = ((80, 24), (120, 40))
BEGUN_IN_BOTH = ("welcome", "room", "admin", "audit", "announce", "palette")
_drawn: dict[tuple[str, tuple[int, int], str], str] = {}  # one visit draws two pictures, and the second test finds its


async def draw(name: str, theme: str, size: tuple[int, int]) -> None:
    """The screen in this theme; and then in the other, which has to look as if one had begun with it. Some are begun in
    both, those among them that take the colours of what they hold only as it is drawn."""
    app = StillApp(theme)
    async with app.run_test(size=size) as pilot:
        await SCREENS[name](pilot)
        for each in (theme,) if name in BEGUN_IN_BOTH else (theme, LIGHT if theme == DARK else DARK):
            app.theme = each
            await settled(pilot)
            _drawn[name, size, each] = app.export_screenshot(title=app.title, simplify=True)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_looks_as_it_did(
    name: str, theme: str, size: tuple[int, int], snap_compare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (name, size, theme) not in _drawn:
        asyncio.run(draw(name, theme, size))
    monkeypatch.setattr(textual._doc, "take_svg_screenshot", lambda **_: _drawn.pop((name, size, theme)))
    assert snap_compare(StillApp(theme))


def test_no_colour_is_asked_for_and_none_is_drawn(monkeypatch: pytest.MonkeyPatch, snap_compare: Any) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(StillApp(), terminal_size=(80, 24), run_before=SCREENS["room"])


@pytest.mark.parametrize("name", SHOWN)
def test_the_pictures_of_the_readme_are_there(name: str) -> None:
    for suffix in ("", "-light"):
        assert "Parlour" in (PICTURES / f"{name}{suffix}.svg").read_text(encoding="utf-8")
