"""What the admin is told of rooms, compared with what the machine says."""

import json
import os
import subprocess
from pathlib import Path

from tests.scenes.conftest import two_in
from tests.scenes.stage import Message, Stage, eventually, title
from tests.scenes.test_visit import refused

FIELDS = "name state pid port members lines cpu rss uss uptime restarts owner access"


def listening(pid: int, port: int) -> bool:
    """Whether the process has a listening socket on this port (/proc/net/tcp, state 0A)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {row[9] for row in rows if row[3] == "0A" and int(row[1].partition(":")[2], 16) == port}
    open_files = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    return any(f"socket:[{inode}]" in open_files for inode in inodes)


def test_the_listing_is_what_the_machine_says(stage: Stage) -> None:
    admin = stage.login("admin_user")
    rooms = [stage.new("seen"), stage.new("seen")]
    seats = [seat for room in rooms for seat in two_in(stage, room)]
    seats[0].say("one")
    listing = eventually(lambda: (found := admin.listing())[rooms[0]]["lines"] == 1 and found)
    for room in rooms:
        row = listing[room]
        assert set(FIELDS.split()) <= row.keys()
        assert (row["state"], row["members"], row["restarts"], row["access"]) == ("running", 2, 0, "public")
        assert title(row["pid"]) == f"parlour: room {room}"
        assert listening(row["pid"], row["port"])
        assert row["port"] == next(seat.address[1] for seat in seats if seat.entered["room"] == room)
        assert row["uptime"] < 120
        measured = int(Path(f"/proc/{row['pid']}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        assert 0.5 * measured < row["rss"] < 2 * measured
        assert 0 < row["uss"] <= row["rss"]
        assert row["cpu"] >= 0
    assert len({row["pid"] for row in listing.values() if row["pid"]}) == len([r for r in listing.values() if r["pid"]])
    running = {row["pid"] for row in listing.values() if row["state"] == "running"}
    assert running == {pid for pid, name in stage.processes().items() if name.startswith("parlour: room ")}


def test_the_listing_follows_the_members(stage: Stage) -> None:
    admin = stage.login("admin_user")
    room = stage.new("busy")
    ann, ben = two_in(stage, room)
    ben.ask("leave")
    ben.ended()
    ann.expect("presence")
    eventually(lambda: admin.listing()[room]["members"] == 1)
    assert next(r["members"] for r in admin.ask("rooms", limit=1_000)["rooms"] if r["name"] == room) == 1


def test_the_listing_is_for_admins(stage: Stage) -> None:
    for other in (stage.login("test_user"), stage.guest()):
        assert refused(other.ask, "admin_rooms") == "not_allowed"
        assert refused(other.ask, "admin_rooms", after="x", limit=1) == "not_allowed"


def test_ps_shows_each_room_by_its_name(stage: Stage) -> None:
    room = stage.new("games")
    stage.guest().enter(room)
    shown = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.strip() for line in shown].count(f"parlour: room {room}") == 1


def test_the_operators_listing_at_the_shell(stage: Stage) -> None:
    room = stage.new("shown")
    seat = stage.guest().enter(room)
    table = stage.run("admin", "rooms", "--wide")
    assert (table.returncode, table.stderr) == (0, "")
    (row,) = [line for line in table.stdout.splitlines() if room in line]
    assert {"running", str(stage.room_pid(room)), str(seat.address[1])} <= set(row.split())
    result = stage.run("admin", "rooms", "--json")
    assert result.returncode == 0
    rows: dict[str, Message] = {row["name"]: row for row in json.loads(result.stdout)}
    wire = stage.login("admin_user").listing()
    assert rows.keys() == wire.keys()
    assert set(FIELDS.split()) <= rows[room].keys()
    assert (rows[room]["pid"], rows[room]["port"]) == (wire[room]["pid"], wire[room]["port"])


def test_what_the_operator_says_and_does_at_the_shell(own_stage: Stage) -> None:
    stage = own_stage
    room = stage.new("games")
    ann, admin = stage.guest("ann").enter(room), stage.login("admin_user")
    assert stage.run("admin", "announce", "down", "at", "noon").returncode == 0
    assert stage.run("admin", "announce", "--room", room, "too loud").returncode == 0
    ann.actor.expect("announcement", text="down at noon")
    ann.expect("announcement", text="too loud")
    admin.ask("admin_room", room=room, do="restart")
    refused_ = stage.run("admin", "announce", "--room", "nowhere", "x")
    assert (refused_.returncode, refused_.stderr) == (3, "there is no room nowhere\n")
    acts = json.loads(stage.run("admin", "audit", "--json").stdout)
    assert [(act["by"], act["what"], act["target"], act["text"]) for act in acts] == [
        ("the operator", "announce", "", "down at noon"),
        ("the operator", "announce", room, "too loud"),
        ("admin_user", "restart", room, ""),
    ]
    stage.kill(stage.pid("lobby"))
    again = eventually(lambda: (found := stage.run("admin", "audit", "--last", "1")).returncode == 0 and found)
    assert "restart" in again.stdout
    assert "announce" not in again.stdout, "the last of them"


def test_the_operators_socket_is_for_the_operator(stage: Stage) -> None:
    for name in ("admin", "guardian", "lobby", "nursery"):
        assert (stage.data / "run" / f"{name}.sock").stat().st_mode & 0o777 == 0o600
    assert stage.data.stat().st_mode & 0o777 == 0o700
    for place in ("master-key", "users/user-db", "lobby.sqlite3", "mail.sqlite3"):
        assert (stage.data / place).stat().st_mode & 0o077 == 0, place


def test_status(stage: Stage) -> None:
    result = stage.run("status")
    assert result.returncode == 0
    assert f"{stage.host}:{stage.port}" in result.stdout
    found = json.loads(stage.run("status", "--json").stdout)
    assert found["port"] == stage.port
    assert {child["process"]: child["pid"] for child in found["children"]} == {
        "lobby": stage.pid("lobby"), "nursery": stage.pid("nursery"),
    }  # fmt: skip


def test_no_room_holds_what_is_not_its_own(stage: Stage) -> None:
    """A forked room has its listener, its link, its files: no socket of another room, no file of the lobby."""
    rooms = [stage.new("apart"), stage.new("apart")]
    ann, _ = two_in(stage, rooms[0])
    cid, _ = two_in(stage, rooms[1])
    one, two = (stage.room_pid(room) for room in rooms)
    assert listening(one, ann.address[1])
    assert listening(two, cid.address[1])
    assert not listening(two, ann.address[1])
    assert not listening(one, cid.address[1])
    for pid in (one, two):
        files = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        errors = f"{stage.data}/log/nursery.stderr"  # what Python says last, should it ever crash
        ours = [file for file in files if file.startswith(f"{stage.data}/") and file != errors]
        homes = {file.removeprefix(f"{stage.data}/").split("/")[1] for file in ours}
        assert all(file.startswith(f"{stage.data}/rooms/") for file in ours)
        assert len(homes) == 1
        assert os.getsid(pid) == pid, "a session of its own"
