"""The recorded session leaves no item of a menu out."""

from bench.screens import record


def test_each_item_of_each_menu_is_done_by_a_step() -> None:
    assert record.not_done() == []


def test_no_step_does_what_is_in_no_menu() -> None:
    assert {item for each in record.PLAY for item in each.does} <= record.items()
