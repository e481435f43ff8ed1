"""Who is here, and what is known about one of them."""

from tests.lobby.front import Front
from wire.messages import Who, WhoisPage, WhoPage
from wire.messages import Whois as WhoisRequest


def test_who_is_here_in_order_with_rooms(front: Front) -> None:
    games = front.store.catalogue.create("Games", "ann", "public", "", 0)
    hall = front.store.catalogue.create("attic", "ann", "public", "", 0)
    front.guest("Joe")
    front.login("ben")
    front.register(games, "link1", "ben", "Joe")
    front.register(hall, "link2", "ben")
    page = front.login("ann").ask(Who(), WhoPage)
    assert (page.count, page.more) == (3, False)
    found = [(person.name, person.guest, person.rooms) for person in page.people]
    assert found == [("ann", False, []), ("ben", False, ["attic", "Games"]), ("Joe", True, ["Games"])]
    assert page.people[0].since == front.time.wall


def test_who_in_pages(front: Front) -> None:
    client = front.login("ann")
    for number in range(7):
        front.guest(f"guest-{number}")
    page = client.ask(Who(limit=3), WhoPage)
    assert ([person.name for person in page.people], page.more, page.count) == (["ann", "guest-0", "guest-1"], True, 8)
    page = client.ask(Who(limit=100, after="GUEST-1"), WhoPage)
    assert ([person.name for person in page.people], page.more) == (
        [f"guest-{number}" for number in range(2, 7)],
        False,
    )


def test_private_rooms_are_named_to_those_who_may_see_them(front: Front) -> None:
    den = front.store.catalogue.create("den", "ann", "private", "", 0)
    front.register(den, "link", "ben")
    front.login("ben")
    for asker, rooms in (("ann", ["den"]), ("admin_user", ["den"]), ("test_user", [])):
        client = front.login(asker)
        assert client.ask(WhoisRequest(name="BEN"), WhoisPage).rooms == rooms
        assert next(person.rooms for person in client.ask(Who(), WhoPage).people if person.name == "ben") == rooms


def test_somebody_who_is_away(front: Front) -> None:
    front.login("ann").lose()
    found = front.guest("joe").ask(WhoisRequest(name="ANN"), WhoisPage)
    assert (found.name, found.guest, found.online, found.roles) == ("ann", False, False, ["user"])
    assert found.last_login == front.time.wall
    assert not found.since
    never = front.login("ann").ask(WhoisRequest(name="shut"), WhoisPage)
    assert not never.last_login


def test_a_guest_and_nobody(front: Front) -> None:
    client = front.guest("joe")
    found = client.ask(WhoisRequest(name="JOE"), WhoisPage)
    assert (found.name, found.guest, found.online, found.roles) == ("joe", True, True, [])
    assert client.refused(WhoisRequest(name="nobody1")) == "no_such_user"
    assert client.refused(WhoisRequest(name="a b")) == "bad_name"
