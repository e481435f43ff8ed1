"""What is told to one person: kept before it leaves, waited for as long as it takes, given back when it cannot go."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from client import memory
from client.address import Address
from client.answers import Refusal
from client.api import Client
from client.drafts import Waiting
from client.events import Answered
from client.memory import Memory
from client.settings import Settings
from client.visit import Visit
from wire import messages as m

DAY = 86_400


class Screen:
    """A front that notes which composers are another text now."""

    def __init__(self) -> None:
        self.given_back: list[str] = []

    def draft_changed(self, room: str) -> None:
        self.given_back.append(room)

    def columns(self) -> int:
        return 80

    def aside(self, spans: Any) -> None:
        self.words = spans


@pytest.fixture
def visit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Visit:
    """Of ann, whose lobby never answers by itself."""
    monkeypatch.setattr(memory, "place", lambda: tmp_path / "client.json")
    client = Client("nowhere", 1)
    client.patience = 0.01
    made = Visit(client, Address("nowhere", 1), Settings(), Memory())
    made.front = Screen()  # type: ignore[assignment]
    made.speak_as("ann")
    made.floor.me = made.teller.me = "ann"
    client.session.lobby.window = DAY
    return made


def run(play: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(play())


def answers(visit: Visit, name: str, reply: Any) -> None:
    """The lobby's answer to what waits for `name`."""
    [line] = visit.drafts.waiting[name]
    reply.re = line.id
    visit.client._deliver(Answered(line.id, reply))


def kept(tmp_path: Path) -> bytes:
    return b"".join(path.read_bytes() for path in tmp_path.glob("drafts-*.json"))


@pytest.mark.parametrize("typed", ["psst", "/tell BEN psst"])
def test_what_is_told_is_kept_and_waited_for_beyond_all_patience(visit: Visit, tmp_path: Path, typed: str) -> None:
    async def play() -> None:
        visit.floor.look_at(visit.floor.table("@ben" if typed == "psst" else "hall").name)
        telling = asyncio.create_task(visit.typed(typed))
        for _ in range(2):  # longer than anything else is waited for
            with pytest.raises(Refusal, match="does not answer"):
                await visit.client.ask(m.Whois(name="ben"))
        assert not telling.done()
        assert b'"psst"' in kept(tmp_path)
        [pending] = visit.floor.table("@ben").transcript.pending
        assert (pending.text, pending.refused) == ("psst", "")
        answers(visit, visit.floor.table("@ben").name, m.Told(number=1, to="ben", became="delivered"))
        assert await telling is True
        assert visit.floor.table("@ben").name == "@ben", "as he spells it"
        assert [item.text for item in visit.floor.table("@ben").transcript.items if isinstance(item, m.Direct)] == [
            "psst"
        ]
        assert not visit.floor.table("@ben").transcript.pending
        visit.keep_drafts()
        assert kept(tmp_path) == b""

    run(play)


def test_what_the_lobby_refuses_is_the_typist_s_again(visit: Visit) -> None:
    async def play() -> None:
        visit.floor.look_at(visit.floor.table("@ben").name)
        telling = asyncio.create_task(visit.typed("psst"))
        await asyncio.sleep(0)
        answers(visit, "@ben", m.Error(code="full", text="ben has no room"))
        assert await telling is False, "the composer takes it back"
        assert [one.refused for one in visit.floor.table("@ben").transcript.pending] == ["ben has no room"]
        assert visit.drafts.empty()

    run(play)


def test_a_command_to_nobody_leaves_no_table(visit: Visit) -> None:
    async def play() -> None:
        visit.floor.look_at(visit.floor.table("hall").name)
        telling = asyncio.create_task(visit.typed("/tell nobody psst"))
        await asyncio.sleep(0)
        assert "@nobody" in visit.floor.tables
        answers(visit, "@nobody", m.Error(code="no_such_user", text="there is no nobody"))
        await telling
        assert list(visit.floor.tables) == ["hall"]
        assert "there is no nobody" in str(visit.floor.table("hall").transcript.items[-1])

    run(play)


def test_what_an_earlier_client_told_goes_under_its_stream_and_comes_back_when_it_cannot_go(visit: Visit) -> None:
    sent: list[Any] = []

    async def ask(message: Any, *, id_: str, asked: int, stream: str, lasting: bool) -> Any:
        sent.append((message.to, id_, stream))
        if message.to == "dora":
            raise Refusal("timeout", "it waited too long")
        return m.Told(number=len(sent), to=message.to, became="delivered")

    async def play() -> None:
        now = 4_000_000_000_000  # the end of the window is far off
        visit.drafts.wait("@ben", Waiting("a-1", "one", now))
        visit.drafts.wait("@cleo", Waiting("b-1", "two", now, stream="another"))
        visit.drafts.wait("@dora", Waiting("a-2", "three", now))
        visit.drafts.wait("@emil", Waiting("a-3", "of last year", 1_000))
        visit.drafts.rooms["@emil"] = "begun"
        visit.drafts.rooms["@frank"] = "begun too"
        assert visit.waited_for() == []
        assert list(visit.floor.tables) == ["@emil", "@frank", "@ben", "@cleo", "@dora"]
        visit.client.ask = ask  # type: ignore[method-assign, assignment]
        await visit.tell_again()
        assert sent == [("ben", "a-1", ""), ("cleo", "b-1", "another"), ("dora", "a-2", "")]
        assert not visit.drafts.on_their_way
        assert (visit.drafts.rooms["@dora"], visit.drafts.rooms["@emil"]) == ("three", "of last year\nbegun")
        assert visit.front.given_back == ["@dora", "@emil"]  # type: ignore[attr-defined]

    run(play)


def test_what_was_begun_in_a_room_one_is_not_in_is_known(visit: Visit) -> None:
    visit.drafts.rooms |= {"hall": "half", "attic": "  ", "@ben": "hi"}
    assert visit.begun_elsewhere() == ["hall"]
