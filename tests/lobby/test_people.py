"""One person over many connections, and the people in order."""

from lobby.people import People
from lobby.sessions import Connection
from wire.pace import Pace


def connection() -> Connection:
    return Connection(1, "127.0.0.1", Pace(0, 0), 0)


def arrive(people: People, name: str, *, wall: int = 0) -> tuple[Connection, bool]:
    new = connection()
    _, first = people.arrive(new, name, guest=False, roles=("user",), wall=wall)
    return new, first


def test_a_person_comes_with_the_first_connection_and_goes_with_the_last() -> None:
    people = People()
    one, first = arrive(people, "Ann", wall=5)
    two, second = arrive(people, "ann", wall=9)
    assert (first, second, len(people)) == (True, False, 1)
    assert one.who is two.who
    assert (one.who.name, one.who.since) == ("Ann", 5)
    assert not people.leave(one)
    assert people.find("ANN") is two.who
    assert people.leave(two)
    assert not people.leave(two)
    assert (people.find("ann"), len(people)) == (None, 0)


def test_people_are_in_the_order_of_their_names() -> None:
    people = People()
    for name in ("cid", "Ben", "ann", "Dan"):
        arrive(people, name)
    assert [person.name for person in people.page("")] == ["ann", "Ben", "cid", "Dan"]
    assert [person.name for person in people.page("BEN")] == ["cid", "Dan"]
    assert [person.name for person in people.page("bz")] == ["cid", "Dan"]
    ben = people.find("ben")
    assert ben is not None
    people.leave(next(iter(ben.connections)))
    assert [person.name for person in people.page("")] == ["ann", "cid", "Dan"]
