"""Everything one does in the full-screen client, by keys, against a real lobby and real rooms."""

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from textual.widgets import OptionList

from client import draftfile, memory, settings
from client.screens import people, rooms
from tests.client.ptys import Terminal
from tests.client.sight import Sight, looking, run
from tests.client.stills import StillApp, inside
from tests.scenes.stage import QUICK, UNLIMITED, Refusal, Seat, Stage, eventually


@pytest.fixture(scope="module")
def stage(module_path: Path) -> Iterator[Stage]:
    stage = Stage(module_path / "data", *QUICK, *UNLIMITED)
    yield stage
    stage.stop()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the client remembers and is set to, of this test alone."""
    monkeypatch.setattr(memory, "place", lambda: tmp_path / "state" / "parlour" / "client.json")  # as a process has it
    monkeypatch.setattr(settings, "place", lambda: tmp_path / "config" / "client.toml")
    return tmp_path


async def hears(seat: Seat, text: str) -> None:
    await asyncio.to_thread(seat.hears, text)


PASSWORD = "a long password"


def newcomer(stage: Stage) -> str:
    """An account that nobody has used."""
    name = stage.new("ann")
    stage.actor().register(name, PASSWORD)
    return name


def test_a_guest_comes_in_finds_a_room_and_talks(stage: Stage) -> None:
    async def play() -> None:
        async with looking(stage.host, stage.port) as ann:
            name = stage.new("ann")
            await ann.sees("P a r l o u r", "is there.")
            await ann.app_is_on("#name")
            await ann.types(name)
            await ann.keys_go_to("password")
            await ann.presses("enter")
            await ann.sees("Rooms", "hall")
            await ann.enters("hall")
            await ann.sees("hall", "1 person")
            ben = stage.guest("ben").enter("hall")
            await ann.sees("welcomes")
            await ann.types("hello there")
            await ann.sees("hello there", name)
            await hears(ben, "hello there")
            await asyncio.to_thread(ben.say, f"hi {name}, **welcome**")
            await ann.sees("welcome")
            assert "**" not in ann.text

    run(play())


def test_a_wrong_password_is_told_and_a_new_account_is_made(stage: Stage) -> None:
    async def play() -> None:
        async with looking(stage.host, stage.port) as ann:
            await ann.sees("is there.")
            await ann.app_is_on("#name")
            await ann.types("test_user")
            await ann.keys_go_to("password")
            await ann.types("wrong")
            await ann.sees("do not match")
            name = stage.new("cleo")
            ann.app.screen.query_one("#name").value = name
            for time in range(2):
                ann.app.screen.query_one("#password").value = "a long password"
                await ann.app_is_on("#register")
                await ann.until(lambda: not ann.app.focused.has_class("-active"))  # one just pressed takes a moment
                await ann.presses("enter")
                if time == 0:
                    await ann.sees("once more")
            await ann.sees("F1 Help", name)

    run(play())


def test_no_server_is_told_in_words(tmp_path: Path) -> None:
    async def play() -> None:
        async with looking("127.0.0.1", 1) as ann:
            await ann.sees("no server answers at 127.0.0.1:1")

    run(play())


def test_a_password_goes_to_no_server_but_the_one_that_is_written_there(stage: Stage) -> None:
    async def play() -> None:
        async with looking(stage.host, stage.port) as ann:
            await ann.sees("is there.")
            for field, text in (("server", "127.0.0.1:1"), ("name", "foo_user"), ("password", PASSWORD)):
                ann.app.screen.query_one(f"#{field}").value = text
            await ann.app_is_on("#password")
            await ann.presses("enter")
            await ann.sees("no server answers at 127.0.0.1:1")
            await ann.sees_no("F1 Help")

    run(play())


def test_a_guest_is_told_of_accounts_and_comes_to_one(stage: Stage) -> None:
    async def play() -> None:
        async with looking(stage.host, stage.port) as joe:
            me, room = stage.new("joe"), stage.new("den")
            await joe.sees("is there.")
            await joe.app_is_on("#name")
            await joe.types(me)
            await joe.presses("enter")
            await joe.sees("Type to find a room")
            await joe.app_is_on("#find-room")
            await joe.types(room)
            await joe.sees("A new room")
            await joe.presses("enter")
            await joe.sees(
                f"This is {room}", "a public room of yours", "/invite NAME", "F10 who is here", "1 person (F10)"
            )
            await joe.types("hello")
            await joe.until(lambda: "This is" not in joe.text)
            await joe.presses("f10")
            await joe.sees(f"│ {me}", "1 person  ")
            await joe.presses("f9")
            await joe.sees("Guests have no mail. F3 says how")
            await joe.presses("f3")
            await joe.sees("An account keeps your name", "Create an account")
            assert "reply" not in joe.text
            await joe.presses("enter")
            await joe.sees("Choose a password for your account")
            for then in (("once more",), ("hello", "Write a line")):
                await joe.app_is_on("#password")
                await joe.types(PASSWORD)
                await joe.sees(*then)
            assert (joe.app.visit.me, joe.app.visit.guest) == (me, False)
            await joe.presses("f3")
            await joe.sees("no mail", "n new")

    run(play())


def test_rooms_are_found_as_one_types_and_made(stage: Stage) -> None:
    async def play() -> None:
        for room in ("garden", "gardening"):
            stage.login("foo_user").ask("create", room=stage.new(room), topic="plants")
        async with looking(stage.host, stage.port) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            await ann.sees("hall", "garden", "plants")
            await ann.app_is_on("#find-room")
            await ann.presses(*"gardening")
            await ann.sees_no("  hall")
            room = stage.new("made")
            ann.app.screen.query_one("#find-room").value = room
            await ann.sees(f"Enter makes {room}")
            await ann.presses("enter")
            await ann.sees("A new room")
            await ann.app_is_on("#topic")
            await ann.presses(*"my own")
            await ann.presses("enter")
            await ann.sees(room, "my own", "1 person")

    run(play())


def test_a_room_that_the_list_does_not_have_yet_is_gone_into_and_not_made(stage: Stage) -> None:
    async def play() -> None:
        async with looking(stage.host, stage.port) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            await ann.sees("hall")
            room = stage.new("late")
            await asyncio.to_thread(lambda: stage.login("foo_user").ask("create", room=room, topic="plants"))
            await ann.app_is_on("#find-room")
            ann.app.screen.query_one("#find-room").value = room
            await ann.presses("enter")
            await ann.sees(room, "plants", "1 person")

    run(play())


def test_several_rooms_count_and_one_key_goes_to_the_one_with_news(stage: Stage) -> None:
    async def play() -> None:
        one, other = stage.new("one"), stage.new("other")
        ben = stage.guest("ben").enter(one)
        stage.guest("ben").enter(other)
        async with looking(stage.host, stage.port) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            await ann.enters(one)
            await ann.enters(other)
            await asyncio.to_thread(ben.say, "somebody here?")
            await ann.until(lambda: ann.app.visit.floor.table(one).unread == 1)
            await asyncio.to_thread(ben.say, f"{ann.app.visit.me}: are you?")
            await ann.sees("@1")
            await ann.presses("ctrl+n")
            await ann.sees("somebody here?", "are you?")
            await ann.sees_no("@1")
            await ann.presses("ctrl+b")
            await ann.until(lambda: ann.app.visit.floor.shown == other)
            await ann.presses("alt+up")
            await ann.until(lambda: ann.app.visit.floor.shown == one)
            await ann.presses("ctrl+b")
            await ann.until(lambda: ann.app.visit.floor.shown == other)
            await ann.presses("escape", "1")
            await ann.until(lambda: ann.app.visit.floor.shown == one)

    run(play())


def test_lines_of_long_ago_come_as_one_scrolls_and_the_place_is_kept(stage: Stage) -> None:
    async def play() -> None:
        room = stage.new("long")
        ben = stage.guest("ben").enter(room)
        for number in range(300):
            ben.say(f"line number {number}")
        async with looking(stage.host, stage.port) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            await ann.enters(room)
            await ann.sees("line number 299")
            lines, pid = ann.app.main.room.lines, stage.room_pid(room)
            with stopped(stage.pid("nursery")), stopped(pid):  # what is above comes when we let it
                while lines.scroll_offset.y:
                    await ann.presses("pageup")
                await ann.sees("earlier lines")
                before, first, rows = _rows(ann), lines.transcript.first, lines.max_scroll_y
            await ann.until(lambda: lines.transcript.first < first and lines.max_scroll_y > rows, "older ones")
            await ann.pilot.pause()
            assert before.items() <= _rows(ann).items(), "what came in above moved nothing"
            while lines.scroll_offset.y or lines.transcript.more_before:
                before = int(re.findall(r"line number (\d+)", ann.text)[0])
                await ann.wheels_up("#lines")
                assert 0 <= before - int(re.findall(r"line number (\d+)", ann.text)[0]) <= 4, (
                    "no jump as a page comes in"
                )
            await ann.sees("line number 0", "earlier lines")
            await asyncio.to_thread(ben.say, "the newest")
            await ann.until(lambda: ann.app.visit.floor.table(room).transcript.items[-1].text == "the newest")
            assert not lines.at_end
            before = _seen(ann)
            await ann.enters("hall")
            await ann.sees_no("line number 1")
            await ann.presses("ctrl+b")
            await ann.sees("line number 0")
            await ann.presses("f1", "ctrl+b")
            await ann.sees("line number 0")
            await ann.until(lambda: _seen(ann) == before, "where one was, after another room and another page")
            await ann.presses("ctrl+g")
            await ann.sees("the newest")

    run(play())


def _rows(ann: Sight) -> dict[str, int]:
    """On which row of the screen which line is."""
    found = (re.search(r"line number \d+", row) for row in ann.text.split("\n"))
    return {line[0]: number for number, line in enumerate(found) if line is not None}


def _seen(ann: Sight) -> list[str]:
    return re.findall(r"line number \d+", ann.text)


def test_a_search_jumps_to_what_it_found(stage: Stage) -> None:
    async def play() -> None:
        room = stage.new("attic")
        ben = stage.guest("ben").enter(room)
        ben.say("the treasure is under the oak")
        for number in range(250):
            ben.say(f"chatter {number}")
        async with looking(stage.host, stage.port) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            await ann.enters(room)
            await ann.sees("chatter 249")
            await ann.presses("ctrl+f")
            await ann.sees("Find in")
            await ann.types("treasure")
            await ann.keys_go_to("found")
            await ann.presses("enter")
            await ann.sees("under the oak", "chatter 1", "earlier lines")
            await ann.presses("ctrl+g")
            await ann.sees("chatter 249")

    run(play())


def test_the_composer_has_history_completion_and_lines(stage: Stage) -> None:
    async def play() -> None:
        room = stage.new("den")
        ben = stage.guest("benjamin").enter(room)
        async with looking(stage.host, stage.port) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            await ann.enters(room)
            await ann.sees("2 people")
            await ann.presses(*"benj", "tab")
            composer = ann.app.main.room.composer
            await ann.until(lambda: composer.text == f"{ben.name}: ")
            await ann.presses(*"one", "ctrl+j", *"two", "enter")
            await hears(ben, f"{ben.name}: one\ntwo")
            await ann.presses("up")
            await ann.until(lambda: composer.text.endswith("one\ntwo"))
            await ann.presses("ctrl+u", *"/he", "tab")
            await ann.until(lambda: composer.text == "/help ")
            await ann.presses("ctrl+u", *":rock", "tab")
            await ann.until(lambda: composer.text == "🚀 ")

    run(play())


def test_a_paste_of_many_lines_is_one_message(stage: Stage) -> None:
    from textual import events

    async def play() -> None:
        room = stage.new("paste")
        ben = stage.guest("ben").enter(room)
        async with looking(stage.host, stage.port) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            await ann.enters(room)
            ann.app.post_message(events.Paste("first\r\nsecond\r\nthird\r\n"))
            await ann.until(lambda: "third" in ann.app.main.room.composer.text)
            await ann.presses("enter")
            await hears(ben, "first\nsecond\nthird")

    run(play())


def test_mail_is_written_read_answered_and_deleted(stage: Stage) -> None:
    async def play() -> None:
        async with looking(stage.host, stage.port) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            stage.login("foo_user").ask("mail_send", to=[ann.app.visit.me], subject="chess", body="Tuesday at six?")
            await ann.sees("Mail from foo_user")
            await ann.presses("f3")
            await ann.sees("Inbox", "chess")
            await ann.presses("enter")
            await ann.sees("Tuesday at six?")
            await ann.presses("r")
            await ann.sees("Write mail", "Re: chess")
            await ann.keys_go_to("body")
            await ann.presses(*"Yes", "ctrl+s")
            await ann.sees("is sent to foo_user")
            foo = stage.login("foo_user")
            assert foo.ask("mail_list")["mails"][0]["subject"] == "Re: chess"
            await ann.app_is_on("#mail-list")
            await ann.presses("d")
            await ann.sees("n writes to somebody")
            await ann.presses("5")
            await ann.sees("Trash", "chess")
            await ann.presses("d")
            await ann.sees("for good?")
            await ann.app_is_on("#yes")
            await ann.presses("enter")
            await ann.sees("empty")

    run(play())


def test_drafts_threads_stars_search_and_what_another_terminal_does(stage: Stage, tmp_path: Path) -> None:
    async def play() -> None:
        async with looking(stage.host, stage.port, size=(110, 36)) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            me = ann.app.visit.me
            foo, other = stage.login("foo_user"), stage.login(me, PASSWORD)
            boat = foo.ask("mail_send", to=[me], subject="the boat", body="She floats.")["mail"]
            foo.ask("mail_send", to=[me], subject="the kite", body="It flies.")
            await ann.presses("f2")
            await ann.sees("You have 2 unread mails")
            await ann.presses("f3")
            await ann.sees("the boat", "2 unread")
            reply = other.ask("mail_send", to=["foo_user"], subject="Re: the boat", body="Good.", answers=boat)["mail"]
            foo.ask("mail_send", to=[me], subject="Re: Re: the boat", body="Aboard?", answers=reply)
            await ann.sees("(3)", "Re: Re: the boat")
            assert "  the boat" not in ann.text, "a thread is one row"
            await ann.presses("home", "enter")
            await ann.sees("Aboard?", "Good.", "She floats.", "1 unread")
            other.ask("mail_mark", mail=boat, read=False)
            await ann.sees("2 unread")

            ann.app.hush()  # what was said of the mails that came lies over the stars
            await ann.presses("s")
            await ann.until(lambda: ann.text.count("★") == 2, "the star beside the one of the folder")
            await ann.presses("6")
            await ann.sees("Starred", "Re: Re: the boat")
            await ann.presses("slash")
            await ann.keys_go_to("find-mail")
            await ann.types("kite flies")
            await ann.sees("Found", "the kite")
            await ann.sees_no("the boat")
            await ann.presses("1")
            await ann.sees("Inbox", "Re: Re: the boat")
            await ann.presses("home", "d")
            await ann.sees("trash 2")
            await ann.sees_no("Re: Re: the boat")
            await ann.presses("5")
            await ann.sees("Trash", "the boat")
            await ann.presses("end", "b")
            await ann.sees("trash 1")
            await ann.presses("z")
            await ann.sees("1 mail in the trash for good?")
            await ann.app_is_on("#yes")
            await ann.presses("enter")
            await ann.sees("Trash", "empty")

            await ann.presses("n")
            await ann.keys_go_to("to")
            ann.app.screen.query_one("#to").value = "foo_user"
            await ann.app_is_on("#body")
            await ann.presses(*"Dear", "escape")
            await ann.sees("kept in your drafts", "drafts 1")
            draft = other.ask("mail_list", folder="drafts")["mails"][0]["mail"]
            other.ask("mail_draft", to=["foo_user"], subject="dinner", body="Dear Foo, dinner?", mail=draft)
            await ann.presses("3")
            await ann.sees("Drafts", "dinner")
            await ann.presses("enter")
            await ann.sees("Write mail", "Dear Foo, dinner?")
            await ann.presses("ctrl+s")
            await ann.sees("is sent to foo_user", "empty")
            assert foo.ask("mail_list")["mails"][0]["subject"] == "dinner"

            place = tmp_path / "mail.mbox"
            await ann.presses("x")
            await ann.sees("All your mail out")
            await ann.types(f"export {place}")
            await ann.until(place.exists)
            await ann.sees("4 mails in")

    run(play())


def test_people_are_told_directly_wherever_they_are(stage: Stage) -> None:
    async def play() -> None:
        async with looking(stage.host, stage.port) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            foo = stage.login("foo_user")
            await ann.presses("f4")
            await ann.sees("foo_user")
            await ann.app_is_on("#find-person")
            await ann.types("foo")
            await ann.sees("Direct messages")
            await ann.presses("enter")
            await ann.until(lambda: ann.app.visit.floor.shown == "@foo_user")
            await ann.types("are you there?")
            told = await asyncio.to_thread(foo.expect, "direct")
            assert told["text"] == "are you there?"
            other = stage.login(ann.app.visit.me, PASSWORD)
            number = foo.ask("tell", to=ann.app.visit.me, text="yes, I am")["number"]
            await ann.sees("are you there?", "yes, I am")
            other.expect("direct", number=number)
            await ann.presses("h")
            await asyncio.to_thread(other.expect, "direct_read", number=number)
            await ann.presses("backspace", "f2")
            number = foo.ask("tell", to=ann.app.visit.me, text="and you?")["number"]
            await ann.sees("@foo_user @1")
            other.ask("direct_read", number=number, **{"with": "foo_user"})
            await ann.until(lambda: "@foo_user @1" not in ann.text)
            den = stage.new("den")
            foo.ask("create", room=den, access="private")
            foo.ask("invite", room=den, name=ann.app.visit.me)
            await ann.sees("foo_user invites you into a room", den, "Rooms 1")
            await ann.enters(den)
            await ann.until(lambda: "Rooms 1" not in ann.text)
            await ann.types("/tell admin_user psst")  # a command's stands in a table of its own too
            await ann.until(lambda: "@admin_user" in ann.app.visit.floor.tables)
            assert [one.text for one in ann.app.visit.floor.table("@admin_user").transcript.items] == ["psst"]
            await ann.presses("f2")
            await ann.enters("hall")
            seat = foo.enter("hall")
            await ann.sees("welcomes: foo_user")
            await ann.presses("f4")
            await ann.app_is_on("#find-person")
            await ann.sees("  hall  ")
            await ann.types("foo")
            await ann.sees("Speak in private in hall")  # a room that both are in, though none is on the screen
            await ann.presses("enter")
            await ann.until(lambda: ann.app.visit.floor.shown == "hall")
            await ann.types("between us")
            assert (await asyncio.to_thread(seat.expect, "whispered"))["text"] == "between us"

    run(play())


def test_a_password_is_changed(stage: Stage) -> None:
    async def play() -> None:
        name = stage.new("dora")
        stage.actor().register(name, "the first one")
        async with looking(stage.host, stage.port) as dora:
            await dora.logs_in(name, "the first one")
            await dora.presses("f5")
            await dora.sees("Change the password")
            for field, text in (("old", "the first one"), ("new", "the second"), ("again", "the second")):
                dora.app.screen.query_one(f"#{field}").value = text
            await dora.app_is_on("#change")
            await dora.presses("enter")
            await dora.sees("is changed")
        stage.login(name, "the second")

    run(play())


def test_an_admin_sees_every_room_and_restarts_one(stage: Stage) -> None:
    async def play() -> None:
        room = stage.new("watched")
        stage.guest("ben").enter(room)  # and leaves at once, as nobody keeps the seat
        async with looking(stage.host, stage.port, size=(140, 40)) as admin:
            await admin.logs_in("admin_user")
            await admin.presses("f12")
            await admin.sees(room, "running", "lines a second")
            table = admin.app.screen.query_one("#admin-table")
            table.move_cursor(row=table.get_row_index(room))
            before = stage.room_pid(room)
            await admin.presses("enter")
            await admin.sees("Restart in a new process")
            await admin.until(lambda: isinstance(admin.app.focused, OptionList))
            await admin.presses("down")
            await admin.until(lambda: admin.app.focused.highlighted == 1)
            await admin.presses("enter")
            await admin.sees(f"Restart in a new process: {room}")
            await admin.app_is_on("#yes")
            await admin.presses("enter")
            await admin.until(lambda: _other_pid(stage, room, before), "another process")

    run(play())


def test_an_admin_finds_an_account_and_locks_it(stage: Stage) -> None:
    async def play() -> None:
        name = newcomer(stage)
        async with looking(stage.host, stage.port, size=(140, 40)) as admin:
            await admin.logs_in("admin_user")
            await admin.presses("f12")
            await admin.sees("Accounts (u)", "lines a second")
            await admin.presses("u")
            await admin.sees("foo_user", "Enter: what can be done")
            await admin.presses("home", "enter")
            await admin.sees("Yours: what else")
            assert "Lock:" not in admin.text
            await admin.presses("escape")
            await admin.sees_the_page()
            await admin.presses("slash")
            await admin.keys_go_to("find-account")
            await admin.types(name)
            await admin.sees_no("foo_user")
            await admin.keys_go_to("account-table")
            await admin.presses("enter")
            await admin.sees("A one-time code, for who forgot the password")
            await admin.until(lambda: isinstance(admin.app.focused, OptionList))
            await admin.presses("down", "down", "enter")
            await admin.sees(f"Lock {name}?")
            await admin.app_is_on("#yes")
            await admin.presses("enter")
            await admin.sees(f"{name}: done.")
        with pytest.raises(Refusal, match="locked"):
            stage.login(name, PASSWORD)

    run(play())


def test_a_code_leads_in_and_the_account_page_ends_sessions_and_the_account(stage: Stage) -> None:
    async def play() -> None:
        name = newcomer(stage)
        code = stage.run("admin", "user", "code", name).stdout.split()[0]
        async with looking(stage.host, stage.port) as ann:
            await ann.sees("is there.", "I have a one-time code")
            ann.app.screen.query_one("#name").value = name
            await ann.app_is_on("#code-door")
            await ann.presses("enter")
            await ann.sees("An operator hands one")
            await ann.app_is_on("#code")
            for field, text in (("code", code), ("new-password", PASSWORD + "!"), ("new-again", PASSWORD + "!")):
                ann.app.screen.query_one(f"#{field}").value = text
            await ann.presses("enter")
            await ann.sees("Rooms", "F1 Help")
            other = stage.login(name, PASSWORD + "!")
            await ann.presses("f5")
            await ann.sees("You are", "Capitals")
            await ann.app_is_on("#do-sessions")
            await ann.presses("enter")
            await ann.sees("program", "logged in", "End all others", "now, here", "scenes")
            await ann.until(lambda: isinstance(ann.app.focused, OptionList))
            await ann.presses("enter")
            await ann.sees("All your other sessions have ended.")
            assert (await asyncio.to_thread(other.ended))[-1]["code"] == "bad_session"
            await ann.app_is_on("#do-spelling")
            await ann.presses("enter")
            await ann.sees("Your name in other capitals")
            ann.app.screen.query_one("Input").value = name.upper()
            await ann.presses("enter")
            await ann.sees(f"You are {name.upper()}")
            await ann.app_is_on("#do-delete")
            await ann.presses("enter")
            await ann.sees(f"Delete the account {name.upper()}?")
            await ann.app_is_on("#yes")
            await ann.presses("enter")
            await ann.sees("Your password, to delete it")
            await ann.types(PASSWORD + "!")
            await ann.until(lambda: ann.app.visit.client.session.over, "the end of the account")
        assert name.upper().encode() not in (stage.data / "users" / "user-db").read_bytes()

    run(play())


def test_an_admin_announces_and_sees_what_was_done(stage: Stage) -> None:
    async def play() -> None:
        room = stage.new("told")
        async with looking(stage.host, stage.port, size=(140, 40)) as admin:
            ben = stage.guest("ben").enter(room)
            await admin.logs_in("admin_user")
            await admin.presses("f12")
            await admin.sees(room, "running")
            await admin.presses("a")
            await admin.sees("What everybody is to know")
            await admin.types("the kettle is on")
            await admin.sees("Announced to everybody", "operator says")
            await asyncio.to_thread(ben.actor.expect, "announcement", text="the kettle is on")
            await admin.app_is_on("#admin-table")
            table = admin.app.screen.query_one("#admin-table")
            table.move_cursor(row=table.get_row_index(room))
            await admin.presses("a")
            await admin.sees(f"Only to the members of {room}")
            await admin.app_is_on("#one-room")
            await admin.presses("space")
            await admin.until(lambda: admin.app.screen.query_one("#one-room").value)
            await admin.app_is_on("#announcement")
            await admin.types("and here is cake")
            await asyncio.to_thread(ben.expect, "announcement", text="and here is cake")
            await admin.sees(f"Announced to {room}")
            await admin.app_is_on("#admin-table")
            await admin.presses("g")
            await admin.sees("everybody", "the kettle is on", "and here is cake")

    run(play())


def _other_pid(stage: Stage, room: str, before: int) -> bool:
    try:
        return stage.room_pid(room) != before
    except ValueError:
        return False


def test_a_user_has_no_admin_page(stage: Stage) -> None:
    async def play() -> None:
        async with looking(stage.host, stage.port) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            assert "Admin" not in ann.text
            await ann.presses("f12")
            assert ann.app.main.page == "rooms"

    run(play())


def test_a_killed_room_is_a_quiet_bar_and_nothing_typed_is_lost(stage: Stage) -> None:
    async def play() -> None:
        room = stage.new("fragile")
        ben = stage.guest("ben").enter(room)
        async with looking(stage.host, stage.port) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            await ann.enters(room)
            await ann.types("before")
            await hears(ben, "before")
            await ann.presses(*"half a sen")
            stage.kill(stage.room_pid(room))
            await ann.presses(*"tence", "enter")
            visit = ann.app.visit
            await ann.until(lambda: not visit.floor.table(room).lost and not visit.client.session.unacknowledged())
            await ann.sees("half a sentence")
            assert ann.text.count("half a sentence") == 1
            back = await asyncio.to_thread(ben.back)
            await hears(back, "half a sentence")

    run(play())


def test_what_was_told_and_mailed_as_the_lobby_died_is_sent_again_by_itself_and_exists_once(stage: Stage) -> None:
    async def play() -> None:
        async with looking(stage.host, stage.port) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            me, floor = ann.app.visit.me, ann.app.visit.floor
            ann.app.open_direct("foo_user")
            await ann.until(lambda: floor.shown == "@foo_user")
            pid = stage.pid("lobby")
            with stopped(pid):
                await ann.types("psst")
                await ann.sees("not stored yet")
                await ann.presses("f9")
                await ann.sees("Write mail")
                for field, text in (("#to", "foo_user"), ("#subject", "seeds")):
                    ann.app.screen.query_one(field).value = text
                await ann.app_is_on("#body")
                await ann.presses(*"Beans", "ctrl+s")
                await ann.until(lambda: ann.app.visit.drafts.letter.id, "the mail's key")
                stage.kill(pid)
            await ann.until(lambda: floor.lobby_lost, "the break")
            await ann.until(lambda: not ann.app.visit.drafts.on_their_way, "both")
            await ann.sees("psst")
            await ann.sees_no("not stored yet")
        foo = stage.login("foo_user")
        assert [each["text"] for each in foo.ask("directs", **{"with": me})["directs"]] == ["psst"]
        assert [row["subject"] for row in foo.ask("mail_list", limit=50)["mails"] if row["from"] == me] == ["seeds"]

    run(play())


def test_what_a_lobby_that_just_started_does_not_know_yet_is_said_and_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def play() -> None:
        app = StillApp()
        monkeypatch.setattr(rooms, "REFRESH", 0.2)
        monkeypatch.setattr(people, "REFRESH", 0.2)
        async with app.run_test(size=(120, 40)) as pilot:
            await inside(pilot)
            sight = Sight(app, pilot)
            for key, told in (("f4", "6 online"), ("f2", "6 rooms")):
                app.still.just_started = True
                await sight.presses(key)
                await sight.sees(told, "not every room has told")
                app.still.just_started = False
                await sight.sees_no("not every room has told")  # nobody asked for it

    run(play())


def test_help_and_the_palette_name_everything(stage: Stage) -> None:
    async def play() -> None:
        async with looking(stage.host, stage.port, size=(100, 60)) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            place = ann.text.rsplit("\n", 1)[1].index("F1 Help")
            await ann.pilot.click("#bar", offset=(place + 1, 0))
            await ann.sees("Keys", "Ctrl+N", "[next]")
            await ann.presses("ctrl+p")
            await ann.presses(*"inbox")
            await ann.sees("Your inbox")
            await ann.presses("enter")
            await ann.until(lambda: ann.app.main.page == "inbox")

    run(play())


def test_a_draft_outlives_the_client(stage: Stage) -> None:
    async def play() -> None:
        room = stage.new("drafty")
        async with looking(stage.host, stage.port) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            await ann.app.visit.enter(room, create=True)
            await ann.keys_go_to("composer")
            await ann.presses(*"not finis")
            await ann.until(lambda: b'"not finis"' in _kept(), "the file")
        async with looking(stage.host, stage.port) as ann:
            await ann.keys_go_to("password")
            await ann.types(PASSWORD)
            await ann.sees("not finis")
            assert ann.app.visit.drafts.rooms[room] == "not finis"

    run(play())


def test_what_two_killed_clients_had_handed_over_exists_once(stage: Stage, home: Path) -> None:
    """Of each the line was stored before it died and heard of it, and so was what it told; the whisper after the line
    had not left yet, and nor had what was told last: room and lobby are stopped for a moment, so that it is so. The two
    spoke under two streams, and the next one goes on with both."""
    room, name = stage.new("crash"), newcomer(stage)
    ben, foo = stage.guest("ben").enter(room), stage.login("foo_user")
    words, sizes = ("--name", name, "--room", room), ((80, 24), (90, 26))
    both = [Terminal(stage, home, *words, size=size, PARLOUR_PASSWORD=PASSWORD) for size in sizes]
    for ann in both:
        ann.sees("rite a line")  # the cursor stands on its first letter
    with stopped(stage.pid("nursery")), stopped(stage.room_pid(room)), stopped(stage.pid("lobby")):
        for number, ann in enumerate(both):
            ann.types(f"line {number}")
            ann.types(f"@{ben.name} whisper {number}")
            ann.types(f"/tell foo_user told {number}")
        eventually(lambda: all(f"told {number}".encode() in _kept() for number in (0, 1)))
        for ann in both:
            ann.kill()
    with Terminal(stage, home, *words, PARLOUR_PASSWORD=PASSWORD):
        eventually(lambda: not _kept())
    foo.fence()
    ben.fence()
    assert sorted(text for _, text in ben.lines) == ["line 0", "line 1"]
    assert sorted(m["text"] for m in ben.heard if m["type"] == "whispered") == ["whisper 0", "whisper 1"]
    assert sorted(m["text"] for m in foo.heard if m["type"] == "direct" and m["from"] == name) == ["told 0", "told 1"]


def test_all_that_was_typed_is_there_after_the_client_was_killed(stage: Stage, home: Path) -> None:
    one, other, name = stage.new("one"), stage.new("other"), newcomer(stage)
    foo = stage.login("foo_user")
    with Terminal(stage, home, "--name", name, "--room", one, PARLOUR_PASSWORD=PASSWORD) as ann:
        ann.sees("rite a line")
        foo.ask("tell", to=name, text="are you there?")
        ann.sees("foo_user tells you")
        ann.types(f"/join {other}")
        ann.sees(f"{other}\x07")  # the end of the window's title
        ann.child.send("half in the other\x1b2")  # Alt+2: the second table
        ann.sees("@foo_user\x07")
        ann.child.send("yes, I\x1b1")
        ann.sees(f"{one}\x07")
        with stopped(stage.pid("lobby")):
            ann.types("/tell test_user as a command")
            ann.child.send("half in the one\x1b[20~")  # F9: write a mail
            ann.sees("Write mail")
            ann.child.send("foo_user\tseeds\tDear F")
            begun = (b"half in the one", b"half in the other", b"yes, I", b"as a command", b"Dear F", b"seeds")
            eventually(lambda: all(part in _kept() for part in begun))
            ann.kill()

    async def play() -> None:
        async with looking(stage.host, stage.port) as ann:
            await ann.keys_go_to("password")
            await ann.types(PASSWORD)
            await ann.sees("Write mail", "seeds", "Dear F")
            assert ann.app.screen.query_one("#to").value == "foo_user"
            visit, composer = ann.app.visit, ann.app.main.room.composer
            await ann.presses("escape")
            for place, text in ((one, "half in the one"), (other, "half in the other"), ("@foo_user", "yes, I")):
                assert place in visit.floor.tables
                ann.app.action_room(place)
                await ann.until(lambda text=text: composer.text == text, text)
            await ann.until(lambda: not visit.drafts.waiting["@test_user"])

    run(play())
    told = stage.login("test_user").ask("directs", **{"with": name})["directs"]
    assert [each["text"] for each in told] == ["as a command"]


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that does nothing meanwhile; it may be killed in that time. Of a room the nursery has to be stopped
    before, as it would replace it if that takes long."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def test_a_mail_outlives_a_killed_client_with_whom_it_answers_and_exists_once(stage: Stage, home: Path) -> None:
    """Killed as it writes an answer; then as that was handed over and the lobby, stopped for a moment, said nothing."""
    name, foo, ben = newcomer(stage), stage.login("foo_user"), stage.login("test_user")
    asked = foo.ask("mail_send", to=[name, "test_user"], subject="seeds", body="Which?")["mail"]
    words = ("--name", name, "--room", "hall")
    with Terminal(stage, home, *words, PARLOUR_PASSWORD=PASSWORD) as ann:
        ann.sees("rite a line")
        ann.types(f"/reply {asked} all")
        ann.sees("Re: seeds")
        ann.child.send("Beans, of course.")
        eventually(lambda: b"Beans, of course." in _kept())
    with Terminal(stage, home, *words, PARLOUR_PASSWORD=PASSWORD) as ann:
        ann.sees("Re: seeds")
        os.kill(stage.pid("lobby"), signal.SIGSTOP)
        ann.child.send("\x13")  # Ctrl+S
        eventually(lambda: re.search(rb'"letter":\{[^}]*"id":"[^"]', _kept()))
        ann.kill()
        os.kill(stage.pid("lobby"), signal.SIGCONT)
    with Terminal(stage, home, *words, PARLOUR_PASSWORD=PASSWORD) as ann:
        ann.sees("is sent to")
        eventually(lambda: not _kept())
    for seat in (foo, ben):
        rows = seat.ask("mail_list", limit=100, folder="inbox")["mails"]
        [row] = [row for row in rows if row["from"] == name]
        assert seat.ask("mail_read", mail=row["mail"])["answers"]


def _kept() -> bytes:
    """What the drafts' files hold, while no client takes them over: what is read is all of it."""
    with draftfile._alone() as folder:
        return b"".join(file.read_bytes() for file in folder.glob("drafts-*.json"))


