"""Who is at the lobby: one person over any number of connections. Pure.

Law: a person is here from their first connection to their last. Names are compared folded; one name is one person.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wire.names import fold

if TYPE_CHECKING:
    from lobby.sessions import Connection


class Person:
    """Somebody who is logged in. `since`: of the first of the present connections, epoch ms."""

    __slots__ = ("connections", "guest", "name", "read", "roles", "since")

    def __init__(self, name: str, guest: bool, roles: tuple[str, ...], since: int) -> None:
        self.name = name
        self.guest = guest
        self.roles = roles
        self.since = since
        self.connections: dict[Connection, None] = {}
        # fold(name) → up to which number what they told is read at one of the connections
        self.read: dict[str, int] = {}

    @property
    def key(self) -> str:
        return fold(self.name)

    @property
    def is_admin(self) -> bool:
        return "admin" in self.roles


class People:
    """The people who are here, in the order of their folded names."""

    def __init__(self) -> None:
        self._by_key: dict[str, Person] = {}
        self._order: list[str] = []

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[Person]:
        return iter(self._by_key.values())

    def find(self, name: str) -> Person | None:
        return self._by_key.get(fold(name))

    def arrive(
        self, connection: "Connection", name: str, *, guest: bool, roles: tuple[str, ...], wall: int
    ) -> tuple[Person, bool]:
        """`connection` is `name`'s from now on; True with the person when it is their first."""
        person = self._by_key.get(fold(name))
        first = person is None
        if person is None:
            person = self._by_key[fold(name)] = Person(name, guest, roles, wall)
            insort(self._order, person.key)
        person.roles = roles
        person.connections[connection] = None
        connection.person = person
        return person, first

    def leave(self, connection: "Connection") -> bool:
        """The connection is nobody's any more; True when it was its person's last."""
        person = connection.person
        if person is None:
            return False
        connection.person = None
        person.connections.pop(connection, None)
        if person.connections:
            return False
        del self._by_key[person.key]
        del self._order[bisect_left(self._order, person.key)]
        return True

    def page(self, after: str) -> Iterator[Person]:
        """Those whose names come after `after`, in order."""
        for index in range(bisect_right(self._order, fold(after)) if after else 0, len(self._order)):
            yield self._by_key[self._order[index]]
