"""What killed earlier chat servers, sent to the lobby and to a room; in each play somebody else chats on, and after all
of them the lobby and the room that was attacked have the descriptors and the memory of before, and are idle.

Each row of "What broke them", and the plays it became (`tests/test_broken.py` looks that they are there):

| row | plays, in this file where none is named |
|---|---|
| messages fused and split | test_many_messages_in_one_segment, test_the_whole_visit_in_one_segment,
    test_a_login_and_what_follows_in_one_segment, test_a_message_split_at_every_byte, test_a_visit_a_byte_at_a_time |
| vanishing, half-closing, killed | test_vanishing_in_the_middle_of_a_line,
    test_half_closing_is_leaving_and_costs_nothing, test_a_client_that_is_killed_is_told_of_once,
    test_rooms.test_a_broken_connection_is_away_and_then_back |
| never reading | test_a_member_that_never_reads, test_asking_and_never_reading_the_answers |
| bytes that are no messages | test_what_is_no_message, test_types_that_mean_nothing_here, test_a_line_of_a_megabyte,
    test_a_megabyte_without_an_end, test_the_longest_line_that_may_be, test_a_million_empty_lines, test_huge_numbers,
    test_rooms.test_texts_that_may_not_be_said |
| names and passwords that are none | test_visit.test_names_that_are_none_are_refused_with_the_reason,
    test_visit.test_new_passwords_have_rules, test_visit.test_a_refused_login_says_why_and_the_next_is_heard,
    test_names_that_are_none_in_a_room |
| two under one name | test_visit.test_nobody_gets_anothers_name, test_rooms.test_one_member_with_two_connections,
    test_crashes.test_a_guests_name_stays_theirs_while_the_lobby_returns |
| words inside a sentence | test_rooms.test_words_are_said_and_do_nothing |
| silence, crowds, all leaving at once | test_two_thousand_who_say_nothing, test_a_hundred_members_leave_at_once,
    test_a_stranger_who_says_nothing_is_shown_the_door, test_too_many_from_one_address |
| slow at a prompt | test_who_is_slow_at_a_prompt_keeps_nobody_waiting,
    test_serving.test_real_hashes_take_their_time_and_nobody_waits |
| mail | test_mail.test_several_recipients_and_one_that_does_not_exist, test_mail.test_a_long_mail_is_whole,
    test_mail.test_an_inbox_of_ten_thousand |
| ports | test_serving.test_a_port_in_use_is_told, test_serving.test_mistakes_are_named_in_a_line_or_two,
    test_serving.test_ports_of_rooms_are_in_their_range, test_serving.test_a_range_that_is_used_up_is_told,
    test_ancestors.test_the_halls_address_is_checked |
| kill -9 and start again | test_crashes.test_everything_killed_at_once_is_found_again,
    test_crashes.test_all_goes_on_without_the_guardian_and_a_second_serve_adopts,
    test_steering.test_our_client_follows_a_room_and_a_lobby_that_are_replaced |
| nobody at standard input and output | test_crashes.test_serve_with_nothing_to_read_and_nobody_to_read_it |
"""

import contextlib
import gc
import json
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scenes.conftest import two_in, undisturbed
from tests.scenes.stage import PATIENCE, Gone, Message, Seat, Stage, Wire, eventually, seconds, within

Target = Callable[[], Wire]


@pytest.fixture(params=["lobby-stranger", "lobby-guest", "room-stranger", "room-member"])
def target(request: pytest.FixtureRequest, stage: Stage) -> Target:
    """Opens connections to what is attacked."""

    def connect() -> Wire:
        match request.param:
            case "lobby-stranger":
                return Wire(stage.host, stage.port)
            case "lobby-guest":
                return stage.guest()
            case "room-stranger":
                return Wire(*stage.guest().enter("hall").address)
        return stage.guest().enter("hall")

    return connect


