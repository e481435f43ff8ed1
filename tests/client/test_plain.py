"""The line mode as people meet it: the real command, over pipes and in a terminal, against a small server."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.client.fake_parlour import AT, FakeParlour
from wire import messages as m

SECONDS = 60  # until what was waited for counts as never coming


@pytest.fixture
def parlour() -> Iterator[FakeParlour]:
    with FakeParlour() as made:
        yield made


@pytest.fixture
def environment(tmp_path: Path, repository: Path) -> dict[str, str]:
    return {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": str(repository),
            "TERM": "xterm", "LC_ALL": "C.UTF-8", "TZ": "UTC", "USER": "ann", "LOGNAME": "ann"}  # fmt: skip


class Pipes:
    """The command over pipes."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def __call__(self, *words: str, typed: str = "", **more: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "client", *words], input=typed, capture_output=True, text=True, timeout=SECONDS,
            env=self.environment | more, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def pipes(environment: dict[str, str]) -> Pipes:
    return Pipes(environment)


def url(parlour: FakeParlour) -> str:
    return f"chat://127.0.0.1:{parlour.port}"


def server(parlour: FakeParlour) -> tuple[str, str]:
    return "--server", f"127.0.0.1:{parlour.port}"


class Screen:
    """The command in a terminal of 80 by 24."""

    def __init__(self, environment: dict[str, str], *words: str) -> None:
        self.child = pexpect.spawn(
            sys.executable, ["-m", "client", "--lines", *words], env=environment, dimensions=(24, 80), encoding="utf-8",
            timeout=SECONDS,
        )  # fmt: skip

    def sees(self, text: str) -> None:
        self.child.expect(re.escape(text))

    def types(self, text: str) -> None:
        self.child.send(text + "\r")

    def ends(self) -> int:
        self.child.expect(pexpect.EOF)
        self.child.close()
        assert isinstance(self.child.exitstatus, int)
        return self.child.exitstatus


# --- pipes


def test_a_pipe_says_its_lines_and_leaves_when_they_are_stored(parlour: FakeParlour, pipes: Pipes) -> None:
    said = [f"line {number}" for number in range(60)]
    code, out, _ = pipes(*server(parlour), "--name", "bob", "--room", "hall", typed="\n".join(said))
    assert code == 0
    assert parlour.texts() == said
    assert [
        line.partition("bob~: ")[2] or line.partition("bob: ")[2] for line in out.splitlines() if "line" in line
    ] == said
    assert out.splitlines()[-2:] == ["-- you left hall", "Goodbye"]


def test_a_pipe_waits_for_acknowledgements_over_breaks(parlour: FakeParlour, pipes: Pipes) -> None:
    parlour.lose_answers = 2
    parlour.too_fast = 2
    code, out, _ = pipes("bob", url(parlour), typed="one\ntwo\nthree")
    assert code == 0
    assert parlour.texts() == ["one", "two", "three"]
    assert [out.count(text) for text in ("one", "two", "three")] == [1, 1, 1]


def test_nothing_to_say_is_a_polite_visit(parlour: FakeParlour, pipes: Pipes) -> None:
    code, out, err = pipes("bob", url(parlour))
    assert (code, err) == (0, "")
    assert out.splitlines()[:4] == [
        "Connecting to server ...",
        "Connection to server established. Sending intro message...",
        "Be kind.",
        "Registration successful.  Ready for messaging!",
    ]
    assert out.endswith("Goodbye\n")


def test_the_menu_works_over_a_pipe(parlour: FakeParlour, pipes: Pipes) -> None:
    mail = m.Mail(mail=7, sender="foo_user", to=["test_user"], subject="chess", body="Tuesday?", at=AT, read=False)
    parlour.mails["test_user"] = [mail]
    typed = ["1", "test_user", "wrong", "1", "test_user", "123", "4", "5", "7", "r", "Yes.", "At eight.", ".", "", "0"]
    code, out, _ = pipes(*server(parlour), typed="\n".join(typed))
    assert code == 0
    for text in ("name and password do not match", "You are test_user.", "1 unread mail", "test_user (you)", "Tuesday?",
                 "mail 2 is sent to foo_user", "Goodbye"):  # fmt: skip
        assert text in out
    answer = parlour.mails["foo_user"][0]
    assert (answer.subject, answer.body) == ("Re: chess", "Yes.\nAt eight.")


