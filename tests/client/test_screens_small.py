"""Small parts of the screens: how the help breaks its columns, a tick seen without colours, themes of others, keys
that come fast."""

import asyncio

from textual.events import Key
from textual.widgets import Input

from client.screens.help import broken
from client.screens.tick import Tick
from tests.client.stills import SCREENS, StillApp, settled


def test_each_side_of_a_row_of_help_is_broken_in_its_own_column() -> None:
    rows = broken("/account NAME DEED", "lock, unlock, role ROLE, logout, code, delete (admins)", 30, 60)
    assert rows == [
        ("/account NAME DEED".ljust(30), "lock, unlock, role ROLE,"),
        (" " * 30, "logout, code, delete"),
        (" " * 30, "(admins)"),
    ]  # fmt: skip


def test_a_long_command_never_touches_what_it_does() -> None:
    first, second = broken("/exportmail [mbox|maildir] PATH", "all your mail into a file", 30, 80)
    assert first == ("/exportmail [mbox|maildir]".ljust(30), "all your mail into a file")
    assert second == ("  PATH".ljust(30), "")


def test_an_empty_tick_has_no_mark() -> None:
    assert (Tick(value=True).BUTTON_INNER, Tick(value=False).BUTTON_INNER) == ("X", " ")


def test_every_theme_there_is_can_be_chosen() -> None:
    async def play() -> None:
        app = StillApp()
        async with app.run_test(size=(80, 24)) as pilot:
            await SCREENS["room"](pilot)
            for theme in app.available_themes:
                app.theme = theme
                await pilot.pause()
                assert app.theme_variables["quiet"]

    asyncio.run(play())


def test_a_password_typed_in_one_go_with_the_name_is_no_part_of_it() -> None:
    async def play() -> None:
        app = StillApp()
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            name, password = (app.screen.query_one(f"#{field}", Input) for field in ("name", "password"))
            name.value = ""
            name.focus()
            await pilot.pause()
            for key in ("a", "n", "n", "tab", "1", "2", "3"):  # as a terminal hands them over that was held up
                app.post_message(Key(key, key if len(key) == 1 else None))
            await settled(pilot)
            assert (name.value, password.value) == ("ann", "123")

    asyncio.run(play())
