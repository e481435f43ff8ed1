"""The client's link and interface for programs, against a small server over real sockets."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from client.api import Client, Refusal, connect
from client.events import Back, EntryCame, Event, Lost
from tests.client.fake_parlour import FakeParlour

SECONDS = 60.0  # until what was waited for counts as never coming


@pytest.fixture
def parlour() -> Iterator[FakeParlour]:
    with FakeParlour() as made:
        yield made


def play(scene: Callable[[], Awaitable[Any]]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(SECONDS):
            return await scene()

    return asyncio.run(bounded())


async def arrive(parlour: FakeParlour, name: str, seen: list[Event] | None = None) -> Client:
    client = await connect("127.0.0.1", parlour.port)
    if seen is not None:
        client.listeners.append(seen.append)
    await client.guest(name)
    return client


async def until(client: Client, condition: Callable[[], object]) -> None:
    """Wait, event by event."""
    came: asyncio.Queue[Event] = asyncio.Queue()
    client.listeners.append(came.put_nowait)
    while not condition():
        await came.get()
    client.listeners.remove(came.put_nowait)


def lines(seen: list[Event], room: str = "hall") -> list[str]:
    return [event.entry.text for event in seen if isinstance(event, EntryCame) and event.room == room]


def test_two_people_talk_and_each_line_is_told_once(parlour: FakeParlour) -> None:
    async def scene() -> None:
        seen: list[Event] = []
        async with await arrive(parlour, "ann", seen) as ann, await arrive(parlour, "bob") as bob:
            here, there = await ann.join("hall"), await bob.join("hall")
            assert await here.say("hello") == 1
            assert await there.say("hi") == 2
            await until(ann, lambda: len(lines(seen)) == 2)
        assert lines(seen) == ["hello", "hi"]

    play(scene)


def test_a_line_whose_answer_was_lost_exists_once(parlour: FakeParlour) -> None:
    async def scene() -> None:
        seen: list[Event] = []
        async with await arrive(parlour, "ann", seen) as ann:
            room = await ann.join("hall")
            parlour.lose_answers = 2
            assert await room.say("once") == 1
            await until(ann, lambda: lines(seen))
        assert parlour.texts() == ["once"]
        assert lines(seen) == ["once"]
        assert [type(e) for e in seen if isinstance(e, Lost | Back)] == [Lost, Back, Lost, Back]

    play(scene)


def test_what_is_refused_as_too_fast_waits_and_keeps_its_order(parlour: FakeParlour) -> None:
    async def scene() -> None:
        async with await arrive(parlour, "ann") as ann:
            room = await ann.join("hall")
            parlour.too_fast = 3
            await asyncio.gather(*(room.say(str(n)) for n in range(10)))
        assert parlour.texts() == [str(n) for n in range(10)]

    play(scene)


def test_a_broken_connection_comes_back_with_what_was_missed(parlour: FakeParlour) -> None:
    async def scene() -> None:
        seen: list[Event] = []
        async with await arrive(parlour, "ann", seen) as ann:
            await ann.join("hall")
            parlour.say("hall", "bob", "before")
            await until(ann, lambda: lines(seen))
            parlour.break_room("hall")
            parlour.say("hall", "bob", "meanwhile")
            await until(ann, lambda: len(lines(seen)) == 2)
        assert lines(seen) == ["before", "meanwhile"]

    play(scene)


def test_a_room_at_another_port_is_found_by_the_lobby(parlour: FakeParlour) -> None:
    async def scene() -> None:
        async with await arrive(parlour, "ann") as ann:
            room = await ann.join("hall")
            await room.say("one")
            parlour.move_room("hall")
            assert await room.say("two") == 2

    play(scene)


def test_a_bad_ticket_sends_us_to_the_lobby(parlour: FakeParlour) -> None:
    async def scene() -> None:
        async with await arrive(parlour, "ann") as ann:
            parlour.bad_tickets = 1
            room = await ann.join("hall")
            await room.say("in")

    play(scene)


def test_the_lobby_comes_back_without_a_password(parlour: FakeParlour) -> None:
    async def scene() -> None:
        client = await connect("127.0.0.1", parlour.port)
        seen: list[Event] = []
        client.listeners.append(seen.append)
        async with client:
            await client.login("test_user", "123")
            room = await client.join("hall")
            parlour.break_lobby()
            await room.say("the room goes on")
            await until(client, lambda: Back(None) in seen)
            assert await client.send_mail(["foo_user"], "hi", "there") == 1

    play(scene)


def test_mail_goes_both_ways(parlour: FakeParlour) -> None:
    async def scene() -> None:
        foo, test = await connect("127.0.0.1", parlour.port), await connect("127.0.0.1", parlour.port)
        async with foo, test:
            await foo.login("foo_user", "123")
            await test.login("test_user", "123")
            number = await test.send_mail(["foo_user"], "chess", "Tuesday?\nAt eight.")
            page = await foo.inbox()
            assert (page.unread, page.mails[0].subject) == (1, "chess")
            assert (await foo.mail(number)).body == "Tuesday?\nAt eight."
            await foo.delete_mail(number)
            assert (await foo.inbox()).mails == []
            with pytest.raises(Refusal, match="no account"):
                await foo.send_mail(["nobody"], "", "x")

    play(scene)


def test_refusals_carry_their_code(parlour: FakeParlour) -> None:
    async def scene() -> None:
        async with await connect("127.0.0.1", parlour.port) as client:
            for attempt, code in (
                (client.login("test_user", "wrong"), "wrong_password"),
                (client.guest("foo_user"), "name_taken"),
            ):
                with pytest.raises(Refusal) as refused:
                    await attempt
                assert refused.value.code == code
            await client.guest("ann")
            with pytest.raises(Refusal) as refused:
                await client.join("nowhere")
            assert refused.value.code == "no_such_room"
            room = await client.join("hall")
            with pytest.raises(Refusal) as refused:
                await room.whisper("nobody", "psst")
            assert refused.value.code == "no_such_member"

    play(scene)


def test_no_server_and_no_way_to_a_room(parlour: FakeParlour) -> None:
    async def scene() -> None:
        with pytest.raises(Refusal) as refused:
            await connect("127.0.0.1", 1)
        assert (refused.value.code, "connection refused" in refused.value.text) == ("no_server", True)
        parlour.wrong_port = 1
        async with await arrive(parlour, "ann") as ann:
            with pytest.raises(Refusal, match=r"port 1 .*firewall") as refused:
                await ann.join("hall")
            assert refused.value.code == "unreachable"

    play(scene)


@pytest.mark.parametrize(
    "noise",
    [
        b"\xff\xfe\n",
        b"null\n[]\n{}\n",
        b'{"type":"line"}\n',
        b'{"type":"new_in_2"}\n',
        b"[" * 5000 + b"\n",
        b"{" * 70_000,
    ],
    ids=["bytes", "no message", "half a line", "unknown", "deep", "endless"],
)
def test_noise_from_a_server_costs_at_most_the_connection(parlour: FakeParlour, noise: bytes) -> None:
    async def scene() -> None:
        seen: list[Event] = []
        async with await arrive(parlour, "ann", seen) as ann:
            await ann.join("hall")
            parlour.send_raw("hall", noise)
            parlour.say("hall", "bob", "still there?")
            await until(ann, lambda: lines(seen) == ["still there?"])

    play(scene)


def test_a_program_iterates_over_lines(parlour: FakeParlour) -> None:
    async def scene() -> None:
        async with await arrive(parlour, "ann") as ann:
            room = await ann.join("hall")
            lines = room.lines()
            parlour.say("hall", "bob", "hello programs")
            await room.members()  # by now the line has come, and nobody has asked for it yet
            assert (await anext(lines)).text == "hello programs"
            await room.leave()
            assert ann.session.rooms == {}

    play(scene)
