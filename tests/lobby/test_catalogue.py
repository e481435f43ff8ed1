"""The catalogue: rooms are found in any case, private ones by those who may, and revisions only rise."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from base.paths import Paths
from lobby.catalogue import Catalogue
from lobby.store import Store
from wire.errors import Refused


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(Paths(tmp_path), "off")
    yield store
    store.close()


@pytest.fixture
def rooms(store: Store) -> Catalogue:
    return store.catalogue


def test_a_room_is_found_by_name_and_id(rooms: Catalogue) -> None:
    made = rooms.create("Games", "Ann", "private", "chess", 1_000, guest_made=True)
    assert rooms.room("gAMES") == rooms.by_id(made.room) == made
    assert len(bytes.fromhex(made.room)) == 8
    assert (made.name, made.owner, made.access, made.topic) == ("Games", "Ann", "private", "chess")
    assert (made.made, made.revision, made.guest_made) == (1_000, 1, True)
    assert rooms.room("other") is rooms.by_id("0" * 16) is None
    assert rooms.create("other", "Ann", "public", "", 1_000).room != made.room
    assert rooms.count() == 2


def test_a_name_is_one_rooms(rooms: Catalogue) -> None:
    rooms.create("games", "ann", "public", "", 1)
    other = rooms.create("other", "ann", "public", "", 1)
    with pytest.raises(Refused) as refused:
        rooms.create("GAMES", "bob", "public", "", 1)
    assert refused.value.code == "name_taken"
    with pytest.raises(Refused) as refused:
        rooms.change(other.room, name="Games")
    assert refused.value.code == "name_taken"


def test_a_change_raises_the_revision(rooms: Catalogue) -> None:
    made = rooms.create("games", "ann", "public", "", 1)
    changed = rooms.change(made.room, name="Games", owner="Bob", access="private")
    assert changed == rooms.room("games")
    assert (changed.name, changed.owner, changed.access, changed.revision) == ("Games", "Bob", "private", 2)
    assert rooms.change(made.room, name="chess").revision == 3
    assert rooms.room("games") is None
    assert (rooms.owned_by("ann"), rooms.owned_by("BOB")) == (0, 1)
    rooms.set_topic(made.room, "openings")
    assert (rooms.room("chess").topic, rooms.room("chess").revision) == ("openings", 3)  # type: ignore[union-attr]
    with pytest.raises(Refused) as refused:
        rooms.change("0" * 16, owner="x")
    assert refused.value.code == "no_such_room"
    for wrong in ({}, {"revision": 9}, {"id": "x"}):
        with pytest.raises(ValueError, match="not settings"):
            rooms.change(made.room, **wrong)


def test_a_removed_room_frees_its_name_and_forgets_who_was_invited(rooms: Catalogue) -> None:
    made = rooms.create("games", "ann", "private", "", 1)
    rooms.invite(made.room, "bob")
    rooms.remove(made.room)
    assert rooms.count() == 0
    assert not rooms.invited(made.room, "bob")
    assert rooms.create("games", "bob", "public", "", 1).room != made.room
    with pytest.raises(Refused):
        rooms.invite(made.room, "bob")


def test_pages_go_by_folded_names(rooms: Catalogue) -> None:
    for name in ("delta", "Alpha", "charlie", "Bravo"):
        rooms.create(name, "ann", "public", "", 1)
    page, more = rooms.rooms(limit=2, visible_to=("bob", False))
    assert ([room.name for room in page], more) == (["Alpha", "Bravo"], True)
    page, more = rooms.rooms("BRAVO", 2, visible_to=("bob", False))
    assert ([room.name for room in page], more) == (["charlie", "delta"], False)


def test_private_rooms_are_seen_by_those_who_may(rooms: Catalogue) -> None:
    rooms.create("hall", "ann", "public", "", 1)
    secret = rooms.create("secret", "Ann", "private", "", 1)

    def seen(name: str, admin: bool = False) -> list[str]:
        return [room.name for room in rooms.rooms(visible_to=(name, admin))[0]]

    assert seen("ANN") == seen("bob", admin=True) == ["hall", "secret"]
    assert seen("bob") == ["hall"]
    rooms.invite(secret.room, "Bob")
    rooms.invite(secret.room, "bob")
    assert seen("BOB") == ["hall", "secret"]
    assert rooms.invited(secret.room, "boB")
    rooms.uninvite(secret.room, "BOB")
    assert seen("bob") == ["hall"]


def test_catalogue_and_ledger_are_committed_together(tmp_path: Path, store: Store) -> None:
    assert not store.dirty
    store.catalogue.create("games", "ann", "public", "", 1)
    store.ledger.set_last_login("ann", 5)
    assert store.dirty
    store.rollback()
    assert (store.catalogue.count(), store.ledger.last_login("ann")) == (0, None)
    store.catalogue.create("games", "ann", "public", "", 1)
    store.ledger.set_last_login("ann", 5)
    store.commit()
    store.checkpoint()
    store.close()
    again = Store(Paths(tmp_path), "full")
    assert (again.catalogue.count(), again.ledger.last_login("ann")) == (1, 5)
    again.close()
