"""Tickets and tokens at a room's door: wrong room, twice, late, forged, truncated, revoked, rotated."""

import pytest

from roomproc.door import Door, Person
from wire.errors import Refused
from wire.stamps import Stamps
from wire.tickets import TOKEN_SECONDS, SessionToken, Ticket, sign

OLD, NEW, OTHER = (bytes([n]) * 32 for n in (1, 2, 3))
NOW = 1_795_197_600_000


def door(ring=None, spent=None, revoked=None):
    return Door("room-a", ring or {1: OLD}, 5, spent=spent or {}, revoked=revoked or {})


def ticket(ring=None, **changes):
    fields = {"room": "room-a", "name": "Ann", "guest": False, "roles": ["user"], "issued": NOW, "expires": NOW + 9_000,
              "number": "one"} | changes  # fmt: skip
    return sign(ring or {1: OLD}, Ticket(**fields))


def refused(the_door, token, wall=NOW):
    with pytest.raises(Refused) as caught:
        the_door.open(token, None, wall)
    assert caught.value.code == "bad_ticket"
    assert caught.value.fatal
    return caught.value.text


def test_a_good_ticket_says_who_comes():
    admission = door().open(ticket(), None, NOW)
    assert admission.person == Person("Ann", False, ("user",))
    assert (admission.spend, admission.epoch) == ("one", None)
    assert len(admission.stream) >= 16


def test_the_clients_stream_is_taken():
    assert door().open(ticket(), "q1ZrAAAAAAAAAAAA", NOW).stream == "q1ZrAAAAAAAAAAAA"


def test_once():
    the_door = door()
    the_door.open(ticket(), None, NOW)
    assert "used" in refused(the_door, ticket())
    the_door.unspend("one")
    the_door.open(ticket(), None, NOW)


def test_spent_before_the_process_began():
    refused(door(spent={"one": NOW + 1}), ticket())


def test_late():
    refused(door(), ticket(), NOW + 9_000)


def test_another_rooms():
    assert "another room" in refused(door(), ticket(room="room-b"))


def test_forged():
    refused(door(), ticket({1: OTHER}))


@pytest.mark.parametrize("at", range(0, 60, 7))
def test_changed_or_truncated_anywhere(at):
    good = ticket()
    refused(door(), good[:at])
    refused(door(), good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :])


@pytest.mark.parametrize("token", ["", ".", "..", "1..", "x.y.z", "1.e30.AAAA", "9.e30.AAAA", "1.é.AAAA", "-1.a.b"])
def test_rubbish(token):
    refused(door(), token)


def test_a_session_token_opens_no_room():
    refused(door(), sign({1: OLD}, SessionToken(session="s", name="Ann", guest=False, issued=NOW, expires=NOW + 9)))


def test_resume_as_often_as_needed_with_its_stream_and_epoch():
    the_door = door()
    token = the_door.resume_token(Person("Ann", True, ("guest",)), "stream-0000000000", NOW, NOW)
    for _ in range(3):
        admission = the_door.open(token, None, NOW + 1)
        assert (admission.stream, admission.epoch, admission.spend) == ("stream-0000000000", 5, None)
        assert admission.person == Person("Ann", True, ("guest",))
    refused(the_door, token, NOW + 24 * 3_600_000)


def test_a_resume_token_of_another_room():
    other = Door("room-b", {1: OLD}, 5, spent={}, revoked={})
    refused(door(), other.resume_token(Person("Ann", False, ()), "stream-0000000000", NOW, NOW))


def test_revoked_tokens_and_newer_ones():
    the_door = door()
    the_door.revoke("ANN", NOW)
    assert "withdrawn" in refused(the_door, ticket())
    the_door.open(ticket(issued=NOW + 1, number="two"), None, NOW + 1)


def test_an_older_revocation_does_not_soften_a_newer():
    the_door = door(revoked={"ann": NOW})
    the_door.revoke("ann", NOW - 1_000)
    refused(the_door, ticket())


def test_a_clock_that_steps_back_lets_nobody_in_whom_it_should_not_and_keeps_nobody_out():
    the_door, earlier = door(), NOW - 3_600_000
    admission = the_door.open(ticket(), None, NOW)
    resume = the_door.resume_token(admission.person, admission.stream, NOW, admission.issued)
    kicked = the_door.stamps.revoke(earlier)  # the clock stepped back by an hour, and Ann is kicked
    the_door.revoke("ann", kicked)
    refused(the_door, resume, earlier)
    refused(the_door, ticket(issued=NOW, number="two"), earlier)
    lobby = Stamps()
    fresh = ticket(issued=lobby.issue(earlier + 1, the_door.stamps.void), number="three")
    assert the_door.open(fresh, None, earlier + 1)


def test_a_resume_token_is_void_with_the_ticket_it_goes_back_to():
    the_door = door()
    admission = the_door.open(ticket(), None, NOW)
    token = the_door.resume_token(admission.person, admission.stream, NOW + 500, admission.issued)
    again = the_door.open(token, None, NOW + 600)
    token = the_door.resume_token(again.person, again.stream, NOW + 700, again.issued)
    the_door.revoke("ann", NOW + 100)  # the lobby's word, which took its time
    refused(the_door, token, NOW + 800)


def test_rotation_without_a_break():
    the_door = door({1: OLD, 2: NEW})
    the_door.open(ticket({1: OLD}), None, NOW)
    the_door.open(ticket({2: NEW}, number="two"), None, NOW)
    assert the_door.resume_token(Person("Ann", False, ()), "s" * 16, NOW, NOW).startswith("2.")
    assert not the_door.knows("3.a.b")
    assert the_door.knows("rubbish")


def test_pruning_forgets_only_what_no_valid_token_can_meet():
    the_door = door(spent={"old": NOW - 1, "new": NOW + 30_000}, revoked={"ann": NOW - 25 * 3_600_000, "bob": NOW})
    the_door.prune(NOW, NOW - TOKEN_SECONDS * 1_000)
    assert "used" in refused(the_door, ticket(number="new"))
    refused(the_door, ticket(name="bob", number="x"))


def test_one_session_is_revoked_and_the_others_are_not():
    the_door = door(revoked={"ann#7": NOW})
    assert "withdrawn" in refused(the_door, ticket(session="7"))
    the_door.open(ticket(session="8"), None, NOW)
    the_door.prune(NOW, NOW - TOKEN_SECONDS * 1_000)
    token = the_door.resume_token(Person("Ann", False, ()), "s" * 16, NOW, NOW, "7")
    refused(the_door, token)


def test_all_others_are_revoked_also_those_that_name_no_session():
    the_door = door()
    the_door.revoke("Ann!7", NOW)
    refused(the_door, ticket(session="8"))
    refused(the_door, ticket(session=""))
    refused(the_door, ticket(session="77"))
    the_door.open(ticket(session="7"), None, NOW)
    the_door.open(ticket(name="bob", number="two", session="8"), None, NOW)