def test_an_account_is_made_and_its_password_changed(parlour: FakeParlour, pipes: Pipes) -> None:
    typed = ["2", "carl", "secret-one", "7", "1", "secret-one", "secret-two", "0", "0"]
    code, out, _ = pipes(*server(parlour), typed="\n".join(typed))
    assert code == 0
    assert "password is changed" in out
    assert parlour.accounts["carl"][0] == "secret-two"
    assert "secret" not in out


def test_admins_have_their_table_and_others_do_not(parlour: FakeParlour, pipes: Pipes) -> None:
    _, out, _ = pipes(*server(parlour), typed="1\nadmin_user\n123\n8\n1\n0\n0\n")
    assert re.search(r"\nhall; state running; pid 4242; .*; rss 21 MB; ", out)
    _, out, _ = pipes(*server(parlour), typed="3\nbob\n/admin\n0\n")
    assert "only admins may see this" in out


def test_every_ancestor_s_words(parlour: FakeParlour, pipes: Pipes) -> None:
    typed = [
        "<list>",
        "<join> games",
        "said in games",
        "*users",
        "@nobody psst",
        "disconnect()",
        "in the hall again",
        "exit()",
    ]
    code, out, _ = pipes("127.0.0.1", str(parlour.port), "bob", typed="\n".join(typed))
    assert code == 0
    for text in ("Listing current rooms...", "hall: 1 person", "-- you are in games", "User List:", "[1] bob (you)",
                 "not delivered to nobody: nobody is not in this room", "-- you left games"):  # fmt: skip
        assert text in out
    assert parlour.texts("games") == ["said in games"]
    assert parlour.texts("hall") == ["in the hall again"]


def test_operators_commands(parlour: FakeParlour, pipes: Pipes) -> None:
    typed = "1\nfoo_user\n123\n2\nhall\n/topic chess and tea\n/topic\n/kick bob\n/unban bob\n0\n/quit\n"
    code, out, _ = pipes(*server(parlour), typed=typed)
    assert code == 0
    for text in ("foo_user set the topic: chess and tea", "-- hall: chess and tea", "foo_user put bob out"):
        assert text in out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--server", "h:99999"], 1, "no port"),
        (["--nonsense"], 1, "--nonsense"),
        (["a", "b", "c", "d"], 1, "too many words"),
        (["--name", "not a name"], 1, "letters"),
        (["--say"], 1, "--name"),
        (["--server", "127.0.0.1:1"], 2, "connection refused"),
        (["bob", "chat://127.0.0.1:1"], 2, "Server down!"),
        (["--server", "no.such.host.invalid:1"], 2, "no such host"),
    ],
)
def test_misuse_and_no_server_are_one_line_and_a_code(pipes: Pipes, words: list[str], code: int, told: str) -> None:
    ended, out, err = pipes(*words)
    assert ended == code
    assert told in (out + err).splitlines()[-1]


def test_refusals_have_their_code(parlour: FakeParlour, pipes: Pipes) -> None:
    code, out, _ = pipes("test_user", url(parlour))
    assert (code, out.splitlines()[-1]) == (3, "the name test_user is taken")
    parlour.rooms["hall"].banned.add("bob")
    code, out, _ = pipes("bob", url(parlour))
    assert (code, out.splitlines()[-1]) == (3, "you are banned from hall")
    code, _, _ = pipes("test_user", url(parlour), PARLOUR_PASSWORD="123")
    assert code == 0
    code, out, _ = pipes("test_user", url(parlour), PARLOUR_PASSWORD="wrong")
    assert code == 3