def test_what_is_written_to_the_terminal_for_a_notice(stage: Stage, home: Path) -> None:
    """Bell, title and desktop notice, as bytes; in tmux wrapped so that they reach the terminal around it."""
    room, name = stage.new("bells"), newcomer(stage)
    ben, foo = stage.guest("ben").enter(room), stage.login("foo_user")
    words = ("--name", name, "--room", room)
    with Terminal(stage, home, *words, PARLOUR_PASSWORD=PASSWORD) as ann:
        ann.sees("rite a line")
        ann.child.send("\x1bOQ")  # F2: another page, so that the room is not looked at
        ann.sees("ype to find a room")
        ben.say(f"{name}: look ; here")
        desktop = f"\x1b]9;{ben.name} in {room}: {name}: look  here\x07"
        told = ann.sees(desktop + f"\x1b]777;notify;{ben.name} in {room};{name}: look  here\x07")
        before = re.sub(rb"\x1b\]2;[^\x07]*\x07", b"", told[: told.index(b"\x1b]9;")])  # the title may come as well
        assert b"\x07" in before, "the bell"
        if b"\x1b]2;(1) " not in told:
            ann.sees("\x1b]2;(1) ")
        foo.ask("tell", to=name, text="psst")
        ann.sees("\x1b]777;notify;foo_user tells you;psst\x07")
        foo.ask("mail_send", to=[name], subject="chess", body="?")
        ann.sees("\x1b]777;notify;Mail from foo_user;chess\x07")
        ann.child.send("\x1b1")  # Alt+1: back to the first room
        ann.sees("rite a line")
    with Terminal(stage, home, *words, PARLOUR_PASSWORD=PASSWORD, TMUX="/tmp/x,1,0") as ann:
        ann.sees("rite a line")
        foo.ask("tell", to=name, text="psst")
        desktop = "\x1b]9;foo_user tells you: psst\x07\x1b]777;notify;foo_user tells you;psst\x07"
        ann.sees("\x1bPtmux;" + desktop.replace("\x1b", "\x1b\x1b") + "\x1b\\")


