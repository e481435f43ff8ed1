"""Small parts of the screens: how the help breaks its columns, a tick seen without colours, themes of others, keys
that come fast."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key
from textual.widgets import Input, TextArea

from client.events import EntryCame
from client.floor import Floor
from client.screens.help import broken
from client.screens.keys import bindings
from client.screens.roomrow import options
from client.screens.sidebar import PAGES
from client.screens.tick import Tick
from tests.client.sight import Sight
from tests.client.still import AT
from tests.client.stills import SCREENS, StillApp, inside, settled
from wire.clock import Now
from wire.messages import Line, RoomRow

NOW = Now(0.0, AT)


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


def test_alt_and_enter_are_one_key_where_a_terminal_sends_two_bytes() -> None:
    bindings()
    assert [event.key for event in XTermParser().feed("a\x1b\rb") if isinstance(event, Key)] == ["a", "alt+enter", "b"]


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


@pytest.mark.parametrize("then", ["tab", "enter"])
def test_a_password_typed_in_one_go_with_the_name_is_no_part_of_it(then: str) -> None:
    async def play() -> None:
        app = StillApp()
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            name, password = (app.screen.query_one(f"#{field}", Input) for field in ("name", "password"))
            name.value = ""
            name.focus()
            await pilot.pause()
            for key in ("a", "n", "n", then, "1", "2", "3"):  # as a terminal hands them over that was held up
                app.post_message(Key(key, key if len(key) == 1 else None))
            await settled(pilot)
            assert (name.value, password.value) == ("ann", "123")

    asyncio.run(play())


def test_every_page_leads_to_every_other() -> None:
    async def play() -> None:
        app = StillApp()
        async with app.run_test(size=(80, 24)) as pilot:
            await inside(pilot)
            for page in (*PAGES, *reversed(PAGES)):
                await app.action_page(page)
                await settled(pilot)
                assert app.main.page == page
                assert app.main.query_one(f"#{page}").display

    asyncio.run(play())


def test_escape_leads_to_the_list_at_the_left_before_the_next_key() -> None:
    async def play() -> None:
        app = StillApp()
        async with app.run_test(size=(80, 24)) as pilot:
            await inside(pilot)
            await app.action_page("people")
            await settled(pilot)
            for key in ("escape", "down", "enter"):
                app.post_message(Key(key, None))
            await settled(pilot)
            assert app.main.page == "account"

    asyncio.run(play())


def test_one_more_line_is_one_drawing_without_a_new_layout_and_the_scrollbar_only_as_it_moves() -> None:
    async def play() -> None:
        app = StillApp()
        async with app.run_test(size=(80, 14)) as pilot:
            await inside(pilot)
            for seq in range(10, 160):
                app.visit.floor.event(EntryCame("hall", said(seq), past=False), NOW)
            app.action_room("hall")
            await settled(pilot)
            lines = app.main.room.lines
            bar = lines.vertical_scrollbar
            assert bar.position == lines.max_scroll_y > 0, "it comes with its thumb where one is"
            drawn: list[str] = []
            app._display = partial(_noted, app._display, drawn, "screen")
            bar.refresh = partial(_noted, bar.refresh, drawn, "bar")
            app.screen._refresh_layout = partial(_noted, app.screen._refresh_layout, drawn, "layout")
            app.still.line("hall", 160, "ann", "the last of them", minutes=3)
            await settled(pilot)
            assert drawn == ["screen"]
            assert "the last of them" in Sight(app, pilot).text
            lines.action_page("home")
            await settled(pilot)
            assert "bar" in drawn
            assert "layout" not in drawn
            assert (bar.position, bar.window_virtual_size) == (0, lines.virtual_size.height)
            lines.to_end()
            await pilot.resize_terminal(80, 220)
            await settled(pilot)
            assert bar.position == 0, "where it is not shown it is kept in step too, for when it comes back"

    asyncio.run(play())


def _noted(act: Callable[..., Any], notes: list[str], what: str, *words: Any, **more: Any) -> Any:
    notes.append(what)
    return act(*words, **more)


def said(seq: int) -> Line:
    return Line(seq=seq, at=AT, sender="ann", text=f"line {seq}")


@pytest.mark.parametrize("where", ["#composer", "#find-room", "#body"])
def test_keys_that_come_together_count_in_their_order(where: str) -> None:
    async def play() -> None:
        app = StillApp()
        async with app.run_test(size=(80, 24)) as pilot:
            await inside(pilot)
            await pilot.press({"#composer": "alt+1", "#find-room": "f2", "#body": "f9"}[where])
            await settled(pilot)
            field = app.screen.query_one(where)
            field.focus()
            await pilot.pause()
            keys = ("x", "ctrl+u", "t", "e", "backspace", "h", "n", "left", "e", "delete")
            for key in keys:  # as a terminal hands them over that was held up
                app.post_message(Key(key, key if len(key) == 1 else None))
            await settled(pilot)
            assert (field.text if isinstance(field, TextArea) else getattr(field, "value", "")) == "the"

    asyncio.run(play())


def test_rooms_stand_in_columns_and_a_topic_gets_what_is_left() -> None:
    floor = Floor("ann")
    floor.table("hall").unread, floor.table("hall").mentions = 12, 3
    rows = [
        RoomRow(name=name, topic=topic, access=access, members=people, owner="ann", state="running", made=AT)
        for name, topic, access, people in (
            ("hall", "What everybody should see, at any time", "public", 6),
            ("a-room-with-a-long-name", "x", "public", 0),
            ("plans", "of ours", "private", 14),
        )
    ]  # fmt: skip
    head, made = options(rows, floor, 58)
    assert [each.plain for each in made] == [
        "hall                          6  12 new @3  What everybod…",
        "a-room-with-a-long-name       –             x",
        "plans                        14  private    of ours",
    ]
    assert head.plain == " room                     people             topic"
    assert options([], floor, 58)[1] == []
