"""What members are told at the end of a room's process: who comes back is who they were."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from roomproc.closing import last_words
from tests.roomproc.inside import Inside
from wire.messages import Ban, Entered, Redirect


def test_who_bears_a_name_that_was_banned_before_them_is_back_after_a_restart(tmp_path: Path) -> None:
    inside = Inside(tmp_path / "log.sqlite3")
    inside.enter(1, "ann")
    inside.do(1, Ban(name="bob"))
    inside.wall += 1_000
    assert isinstance(inside.enter(2, "bob", token=inside.ticket("bob", since=inside.wall))[0], Entered)
    server: Any = SimpleNamespace(
        room=inside.room, config=inside.config, port=5_000, loop=SimpleNamespace(now=inside.now)
    )
    redirect = msgspec.json.decode(last_words(server, 2, "restarting"), type=Redirect)
    inside.crash()
    assert isinstance(inside.enter(3, "bob", token=redirect.ticket)[0], Entered)
