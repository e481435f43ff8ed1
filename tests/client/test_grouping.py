"""How lines look: headings by person and day, marks of what is new, and what wraps."""

from datetime import UTC

from rich.cells import cell_len

from client.grouping import APART, Page
from client.show import plain
from client.transcript import Item, Note, Pending, Transcript
from wire.messages import Line, Topic, Whispered

DAY = 86_400_000


def page(width: int = 60) -> Page:
    made = Page("ann", cell_len, UTC)
    made.width = width
    return made


def line(seq: int, at: int = 0, sender: str = "ben", text: str = "hi", **more: object) -> Line:
    return Line(seq=seq, at=at, sender=sender, text=text, **more)  # type: ignore[arg-type]


def texts(item: Item, before: Item | None, made: Page | None = None) -> list[str]:
    return [plain(spans) for spans in (made or page()).rows(item, before)]


def test_one_person_has_one_heading_until_somebody_else_or_a_pause() -> None:
    first = line(1)
    assert texts(line(2, 1_000), first) == ["   hi"]
    assert texts(line(2, 1_000, "cleo"), first)[0].startswith("cleo")
    assert texts(line(2, APART), first)[0].startswith("ben")


def test_a_guest_of_the_same_name_is_somebody_else() -> None:
    assert texts(line(2, 1, guest=True), line(1)) == ["ben guest  00:00", "   hi"]


def test_another_day_is_drawn_across_the_page() -> None:
    rows = texts(line(2, DAY), line(1))
    assert rows[0].startswith("── Friday, 2 January 1970 ─")
    assert cell_len(rows[0]) == 60


def test_what_is_new_is_marked_once() -> None:
    made = page()
    made.new_from = 2
    assert "new since you left" in texts(line(2, 1), line(1), made)[0]
    assert "new since" not in " ".join(texts(line(3, 2), line(2, 1), made))


def test_what_is_new_is_not_marked_again_after_a_note() -> None:
    made = page()
    made.new_from = 2
    note = Note(1, [("notice", "-- ben is here")])
    assert not any("new since" in plain(spans) for spans in made.rows(line(3, 2), note, line(2, 1)))
    assert any("new since" in plain(spans) for spans in made.rows(line(2, 2), note, line(1, 1)))
    assert Transcript([line(1), note, note, line(2)]).entry_before(3) == line(1)


def test_wide_characters_wrap_by_cells() -> None:
    rows = texts(line(1, text="你好 " * 30), None, page(40))
    assert max(map(cell_len, rows)) <= 40


def test_actions_notices_and_whispers_have_their_shapes() -> None:
    assert texts(line(2, 1, kind="action", text="waves"), line(1)) == ["00:00 * ben waves"]
    assert texts(Topic(seq=2, at=1, sender="ben", topic="tea"), line(1)) == ["00:00 -- ben set the topic: tea"]
    told = Whispered(sender="ben", to="ann", text="psst", at=1, number=1)
    assert texts(told, line(1)) == ["ben → you, in private  00:00", "   psst"]
    assert texts(Note(1, [("notice", "-- x")]), line(1)) == ["00:00 -- x"]


def test_what_a_command_answers_has_one_time() -> None:
    row, minute = [("block", "hall  2")], 60_000
    assert texts(Note(1, row), Note(1, [("notice", "-- x")])) == ["00:00 hall  2"]
    assert texts(Note(2, row), Note(1, row)) == ["      hall  2"]
    assert texts(Note(minute, row), Note(1, row)) == ["00:01 hall  2"]
    assert texts(Note(2, [("notice", "-- y")]), Note(1, [("notice", "-- x")])) == ["00:00 -- y"]
    assert texts(Note(2, [("time", "09:15"), ("own", " ann: hi")]), Note(1, row)) == ["      09:15 ann: hi"]


def test_a_line_on_its_way_says_so_and_a_refused_one_why() -> None:
    made = page()
    waiting, refused = Pending("1", 0, "one"), Pending("2", 0, "two", refused="you are muted")
    assert [plain(row) for row in made.pending_rows(waiting, None)] == ["ann  not stored yet", "   one"]
    assert "not sent: you are muted" in plain(made.pending_rows(refused, waiting)[0])