def test_new_since_you_left_is_marked(stage: Stage) -> None:
    async def play() -> None:
        room = stage.new("later")
        ben = stage.guest("ben").enter(room)
        ben.say("seen")
        async with looking(stage.host, stage.port) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            await ann.enters(room)
            await ann.sees("seen")
        ben.say("unseen")
        async with looking(stage.host, stage.port) as ann:
            await ann.keys_go_to("password")
            await ann.types(PASSWORD)
            await ann.sees("seen", "new since you left", "unseen")
            assert ann.text.index("new since") < ann.text.index("unseen")

    run(play())


def test_links_are_listed_to_be_opened_or_copied(stage: Stage) -> None:
    async def play() -> None:
        room = stage.new("links")
        ben = stage.guest("ben").enter(room)
        ben.say("see https://example.org/a and https://example.org@evil.test/")
        async with looking(stage.host, stage.port) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            await ann.enters(room)
            await ann.sees("example.org/a")
            await ann.presses("ctrl+l")
            await ann.sees("Links, the newest first")
            await ann.presses("enter")
            await ann.sees("Copy it")
            await ann.presses("down", "enter")
            await ann.until(lambda: ann.app.clipboard == "https://example.org/a")

    run(play())


def test_a_line_is_chosen_and_copied_by_keys(stage: Stage) -> None:
    async def play() -> None:
        room = stage.new("copy")
        ben = stage.guest("ben").enter(room)
        ben.say("worth keeping")
        async with looking(stage.host, stage.port) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            await ann.enters(room)
            await ann.sees("worth keeping")
            await ann.presses("f8")
            await ann.keys_go_to("lines")
            await ann.presses("c")
            await ann.until(lambda: ann.app.clipboard != "")
            assert ann.app.clipboard == "worth keeping"
            await ann.presses("enter")
            await ann.sees("Name in a line")
            await ann.presses("escape")
            await ann.sees_the_page()
            await ann.presses("escape")
            await ann.keys_go_to("composer")
            await ann.presses("ctrl+f")
            await ann.sees("Words that the line")
            await ann.types("keeping")
            await ann.keys_go_to("found")
            await ann.presses("enter")
            await ann.keys_go_to("lines")
            await ann.sees_no("earlier lines")  # all there is fits the screen

    run(play())


def test_the_end_of_the_server_ends_the_client_with_a_word(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "data", *QUICK, *UNLIMITED)

    async def play() -> None:
        async with looking(stage.host, stage.port) as ann:
            await ann.logs_in(newcomer(stage), PASSWORD)
            await asyncio.to_thread(stage.stop)
            await ann.until(lambda: ann.app.last_words != "")
            assert ann.app.code == 2

    run(play())
