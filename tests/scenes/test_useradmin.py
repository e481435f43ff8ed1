"""The operator's commands about accounts, with the server running and not: what they say is so for who is here."""

import json
import subprocess

import pexpect
import pytest

from tests.scenes.stage import PATIENCE, ROOT, Actor, Refusal, Stage, command, eventually

FIRST, SECOND = "the first password", "the second password"


def user(stage: Stage, *words: str, typed: str = "") -> str:
    """An `admin user` command that goes well; what it says."""
    ended = ended_with(stage, *words, typed=typed)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    return ended.stdout


def ended_with(stage: Stage, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command("admin", "user", *words), "--data", str(stage.data)],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False, input=typed,
    )  # fmt: skip


def refusal(stage: Stage, name: str, password: str) -> str:
    try:
        stage.login(name, password).ask("quit")
    except Refusal as why:
        return str(why.code)
    return ""


def listed(stage: Stage) -> dict[str, dict[str, object]]:
    return {row["name"]: row for row in json.loads(user(stage, "list", "--json"))}


def ended_by(actor: Actor) -> str:
    """What the server said last."""
    return str(actor.ended()[-1]["code"])


def test_the_life_of_an_account_while_the_server_runs(own_stage: Stage) -> None:
    said = user(own_stage, "add", "Eva", typed=FIRST + "\n")
    assert said == "Added: Eva (user).\nThe server takes it over within a second.\n"
    assert listed(own_stage)["Eva"]["last_login"] is None
    actor = own_stage.login("eva", FIRST)
    seat = actor.enter("hall")
    assert listed(own_stage)["Eva"]["last_login"] is not None

    user(own_stage, "passwd", "eva", typed=SECOND + "\n")
    assert ended_by(actor) == "bad_session"
    assert ended_by(seat) == "bad_session", "in rooms as well"
    assert refusal(own_stage, "eva", FIRST) == "wrong_password"
    with pytest.raises(Refusal):
        own_stage.actor().resume(actor.welcome["session"])

    actor = own_stage.login("eva", SECOND)
    user(own_stage, "role", "eva", "admin")
    assert ended_by(actor) == "bad_session", "what they may do has changed"
    actor = own_stage.login("eva", SECOND)
    assert actor.welcome["roles"] == ["user", "admin"]
    assert "hall" in actor.listing()

    user(own_stage, "lock", "eva")
    assert ended_by(actor) == "locked"
    assert refusal(own_stage, "eva", SECOND) == "locked"
    user(own_stage, "unlock", "eva")
    actor = own_stage.login("eva", SECOND)

    user(own_stage, "delete", "eva")
    assert ended_by(actor) == "bad_session"
    assert refusal(own_stage, "eva", SECOND) == "wrong_password"
    assert not_to_be_had(own_stage, "eva")
    assert "kept from others until then: eva (" in user(own_stage, "list")
    user(own_stage, "add", "eva", typed=FIRST + "\n")
    assert refusal(own_stage, "eva", FIRST) == "", "the operator gives it back"


def not_to_be_had(stage: Stage, name: str) -> bool:
    with pytest.raises(Refusal) as register:
        stage.actor().register(name, "another password")
    with pytest.raises(Refusal) as guest:
        stage.actor().guest(name)
    assert "it is free from" in register.value.message["text"]
    return {register.value.code, guest.value.code} == {"name_taken"}


def test_all_of_it_while_no_server_runs(own_stage: Stage) -> None:
    own_stage.actor().register("reg", "a good password").ask("quit")
    session = own_stage.actor().register("ida", "a good password").welcome["session"]
    own_stage.stop()
    said = user(own_stage, "add", "eva", "--role", "operator", typed=FIRST)
    assert said.endswith("No server runs: it counts from the next start.\n")
    user(own_stage, "lock", "test_user")
    user(own_stage, "delete", "reg")
    user(own_stage, "passwd", "ida", typed=FIRST)
    assert listed(own_stage)["test_user"]["locked"]
    own_stage.start()
    assert own_stage.login("eva", FIRST).welcome["roles"] == ["user", "operator"]
    assert refusal(own_stage, "test_user", "123") == "locked"
    with pytest.raises(Refusal):  # whoever has the session: the password was changed because of them, perhaps
        own_stage.actor().resume(session)
    assert not_to_be_had(own_stage, "reg")
    own_stage.kill(own_stage.pid("lobby"))
    eventually(lambda: refusal(own_stage, "eva", FIRST) == "")
    assert not_to_be_had(own_stage, "reg"), "that outlives the lobby"


def test_mistakes(stage: Stage) -> None:
    for words, code, text in (
        (("lock", "nobody"), 3, "There is no account nobody.\n"),
        (("add", "test_user"), 3, "The name test_user is taken.\n"),
        (("add", "a:b"), 1, "A name has letters"),
        (("passwd", "foo_user"), 1, "The password is read from standard input, where nothing came.\n"),
    ):
        ended = ended_with(stage, *words)
        assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (code, "", 1), words
        assert ended.stderr.startswith(text)
    assert ended_with(stage, "role", "foo_user", "king").returncode == 1
    assert ended_with(stage, "passwd", "foo_user", "secret on the line").returncode == 1


def test_registrations_and_commands_at_the_same_time_lose_nobody(own_stage: Stage) -> None:
    for number in range(5):
        user(own_stage, "add", f"old{number}", typed=FIRST)
    adding = [
        subprocess.Popen(
            [*command("admin", "user", *words), "--data", str(own_stage.data)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for number in range(5)
        for words in (("add", f"new{number}"), ("delete", f"old{number}"))
    ]  # fmt: skip
    registered = []
    for process in adding:
        name = own_stage.new("reg")
        own_stage.actor().register(name, FIRST)
        registered.append(name)
        assert process.stdin is not None
        process.stdin.write(FIRST + "\n")
        process.stdin.close()
    for process in adding:
        process.wait(PATIENCE)
        assert process.stderr is not None
        assert process.stderr.read() == ""
        process.stderr.close()
        assert process.returncode == 0
    for name in (*registered, *(f"new{number}" for number in range(5))):
        eventually(lambda name=name: refusal(own_stage, name, FIRST) == "")
    eventually(lambda: not any(name.startswith("old") for name in listed(own_stage)))


def test_at_a_terminal_the_password_is_not_shown(own_stage: Stage) -> None:
    word, *words = [*command("admin", "user", "add", "eva"), "--data", str(own_stage.data)]
    typing = pexpect.spawn(word, words, cwd=str(ROOT), timeout=PATIENCE, encoding="utf-8")
    typing.expect("New password of eva: ")
    typing.sendline(FIRST)
    typing.expect("The same again: ")
    typing.sendline(FIRST)
    typing.expect(pexpect.EOF)
    assert FIRST not in typing.before
    assert "Added: eva (user)." in typing.before
    typing.close()
    assert typing.exitstatus == 0
    assert refusal(own_stage, "eva", FIRST) == ""
