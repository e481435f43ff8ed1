"""The session against a network that breaks anywhere: every line said exists once, in order; every entry is told once.

A model lobby and room in plain values stand at the other end; messages wait in queues until the machine delivers them.
"""

import random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from client import events
from client.events import Close, Open, Send
from client.session import Session
from wire import messages as m
from wire.clock import Now

LOBBY, OLD, NEW = 22222, 30001, 30002


class Network(RuleBasedStateMachine):
    """Connections are queues both ways. The room is at one of two ports, keeps a log, and remembers keys."""

    def __init__(self) -> None:
        super().__init__()
        streams = (f"stream-{number:016}" for number in range(10_000))
        self.session = Session("here", LOBBY, rng=random.Random(7), stream=lambda: next(streams))
        self.now = Now(1_000.0, 1_795_197_600_000)
        self.ports: dict[int, int] = {}  # of open connections
        self.opening: dict[int, int] = {}
        self.up: dict[int, list[Any]] = {}
        self.down: dict[int, list[Any]] = {}
        self.inside: dict[int, str] = {}  # connections that entered, and their stream
        self.port = OLD
        self.reachable = True
        self.entered = False
        self.log: list[m.Line] = []
        self.keys: dict[tuple[str, str], int] = {}
        self.tickets = 0
        self.resume = "resume 0"
        self.spent: set[str] = set()
        self.too_fast = 0
        self.not_before = 0.0
        self.said: list[str] = []
        self.told: list[m.Line] = []
        self.acknowledged: list[str] = []
        self.not_sent: list[str] = []

    # -- the session's side

    def settle(self) -> None:
        while (effects := self.session.effects()) or (told := self.session.events()):
            for effect in effects:
                self.perform(effect)
            for event in () if effects else told:
                self.hear(event)

    def perform(self, effect: Any) -> None:
        match effect:
            case Open(conn, _, port):
                self.opening[conn] = port
            case Send(conn, message):
                if conn in self.up:
                    self.up[conn].append(message)
            case Close(conn):
                self.opening.pop(conn, None)
                self.forget(conn)

    def hear(self, event: events.Event) -> None:
        match event:
            case events.EntryCame(entry=m.Line() as line):
                self.told.append(line)
            case events.Acknowledged(message=m.Say(text=text)):
                self.acknowledged.append(text)
            case events.NotSent(message=m.Say(text=text)):
                self.not_sent.append(text)
            case events.RoomEntered():
                self.entered = True
            case events.GapCame() | events.LeftRoom() | events.Ended() | events.RoomRefused():
                raise AssertionError(f"nothing was lost or refused, and yet: {event}")

    def forget(self, conn: int) -> None:
        for held in (self.ports, self.up, self.down, self.inside):
            held.pop(conn, None)

    # -- the other side

    def answer(self, conn: int, message: Any) -> None:
        reply = self.down[conn].append
        match message:
            case m.Hello():
                reply(m.ServerHello(protocol=1, server="model", guests=True, registration=True))
            case m.Guest() | m.Resume():
                reply(
                    m.Welcome(re=message.id, name="ann", roles=[], session="s", unread=0, motd="", resend_window=86_400)
                )
            case m.Join():
                self.tickets += 1
                reply(m.Redirect(re=message.id, room="hall", host="", port=self.port, ticket=f"t{self.tickets}"))
            case m.Ping():
                reply(m.Pong(re=message.id))
            case m.Enter():
                self.enter(conn, message)
            case m.Say() if conn in self.inside:  # one that is put out says nothing any more
                self.say(conn, message)

    def enter(self, conn: int, enter: m.Enter) -> None:
        if enter.ticket in self.spent or (enter.ticket.startswith("resume") and enter.ticket != self.resume):
            self.down[conn].append(m.Error(re=enter.id, code="bad_ticket", text="used", fatal=True))
            return
        self.spent |= {enter.ticket} - {self.resume}
        self.inside[conn] = str(enter.stream)
        since = enter.since if isinstance(enter.since, int) else max(0, len(self.log) - 20)
        self.down[conn].append(
            m.Entered(
                re=enter.id,
                room="hall",
                topic="",
                seq=len(self.log),
                first=1,
                epoch=1,
                count=1,
                members=["ann"],
                more=False,
                resume=self.resume,
                resend_window=86_400,
                whisper=0,
                operator=False,
                after=since,
            )
        )
        self.down[conn] += self.log[max(0, since - 2) :]  # rather twice than never: the session sorts it out

    def say(self, conn: int, say: m.Say) -> None:
        key = (self.inside[conn], str(say.id))
        if key not in self.keys and self.too_fast > 0:
            self.too_fast -= 1
            self.not_before = self.now.mono + 0.5
            self.down[conn].append(m.Error(re=say.id, code="too_fast", text="slowly", retry_after=0.5))
            return
        assert self.now.mono >= self.not_before, "it was told to wait"
        if key not in self.keys:
            self.keys[key] = len(self.log) + 1
            self.store("ann", say.text)
        self.down[conn].append(m.Done(re=say.id, seq=self.keys[key]))

    def store(self, sender: str, text: str) -> None:
        line = m.Line(seq=len(self.log) + 1, at=self.now.wall, sender=sender, text=text)
        self.log.append(line)
        for conn in self.inside:
            self.down[conn].append(line)

    # -- what may happen

    @initialize(inside=st.booleans())
    def arrive(self, inside: bool) -> None:
        self.session.open()
        self.session.login(m.Guest(name="ann"), self.now)
        self.settle()
        self.make_connections()
        self.deliver_all()
        self.session.join("hall")
        self.settle()
        if inside:
            self.all_goes_well_for_a_while()

    @rule(text=st.integers(0, 9))
    def person_says(self, text: int) -> None:
        said = f"{len(self.said)}-{text}"
        self.said.append(said)
        self.session.say("hall", m.Say(text=said), self.now)
        self.settle()

    @rule()
    def others_say(self) -> None:
        self.store("bob", f"bob {len(self.log)}")

    @rule()
    def all_goes_well_for_a_while(self) -> None:
        self.reachable = True
        for _ in range(3):
            self.deliver_all()
            self.time_passes(1.0)
            self.make_connections()
        self.deliver_all()

    @rule()
    def a_crowd_says(self) -> None:
        for _ in range(25):
            self.others_say()

    @rule()
    def resume_tokens_expire(self) -> None:
        self.resume = f"resume {self.tickets}"

    @rule()
    def make_connections(self) -> None:
        for conn, port in tuple(self.opening.items()):
            del self.opening[conn]
            if port in (LOBBY, self.port) and self.reachable:
                self.ports[conn], self.up[conn], self.down[conn] = port, [], []
                self.session.connected(conn, self.now)
            else:
                self.session.failed(conn, "connection refused", self.now)
            self.settle()

    @precondition(lambda self: any(self.up.values()))
    @rule(data=st.data())
    def deliver_up(self, data: st.DataObject) -> None:
        conn = data.draw(st.sampled_from([conn for conn, queue in self.up.items() if queue]))
        self.answer(conn, self.up[conn].pop(0))

    @precondition(lambda self: any(self.down.values()))
    @rule(data=st.data())
    def deliver_down(self, data: st.DataObject) -> None:
        conn = data.draw(st.sampled_from([conn for conn, queue in self.down.items() if queue]))
        self.session.received(conn, self.down[conn].pop(0), self.now)
        self.settle()

    @rule()
    def deliver_all(self) -> None:
        while any(self.up.values()) or any(self.down.values()):
            for conn in tuple(self.up):
                while self.up.get(conn):
                    self.answer(conn, self.up[conn].pop(0))
                while self.down.get(conn):
                    self.session.received(conn, self.down[conn].pop(0), self.now)
                    self.settle()

    @precondition(lambda self: self.ports)
    @rule(data=st.data())
    def break_one(self, data: st.DataObject) -> None:
        """Both ends lose what was under way."""
        conn = data.draw(st.sampled_from(sorted(self.ports)))
        self.forget(conn)
        self.session.lost(conn, "reset", self.now)
        self.settle()

    @precondition(lambda self: any(port == self.port for port in self.ports.values()))
    @rule()
    def room_closes_to_restart(self) -> None:
        for conn in [conn for conn, port in self.ports.items() if port == self.port]:
            self.inside.pop(conn, None)
            self.down[conn].append(m.Closing(code="restarting", text="back at once", resume=True))

    @precondition(lambda self: self.entered)
    @rule()
    def room_moves(self) -> None:
        self.port = NEW if self.port == OLD else OLD
        for conn in [conn for conn, port in self.ports.items() if port != LOBBY]:
            self.forget(conn)
            self.session.lost(conn, "reset", self.now)
            self.settle()

    @precondition(lambda self: self.entered)
    @rule()
    def nothing_is_reachable(self) -> None:
        self.reachable = False

    @rule()
    def all_is_reachable(self) -> None:
        self.reachable = True

    @rule(times=st.integers(1, 3))
    def hurry(self, times: int) -> None:
        self.too_fast += times

    @rule(seconds=st.sampled_from([0.1, 0.6, 5.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.now = Now(self.now.mono + seconds, self.now.wall + round(seconds * 1000))
        self.session.tick(self.now)
        self.settle()

    # -- what must be true

    @invariant()
    def each_entry_is_told_once_in_order(self) -> None:
        numbers = [line.seq for line in self.told]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
        assert self.told == [self.log[number - 1] for number in numbers]

    @invariant()
    def each_line_exists_at_most_once_and_in_order(self) -> None:
        stored = [line.text for line in self.log if line.sender == "ann"]
        assert stored == self.said[: len(stored)]
        assert self.acknowledged == self.said[: len(self.acknowledged)]
        assert len(self.acknowledged) <= len(stored)
        assert not self.not_sent

    @invariant()
    def time_never_stands_still(self) -> None:
        """No deadline that `tick` does not move: it would be a loop at full speed."""
        for _ in range(50):
            deadline = self.session.next_deadline()
            if deadline is None or deadline > self.now.mono:
                return
            self.session.tick(self.now)
            self.settle()
        raise AssertionError("a deadline stays in the past")

    def teardown(self) -> None:
        """With a good network all that was said is stored, acknowledged and told."""
        self.reachable = True
        for _ in range(40):
            self.make_connections()
            self.deliver_all()
            self.time_passes(16.0)
        self.deliver_all()
        if self.session.rooms:
            assert self.acknowledged == self.said
            assert [line.text for line in self.told if line.sender == "ann"] == self.said
            assert not self.told or self.told[-1].seq == len(self.log)


TestNetwork = Network.TestCase
TestNetwork.settings = settings(max_examples=150, stateful_step_count=40)
