"""The five programs before this one: a session of each, with the words its people are used to, in our client.

Every play is the real client in a terminal of its own against the real server.
"""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from tests.scenes.stage import PATIENCE, ROOT, Stage


class Person:
    """Somebody at a terminal that runs `client` with these words."""

    def __init__(self, home: Path, *words: str) -> None:
        environment = {**os.environ, "HOME": str(home), "XDG_STATE_HOME": str(home), "PYTHONPATH": str(ROOT),
                       "LC_ALL": "C.UTF-8", "TERM": "dumb", "USER": "nobody1", "LOGNAME": "nobody1"}  # fmt: skip
        self.child = pexpect.spawn(
            sys.executable, ["-m", "client", "--plain", *words], env=environment, encoding="utf-8", timeout=PATIENCE,
            dimensions=(50, 200), echo=False,
        )  # fmt: skip

    def sees(self, *texts: str) -> None:
        """These, in this order, perhaps with others between."""
        for text in texts:
            self.child.expect(re.escape(text))

    def types(self, text: str) -> None:
        self.child.sendline(text)

    def interrupts(self) -> None:
        self.child.sendintr()

    def ends(self) -> int:
        self.child.expect(pexpect.EOF)
        self.child.close()
        assert isinstance(self.child.exitstatus, int), self.child.signalstatus
        return self.child.exitstatus


Sits = Callable[..., Person]


@pytest.fixture
def sits_down(tmp_path: Path) -> Iterator[Sits]:
    people: list[Person] = []

    def start(*words: str) -> Person:
        people.append(Person(tmp_path / f"home{len(people)}", *words))
        return people[-1]

    yield start
    for person in people:
        person.child.close(force=True)


def at(stage: Stage) -> str:
    return f"{stage.host}:{stage.port}"


# --- pychat: rooms, <list>, <join>


def test_pychat(stage: Stage, sits_down: Sits) -> None:
    room, joy_name, bob_name = stage.new("room"), stage.new("joy"), stage.new("bob")
    people = []
    for name in (joy_name, bob_name):
        person = sits_down("--server", at(stage))
        person.sees("Continue as a guest", "Your choice")
        person.types("3")
        person.sees("Name")
        person.types(name)
        person.sees(f"You are {name}, a guest.")
        people.append(person)
    joy, bob = people
    joy.types("<list>")
    joy.sees("Listing current rooms...", "hall:")
    joy.types(f"<join> {room}")
    joy.sees(f"you are in {room}")
    bob.types(f"<join> {room}")
    bob.sees(f"you are in {room}", joy_name)
    joy.sees(f"{room} welcomes: {bob_name}")
    joy.types("Hi there, is <list> a word? And <quit> too?")
    bob.sees(f"{joy_name}~: Hi there, is <list> a word? And <quit> too?")
    bob.types("<LIST>")
    bob.sees("Listing current rooms...", f"{room}: 2 people")
    bob.types("<manual>")
    bob.sees("/join ROOM", "words of other chat programs work too", "<join>")
    bob.types("<join> hall")
    bob.sees("you are in hall")
    joy.types("still here")
    bob.sees(f"[{room}]", "still here")
    bob.types("<quit>")
    bob.sees("Goodbye")
    assert bob.ends() == 0
    joy.sees(f"{bob_name} left {room}")
    joy.types("<quit>")
    assert joy.ends() == 0


def test_pychat_without_any_room(open_stage: Callable[..., Stage], sits_down: Sits) -> None:
    person = sits_down("--server", at(open_stage("rooms.default=")), "--name", "joy")
    person.sees("Your choice")
    person.types("3")
    person.sees("Name [joy]")
    person.types("")
    person.sees("You are joy", "Your choice")
    person.types("<list>")
    person.sees("Oops, no active rooms currently")
    person.types("exit()")
    assert person.ends() == 0


# --- Chatroom with multiple users: a hall, !show, !join


def test_the_hall(stage: Stage, sits_down: Sits) -> None:
    ann_name, bob_name, den = stage.new("ann"), stage.new("bob"), stage.new("den")
    ann, bob = (sits_down("--server", at(stage), "--name", name, "--room", "hall") for name in (ann_name, bob_name))
    for person in (ann, bob):
        person.sees("you are in hall")
    ann.types("!join " + den)
    ann.sees(f"you are in {den}")
    ann.types("only here")
    ann.sees("only here")
    bob.types("!show")
    bob.sees("Listing current rooms...", f"{den}: 1 person")
    bob.types("!man")
    bob.sees("!join", "!man", "!show")
    bob.types("no secrets in the hall!")
    ann.sees("[hall]", "no secrets in the hall!")
    for person in (ann, bob):
        person.types("!q")
        person.sees("Goodbye")
        assert person.ends() == 0
    assert "only here" not in str(bob.child.before)


