"""A room that keeps its newest lines only: what is gone is told as a gap, and cannot be found either."""

from tests.scenes.stage import Stage, eventually


def test_a_gap_is_told_and_what_is_gone_is_not_found(tmp_path) -> None:
    stage = Stage(tmp_path / "data", "rooms.keep_lines=10", "limits.lines_per_second=0", "limits.requests_per_second=0")
    try:
        room = stage.new("games")
        ann = stage.guest("ann").enter(room)
        for number in range(30):
            ann.say(f"secret {number}")
        assert [line["seq"] for line in ann.ask("search", text="secret", limit=3)["lines"]] == [28, 29, 30]
        stage.kill(stage.room_pid(room))  # the next process looks at once
        ann = ann.back()
        eventually(lambda: ann.ask("history", after=0, limit=1)["lines"][0]["seq"] == 21)

        ben = stage.guest("ben").enter(room, since=5)
        gap = ben.expect("gap")
        assert (gap["from"], gap["to"]) == (6, 20)
        ben.fence()
        assert [seq for seq, _ in ben.lines] == list(range(21, 31))
        assert [line["seq"] for line in ben.ask("search", text="secret", limit=100)["lines"]] == list(range(21, 31))
    finally:
        stage.stop()


def test_a_room_may_keep_less_than_the_server_says(own_stage: Stage) -> None:
    stage = own_stage
    room = stage.new("games")
    ann = stage.guest("ann").enter(room)
    for number in range(20):
        ann.say(f"line {number}")
    assert stage.run("admin", "limit", room, "keep_lines=5").returncode == 0
    stage.kill(stage.room_pid(room))
    ann = ann.back()
    eventually(lambda: ann.ask("history", after=0, limit=1)["lines"][0]["seq"] == 16)