@pytest.fixture(scope="module", autouse=True)
def _it_costs_nothing_afterwards(stage: Stage) -> Iterator[None]:
    stage.guest().enter("hall").close()
    pids = [stage.pid("lobby"), stage.room_pid("hall")]
    before = [(sockets(pid), rss(pid)) for pid in pids]
    yield
    assert [stage.pid("lobby"), stage.room_pid("hall")] == pids, "nothing was started again"
    gc.collect()  # the plays' own ends
    admin = stage.login("admin_user")
    links = sum(row["pid"] != 0 for row in admin.listing().values())  # of rooms that were made meanwhile, to the lobby
    for pid, (had, _), more in zip(pids, before, (links, 0), strict=True):
        eventually(lambda pid=pid, most=had + more + SPARE: sockets(pid) <= most)  # type: ignore[misc]
    for pid, (_, was) in zip(pids, before, strict=True):
        assert rss(pid) - was < GROWTH
    assert spinning(stage) < 0.5


SPARE = 2  # sockets that come and go: of this look itself, and of a command
GROWTH = 40_000_000  # bytes that an allocator keeps from storms that are over


def sockets(pid: int) -> int:
    """Files are opened when they are needed first, and stay; nothing that a client does opens any."""
    count = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")
    return count


@pytest.fixture(autouse=True)
def _somebody_chats_on(stage: Stage) -> Iterator[None]:
    """Two members of the room that is attacked talk during each play and after it; the lobby answers."""
    ann, ben = two_in(stage, "hall")
    yield
    undisturbed(ann, ben, stage.new("and on"))
    assert stage.guest().ask("rooms")["rooms"]


def answered(wire: Wire, *codes: str) -> None:
    """One error with one of these codes, and the connection goes on or is closed as the error says."""
    error = wire.expect("error")
    assert error["code"] in codes
    if error["fatal"]:
        wire.ended()
    else:
        wire.fence()


@pytest.mark.parametrize(
    "line",
    [
        b"hello", b"{", b"[]", b"null", b"7", b'"x"', b"{}", b'{"type":7}', b'{"type":null}', b"\xff\xfe\xfd",
        b"\x00\x00", b'{"type":"ping"', b'{"type":"ping"}}', b"\xef\xbb\xbf{}", b"GET / HTTP/1.1", b"\x16\x03\x01\x02",
        b"[" * 60_000, b'{"type":' * 8_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"type":"ping","id":' + b"9" * 5_000 + b"}", b'{"type":"say","text":"\xc3\x28"}',
        b'{"type":"say","text":"\\ud800"}', b'{"type":"say","text":"' + b"\x00" * 10 + b'"}',
        b'{"type":"ping","id":1e999}',
        b'{"type":"hello","protocol":1e999}', b'{"type":"enter","protocol":-1e308,"ticket":{}}',
    ],
    ids=lambda line: repr(line[:24]),
)  # fmt: skip
def test_what_is_no_message(target: Target, line: bytes) -> None:
    wire = target()
    wire.raw(line + b"\n")
    answered(wire, "bad_message", "unknown_type", "not_logged_in", "too_long")


@pytest.mark.parametrize("kind", ["", "dance", "welcome", "entered", "line", "register ", "SAY", "x" * 1_000])
def test_types_that_mean_nothing_here(target: Target, kind: str) -> None:
    wire = target()
    wire.send(kind, id="1")
    error = wire.expect("error")
    assert (error["code"], error["re"]) == ("unknown_type", "1")


def test_a_line_of_a_megabyte(target: Target) -> None:
    wire = target()
    with contextlib.suppress(OSError):
        wire.raw(b"x" * 1_000_000 + b"\n")
    last = wire.ended()
    assert [m["code"] for m in last if m["type"] == "error"] == ["too_long"]


def test_a_megabyte_without_an_end(target: Target) -> None:
    wire = target()
    with contextlib.suppress(OSError):
        wire.raw(b'{"type":"ping","id":"' + b"x" * 1_000_000)
    assert "too_long" in [m.get("code") for m in wire.ended()]


def test_the_longest_line_that_may_be(target: Target) -> None:
    wire = target()
    line = b'{"type":"ping","id":"1","pad":"'
    wire.raw(line + b"x" * (65_535 - len(line) - 2) + b'"}\n')
    alive(wire.answer("1"))


def alive(answer: Message) -> None:
    """A ping is answered, though before hello not by a pong."""
    assert answer["type"] == "pong" or answer["code"] == "not_logged_in"


