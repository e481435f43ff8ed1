"""`serve`: its options, what it refuses, and what it leaves alone."""

import json
import os
import socket
import subprocess

import pytest

from tests.scenes.stage import PATIENCE, QUICK, ROOT, Actor, Refusal, Stage, command, eventually, seconds, within


def serve(tmp_path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command("serve", "--data", str(tmp_path / "data")), *options],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


def misuse(tmp_path, *options: str) -> str:
    result = serve(tmp_path, *options)
    assert (result.returncode, result.stdout) == (1, "")
    assert "Traceback" not in result.stderr
    return result.stderr


def test_the_first_line_is_the_real_port(stage: Stage) -> None:
    assert stage.first_line == f"Lobby listening on 127.0.0.1:{stage.port}\n"
    assert stage.port > 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_beyond_loopback_is_refused_with_how_to_go_on(tmp_path, host: str) -> None:
    said = misuse(tmp_path, "--port", "0", "--host", host)
    assert "server.insecure=true" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "data").exists(), "and nothing has been made"


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--port", "99999"], "port"), (["--port", "abc"], "port"), (["--port", "-1"], "port"),
        (["--set", "limits.nonsense=1"], "nonsense"), (["--set", "nonsense"], "SECTION.KEY=VALUE"),
        (["--set", "limits.lines_per_second=fast"], "lines_per_second"),
        (["--set", "server.room_ports=1-x"], "room_ports"),
        (["--config", "/nonexistent/parlour.toml"], "/nonexistent/parlour.toml"),
        (["--host", "no.such.host.invalid"], "host"),
        (["--nonsense"], "--nonsense"),
    ],
)  # fmt: skip
def test_mistakes_are_named_in_a_line_or_two(tmp_path, options: list[str], names: str) -> None:
    said = misuse(tmp_path, "--port", "0", *options)
    assert names in said


def test_a_port_in_use_is_told(tmp_path, stage: Stage) -> None:
    said = misuse(tmp_path, "--port", str(stage.port))
    assert str(stage.port) in said
    assert said.count("\n") == 1


def test_a_data_directory_that_cannot_be_is_told(tmp_path) -> None:
    (tmp_path / "data").write_text("a file")
    assert str(tmp_path / "data") in misuse(tmp_path, "--port", "0")


def test_a_very_long_data_directory_works(tmp_path) -> None:
    deep = tmp_path / ("long" * 40)
    deep.mkdir()
    stage = Stage(deep / "data", *QUICK)
    stage.guest().enter("hall").say("from far below")
    stage.stop()


def test_ports_of_rooms_are_in_their_range(open_stage) -> None:
    low = free_range(8)
    stage: Stage = open_stage(f"server.room_ports={low}-{low + 7}")
    ports = {stage.guest().enter(stage.new("room")).address[1] for _ in range(3)}
    assert len(ports) == 3
    assert ports <= set(range(low, low + 8))


def test_a_range_that_is_used_up_is_told(open_stage) -> None:
    low = free_range(2)
    stage: Stage = open_stage(f"server.room_ports={low}-{low + 1}", "rooms.default=")
    with socket.create_server(("127.0.0.1", low)):
        stage.guest().enter(stage.new("room"))
        with pytest.raises(Refusal) as caught:
            stage.guest().ticket(stage.new("room"))
        assert caught.value.code in ("full", "busy", "room_failed")


def free_range(count: int) -> int:
    """A port with `count - 1` free ones after it, from a part of the range that nobody is given at random."""
    for low in range(20_000 + os.getpid() % 1_000 * 10, 32_000, count):
        sockets = []
        try:
            sockets.extend(socket.create_server(("127.0.0.1", port)) for port in range(low, low + count))
        except OSError:
            continue
        else:
            return low
        finally:
            for sock in sockets:
                sock.close()
    raise AssertionError("no free ports")


def test_no_default_room(open_stage) -> None:
    stage: Stage = open_stage("rooms.default=")
    assert stage.guest().ask("rooms")["rooms"] == []


def test_no_guests_and_no_registration(open_stage) -> None:
    stage: Stage = open_stage("accounts.guests=no", "accounts.registration=false")
    actor = stage.actor()
    assert (actor.hello["guests"], actor.hello["registration"]) == (False, False)
    for way in (lambda: actor.guest("joy"), lambda: actor.register("joy", "a good password")):
        with pytest.raises(Refusal, match="not_allowed"):
            way()
    assert actor.login("test_user").name == "test_user"


