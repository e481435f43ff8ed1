"""Every screen as it looks: in two sizes and both themes, compared with what was looked at and found good.

`pytest tests/client/test_screens_pictures.py --snapshot-update` draws them anew; the report shows what differs.
"""

from typing import Any

import pytest

from client.settings import DARK, LIGHT
from tests.client.stills import PICTURES, SCREENS, SHOWN, StillApp

SIZES = ((80, 24), (120, 40))


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_looks_as_it_did(name: str, theme: str, size: tuple[int, int], snap_compare: Any) -> None:
    assert snap_compare(StillApp(theme), terminal_size=size, run_before=SCREENS[name])


def test_no_colour_is_asked_for_and_none_is_drawn(monkeypatch: pytest.MonkeyPatch, snap_compare: Any) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(StillApp(), terminal_size=(80, 24), run_before=SCREENS["room"])


@pytest.mark.parametrize("name", SHOWN)
def test_the_pictures_of_the_readme_are_there(name: str) -> None:
    for suffix in ("", "-light"):
        assert "Parlour" in (PICTURES / f"{name}{suffix}.svg").read_text(encoding="utf-8")
