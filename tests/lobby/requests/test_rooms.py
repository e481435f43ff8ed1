"""Rooms: who sees, makes, enters, invites and closes what; tickets; what becomes of those who wait."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import UNSET

from base.locks import Lock
from lobby.effects import CloseForGood, CloseLink, Erase, Spawn, ToRoom
from lobby.gathering import GATHER_SECONDS
from lobby.registry import JOIN_SECONDS
from tests.lobby.front import MASTERS, Client, Front
from wire.clock import Now
from wire.control import Assign, Joined, Left, Present, PutOut, RoomSettings, Traffic
from wire.messages import (
    CloseRoom,
    Create,
    Done,
    Error,
    Invite,
    Invited,
    Join,
    Redirect,
    RoomList,
    RoomRow,
    Rooms,
    Who,
    WhoPage,
)
from wire.tickets import TICKET_SECONDS, Ticket, derive_ring, verify


def make(front: Front, name: str, owner: str = "ann", access: str = "public") -> RoomSettings:
    room = front.store.catalogue.create(name, owner, access, "", front.time.wall)  # type: ignore[arg-type]
    front.store.commit()
    return room


def rows(client: Client) -> list[RoomRow]:
    return client.ask(Rooms(), RoomList).rooms


# -- the list


def test_the_list(front: Front) -> None:
    games = make(front, "games")
    make(front, "Attic")
    client = front.login("test_user")
    front.register(games, "link", "ann", "ben", topic="chess")
    attic, there = rows(client)
    assert (attic.name, attic.state, attic.members, attic.access, attic.owner) == (
        "Attic",
        "sleeping",
        0,
        "public",
        "ann",
    )
    assert (there.name, there.state, there.members, there.topic) == ("games", "running", 2, "chess")


def test_a_lobby_that_has_just_started_waits_for_its_rooms(front: Front) -> None:
    games, den = make(front, "games"), make(front, "den")
    front.desk.gathering.begin(front.time, [])
    front.desk.registry.nursery_opened()
    client, other = front.login("test_user"), front.login("foo_user")
    client.send(Rooms(id="list"), Who(id="who"))
    other.send(Rooms())
    other.lose()
    front.nursery(games.room, "running", pid=5)
    front.nursery(den.room, "sleeping")
    front.told()
    assert client.inbox == []
    front.register(games, "link", "ann", "ben")
    listed, who = client.take(RoomList), client.take(WhoPage)
    assert (listed.re, {row.name: row.members for row in listed.rooms}) == ("list", {"den": 0, "games": 2})
    assert (who.re, who.partial, listed.partial) == ("who", UNSET, UNSET)
    front.desk.registry.link_lost("link")  # from now on what is listed is what there is
    assert client.ask(Rooms(), RoomList).partial is UNSET


def test_a_room_that_neither_has_told_of_is_waited_for_while_its_process_lives(front: Front, tmp_path: Path) -> None:
    games, den = make(front, "games"), make(front, "den")
    locks = {room.room: tmp_path / room.room / "lock" for room in (games, den)}
    for lock in locks.values():
        lock.parent.mkdir()
    processes = {room: Lock(lock) for room, lock in locks.items()}
    front.desk.gathering.begin(front.time, [*locks.values(), tmp_path / "asleep" / "lock"])
    front.desk.registry.nursery_opened()
    front.told()  # of no room: it has begun anew as well
    client = front.login("test_user")
    client.send(Rooms())
    assert client.inbox == []
    processes[den.room].release()  # it died, and will never tell
    front.register(games, "link", "ann", "ben")
    listed = client.take(RoomList)
    assert ({row.name: row.members for row in listed.rooms}, listed.partial) == ({"den": 0, "games": 2}, UNSET)


def test_a_listing_that_waited_long_enough_says_that_it_is_not_whole(front: Front) -> None:
    games = make(front, "games")
    front.desk.gathering.begin(front.time, [])
    client = front.login("test_user")
    client.send(Rooms())
    assert client.inbox == []  # not even the nursery is there
    front.later(GATHER_SECONDS)
    assert client.take(RoomList).partial is True
    front.desk.registry.nursery_opened()
    front.nursery(games.room, "running", pid=5)
    front.told()
    assert client.ask(Who(), WhoPage).partial is True  # one that is stuck
    assert front.desk.gathering.next_deadline() is None
    front.register(games, "link")
    assert client.ask(Rooms(), RoomList).partial is UNSET


def test_the_list_in_pages(front: Front) -> None:
    for name in ("delta", "Alpha", "charlie", "bravo"):
        make(front, name)
    client = front.login("test_user")
    page = client.ask(Rooms(limit=3), RoomList)
    assert ([row.name for row in page.rooms], page.more) == (["Alpha", "bravo", "charlie"], True)
    page = client.ask(Rooms(limit=3, after="charlie"), RoomList)
    assert ([row.name for row in page.rooms], page.more) == (["delta"], False)


def test_a_thousand_rooms_come_in_lines_that_fit(front: Front) -> None:
    for number in range(1_000):
        room = make(front, f"room-{number:04}", owner="x" * 32)
        front.store.catalogue.set_topic(room.room, "\U0001f600" * 200)
    front.end_round()
    client = front.login("test_user")
    names: list[str] = []
    more = True
    while more:
        page = client.ask(Rooms(limit=1_000, after=names[-1] if names else ""), RoomList)
        names += [row.name for row in page.rooms]
        more = page.more
    assert names == [f"room-{number:04}" for number in range(1_000)]


def test_a_topic_stays_in_the_list_while_the_room_sleeps(front: Front) -> None:
    games = make(front, "games")
    client = front.login("test_user")
    front.register(games, "link")
    front.tell("link", Traffic(lines=9, topic="chess"))
    front.desk.registry.link_lost("link")
    (row,) = rows(client)
    assert (row.topic, row.state) == ("chess", "sleeping")


def test_private_rooms_are_seen_by_owner_invited_and_admins(front: Front) -> None:
    room = make(front, "den", access="private")
    front.store.catalogue.invite(room.room, "ben")
    seen = {name: [row.name for row in rows(front.login(name))] for name in ("ann", "ben", "admin_user", "test_user")}
    assert seen == {"ann": ["den"], "ben": ["den"], "admin_user": ["den"], "test_user": []}
    assert rows(front.guest("annie")) == []


# -- making


def test_create_makes_and_starts_a_room(front: Front) -> None:
    client = front.login("ann")
    done = client.ask(Create(room="Games", topic="chess", access="private"), Done)
    assert done.room == "Games"
    room = front.room("games")
    assert (room.name, room.owner, room.access, room.topic, room.guest_made) == (
        "Games",
        "ann",
        "private",
        "chess",
        False,
    )
    assert front.asked_for(Spawn) == [Spawn(room)]
    assert client.refused(Create(room="GAMES")) == "name_taken"


@pytest.mark.parametrize(
    ("name", "topic", "code"),
    [("", "", "bad_name"), ("a b", "", "bad_name"), ("x" * 33, "", "bad_name"), ("ok", "a\nb", "bad_text"),
     ("ok", "x" * 201, "too_long")],
)  # fmt: skip
def test_what_cannot_be_made(front: Front, name: str, topic: str, code: str) -> None:
    assert front.login("ann").refused(Create(room=name, topic=topic)) == code
    assert front.asked_for(Spawn) == []


def test_limits_of_accounts(make_front: Callable[..., Front]) -> None:
    front = make_front("accounts.account_rooms=2", "limits.rooms=3")
    ann, ben = front.login("ann"), front.login("ben")
    for name in ("one", "two"):
        ann.ask(Create(room=name), Done)
    assert ann.refused(Create(room="three")) == "too_many"
    ben.ask(Create(room="three"), Done)
    assert ben.refused(Create(room="four")) == "too_many"
    assert ben.refused(Join(room="four", create=True)) == "too_many"


def test_limits_of_guests_are_about_rooms_that_live(make_front: Callable[..., Front]) -> None:
    front = make_front("accounts.guest_rooms=2", "accounts.guest_rooms_total=3")
    joe, zoe = front.guest("joe"), front.guest("zoe")
    joe.ask(Create(room="j1"), Done)
    joe.ask(Create(room="j2"), Done)
    assert joe.refused(Create(room="j3")) == "too_many"
    zoe.ask(Create(room="z1"), Done)
    assert zoe.refused(Create(room="z2")) == "too_many"
    front.nursery(front.room("j1").room, "sleeping")
    zoe.ask(Create(room="z2"), Done)
    assert joe.refused(Create(room="j3")) == "too_many", "of all guests"
    assert front.room("j1").guest_made
    front.login("ann").ask(Create(room="a1"), Done)


def test_only_so_many_rooms_are_awake(make_front: Callable[..., Front]) -> None:
    front = make_front("limits.live_rooms=1")
    make(front, "one")
    two = make(front, "two")
    client = front.login("test_user")
    client.send(Join(room="one", id="a"))
    assert client.inbox == []
    assert client.refused(Join(room="two")) == "too_many"
    assert client.refused(Create(room="three")) == "too_many"
    front.register(front.room("one"), "link")
    client.take(Redirect)
    front.register(two, "link2")
    client.ask(Join(room="two"), Redirect)


# -- entering


def test_a_ticket_is_for_the_room_that_runs(front: Front) -> None:
    games = make(front, "Games")
    front.register(games, "link")
    client = front.login("admin_user")
    redirect = client.ask(Join(room="games"), Redirect)
    assert (redirect.room, redirect.host, redirect.port) == ("Games", "", 5_000)
    ring = derive_ring(MASTERS, "room", games.room)
    ticket = verify(ring, redirect.ticket, Ticket, wall=front.time.wall, code="bad_ticket")
    assert (ticket.room, ticket.name, ticket.guest, ticket.roles) == (
        games.room,
        "admin_user",
        False,
        ["user", "admin"],
    )
    assert (ticket.issued, ticket.expires) == (front.time.wall, front.time.wall + TICKET_SECONDS * 1_000)
    other = verify(ring, client.ask(Join(room="games"), Redirect).ticket, Ticket, wall=0, code="bad_ticket")
    assert other.number != ticket.number


def test_the_public_host_is_named(make_front: Callable[..., Front]) -> None:
    front = make_front('server.public_host="chat.example.org"')
    front.register(make(front, "games"), "link")
    assert front.login("test_user").ask(Join(room="games"), Redirect).host == "chat.example.org"


def test_a_sleeping_room_is_woken(front: Front) -> None:
    games = make(front, "games")
    one, two = front.login("test_user"), front.login("foo_user")
    one.send(Join(room="games", id="a"))
    two.send(Join(room="games", id="b"))
    assert one.inbox == two.inbox == []
    assert front.asked_for(Spawn) == [Spawn(games)]
    front.nursery(games.room, "starting")
    front.nursery(games.room, "running")
    assert one.inbox == []
    front.register(games, "link")
    assert (one.take(Redirect).re, two.take(Redirect).re) == ("a", "b")
    assert front.asked_for(ToRoom) == [ToRoom("link", Assign(settings=games, revocations=[]))]


def test_join_makes_the_room_when_asked_to(front: Front) -> None:
    client = front.guest("joe")
    assert client.refused(Join(room="den")) == "no_such_room"
    client.send(Join(room="den", create=True, id="a"))
    room = front.room("den")
    assert (room.owner, room.guest_made, room.access) == ("joe", True, "public")
    assert front.asked_for(Spawn) == [Spawn(room)]
    front.register(room, "link")
    assert client.take(Redirect).room == "den"
    front.guest("zoe").ask(Join(room="DEN", create=True), Redirect)


def test_private_rooms_do_not_exist_for_others(front: Front) -> None:
    room = make(front, "den", access="private")
    front.register(room, "link")
    stranger = front.login("test_user")
    assert stranger.refused(Join(room="den")) == "no_such_room"
    assert stranger.refused(Invite(room="den", name="ben")) == "no_such_room"
    assert stranger.refused(CloseRoom(room="den")) == "no_such_room"
    for ask in (Join(room="den", create=True), Create(room="den")):
        refused = stranger.ask(ask, Error)
        assert (refused.code, "there is" in refused.text) == ("name_taken", False)
    assert "there is a room den" in front.login("ann").ask(Create(room="den"), Error).text
    for name in ("ann", "admin_user"):
        front.login(name).ask(Join(room="den"), Redirect)


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 500])
def test_a_name_that_no_room_has(front: Front, name: str) -> None:
    assert front.login("test_user").refused(Join(room=name, create=True)) == "bad_name"


def test_a_room_that_does_not_come_up(front: Front) -> None:
    make(front, "games")
    client = front.login("test_user")
    client.send(Join(room="games", id="a"))
    front.later(JOIN_SECONDS)
    error = client.take(Error)
    assert (error.code, error.re, error.fatal) == ("busy", "a", False)


def test_a_room_that_has_failed(front: Front) -> None:
    games = make(front, "games")
    client = front.login("test_user")
    client.send(Join(room="games", id="a"))
    front.nursery(games.room, "failed", reason="signal 11 (SIGSEGV)")
    error = client.take(Error)
    assert (error.code, error.re) == ("room_failed", "a")
    assert [row.state for row in rows(client)] == ["failed"]


def test_who_has_gone_gets_no_ticket(front: Front) -> None:
    games = make(front, "games")
    client = front.login("test_user")
    client.send(Join(room="games", id="a"))
    client.lose()
    front.register(games, "link")
    front.later(JOIN_SECONDS)
    assert client.inbox == []


def test_a_room_that_the_catalogue_does_not_know_is_not_let_in(front: Front) -> None:
    stranger = RoomSettings(room="f" * 16, name="x", owner="", access="public", topic="", made=0, revision=1)
    front.register(stranger, "link", "ann")
    assert front.asked_for(CloseLink) == [CloseLink("link", "not in the catalogue")]
    assert front.desk.registry.where("ann") == []


def test_who_enters_and_leaves_is_logged(front: Front, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    front.register(make(front, "games"), "link")
    front.tell("link", Joined(members=[Present("joe", guest=True)]))
    front.tell("link", Left(names=["joe"]))
    assert "guest joe entered games" in caplog.text
    assert "joe left games" in caplog.text


# -- disposing


def test_inviting_and_no_longer(front: Front) -> None:
    room = make(front, "den", access="private")
    front.register(room, "link")
    ann, ben = front.login("ann"), front.login("ben")
    assert ann.refused(Invite(room="den", name="nobody1")) == "no_such_user"
    assert ann.ask(Invite(room="DEN", name="Ben"), Done).room == "den"
    assert ben.take(Invited) == Invited(room="den", sender="ann", at=front.time.wall)
    ben.ask(Join(room="den"), Redirect)
    assert ben.refused(Invite(room="den", name="test_user")) == "not_allowed"
    front.tell("link", Joined(members=[Present("ben", guest=False)]))
    front.asked_for(ToRoom)
    ann.ask(Invite(room="den", name="ben", remove=True), Done)
    assert ben.refused(Join(room="den")) == "no_such_room"
    assign, put_out = (order.message for order in front.asked_for(ToRoom))
    assert [revocation.name for revocation in assign.revocations] == ["ben"]
    assert isinstance(put_out, PutOut)
    assert (put_out.name, put_out.code) == ("ben", "kicked")
    front.login("admin_user").ask(Invite(room="den", name="test_user"), Done)


def test_a_guest_who_is_here_can_be_invited(front: Front) -> None:
    make(front, "den", access="private")
    joe = front.guest("joe")
    front.login("ann").ask(Invite(room="den", name="joe"), Done)
    assert joe.take(Invited).room == "den"
    assert [row.name for row in rows(joe)] == ["den"]


def test_an_invitation_is_told_once_on_all_connections_or_at_the_next_login(front: Front) -> None:
    make(front, "den", access="private")
    make(front, "attic", access="private")
    one, two, ann = front.login("ben"), front.login("ben"), front.login("ann")
    for _ in range(2):
        ann.ask(Invite(room="den", name="ben"), Done)
    assert [client.take(Invited).room for client in (one, two)] == ["den", "den"]
    assert (one.inbox, two.inbox) == ([], []), "who was invited already is not told again"
    one.lose()
    two.lose()
    ann.ask(Invite(room="attic", name="ben"), Done)
    ann.ask(Invite(room="attic", name="foo_user"), Done)
    ann.ask(Invite(room="attic", name="foo_user", remove=True), Done)
    at = front.time.wall
    front.restart()
    assert front.login("ben").take(Invited) == Invited(room="attic", sender="ann", at=at)
    assert front.login("ben").inbox == []
    assert front.login("foo_user").inbox == [], "they are not invited any more"


def test_an_invitation_ends_with_the_room(front: Front) -> None:
    make(front, "den", access="private")
    ann = front.login("ann")
    ann.ask(Invite(room="den", name="ben"), Done)
    ann.ask(CloseRoom(room="den"), Done)
    assert front.login("ben").inbox == []


def test_nobody_is_told_of_an_invitation_that_is_not_stored(front: Front) -> None:
    make(front, "den", access="private")
    ann, ben = front.login("ann"), front.login("ben")
    front.fail = sqlite3.OperationalError("disk I/O error")
    ann.ask(Invite(room="den", name="ben"), Error)
    assert ben.inbox == []


def test_closing_a_room_for_good(front: Front) -> None:
    games = make(front, "games")
    front.register(games, "link", "ben")
    ann, ben = front.login("ann"), front.login("ben")
    assert ben.refused(CloseRoom(room="games")) == "not_allowed"
    assert ann.ask(CloseRoom(room="GAMES"), Done).room == "games"
    assert front.asked_for(CloseForGood) == [CloseForGood(games.room)]
    assert rows(ann) == []
    assert ann.refused(Join(room="games")) == "no_such_room"
    front.desk.registry.link_lost("link")
    front.nursery(games.room, "gone")
    assert front.asked_for(Erase) == [Erase(games.room)]
    ann.ask(Create(room="games"), Done)
    assert front.room("games").room != games.room


def test_an_admin_closes_anything(front: Front) -> None:
    make(front, "games")
    front.login("admin_user").ask(CloseRoom(room="games"), Done)


def test_a_closing_that_cannot_be_stored_is_none(front: Front) -> None:
    games = make(front, "games")
    ann = front.login("ann")
    front.fail = OSError(28, "No space left on device")
    assert ann.refused(CloseRoom(room="games")) == "storage"
    assert front.asked_for(CloseForGood) == []
    assert [row.name for row in rows(ann)] == ["games"]
    front.nursery(games.room, "gone")
    assert front.asked_for(Erase) == []


def test_a_room_that_cannot_be_stored_is_not_started(front: Front) -> None:
    client = front.login("ann")
    front.fail = OSError(28, "No space left on device")
    assert client.refused(Join(room="games", create=True)) == "storage"
    assert front.asked_for(Spawn) == []
    assert client.inbox == []
    client.send(Join(room="games", create=True))
    assert len(front.asked_for(Spawn)) == 1


def test_a_later_guest_of_that_name_does_not_own_what_an_earlier_one_made(front: Front) -> None:
    joe = front.guest("joe")
    joe.ask(Create(room="den", access="private"), Done)
    assert [row.name for row in rows(joe)] == ["den"]
    joe.lose()
    front.later(front.config.rooms.grace + 1)
    other = front.guest("joe")
    assert rows(other) == []
    assert other.refused(CloseRoom(room="den")) == "no_such_room"
    assert other.refused(Join(room="den")) == "no_such_room"


def test_tickets_come_after_what_the_room_has_voided(front: Front) -> None:
    room = make(front, "games")
    front.register(room, "link")
    kicked = front.time.wall + 3_600_000  # the clock has stepped back since
    front.tell("link", Traffic(lines=4, topic="", withdrew=kicked))
    answer = front.login("test_user").ask(Join(room="games"), Redirect)
    ring = derive_ring(MASTERS, "room", room.room)
    ticket = verify(ring, answer.ticket, Ticket, wall=front.time.wall, code="bad_ticket")
    assert ticket.issued > kicked
    assert ticket.expires == front.time.wall + TICKET_SECONDS * 1_000


def test_tickets_come_after_what_the_lobby_has_voided_also_in_an_earlier_life(front: Front) -> None:
    room = make(front, "games")
    later = front.time.wall
    front.desk.revoke("ben")
    front.end_round()
    front.restart()
    front.time = Now(front.time.mono, later - 3_600_000)
    front.register(room, "link")
    answer = front.login("test_user").ask(Join(room="games"), Redirect)
    ring = derive_ring(MASTERS, "room", room.room)
    assert verify(ring, answer.ticket, Ticket, wall=front.time.wall, code="bad_ticket").issued > later


def test_a_revocation_voids_what_an_earlier_lobby_issued_when_the_clock_was_ahead(front: Front) -> None:
    room = make(front, "games")
    front.register(room, "link")
    ring = derive_ring(MASTERS, "room", room.room)
    client = front.login("test_user")
    for _ in range(2):  # the second needs no note of its own
        answer = client.ask(Join(room="games"), Redirect)
        front.time = Now(front.time.mono + 1, front.time.wall + 1_000)
    issued = verify(ring, answer.ticket, Ticket, wall=0, code="bad_ticket").issued
    front.restart()
    front.time = Now(front.time.mono, front.time.wall - 3_600_000)  # it is set right
    front.register(room, "link")
    front.desk.revoke("test_user")
    front.end_round()
    (revocation,) = front.store.ledger.revocations()
    assert revocation.before >= issued
    answer = front.login("test_user").ask(Join(room="games"), Redirect)
    assert verify(ring, answer.ticket, Ticket, wall=0, code="bad_ticket").issued > revocation.before