def test_a_million_empty_lines(target: Target) -> None:
    wire = target()
    for _ in range(10):
        wire.raw(b"\n" * 100_000)
    wire.raw(b"\r\n" * 1_000)
    wire.send("ping", id="1")
    alive(wire.answer("1"))


def test_a_message_split_at_every_byte(stage: Stage) -> None:
    room = stage.new("split")
    ann, ben = two_in(stage, room)
    for number in range(1_000):
        text = f"é☃𝄞 {number}"
        line = json.dumps({"type": "say", "id": f"s{number}", "text": text}, ensure_ascii=False).encode() + b"\n"
        if number >= len(line):
            break
        ann.raw(line[:number])
        ben.fence()  # the first part has been read by then
        ann.raw(line[number:])
        assert ann.answer(f"s{number}")["seq"] == number + 1
        assert ben.hears(text)["seq"] == number + 1
    assert number > 40


def test_a_visit_a_byte_at_a_time(stage: Stage) -> None:
    wire = Wire(stage.host, stage.port)
    name = stage.new("slow")
    for byte in b'{"type":"hello","protocol":1}\r\n\n{"type":"guest","id":"1","name":"%s"}\n' % name.encode():
        wire.raw(bytes([byte]))
    assert wire.answer("1")["name"] == name


def test_many_messages_in_one_segment(stage: Stage) -> None:
    ann, ben = two_in(stage, stage.new("fused"))
    ann.raw(b"".join(b'{"type":"say","id":"f%d","text":"%d"}\n' % (n, n) for n in range(500)))
    assert [ann.answer(f"f{n}")["seq"] for n in range(500)] == list(range(1, 501))
    ben.hears("499")
    assert [text for _, text in ben.lines] == [str(n) for n in range(500)]


def test_the_whole_visit_in_one_segment(stage: Stage) -> None:
    wire = Wire(stage.host, stage.port)
    name = stage.new("hasty")
    wire.raw(
        b'{"type":"hello","protocol":1,"id":"1"}\n{"type":"guest","id":"2","name":"%s"}\n'
        b'{"type":"rooms","id":"3"}\n{"type":"join","id":"4","room":"hall"}\n' % name.encode()
    )
    assert [wire.answer(str(n))["type"] for n in range(1, 5)] == ["hello", "welcome", "rooms", "redirect"]


def test_a_login_and_what_follows_in_one_segment(stage: Stage) -> None:
    """What comes while the password is checked waits for it."""
    wire = stage.actor()
    wire.raw(
        b'{"type":"login","id":"1","name":"test_user","password":"123"}\n{"type":"rooms","id":"2"}\n'
        b'{"type":"login","id":"3","name":"test_user","password":"123"}\n{"type":"ping","id":"4"}\n'
    )
    assert wire.answer("1")["type"] == "welcome"
    assert wire.answer("2")["type"] == "rooms"
    assert wire.answer("3")["code"] == "already"
    assert wire.answer("4")["type"] == "pong"


def test_vanishing_in_the_middle_of_a_line(target: Target) -> None:
    for _ in range(20):
        wire = target()
        wire.raw(b'{"type":"say","te')
        wire.reset()


def test_half_closing_is_leaving_and_costs_nothing(stage: Stage, target: Target) -> None:
    wires = [target() for _ in range(5)]
    for wire in wires:
        wire.sock.shutdown(socket.SHUT_WR)
    for wire in wires:
        wire.ended()
    assert spinning(stage) < 0.5


VISITOR = """
import socket, sys
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
sock.sendall(b'{"type":"enter","id":"1","protocol":1,"ticket":"%s"}\\n{"type":"say","te' % sys.argv[3].encode())
sock.recv(65536)
print("in", flush=True)
sock.recv(1 << 20, socket.MSG_WAITALL)
"""


def test_a_client_that_is_killed_is_told_of_once(stage: Stage) -> None:
    room = stage.new("killed")
    ann, ben = two_in(stage, room)
    guest = stage.guest("victim")
    words = [sys.executable, "-c", VISITOR, *map(str, guest.ticket(room))]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "in\n"
        client.kill()
    assert ann.expect("presence", away=[guest.name])
    ben.say("did you notice?")
    ann.hears("did you notice?")
    assert [m for m in ann.fence() if m["type"] == "presence" and m.get("away")] == []


