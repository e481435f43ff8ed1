"""Tables for people."""

from client import tables
from wire.messages import AdminRoomRow, AuditRow


def row(name: str, **changes: object) -> AdminRoomRow:
    values: dict[str, object] = {
        "name": name,
        "state": "running",
        "pid": 42,
        "port": 30001,
        "members": 3,
        "lines": 1200,
        "lines_per_second": 0.5,
        "cpu": 1.25,
        "rss": 21_400_000,
        "uss": 1_500_000,
        "uptime": 3_725,
        "restarts": 1,
        "owner": "bob",
        "access": "public",
        "reason": "",
    }
    return AdminRoomRow(**(values | changes))  # type: ignore[arg-type]


def test_all_of_it_in_one_table_where_there_is_room() -> None:
    lines = tables.admin([row("hall"), row("games")], 200)
    assert len(lines) == 4
    for word in ("hall", "running", "42", "30001", "1200", "0.5", "21 MB", "1.5 MB", "1h02m", "bob", "public"):
        assert word in lines[2]


def test_a_table_that_does_not_fit_is_spoken() -> None:
    rows, heads = [["hall", 3, "tea and talk"]], ["room", "people", "topic"]
    assert len(tables.fitting(rows, heads, 40)) == 3
    assert tables.fitting(rows, heads, 20) == tables.spoken(rows, heads)


def test_two_tables_fit_eighty_columns() -> None:
    lines = tables.admin([row("hall")], 80)
    assert all(len(line) <= 80 for line in lines)
    assert "" in lines


def test_what_does_not_run_has_no_process_and_a_reason() -> None:
    lines = tables.admin([row("old", state="failed", pid=0, port=0, reason="signal 9 (SIGKILL)\x1b[31m")], 200)
    assert " - " in lines[2]
    assert lines[-1] == "-- old: signal 9 (SIGKILL)\N{REPLACEMENT CHARACTER}[31m"


def test_what_admins_did() -> None:
    act = AuditRow(number=1, at=0, by="root\x1b[2J", what="announce", target="", text="one\ntwo " + "x" * 200)
    head, _, row_ = tables.audit([act], 80)
    assert head.startswith("when")
    assert "root\N{REPLACEMENT CHARACTER}[2J" in row_
    assert "everybody" in row_
    assert "one two x" in row_
    assert len(row_) < 100
    assert tables.audit([], 80) == ["-- nothing has been done yet"]


def test_names_that_look_like_numbers_stay_names() -> None:
    assert "1e5" in tables.lines([["1e5", 3]], ["room", "people"])[2]
    assert tables.lines([], ["room"])


def test_for_a_screen_reader_each_row_is_a_line_that_names_its_cells() -> None:
    assert tables.spoken([["hall", 3, "", "quiet"], ["den", 0, "private", ""]], ["room", "people", "", "topic"]) == [
        "hall; people 3; topic quiet",
        "den; people 0; private",
    ]
    (said,) = tables.admin([row("hall")], 80, linear=True)
    assert said.startswith("hall; state running; pid 42; port 30001; people 3; ")


def test_sizes_and_times() -> None:
    assert [tables.size(n) for n in (0, 999, 1_500, 21_400_000, 3_000_000_000_000)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "21 MB",
        "3000 GB",
    ]
    assert [tables.uptime(n) for n in (5, 65, 3_725, 90_000)] == ["5s", "1m05s", "1h02m", "1d01h"]
