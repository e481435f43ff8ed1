"""The line client against the real server: people elsewhere, several rooms, coming back, and pipes."""

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.scenes.stage import PATIENCE, ROOT, Stage, eventually
from tests.scenes.test_ancestors import Person, Sits, at, sits_down

__all__ = ["sits_down"]


def logs_in(sits_down: Sits, stage: Stage, name: str, *words: str) -> Person:
    person = sits_down("--server", at(stage), *words)
    person.sees("Your choice")
    person.types("1")
    person.sees("Name")
    person.types(name)
    person.sees("Password:")
    person.types("a good password")
    person.sees(f"You are {name}.")
    return person


def test_telling_switching_and_coming_back(stage: Stage, sits_down: Sits) -> None:
    me, games, den = stage.new("user"), stage.new("games"), stage.new("den")
    stage.actor().register(me, "a good password").ask("quit")
    ann = stage.guest("ann")
    in_games, in_den = ann.enter(games), ann.enter(den)
    person = logs_in(sits_down, stage, me)
    for room in (games, den):
        person.types(f"/join {room}")
        person.sees(f"you are in {room}")
    in_games.say("over here")
    person.sees(f"[{games}]", "over here")
    person.types("/switch")
    person.sees(f"1  {games}  1 unread", f"2  {den}  (here)")
    person.types(f"/switch {games}")
    in_den.say("and here")
    person.sees(f"[{den}]", "and here")
    ann.ask("tell", to=me, text="are you there?")
    person.sees(f"{ann.name}~ tells you: are you there?")
    elsewhere = stage.login(me, "a good password")
    person.types(f"/tell {ann.name} yes, at my desk")
    elsewhere.expect("direct_read", **{"with": ann.name})
    elsewhere.ask("quit")
    person.sees(f"delivered to {ann.name}")
    ann.expect("direct", text="yes, at my desk")
    person.types(f"/directs {ann.name}")
    person.sees("are you there?", f"you told {ann.name}: yes, at my desk")
    person.types("/away lunch until one")
    person.sees("you are away: lunch until one")
    person.types("/people")
    person.sees(f"{me} (you)", "away: lunch until one")
    person.types("/quit")
    person.sees("Goodbye")
    assert person.ends() == 0
    told = ann.ask("tell", to=me, text="bon appetit")
    assert (told["became"], told["away"]) == ("kept", "lunch until one")
    for number in range(12):
        in_games.say(f"missed {number}")
    eventually(lambda: rows_of(ann.ask("rooms", limit=1_000), games) == 1)

    again = logs_in(sits_down, stage, me)  # on another machine: nothing is remembered there
    again.sees("you are marked away", "you were in", "tells you: bon appetit", f"[Enter: go to {den}, {games}]")
    again.types("")
    again.sees(f"you are in {games}", "12 lines since you left", "missed 0", "missed 11")
    again.types("/away")
    again.sees("you are back")
    again.types("/quit")
    assert again.ends() == 0

    at_once = logs_in(sits_down, stage, me, "--back")
    at_once.sees(f"you are in {den}", f"you are in {games}")
    at_once.types("/quit")
    assert at_once.ends() == 0


def rows_of(page: dict[str, list[dict[str, object]]], room: str) -> object:
    return next(row["members"] for row in page["rooms"] if row["name"] == room)


# --- pipes, as the README shows them


def examples(stage: Stage) -> list[str]:
    """The commands of the README's section on pipes, for this stage."""
    section = (ROOT / "README.md").read_text().partition("\n## In pipes\n")[2].partition("\n## ")[0]
    found = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert found
    here = found[1].replace("127.0.0.1:22222", at(stage)).replace("./run.sh client", f"{sys.executable} -m client")
    return here.splitlines()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}


