"""Members as cursors: whoever does not read is passed by, bounded, and fed from the log without a gap when they do."""

import json
import socket

import pytest

from roomproc.feed import KEPT, KEPT_BYTES, Feeder, Tail
from wire.channel import Channel
from wire.codec import encode
from wire.loop import Loop
from wire.messages import Line, MembersPage, Presence

BOUND = 65_536
TEXT = "x" * 1_000


class Room:
    """A loop, a log that is a list, and connections over socket pairs."""

    def __init__(self):
        self.loop = Loop()
        self.log = []
        self.reads = 0
        self.feeder = Feeder(self.loop, BOUND, 0, self.read, lambda: MembersPage(count=1, members=["ann"], more=False))
        self.loop.end_of_round = self.feeder.turn
        self.ends = {}
        self.lost_ones = []

    def read(self, after, limit):
        self.reads += 1
        return [line for line in self.log if line.seq > after][:limit]

    def connect(self, number, after=0):
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        theirs.setblocking(False)
        channel = Channel(ours, self)
        self.loop.add(channel)
        self.feeder.start(number, channel, after)
        self.ends[number] = (channel, theirs, bytearray())
        self.turn()

    def lines(self, channel, lines):
        raise AssertionError

    def lost(self, channel, why):
        self.lost_ones.append(why)

    def say(self, count=1):
        for _ in range(count):
            line = Line(seq=len(self.log) + 1, at=1, sender="ann", text=TEXT)
            self.log.append(line)
            self.feeder.broadcast([line])
            self.turn()

    def turn(self):
        self.loop.again(lambda: None)
        self.loop.round()

    def hear(self, number):
        """Read until nothing more comes."""
        _channel, theirs, heard = self.ends[number]
        quiet = 0
        while quiet < 3:
            try:
                heard += theirs.recv(1 << 20)
                quiet = 0
            except BlockingIOError:
                quiet += 1
            self.turn()
        return [json.loads(line) for line in heard.splitlines()]


@pytest.fixture
def room():
    room = Room()
    yield room
    for channel, theirs, _heard in room.ends.values():
        channel.socket.close()
        theirs.close()


def numbers(heard):
    return [message["seq"] for message in heard if message["type"] == "line"]


def test_all_in_step_get_every_line(room):
    for number in (1, 2):
        room.connect(number)
    room.say(3)
    assert numbers(room.hear(1)) == numbers(room.hear(2)) == [1, 2, 3]


def test_who_never_reads_costs_a_bounded_queue_and_delays_nobody(room):
    room.connect(1)
    room.connect(2)
    for _ in range(500):
        room.say()
        room.hear(2)
    assert room.ends[1][0].pending <= BOUND + 2 * len(encode(room.log[-1]))
    assert numbers(room.hear(2)) == list(range(1, 501))
    assert numbers(room.hear(1)) == list(range(1, 501)), "fed from the log when it reads, nothing skipped"


def test_one_snapshot_of_members_after_presence_was_missed(room):
    room.connect(1)
    room.say(200)
    room.feeder.transient(Presence(joined=["bob"], left=[]), but=())
    heard = room.hear(1)
    kinds = [message["type"] for message in heard]
    assert kinds.count("members") == 1
    assert "presence" not in kinds
    room.feeder.transient(Presence(joined=["cid"], left=[]), but=())
    assert room.hear(1)[-1]["type"] == "presence"


def test_a_newcomer_is_fed_from_where_it_was(room):
    room.say(700)
    room.connect(1, after=100)
    heard = room.hear(1)
    assert numbers(heard) == list(range(101, 701))
    assert heard[-1]["type"] == "line", "no snapshot is owed to somebody who missed no presence"


def test_the_tail_answers_a_crowd_without_the_file(room):
    room.say(300)
    before = room.reads
    for number in range(50):
        room.connect(number, after=250)
    assert room.reads == before
    assert all(numbers(room.hear(number)) == list(range(251, 301)) for number in range(50))


def test_what_is_no_longer_kept_is_told(room):
    room.say(10)
    room.feeder.first = 5
    room.connect(1, after=1)
    heard = room.hear(1)
    assert heard[0] == {"type": "gap", "from": 2, "to": 4}
    assert numbers(heard) == [5, 6, 7, 8, 9, 10]


def test_who_was_dropped_is_sent_nothing_more(room):
    room.connect(1)
    room.say()
    room.feeder.drop(1)
    room.say()
    assert numbers(room.hear(1)) == [1]


def test_the_tail_keeps_the_newest_and_says_when_it_does_not_reach():
    tail = Tail(seq=10)
    for number in range(12, 12 + 3 * KEPT, 2):  # rounds of two lines
        tail.add(number, b"%d\n%d\n" % (number - 1, number))
    assert not tail.reaches(10)
    newest = 10 + 3 * KEPT
    assert tail.reaches(newest - KEPT)
    assert tail.after(newest - 2, 5) == [b"%d\n" % (newest - 1), b"%d\n" % newest]
    assert tail.after(newest - 3, 2) == [b"%d\n" % (newest - 2), b"%d\n" % (newest - 1)], "a round is cut anywhere"
    assert tail.after(newest - 1, 5) == [b"%d\n" % newest]
    assert tail.after(newest, 5) == []


def test_presence_alone_is_missed_and_made_up_for_as_well(room):
    room.connect(1)
    while room.ends[1][0].pending <= BOUND:
        room.say()
    room.feeder.transient(Presence(joined=["bob"], left=[]), but=())
    kinds = [message["type"] for message in room.hear(1)]
    assert kinds.count("members") == 1, "no line came after it, and who is here is told all the same"


def test_the_tail_is_bounded_in_bytes_too():
    tail = Tail(seq=0)
    for number in range(1, 200):
        tail.add(number, b"x" * 59_999 + b"\n")
        assert sum(len(lines) for _newest, lines in tail._rounds) <= 2 * KEPT_BYTES
        assert tail.after(number - 1, 5) == [b"x" * 59_999 + b"\n"]
    assert not tail.reaches(1)