def test_who_is_slow_at_a_prompt_keeps_nobody_waiting(stage: Stage, target: Target) -> None:
    """In the middle of a line, at the door and inside; everybody else's visit goes on, and then so does theirs."""
    slow = target()
    slow.raw(b'{"type":"pi')

    def visit() -> None:
        ann, ben = two_in(stage, stage.new("quick"))
        ann.say("quick")
        ben.hears("quick")
        assert stage.login("test_user").ask("rooms")["rooms"]

    within(2.0, lambda: seconds(visit))
    slow.raw(b'ng","id":"at last"}\n')
    alive(slow.answer("at last"))


def spinning(stage: Stage) -> float:
    """Seconds of CPU that the lobby and the hall used over a hundred quick requests."""
    pids = [stage.pid("lobby"), stage.room_pid("hall")]
    before = sum(map(cpu, pids))
    guest = stage.guest()
    for _ in range(100):
        guest.ask("ping")
    return sum(map(cpu, pids)) - before


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_member_that_never_reads(stage: Stage) -> None:
    """Nobody notices, memory stays bounded, and when it reads at last it gets every line."""
    room = stage.new("flood")
    ann, ben = two_in(stage, room)
    guest = stage.guest("deaf")
    host, port, ticket = guest.ticket(room)
    deaf = Wire(host, port)
    deaf.ask("enter", protocol=1, ticket=ticket, last=0)
    before = rss(stage.room_pid(room))
    text = "𝄞" * 3_900
    count = 1_200  # 18 MB
    for batch in range(0, count, 50):
        for number in range(batch, batch + 50):
            ann.send("say", id=f"m{number}", text=f"{number} {text}")
        for number in range(batch, batch + 50):
            ann.answer(f"m{number}")
        ann.heard.clear()
        ann.waiting.clear()
        ben.hears(f"{batch + 49} {text}")
        ben.heard.clear()
        ben.waiting.clear()
    assert rss(stage.room_pid(room)) - before < 30_000_000
    for number in range(count):
        assert deaf.expect("line")["text"].startswith(f"{number} ")
        deaf.heard.clear()
    ann.say("caught up?")
    deaf.expect("line", text="caught up?")


def test_asking_and_never_reading_the_answers(stage: Stage, target: Target) -> None:
    """A client that only asks is stopped or slowed down; what waits for it stays bounded."""
    wire = target()
    pids = [stage.pid("lobby"), stage.room_pid("hall")]
    before = [rss(pid) for pid in pids]
    wire.sock.settimeout(0.5)
    with contextlib.suppress(OSError):
        for _ in range(200):
            wire.sock.sendall(b'{"type":"history","limit":50}\n{"type":"rooms","id":"x"}\n{"type":"ping"}\n' * 100)
    for pid, was in zip(pids, before, strict=True):
        assert rss(pid) - was < 40_000_000