def test_the_readmes_pipes(stage: Stage, environment: dict[str, str]) -> None:
    says, says_all, follows = examples(stage)
    hall = stage.guest("ann").enter("hall")
    following = subprocess.Popen(
        ["sh", "-c", f"exec {follows}"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    hall.expect("presence", joined=["ear"])
    heard: list[str] = []
    assert following.stdout is not None
    reading = threading.Thread(target=heard.extend, args=(following.stdout,))
    reading.start()
    for command in (says, says_all):
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    hall.hears("hello")
    hall.hears("# Changelog")
    last = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.strip()][-1]
    hall.hears(last)
    eventually(lambda: any(json.loads(line)["text"] == last for line in tuple(heard)))
    following.send_signal(2)
    reading.join(PATIENCE)
    assert following.wait(PATIENCE) == 0
    records = [json.loads(line) for line in heard]
    assert {"room", "seq", "at", "from", "text"} <= records[-1].keys()
    assert [record["text"] for record in records if record["from"] == "bot"] == ["hello"]


def test_pipes_keep_their_exit_codes(stage: Stage, environment: dict[str, str]) -> None:
    def code(*words: str) -> int:
        return subprocess.run(
            [sys.executable, "-m", "client", *words],
            input="hello\n", cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False,
        ).returncode  # fmt: skip

    assert code(stage.new("bot"), f"chat://{at(stage)}", "--room", "hall", "--say") == 0
    assert code("bot", "chat://127.0.0.1:1", "--room", "hall", "--say") == 2
    assert code("test_user", f"chat://{at(stage)}", "--room", "hall", "--say") == 3
    assert code("--say", "--server", at(stage)) == 1


def test_mail_with_folders_drafts_and_files(stage: Stage, sits_down: Sits, tmp_path: Path) -> None:
    me = stage.new("user")
    other = stage.actor().register(me, "a good password")
    foo = stage.login("foo_user")
    boat = foo.ask("mail_send", to=[me], subject="the boat", body="She floats.")["mail"]
    kite = foo.ask("mail_send", to=[me, "foo_user"], subject="the kite", body="It flies.")["mail"]
    person = logs_in(sits_down, stage, me)
    person.sees("2 unread mails")
    person.types("5")
    person.sees("the kite", "the boat", "f folders, s search")
    person.types(str(kite))
    person.sees("It flies.", "a to all")
    person.types("s")
    person.sees(f"mail {kite} has a star")
    person.types("")
    person.types(f"/reply {boat}")
    person.sees("to foo_user")
    person.types("Does she")
    person.types("/later")
    person.sees("kept as draft")
    draft = other.ask("mail_list", folder="drafts")["mails"][0]
    assert draft["subject"] == "Re: the boat"
    person.types(f"/edit {draft['mail']}")
    person.sees("Does she", "goes after what is there")
    person.types("still?")
    person.types(".")
    person.sees("is sent to foo_user")
    sent = foo.ask("mail_list", threads=True)["mails"][0]
    assert foo.ask("mail_read", mail=sent["mail"])["body"] == "Does she\nstill?"
    assert (sent["thread"], other.ask("mail_list", folder="drafts")["mails"]) == (boat, [])
    person.types(f"/thread {boat}")
    person.sees("Re: the boat", "the boat")
    person.types("/findmail flies")
    person.sees("the kite")
    person.types(f"/delete {boat}")
    person.sees(f"/restore {boat} brings it back")
    person.types("/folder trash")
    person.sees("the boat")
    person.types(f"/restore {boat}")
    person.sees("back where it was")
    person.types("/folder")
    person.sees("archive", "of at most 20,000 mails")
    person.types("/mail nobody_here")
    person.sees("Subject")
    person.types("")
    person.types("lost?")
    person.types(".")
    person.sees("there is no account nobody_here; nothing was sent: it is kept as draft")
    box = tmp_path / "mail.mbox"
    person.types(f"/exportmail {box}")
    person.sees(f"4 mails in {box}")
    person.types(f"/importmail {box}")
    person.sees(f"0 mails of {box} came into your mailbox; 4 were there already")
    assert len(other.ask("mail_export")["mails"]) == 4, "they were there already"
    person.types("/quit")
    assert person.ends() == 0
