"""What people do with their accounts, with real processes: sessions in rooms, blocking, the spelling of a name, a code,
an import from an older program, and the end."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scenes.stage import ROOT, Actor, Gone, Refusal, Stage, eventually

PASSWORD, NEW = "a good password", "another password"


def person(stage: Stage, name: str) -> Actor:
    return stage.actor().register(stage.new(name), PASSWORD)


def code_of(refused: pytest.ExceptionInfo[Refusal]) -> str:
    return str(refused.value.code)


def test_one_session_ends_in_rooms_too_and_no_other(stage: Stage) -> None:
    one = person(stage, "ann")
    two = stage.login(one.name, PASSWORD)
    here, there = one.enter("hall"), two.enter("hall")
    rows = one.ask("sessions")["sessions"]
    assert [(row["kind"], row["online"], row["here"]) for row in rows] == [
        ("scenes", True, False),
        ("scenes", True, True),
    ]
    one.ask("end_session", session=rows[0]["session"])
    assert two.ended()[-1]["code"] == "bad_session"
    assert there.ended()[-1]["code"] == "bad_session"
    with pytest.raises((Refusal, Gone)):
        there.back()
    assert here.say("still here") > 0
    one.ask("passwd", old=PASSWORD, new=NEW)
    assert here.say("and after a change of the password") > 0, "one's own session stays in its rooms"


def test_blocking_holds_over_logins_and_a_kill(own_stage: Stage) -> None:
    ann, ben = person(own_stage, "ann"), person(own_stage, "ben")
    assert ann.ask("block", name=ben.name)["names"] == [ben.name]
    own_stage.kill(own_stage.pid("lobby"))
    again = eventually(lambda: logged_in(own_stage, ann.name))
    assert again.welcome["blocked"] == [ben.name]
    ben = own_stage.login(ben.name, PASSWORD)
    for request in (
        {"type": "tell", "to": ann.name, "text": "x"},
        {"type": "mail_send", "to": [ann.name], "body": "x"},
    ):
        with pytest.raises(Refusal) as refused:
            ben.ask(**request)
        assert code_of(refused) == "blocked"


def logged_in(stage: Stage, name: str) -> Actor | None:
    try:
        return stage.login(name, PASSWORD)
    except (OSError, Gone):
        return None


def test_capitals_show_in_rooms_and_the_end_leaves_what_was_said(stage: Stage) -> None:
    ann = person(stage, "ann")
    seat, ben = ann.enter("hall"), stage.guest("ben")
    bens = ben.enter("hall")
    seat.say("before")
    loud = ann.name.upper()
    assert ann.ask("respell", name=loud)["name"] == loud
    closing = seat.expect("closing")
    assert (closing["code"], closing["resume"]) == ("bad_ticket", True)
    seat = ann.enter("hall")
    seat.say("after")
    assert (bens.hears("before")["from"], bens.hears("after")["from"]) == (ann.name, loud)
    kinds = [row["kind"] for row in ann.ask("belongings")["belongings"]]
    assert kinds[:2] == ["account", "session"]
    ann.ask("delete_account", password=PASSWORD)
    assert seat.ended()[-1]["code"] == ann.ended()[-1]["code"] == "bad_session"
    with pytest.raises(Refusal) as refused:
        stage.login(loud, PASSWORD)
    assert code_of(refused) == "wrong_password"
    assert loud.encode() not in (stage.data / "users" / "user-db").read_bytes()
    assert [line["text"] for line in bens.ask("history")["lines"]][-2:] == ["before", "after"]


def test_a_code_from_the_shell_and_an_admin_over_the_wire(stage: Stage) -> None:
    ann = person(stage, "ann")
    said = stage.run("admin", "user", "code", ann.name)
    code = said.stdout.split("\n")[0]
    assert (said.returncode, said.stderr, code.count("-")) == (0, "", 3), said
    back = stage.actor()
    back.welcome = back.ask("recover", name=ann.name, code=code.lower(), password=NEW)
    assert back.welcome["name"] == ann.name
    assert ann.ended()[-1]["code"] == "bad_session"
    admin = stage.login("admin_user")
    (row,) = admin.ask("admin_users", find=ann.name)["users"]
    assert (row["name"], row["online"]) == (ann.name, True)
    admin.ask("admin_user", name=ann.name, do="lock")
    assert back.ended()[-1]["code"] == "locked"
    assert stage.run("admin", "user", "code", "nobody1").returncode == 3


def test_the_accounts_and_inboxes_of_py_chat_room(own_stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "inboxes").mkdir()
    old = tmp_path / "user-db"
    old.write_text("test_user 123 #TQZN\nbanana 444 #B20N\nfoo_user 999 #VY8C\nroot 1 #AAAA\nmia 55 #MMMM\n")
    (tmp_path / "inboxes" / "#B20N").write_text(
        "\nFrom: mia\nhello banana\n end \n\nFrom: test_user\nand again\n end \n"
    )
    first = own_stage.run("admin", "user", "import", str(old))
    assert "2 accounts added, 1 there already, 2 refused; 2 mails came in." in first.stdout, first
    assert first.stderr == (
        "line 3, foo_user: the name is taken, with another password\nline 4, root: the name root is reserved\n"
    )
    banana = own_stage.login("banana", "444")
    assert banana.welcome["unread"] == 2
    rows = banana.ask("mail_list")["mails"]
    assert [row["from"] for row in rows] == ["test_user", "mia"]
    assert b"banana:{ARGON2ID}" in (own_stage.data / "users" / "user-db").read_bytes()
    second = own_stage.run("admin", "user", "import", str(old))
    assert "0 accounts added, 3 there already, 2 refused; 0 mails came in." in second.stdout, second
    assert own_stage.run("admin", "user", "import", str(tmp_path / "none")).returncode == 1
    other = own_stage.run("admin", "user", "import", str(ROOT / "run.sh"))
    assert (other.returncode, other.stderr.count("\n"), "is no user db of py-chat-room" in other.stderr) == (1, 1, True)


def test_below_the_watermark_people_still_talk(open_stage: Callable[..., Stage], tmp_path: Path) -> None:
    stage = open_stage("limits.free_disk_mib=1000000000")
    ann = person(stage, "ann")
    for request in ({"type": "mail_send", "to": ["foo_user"], "body": "x"}, {"type": "create", "room": "games"}):
        with pytest.raises(Refusal) as refused:
            ann.ask(**request)
        assert code_of(refused) == "disk_low"
    assert ann.enter("hall").say("the disk is full") > 0
    assert "less than limits.free_disk_mib" in stage.run("status").stderr
    listing = stage.run("admin", "rooms", "--json")
    assert "less than limits.free_disk_mib" in listing.stderr
    assert [row["name"] for row in json.loads(listing.stdout)] == ["hall"]
    assert "less than limits.free_disk_mib" in stage.login("admin_user").ask("admin_rooms")["notice"]
    assert "the disk has" in (stage.data / "log" / "lobby.log").read_text()
    archive = tmp_path / "room.jsonl"
    assert stage.run("admin", "export", "hall", str(archive)).returncode == 0
    refused_import = stage.run("admin", "import", str(archive), "copy")
    assert (refused_import.returncode, "nearly full" in refused_import.stderr) == (3, True)