def test_a_room_behind_a_firewall_is_one_clear_sentence(parlour: FakeParlour, pipes: Pipes) -> None:
    parlour.wrong_port = 1
    code, out, _ = pipes("bob", url(parlour))
    assert code == 2
    assert re.fullmatch(r"the room hall is at port 1 of 127.0.0.1, and .* firewall .*", out.splitlines()[-1])


def test_what_is_typed_badly_is_told_and_not_sent(parlour: FakeParlour, pipes: Pipes) -> None:
    typed = b"x" * 5_000 + b"\n/jion games\n\xff\xfe\x1b[31m\n\n   \nfine\r\n"
    done = subprocess.run(
        [sys.executable, "-m", "client", "bob", url(parlour)], input=typed, capture_output=True, timeout=SECONDS,
        env=pipes.environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert b"not sent: a text has at most 4000 characters" in done.stdout
    assert b"did you mean /join?" in done.stdout
    assert parlour.texts() == ["\N{REPLACEMENT CHARACTER}" * 2 + "[31m", "fine"]


def test_nothing_that_others_say_reaches_the_terminal_raw(parlour: FakeParlour, pipes: Pipes) -> None:
    evil = "\x1b]0;owned\x07\x9b2J\u202eevil"
    parlour.motd = parlour.rooms["hall"].topic = evil
    parlour.say("hall", evil, evil)
    parlour.say("hall", "eve", "hi\n18:00 bob: I said this")
    _, out, _ = pipes("ann", url(parlour), typed="/rooms\n/who\n/topic\n/history\n")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out)
    assert out.count("evil") >= 5
    assert "      | 18:00 bob: I said this" in out.splitlines()


def test_closed_and_broken_streams_are_no_fault(parlour: FakeParlour, pipes: Pipes) -> None:
    command = f"{sys.executable} -m client bob {url(parlour)}"
    for shell in (f"{command} <&-", f"{command} </dev/null >&-", f"yes | head -c 200000 | {command} | head -n 1"):
        done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=SECONDS,
                              env=pipes.environment, check=False)  # fmt: skip
        assert "Traceback" not in done.stderr, shell


