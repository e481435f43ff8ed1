"""The numbered menus."""

import pytest

from client import menus


@pytest.fixture
def lobby() -> menus.Menu:
    return menus.lobby(unread=2, admin=True, guest=False, ahead=["hall"], inside=False)


def test_for_a_screen_reader_each_choice_is_a_line(lobby: menus.Menu) -> None:
    assert lobby.lines(linear=True)[:2] == ["1 Rooms", "2 Enter a room"]
    assert len(lobby.lines(linear=True)) == len(lobby.items)


def test_enter_takes_a_first_visitor_on() -> None:
    door = menus.door(guests=True, registration=True, knows_account=False)
    assert door.choose("") == "guest"
    assert menus.door(guests=True, registration=True, knows_account=True).choose("") == "login"
    assert menus.door(guests=False, registration=False, knows_account=False).choose("") == "login"


def test_enter_leads_to_the_room_ahead(lobby: menus.Menu) -> None:
    assert (lobby.choose(" "), lobby.hint) == ("ahead", "go to hall")
    assert menus.lobby(unread=0, admin=False, guest=True, ahead=["hall"], inside=True).hint == "back to hall"
    assert menus.lobby(unread=0, admin=False, guest=True, ahead=[], inside=False).choose("") == "rooms"
    assert (
        menus.lobby(unread=0, admin=False, guest=True, ahead=list("abcd"), inside=False).hint
        == "go to a and 3 more rooms"
    )


def test_numbers_and_words_choose(lobby: menus.Menu) -> None:
    assert [lobby.choose(typed) for typed in ("1", " 5 ", "inbox", "ADMIN", "0", "q", "exit()", "9", "xyz")] == [
        "rooms", "inbox", "inbox", "admin", "quit", "quit", "quit", None, None]  # fmt: skip


def test_a_number_means_the_same_whoever_one_is(lobby: menus.Menu) -> None:
    guest = menus.lobby(unread=0, admin=False, guest=True, ahead=[], inside=False)
    known = {item.key: item.verb for item in lobby.items}
    assert all(known[item.key] == item.verb for item in guest.items)
    assert [guest.choose(key) for key in "5678"] == [None, None, "account", None], "they have no mail"


def test_a_menu_fits_a_small_terminal(lobby: menus.Menu) -> None:
    lines = lobby.lines()
    assert len(lines) <= 6
    assert all(len(line) < 80 for line in lines)
    assert "Inbox (2 unread)" in "\n".join(lines)
    assert [item.label in "\n".join(lines) for item in lobby.items] == [True] * len(lobby.items)
