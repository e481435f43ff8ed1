"""The master key is rotated while people talk: nobody notices."""

import json
import stat

import pytest

from tests.scenes.stage import Refusal, Seat, Stage


def generations(path) -> list[str]:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return sorted(json.loads(path.read_text()))


def test_tickets_resumes_and_sessions_over_a_rotation(own_stage: Stage) -> None:
    stage = own_stage
    room = stage.new("games")
    ann = stage.login("test_user")
    seat = ann.enter(room)
    seat.say("before")
    old_ticket = ann.ticket(room)
    assert stage.run("admin", "rotate-keys").returncode == 0
    assert generations(stage.data / "master-key") == ["1", "2"]

    by_old_ticket = Seat(*old_ticket)
    assert by_old_ticket.say("with a ticket of the old key") == 2
    new_ticket = ann.ticket(room)
    assert new_ticket[2].startswith("2.")
    assert Seat(*new_ticket).say("with one of the new") == 3
    seat = seat.back()
    assert seat.say("resumed with a token of the old key", id="another") == 4
    assert stage.actor().resume(ann.welcome["session"]).name == "test_user"

    for _ in range(2):
        assert stage.run("admin", "rotate-keys").returncode == 0
    assert generations(stage.data / "master-key") == ["2", "3", "4"], "three are kept"
    Seat(*ann.ticket(room)).fence()
    with pytest.raises(Refusal, match="bad_session"):
        stage.actor().resume(ann.welcome["session"])