def test_the_halls_address_is_checked(stage: Stage, sits_down: Sits) -> None:
    for words in (("--server", "127.0.0.1:99999"), ("--server", "127.0.0.1:abc"), ("joy", "http://127.0.0.1:1")):
        person = sits_down(*words)
        person.sees("parlour: ")
        assert person.ends() == 1, words
    nobody = sits_down("--server", "127.0.0.1:1")
    nobody.sees("Server down!")
    assert nobody.ends() == 2


# --- CS3357: client NAME chat://HOST:PORT


def test_cs3357(own_stage: Stage, sits_down: Sits) -> None:
    url = f"chat://{at(own_stage)}"
    amy = sits_down("amy", url)
    amy.sees(
        "Connecting to server ...",
        "Connection to server established. Sending intro message...",
        "Registration successful.  Ready for messaging!",
        "you are in hall",
    )
    other = sits_down("AMY", url)
    other.sees("the name AMY is in use")
    other.types("")
    assert other.ends() == 3
    bo = sits_down("bo", url)
    bo.sees("Ready for messaging!", "amy")
    amy.sees("hall welcomes: bo")
    amy.types("Hello bo")
    bo.sees("amy~: Hello bo")
    bo.types("!list")
    bo.sees("User List:", "[1] amy", "[2] bo (you)")
    bo.types("!follow @amy")
    bo.types("!attach nothing-there.txt")
    bo.sees("is no text file that can be read")
    bo.types("!exti")
    bo.sees("did you mean !exit?")
    bo.interrupts()
    bo.sees("Goodbye")
    assert bo.ends() == 0
    amy.sees("bo left hall")
    own_stage.guardian.send_signal(signal.SIGINT)
    amy.sees("the server ends. Goodbye")
    assert amy.ends() == 2


# --- TCP Chat Room: client IP PORT NAME, @name, *users


def test_tcp_chat_room(stage: Stage, sits_down: Sits) -> None:
    names = [stage.new(name) for name in ("alice", "bert", "carl")]
    people = []
    for name in names:
        people.append(sits_down(stage.host, str(stage.port), name))
        people[-1].sees("Ready for messaging!", "you are in hall")
    alice, bert, carl = people
    alice.sees(f"hall welcomes: {names[2]}")
    bert.sees(f"hall welcomes: {names[2]}")
    alice.types("hello all")
    for person in (bert, carl):
        person.sees(f"{names[0]}~: hello all")
    alice.types(f"@{names[1]} just for you")
    bert.sees(f"{names[0]} to you, in private: just for you")
    alice.sees(f"you to {names[1]}, in private: just for you")
    alice.types("@nobody_there hm")
    alice.sees("not delivered to nobody_there")
    alice.types("*users")
    alice.sees("User List:", f"{names[0]} (you)", f"] {names[1]}")
    alice.types("*help")
    alice.sees("@NAME TEXT", "*users")
    alice.types("this has *exit and @bert in it")
    carl.sees("this has *exit and @bert in it")
    assert "just for you" not in str(carl.child.before)
    for person in (alice, bert, carl):
        person.types("*exit")
        person.sees("Goodbye")
        assert person.ends() == 0


# --- py-chat-room: a numbered menu, accounts, mail, rooms that are processes


def test_py_chat_room(stage: Stage, sits_down: Sits) -> None:
    me, den = stage.new("user"), stage.new("den")
    person = sits_down("--server", at(stage))
    person.sees("Log in", "Create an account", "Your choice")
    person.types("2")
    person.sees("Name")
    person.types(me)
    person.sees("Password:")
    person.types("a good password")
    person.sees("The same again:")
    person.types("a good password")
    person.sees(f"You are {me}.", "Inbox", "Write mail", "Your choice")
    person.types("4")
    person.sees(f"{me} (you)", "in the lobby")
    person.types("6")
    person.sees("To")
    person.types("test_user")
    person.sees("Subject")
    person.types("chess")
    person.types("Tuesday?")
    person.types(".")
    person.sees("is sent to test_user")
    person.types("3")
    person.sees("Name of the room:")
    person.types(den)
    person.sees("May everybody come in?")
    person.types("")
    person.sees(f"{den} is made", f"you are in {den}")
    pid = stage.room_pid(den)
    assert pid not in (stage.pid("lobby"), stage.pid("nursery")), "a process of its own"
    person.types("anyone?")
    person.sees("anyone?")
    person.types("disconnect()")
    person.sees(f"you left {den}", "Your choice")
    person.types("exit()")
    person.sees("Goodbye")
    assert person.ends() == 0

    other = sits_down("--server", at(stage))
    other.sees("Your choice")
    other.types("1")
    other.sees("Name")
    other.types("test_user")
    other.sees("Password:")
    other.types("123")
    other.sees("You are test_user.", "unread mail", "Your choice")
    other.types("5")
    other.sees(me, "chess")
    other.types("1")
    other.sees("Tuesday?")
    other.types("")
    other.types("")
    other.types("exit()")
    assert other.ends() == 0
    assert "a good password" not in str(person.child.before)