def test_guests_make_a_bounded_number_of_rooms(open_stage) -> None:
    stage: Stage = open_stage("accounts.guest_rooms=2")
    guest = stage.guest()
    for _ in range(2):
        guest.enter(stage.new("room"))
    with pytest.raises(Refusal, match="too_many"):
        guest.ticket(stage.new("room"))
    guest.enter("hall")


def test_the_file_and_set_over_it(tmp_path, open_stage) -> None:
    file = tmp_path / "parlour.toml"
    file.write_text('[server]\nmotd = "from the file"\n[rooms]\ndefault = "plaza"\n')
    stage: Stage = open_stage("rooms.default=agora", options=("--config", str(file)))
    guest = stage.guest()
    assert guest.welcome["motd"] == "from the file"
    assert [row["name"] for row in guest.ask("rooms")["rooms"]] == ["agora"]


def test_beyond_loopback_test_accounts_are_locked(open_stage) -> None:
    stage: Stage = open_stage("server.insecure=true", options=("--host", "0.0.0.0"))
    assert "test accounts" in stage.stderr()
    stage.host = "127.0.0.1"
    with pytest.raises(Refusal, match="locked"):
        stage.login("test_user")
    actor = stage.actor()
    assert actor.hello["guests"] is False, "guests are for loopback, unless they are allowed"
    actor.register("joy", "a good password").enter("hall").say("hello")


def test_real_hashes_take_their_time_and_nobody_waits(tmp_path) -> None:
    """With the cost that operators have: while passwords are verified, a guest is answered at once."""
    stage = Stage(tmp_path / "data", "limits.logins_per_address=0")
    try:
        guest = stage.guest()
        busy = [stage.actor() for _ in range(20)]
        for actor in busy:
            actor.send("login", id="l", name="test_user", password="123")
        within(1.0, lambda: seconds(lambda: guest.ask("ping")))
        assert [actor.answer("l")["type"] for actor in busy] == ["welcome"] * 20
        assert stage.login("foo_user").name == "foo_user"
    finally:
        stage.stop()


def test_an_account_typed_in_by_hand_works_at_once_and_is_hashed(stage: Stage) -> None:
    path = stage.data / "users" / "user-db"
    path.write_text(path.read_text() + "a broken line\nbroken:{NONSENSE}x\nhandmade:{PLAIN}typed by hand:user::\n")
    actor = stage.actor()
    eventually(lambda: came_in(actor, "handmade", "typed by hand"))
    (line,) = [line for line in path.read_text().splitlines() if line.startswith("handmade:")]
    assert "{ARGON2ID}" in line.upper()
    assert "typed by hand" not in line
    assert "a broken line\n" in path.read_text(), "which costs nobody else anything, and stays for its author"
    assert stage.login("foo_user").name == "foo_user"
    with pytest.raises(Refusal, match="name_taken"):
        stage.actor().register("broken", "a good password")


def came_in(actor: Actor, name: str, password: str) -> bool:
    try:
        return bool(actor.login(name, password))
    except Refusal as why:
        assert why.code in ("wrong_password", "too_fast")  # noqa: PT017 - until the file has been read again
        return False


def test_shipped_files_are_never_written(stage: Stage) -> None:
    shipped = ROOT / "resources" / "users" / "user-db"
    before = shipped.read_bytes()
    stage.actor().register(stage.new("joy"), "a good password")
    assert shipped.read_bytes() == before


def test_processes_are_in_sessions_of_their_own(stage: Stage) -> None:
    """The lobby and nursery are in sessions of their own, so that Ctrl-C at the terminal reaches the guardian only."""
    for process in ("lobby", "nursery"):
        pid = stage.pid(process)
        assert os.getsid(pid) == pid
    assert json.loads(stage.run("status", "--json").stdout)["host"] == "127.0.0.1"


def test_who_was_told_goodbye_is_not_listed_as_away_after_the_next_start(own_stage: Stage) -> None:
    stage = own_stage
    room = stage.new("games")
    stage.login("test_user").enter(room).fence()
    stage.stop()
    stage.start()
    seat = stage.login("foo_user").enter(room)
    assert seat.ask("members")["members"] == ["foo_user"]