def test_a_signal_leaves_politely(parlour: FakeParlour, pipes: Pipes) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen([sys.executable, "-m", "client", "bob", url(parlour)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True, env=pipes.environment) as process:  # fmt: skip
            parlour.until(lambda: "bob" in parlour.members())
            process.send_signal(number)
            assert process.stdout is not None
            assert process.stdout.read().endswith("Goodbye\n")
            assert process.wait(SECONDS) == 0
        assert any(isinstance(request, m.Leave) for request in parlour.seen)
        parlour.until(lambda: not parlour.members())


def test_a_server_that_ends_says_so(parlour: FakeParlour, pipes: Pipes) -> None:
    for bye, code, told in (
        (m.Bye(code="going_down", text="the server is going down"), 2, "-- the server is going down. Goodbye\n"),
        (m.Bye(code="kicked", text="an admin ended your visit"), 3, "visit: an admin ended your visit\n"),
    ):
        with subprocess.Popen([sys.executable, "-m", "client", "bob", url(parlour)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True, env=pipes.environment) as process:  # fmt: skip
            parlour.until(lambda: "bob" in parlour.members())
            parlour.send_lobby(bye)
            assert process.stdout is not None
            assert process.stdout.read().endswith(told)
            assert process.wait(SECONDS) == code
        parlour.until(lambda: not parlour.members())


# --- a terminal


def test_a_first_visit_is_three_times_enter(parlour: FakeParlour, environment: dict[str, str]) -> None:
    screen = Screen(environment, *server(parlour))
    screen.sees("continue as a guest]:")
    screen.types("")
    screen.sees("Name")
    screen.types("ann")
    screen.sees("go to hall]:")
    screen.types("")
    screen.sees("you are in hall")
    screen.sees("/help")
    screen.sees("hall> ")
    screen.types("hello")
    screen.sees("ann")
    parlour.until(lambda: parlour.texts() == ["hello"])
    screen.child.sendcontrol("d")
    screen.sees("Goodbye")
    assert screen.ends() == 0


def test_passwords_are_hidden_while_typed(parlour: FakeParlour, environment: dict[str, str]) -> None:
    for words in ((), ("--plain",)):
        screen = Screen(environment, *server(parlour), *words)
        screen.sees("]:")
        screen.types("1")
        screen.sees("Name")
        screen.types("test_user")
        screen.sees("Password:")
        screen.child.send("12")
        screen.child.sendcontrol("c")
        screen.sees("-- nothing was done")
        screen.sees("I have a one-time code")
        screen.sees("]:")
        screen.types("1")
        screen.sees("Name")
        screen.types("test_user")
        screen.sees("Password:")
        screen.types("123")
        screen.sees("You are test_user")
        assert "123" not in str(screen.child.before)
        screen.sees("go to hall]:")
        screen.child.sendcontrol("c")
        screen.sees("Goodbye")
        assert screen.ends() == 0


def test_a_line_that_comes_in_leaves_what_is_typed_whole(parlour: FakeParlour, environment: dict[str, str]) -> None:
    screen = Screen(environment, "ann", url(parlour))
    screen.sees("hall> ")
    screen.child.send("half a sen")
    screen.sees("half a sen")
    parlour.say("hall", "bob", "interrupting")
    screen.sees("interrupting")
    screen.sees("half a sen")
    screen.types("tence")
    parlour.until(lambda: parlour.texts() == ["interrupting", "half a sentence"])
    screen.types("/quit")
    screen.sees("Goodbye")
    assert screen.ends() == 0


def test_a_break_is_told_discreetly_and_lines_go_on(parlour: FakeParlour, environment: dict[str, str]) -> None:
    screen = Screen(environment, "ann", url(parlour))
    screen.sees("hall> ")
    parlour.break_room("hall")
    screen.sees("(connection lost, trying again)")
    screen.sees("(back)")
    screen.types("still here")
    parlour.until(lambda: parlour.texts() == ["still here"])
    screen.child.sendcontrol("c")
    assert screen.ends() == 0


def test_a_signal_leaves_a_terminal_as_it_was(parlour: FakeParlour, environment: dict[str, str]) -> None:
    screen = Screen(environment, "ann", url(parlour))
    screen.sees("hall> ")
    screen.child.send("half a sen")
    screen.sees("half a sen")
    screen.child.kill(signal.SIGTERM)
    screen.sees("\x1b[?2004l")  # pasting is as before
    screen.sees("Goodbye")
    assert screen.ends() == 0
    assert parlour.texts() == []


def test_the_end_of_the_server_ends_the_prompt(parlour: FakeParlour, environment: dict[str, str]) -> None:
    screen = Screen(environment, "ann", url(parlour))
    screen.sees("hall> ")
    parlour.send("hall", m.Closing(code="going_down", text="the server ends", resume=False))
    parlour.until(lambda: not parlour.members())
    parlour.send_lobby(m.Bye(code="going_down", text="the server is going down"))
    screen.sees("the server is going down. Goodbye")
    assert "Your choice" not in str(screen.child.before)
    assert screen.ends() == 2


def test_what_is_typed_between_two_prompts_is_heard(parlour: FakeParlour, environment: dict[str, str]) -> None:
    screen = Screen(environment, "ann", url(parlour))
    screen.sees("hall> ")
    held = threading.Event()
    parlour.hold(held)
    screen.types("/rooms")
    screen.sees("> /rooms")
    screen.types("while nothing is asked")
    screen.child.sendcontrol("d")
    held.set()
    screen.sees("Goodbye")
    assert screen.ends() == 0
    assert parlour.texts() == ["while nothing is asked"]


def test_mail_is_noticed_in_a_room(parlour: FakeParlour, environment: dict[str, str]) -> None:
    screen = Screen({**environment, "PARLOUR_PASSWORD": "123"}, "test_user", url(parlour))
    screen.sees("hall> ")
    parlour.do(parlour._deliver, "foo_user", ["test_user"], "chess", "Tuesday?")
    screen.sees("new mail from foo_user: chess")
    screen.types("/read 1")
    screen.sees("Tuesday?")
    screen.child.sendcontrol("d")
    assert screen.ends() == 0


def test_other_rooms_are_marked_and_counted(parlour: FakeParlour, environment: dict[str, str]) -> None:
    parlour.make_room("games")
    screen = Screen(environment, "ann", url(parlour))
    screen.sees("hall> ")
    screen.types("/join games")
    screen.sees("games> ")
    parlour.say("hall", "bob", "anyone?")
    screen.sees("[hall] ")
    screen.sees("anyone?")
    screen.types("/switch")
    screen.sees("1 unread")
    screen.types("/switch ha")
    screen.sees("hall> ")
    screen.types("/quit")
    assert screen.ends() == 0


def test_who_is_put_out_is_back_at_the_menu(parlour: FakeParlour, environment: dict[str, str]) -> None:
    screen = Screen(environment, "ann", url(parlour))
    screen.sees("hall> ")
    parlour.send("hall", m.Closing(code="kicked", text="bob put you out", resume=False))
    screen.sees("you are out of hall: bob put you out")
    screen.sees("Your choice")
    screen.types("0")
    assert screen.ends() == 0


def test_server_and_rooms_are_remembered_and_no_password(
    parlour: FakeParlour, environment: dict[str, str], tmp_path: Path
) -> None:
    screen = Screen({**environment, "PARLOUR_PASSWORD": "123"}, "test_user", url(parlour))
    screen.sees("hall> ")
    screen.types("remember me")
    for part in ("test_user", "remember me", "hall> "):  # with colours between
        screen.sees(part)
    screen.child.sendcontrol("d")
    assert screen.ends() == 0
    parlour.say("hall", "bob", "later")
    kept = "".join(path.read_text() for path in tmp_path.rglob("client.json"))
    assert '"test_user"' in kept
    assert "123" not in kept.replace(str(parlour.port), "")
    screen = Screen(environment)
    screen.sees("log in]:")
    screen.types("")
    screen.sees("Name [test_user]:")
    screen.types("")
    screen.sees("Password:")
    screen.types("123")
    screen.sees("go to hall]:")
    screen.types("")
    screen.sees("1 line since you left")
    screen.child.sendcontrol("d")
    assert screen.ends() == 0


def test_plain_never_redraws(parlour: FakeParlour, environment: dict[str, str]) -> None:
    screen = Screen(environment, "ann", url(parlour), "--plain")
    screen.sees("you are in hall")
    screen.types("hello")
    screen.sees("ann: hello")
    screen.types("/join games")
    screen.sees("you are in games")
    screen.types("disconnect()")
    screen.sees("you left games")
    screen.sees("you are in hall")  # no prompt says it
    screen.types("/quit")
    screen.sees("Goodbye")
    assert screen.ends() == 0
    assert "\x1b" not in str(screen.child.before)


def test_plain_says_one_thing_a_line(parlour: FakeParlour, environment: dict[str, str]) -> None:
    screen = Screen(environment, *server(parlour), "--plain")
    screen.sees("1 Log in\r\n2 Create an account\r\n")
    screen.types("3")
    screen.sees("Name")
    screen.types("ann")
    screen.sees("Your choice")
    screen.types("/join hall")
    screen.sees("you are in hall")
    screen.types("/rooms")
    screen.sees("hall; people 1; ")
    screen.sees("you are in it")
    screen.types("/people")
    screen.sees("ann (you); guest; where in the lobby; since ")
    screen.types("/help")
    screen.sees("@NAME TEXT: say it to one person here, unseen by the rest (or /whisper)")
    screen.types("/quit")
    assert screen.ends() == 0
    assert "---" not in str(screen.child.before)