def test_two_thousand_who_say_nothing(stage: Stage) -> None:
    """More connections than select() can watch, at the lobby and at a room; then all leave at once."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4_096:
        pytest.skip("this machine allows too few descriptors")
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4_096), hard))
    room = stage.new("crowd")
    ann, ben = two_in(stage, room)
    silent: list[socket.socket] = []
    try:
        for address in ((stage.host, stage.port), ann.address):
            silent += [socket.create_connection(address, timeout=PATIENCE) for _ in range(1_030)]
            assert stage.login("test_user").name
            newcomer = stage.guest("new").enter(room)
            undisturbed(ann, ben, stage.new("still served"))
            newcomer.close()
    finally:
        for sock in silent:
            sock.close()
    undisturbed(ann, ben, "they left")


def test_a_hundred_members_leave_at_once(stage: Stage) -> None:
    room = stage.new("crowd")
    ann, ben = two_in(stage, room)
    crowd = [stage.guest("one").enter(room) for _ in range(100)]
    for seat in crowd:
        seat.reset()
    names = {seat.name for seat in crowd}
    gone: set[str] = set()
    while gone < names:
        told = ann.expect("presence")
        assert not gone & set(told.get("away", [])), "each is told once"
        gone |= set(told.get("away", []))
    undisturbed(ann, ben, "quiet now")


def test_names_that_are_none_in_a_room(stage: Stage) -> None:
    seat = stage.guest().enter(stage.new("names"))
    for name in ("", " ", "a b", "a\nb", "x" * 500, "jоy", "\x1b[2J", "*", "nobody_here"):
        for kind in ("whisper", "kick", "ban", "mute", "op"):
            with contextlib.suppress(Gone):
                seat.send(kind, id="n", name=name, to=name, text="x")
                error = seat.answer("n")
                if kind in ("whisper", "kick"):
                    assert error["code"] in ("no_such_member", "bad_name", "bad_message")
    seat.say("still here")


def test_huge_numbers(stage: Stage) -> None:
    owner = stage.guest()
    room = stage.new("numbers")
    seat = owner.enter(room)
    for value in (-1, 2**53, 2**53 + 1, 2**63, 2**64, 10**40, 1e300, "7", None, [], {}, True):
        guest, again = stage.guest(), seat.back()  # mistakes are counted for each connection
        for wire, kind, field in (
            (guest, "rooms", "limit"), (guest, "mail_read", "mail"), (again, "history", "before"),
            (again, "history", "limit"), (again, "mute", "seconds"), (again, "ban", "seconds"),
            (again, "slow", "seconds"),
        ):  # fmt: skip
            wire.send(kind, id="n", name=guest.name, **{field: value})
            answer = wire.answer("n")
            assert answer["type"] in ("error", "history", "done", "rooms")
            assert answer.get("code", "bad_message") in ("bad_message", "no_such_mail", "not_allowed")
    seat.back().say("still here")


def test_a_stranger_who_says_nothing_is_shown_the_door(open_stage) -> None:
    stage: Stage = open_stage("limits.hello_seconds=0.3", "limits.ping_seconds=1")
    seat = stage.guest().enter("hall")

    def shown_the_door(wire: Wire) -> None:
        assert wire.ended()[-1]["code"] == "timeout"

    for address in ((stage.host, stage.port), seat.address):
        within(3.0, lambda address=address: seconds(lambda: shown_the_door(Wire(*address))))  # type: ignore[misc]
    shown_the_door(seat)


def test_too_fast_is_said_with_when_to_try_again(open_stage) -> None:
    stage: Stage = open_stage("limits.lines_per_second=5", "limits.lines_burst=3")
    ann, ben = two_in(stage, "hall")
    ann.raw(b"".join(b'{"type":"say","id":"m%d","text":"line %d"}\n' % (n, n) for n in range(10)))  # at once
    answers = [ann.answer(f"m{number}") for number in range(10)]
    assert [answer["type"] for answer in answers[:3]] == ["done"] * 3
    refused = [answer for answer in answers if answer["type"] == "error"]
    assert refused
    assert all(answer["code"] == "too_fast" and 0 < answer["retry_after"] <= 2 for answer in refused)
    assert not any(answer["fatal"] for answer in refused)
    ben.say("my own pace")


def test_too_many_from_one_address(open_stage) -> None:
    stage: Stage = open_stage("limits.connections_per_address=3")
    inside = [stage.actor() for _ in range(3)]
    error = Wire(stage.host, stage.port).ended()[-1]
    assert (error["type"], error["code"], error["fatal"]) == ("error", "too_many", True)
    inside.pop().close()
    eventually(lambda: welcome(stage))


def welcome(stage: Stage) -> bool:
    try:
        return bool(stage.actor().hello)
    except (Gone, OSError):
        return False


def test_guessing_passwords_is_slowed_down(open_stage) -> None:
    stage: Stage = open_stage("limits.logins_per_address=10")
    codes = []
    wire = stage.actor()
    for number in range(20):
        wire.send("login", id=f"l{number}", name="test_user", password="wrong")
        codes.append(wire.answer(f"l{number}")["code"])
        if codes[-1] == "too_fast":
            break
    assert codes[0] == "wrong_password"
    assert codes[-1] == "too_fast"
    assert isinstance(stage.guest().enter("hall"), Seat), "others come in"
