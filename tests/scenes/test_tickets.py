"""A ticket lets its holder into its room, once. Everything else is one clear refusal."""

import pytest

from tests.scenes.stage import Refusal, Seat, Stage, Wire


def bad(host: str, port: int, ticket: str, **enter: object) -> None:
    wire = Wire(host, port)
    with pytest.raises(Refusal) as caught:
        wire.ask("enter", protocol=1, ticket=ticket, **enter)
    assert (caught.value.code, caught.value.message["fatal"]) == ("bad_ticket", True)
    assert wire.ended() == []


def test_for_another_room(stage: Stage) -> None:
    guest = stage.guest()
    _, _, ticket = guest.ticket(stage.new("mine"))
    host, port, _ = guest.ticket(stage.new("other"))
    bad(host, port, ticket)


def test_used_twice(stage: Stage) -> None:
    host, port, ticket = stage.guest().ticket(stage.new("once"))
    seat = Seat(host, port, ticket)
    bad(host, port, ticket)
    seat.close()
    bad(host, port, ticket)


def test_used_twice_over_a_crash(own_stage: Stage) -> None:
    room = own_stage.new("once")
    host, port, ticket = own_stage.guest().ticket(room)
    Seat(host, port, ticket)
    own_stage.kill(own_stage.room_pid(room))
    bad(host, port, ticket)


def test_cut_off_or_changed(stage: Stage) -> None:
    host, port, ticket = stage.guest().ticket(stage.new("forged"))
    for end in (0, 1, 2, len(ticket) // 2, len(ticket) - 1):
        bad(host, port, ticket[:end])
    for at in range(0, len(ticket), 9):
        bad(host, port, ticket[:at] + ("A" if ticket[at] != "A" else "B") + ticket[at + 1 :])
    bad(host, port, ticket + "=")
    Seat(host, port, ticket).say("and the real one is still good")


@pytest.mark.parametrize("ticket", ["", "x", "..", "1.e30.", "9999.e30.e30", "é.é.é", "1." + "A" * 4_000])
def test_made_up(stage: Stage, ticket: str) -> None:
    host, port, _ = stage.guest().ticket("hall")
    bad(host, port, ticket)


def test_tokens_of_other_kinds(stage: Stage) -> None:
    guest = stage.guest()
    seat = guest.enter(stage.new("mine"))
    bad(*seat.address, guest.welcome["session"])
    other = guest.enter(stage.new("other"))
    bad(*other.address, seat.entered["resume"])
    with pytest.raises(Refusal, match="bad_session"):
        stage.actor().resume(seat.entered["resume"])


def test_a_resume_token_comes_back_as_often_as_needed(stage: Stage) -> None:
    seat = stage.guest().enter(stage.new("mine"))
    for _ in range(3):
        seat = seat.back()
    assert seat.entered["count"] == 1


def test_the_name_is_the_tickets(stage: Stage) -> None:
    guest = stage.guest("mia")
    host, port, ticket = guest.ticket(stage.new("mine"))
    seat = Seat(host, port, ticket, name="admin_user", **{"from": "admin_user"})
    assert seat.entered["members"] == [guest.name]
    seat.send("say", text="hello", **{"from": "admin_user"})
    assert seat.hears("hello")["from"] == guest.name


def test_enter_comes_first_and_in_the_right_version(stage: Stage) -> None:
    host, port, ticket = stage.guest().ticket(stage.new("mine"))
    for kind, fields in (("say", {"text": "hello"}), ("members", {}), ("history", {}), ("leave", {})):
        with pytest.raises(Refusal, match="not_logged_in"):
            Wire(host, port).ask(kind, **fields)
    with pytest.raises(Refusal, match="version"):
        Wire(host, port).ask("enter", protocol=2, ticket=ticket)
    seat = Seat(host, port, ticket)
    with pytest.raises(Refusal, match="already"):
        seat.ask("enter", protocol=1, ticket=ticket)


def test_a_kicked_session_is_out_of_the_rooms_too(stage: Stage) -> None:
    """A new password voids the tokens of the old one, in rooms as well."""
    name = stage.new("pat")
    one = stage.actor().register(name, "the first password")
    seat = one.enter(stage.new("mine"))
    two = stage.login(name, "the first password")
    two.ask("passwd", old="the first password", new="the second password")
    closing = seat.ended()[-1]
    assert (closing["type"], closing["resume"]) == ("closing", False)
    bad(*seat.address, seat.entered["resume"])
