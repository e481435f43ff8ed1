"""The mails that clients left when they died: each is stored once, kept at the server, or gone on with."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from client import memory
from client.address import Address
from client.answers import Refusal
from client.api import Client
from client.drafts import Letter
from client.lettering import go_on
from client.link import read_clock
from client.memory import Memory
from client.settings import Settings
from client.visit import Visit
from wire import messages as m


class Lobby(Client):
    """Stores what it is asked to store, under numbers that rise; or refuses it."""

    refusal: Refusal | None = None

    async def ask(self, message: Any, *, id_: str = "", stream: str = "", **_: Any) -> m.Done:
        if self.refusal is not None:
            raise self.refusal
        self.asked = [*getattr(self, "asked", []), (type(message), message.body, id_, stream)]
        return m.Done(mail=len(self.asked))


@pytest.fixture
def visit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Visit:
    monkeypatch.setattr(memory, "place", lambda: tmp_path / "client.json")
    made = Visit(Lobby("nowhere", 1), Address("nowhere", 1), Settings(), Memory())
    made.client.session.lobby.window = 86_400
    now = read_clock().wall
    made.drafts.letter = Letter("ben", "one", "sent by a", id="a-1", at=now)
    made.drafts.letters = [
        Letter("ben", "two", "sent by b", id="b-1", at=now, stream="of b"),
        Letter("ben", "three", "begun by c"),
        Letter("ben", "four", "long ago", id="d-1", at=now - 86_400_000 * 2, stream="of d"),
        Letter("ben", "five", "begun by e"),
    ]
    return made


def test_what_was_on_its_way_is_sent_the_rest_kept_and_the_last_gone_on_with(visit: Visit) -> None:
    told: list[str] = []
    asyncio.run(go_on(visit, told.append))
    assert visit.client.asked == [  # type: ignore[attr-defined]
        (m.MailSend, "sent by a", "a-1", ""),
        (m.MailSend, "sent by b", "b-1", "of b"),
        (m.MailDraft, "begun by c", "", ""),
        (m.MailDraft, "long ago", "", ""),  # it might be a second one: nobody but who wrote it sends it again
    ]
    assert (visit.drafts.letter.body, visit.drafts.letters) == ("begun by e", [])
    assert told == [
        "Mail 1 is sent to ben.", "Mail 2 is sent to ben.", "Another mail that you had begun is in your drafts: three.",
        "Another mail that you had begun is in your drafts: four.",
    ]  # fmt: skip


@pytest.mark.parametrize("code", ["busy", "no_such_user"])
def test_nothing_is_lost_where_the_lobby_refuses(visit: Visit, code: str) -> None:
    visit.client.refusal = Refusal(code, "no")  # type: ignore[attr-defined]
    with pytest.raises(Refusal):
        asyncio.run(go_on(visit, print))
    assert visit.drafts.letter.body == "sent by a"
    assert bool(visit.drafts.letter.id) is (code == "busy"), "whether it may be stored is not known"
    assert len(visit.drafts.letters) == 4
