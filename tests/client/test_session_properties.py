"""The session against a network that breaks anywhere, over two rooms and a lobby: what is said, told and mailed exists
once, what is said in order; every entry and every direct message is told once; whatever is asked is answered once.

A model lobby and rooms in plain values stand at the other end; messages wait in queues until the machine delivers them.
"""

import random
from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from client import events
from client.events import Close, Open, Send
from client.session import Session
from wire import messages as m
from wire.clock import Now

LOBBY = 22222
HALL, ATTIC = "hall", "attic"
OURS, OTHERS = "stream-of-this-client", ("", "stream-of-a-dead-one-1", "stream-of-a-dead-one-2")
WINDOW = 86_400


class Room:
    """It is at one of two ports, keeps a log, and remembers under which keys lines were said."""

    def __init__(self, name: str, ports: tuple[int, int]) -> None:
        self.name = name
        self.ports = ports
        self.port = ports[0]
        self.log: list[m.Line] = []
        self.keys: dict[tuple[str, str], int] = {}
        self.resume = f"resume {name} 0"
        self.spent: set[str] = set()
        self.too_fast = 0
        self.not_before = 0.0
        # of the person at the session
        self.said: list[str] = []
        self.before: set[str] = set()  # stored for an earlier client, whenever that was
        self.held: list[tuple[str, m.Say, str]] = []  # what waits until we are in again: id, line, stream
        self.acknowledged: list[str] = []
        self.told: list[m.Line] = []  # in this visit


class Network(RuleBasedStateMachine):
    """Connections are queues both ways."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session("here", LOBBY, rng=random.Random(7))
        self.session.speak_under(OURS)
        self.now = Now(1_000.0, 1_795_197_600_000)
        self.rooms = {HALL: Room(HALL, (30001, 30002)), ATTIC: Room(ATTIC, (30003, 30004))}
        self.ports: dict[int, int] = {}  # of open connections
        self.opening: dict[int, int] = {}
        self.up: dict[int, list[Any]] = {}
        self.down: dict[int, list[Any]] = {}
        self.inside: dict[int, tuple[str, str]] = {}  # connections that entered: the room, and their stream
        self.logged_in: dict[int, str] = {}  # connections at the lobby, and their stream
        self.streams: dict[str, str] = {}  # ids of old lines and letters, and what they were sent under
        self.reachable = True
        self.tickets = 0
        self.letters: dict[tuple[str, str], int] = {}  # what was told and mailed, by its key; a number each
        self.stored_letters: Counter[str] = Counter()
        self.sent_letters: list[str] = []  # ids
        self.answers: list[tuple[str, Any]] = []
        self.directs: list[m.Direct] = []  # to us
        self.told_directs: list[int] = []

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
                if conn % 2:  # what had left is taken, though nobody hears the answer
                    for message in self.up.get(conn, []):
                        self.answer(conn, message)
                self.forget(conn)

    def hear(self, event: events.Event) -> None:
        match event:
            case events.EntryCame(room, m.Line() as line):
                self.rooms[room].told.append(line)
            case events.Acknowledged(room=room, message=m.Say(text=text)):
                self.rooms[room].acknowledged.append(text)
            case events.NotSent(room, id_, m.Say() as line, "closed"):
                self.rooms[room].held.append((id_, line, self.streams.get(id_, "")))
            case events.RoomEntered(room=room, again=False):
                self.rooms[room].told = []
            case events.Answered(id_, reply):
                self.answers.append((id_, reply))
            case events.DirectCame(direct):
                self.told_directs.append(direct.number)
            case events.LeftRoom(code="left"):
                pass
            case events.NotSent() | events.GapCame() | events.LeftRoom() | events.Ended() | events.RoomRefused():
                raise AssertionError(f"nothing was lost or refused, and yet: {event}")

    def forget(self, conn: int) -> None:
        for held in (self.ports, self.up, self.down, self.inside, self.logged_in):
            held.pop(conn, None)

    def break_off(self, conn: int) -> None:
        self.forget(conn)
        self.session.lost(conn, "reset", self.now)
        self.settle()

    # -- the other side

    def answer(self, conn: int, message: Any) -> None:
        reply = self.down[conn].append
        match message:
            case m.Hello():
                reply(m.ServerHello(protocol=1, server="model", guests=True, registration=True))
            case m.Guest() | m.Resume():
                self.log_in(conn, message)
            case m.Join(room=name):
                self.tickets += 1
                room = self.rooms[name]
                reply(m.Redirect(re=message.id, room=name, host="", port=room.port, ticket=f"t{self.tickets}"))
            case m.Tell() | m.MailSend() if conn in self.logged_in:
                self.take_letter(conn, message)
            case m.Ping():
                reply(m.Pong(re=message.id))
            case m.Enter():
                self.enter(conn, message)
            case m.Say() if conn in self.inside:  # one that is put out says nothing any more
                self.say(conn, message)
            case m.Leave():
                self.inside.pop(conn, None)
                reply(m.Closing(code="left", text="", resume=False))

    def log_in(self, conn: int, login: m.Guest | m.Resume) -> None:
        known = login.directs if isinstance(login, m.Resume) and isinstance(login.directs, int) else 0
        self.logged_in[conn] = str(login.stream)
        self.down[conn].append(
            m.Welcome(re=login.id, name="ann", roles=[], session="s", unread=0, motd="", resend_window=WINDOW,
                      directs=known)
        )  # fmt: skip
        self.down[conn] += self.directs[max(0, known - 1) :]  # rather twice than never: the session sorts it out

    def take_letter(self, conn: int, letter: m.Tell | m.MailSend) -> None:
        key = (self.logged_in[conn], str(letter.id))
        if key not in self.letters:
            self.letters[key] = len(self.letters) + 1
            self.stored_letters[str(letter.id)] += 1
        number = self.letters[key]
        told = m.Told(re=letter.id, number=number, to="ben", became="kept")
        self.down[conn].append(told if isinstance(letter, m.Tell) else m.Done(re=letter.id, mail=number))

    def enter(self, conn: int, enter: m.Enter) -> None:
        room = next(room for room in self.rooms.values() if self.ports[conn] in room.ports)
        if enter.ticket in room.spent or (enter.ticket.startswith("resume") and enter.ticket != room.resume):
            self.down[conn].append(m.Error(re=enter.id, code="bad_ticket", text="used", fatal=True))
            return
        room.spent |= {enter.ticket} - {room.resume}
        self.inside[conn] = (room.name, str(enter.stream))
        since = enter.since if isinstance(enter.since, int) else max(0, len(room.log) - 20)
        self.down[conn].append(
            m.Entered(
                re=enter.id, room=room.name, topic="", seq=len(room.log), first=1, epoch=1, count=1, members=["ann"],
                more=False, resume=room.resume, resend_window=WINDOW, whisper=0, operator=False, after=since,
            )
        )  # fmt: skip
        self.down[conn] += room.log[max(0, since - 2) :]  # rather twice than never: the session sorts it out

    def say(self, conn: int, say: m.Say) -> None:
        name, stream = self.inside[conn]
        room, key = self.rooms[name], (stream, str(say.id))
        if key not in room.keys and room.too_fast > 0:
            room.too_fast -= 1
            room.not_before = self.now.mono + 0.5
            self.down[conn].append(m.Error(re=say.id, code="too_fast", text="slowly", retry_after=0.5))
            return
        assert self.now.mono >= room.not_before, "it was told to wait"
        if key not in room.keys:
            room.keys[key] = len(room.log) + 1
            self.store(room, "ann", say.text)
        self.down[conn].append(m.Done(re=say.id, seq=room.keys[key]))

    def store(self, room: Room, sender: str, text: str) -> None:
        line = m.Line(seq=len(room.log) + 1, at=self.now.wall, sender=sender, text=text)
        room.log.append(line)
        for conn, (name, _) in self.inside.items():
            if name == room.name:
                self.down[conn].append(line)

    # -- what the person does

    @initialize(inside=st.booleans())
    def arrive(self, inside: bool) -> None:
        self.session.open()
        self.session.login(m.Guest(name="ann"), self.now)
        self.settle()
        self.make_connections()
        self.deliver_all()
        self.session.join(HALL)
        self.settle()
        if inside:
            self.all_goes_well_for_a_while()

    @rule(name=st.sampled_from([HALL, ATTIC]))
    def person_enters(self, name: str) -> None:
        """And says again at once what waited, as the client does."""
        self.session.join(name)
        room = self.rooms[name]
        self.settle()  # a visit that was being left is over with this
        held, room.held = room.held, []
        for id_, line, stream in held:
            self.session.say(name, m.Say(text=line.text), self.now, id_=id_, typed=self.now.wall, stream=stream)
        self.settle()

    @precondition(lambda self: self.session.rooms)
    @rule(data=st.data())
    def person_leaves(self, data: st.DataObject) -> None:
        self.session.leave(data.draw(st.sampled_from(sorted(self.session.rooms))), self.now)
        self.settle()

    @precondition(lambda self: self.open_rooms())
    @rule(data=st.data())
    def person_says(self, data: st.DataObject) -> None:
        room = self.rooms[data.draw(st.sampled_from(self.open_rooms()))]
        said = f"line {len(room.said)}"
        room.said.append(said)
        self.session.say(room.name, m.Say(text=said), self.now)
        self.settle()

    @precondition(lambda self: self.open_rooms())
    @rule(data=st.data(), stream=st.sampled_from(OTHERS), stored=st.booleans())
    def person_goes_on_with_an_old_line(self, data: st.DataObject, stream: str, stored: bool) -> None:
        """Of a client that died; it had been stored before that, or not."""
        room = self.rooms[data.draw(st.sampled_from(self.open_rooms()))]
        id_, said = f"old-{room.name}-{len(room.said)}", f"old line {len(room.said)}"
        room.said.append(said)
        self.streams[id_] = stream
        if stored:
            room.before.add(said)
            room.keys[(stream or OURS, id_)] = len(room.log) + 1
            self.store(room, "ann", said)
        self.session.say(room.name, m.Say(text=said), self.now, id_=id_, typed=self.now.wall, stream=stream)
        self.settle()

    @rule(mail=st.booleans(), stream=st.sampled_from(OTHERS), stored=st.booleans())
    def person_writes(self, mail: bool, stream: str, stored: bool) -> None:
        """A direct message or a mail; with a stream it is one of a client that died, stored before that, or not."""
        id_ = f"letter-{len(self.sent_letters)}" if stream or stored else ""
        letter = m.MailSend(to=["ben"], subject="", body="hi") if mail else m.Tell(to="ben", text="hi")
        if stored:
            self.letters[(stream or OURS, id_)] = len(self.letters) + 1
            self.stored_letters[id_] += 1
        self.sent_letters.append(self.session.ask(letter, id_=id_, asked=self.now.wall, stream=stream))
        self.settle()

    def open_rooms(self) -> list[str]:
        return sorted(name for name, side in self.session.rooms.items() if side.state.value not in ("leaving", "over"))

    # -- what others do

    @rule(name=st.sampled_from([HALL, ATTIC]))
    def others_say(self, name: str) -> None:
        self.store(self.rooms[name], "bob", f"bob {len(self.rooms[name].log)}")

    @rule()
    def a_crowd_says(self) -> None:
        for _ in range(25):
            self.others_say(HALL)

    @rule()
    def somebody_tells_us(self) -> None:
        direct = m.Direct(number=len(self.directs) + 1, sender="ben", to="ann", text="psst", at=self.now.wall)
        self.directs.append(direct)
        for conn in self.logged_in:
            self.down[conn].append(direct)

    # -- what the network does

    @rule()
    def all_goes_well_for_a_while(self) -> None:
        self.reachable = True
        for _ in range(3):
            self.deliver_all()
            self.time_passes(1.0)
            self.make_connections()
        self.deliver_all()

    @rule()
    def make_connections(self) -> None:
        for conn, port in tuple(self.opening.items()):
            del self.opening[conn]
            if self.reachable and port in (LOBBY, *(room.port for room in self.rooms.values())):
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
        self.break_off(data.draw(st.sampled_from(sorted(self.ports))))

    @precondition(lambda self: self.inside)
    @rule(data=st.data(), how=st.sampled_from(["restarts", "redirects", "moves", "forgets"]))
    def a_room_goes_on(self, data: st.DataObject, how: str) -> None:
        """In another process: it asks us to come back, sends us to another port, or is gone from the one we know; or
        what it gave us to come back with is good no more."""
        room = self.rooms[data.draw(st.sampled_from(sorted({name for name, _ in self.inside.values()})))]
        inside = [conn for conn, (name, _) in self.inside.items() if name == room.name]
        if how == "forgets":
            self.tickets += 1
            room.resume = f"resume {room.name} {self.tickets}"
            return
        if how != "restarts":
            room.port = next(port for port in room.ports if port != room.port)
        for conn in inside:
            self.inside.pop(conn)
            if how == "restarts":
                self.down[conn].append(m.Closing(code="restarting", text="back at once", resume=True))
            elif how == "redirects":
                self.down[conn].append(m.Redirect(room=room.name, host="", port=room.port, ticket=room.resume))
            else:
                self.break_off(conn)

    @precondition(lambda self: self.inside)
    @rule()
    def nothing_is_reachable(self) -> None:
        self.reachable = False

    @rule(name=st.sampled_from([HALL, ATTIC]), times=st.integers(1, 3))
    def hurry(self, name: str, times: int) -> None:
        self.rooms[name].too_fast += times

    @rule(seconds=st.sampled_from([0.1, 0.6, 5.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.now = Now(self.now.mono + seconds, self.now.wall + round(seconds * 1000))
        self.session.tick(self.now)
        self.settle()

    # -- what must be true

    @invariant()
    def each_entry_is_told_once_in_order(self) -> None:
        for room in self.rooms.values():
            numbers = [line.seq for line in room.told]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
            assert room.told == [room.log[number - 1] for number in numbers]

    @invariant()
    def each_line_exists_at_most_once_and_in_order(self) -> None:
        for room in self.rooms.values():
            stored = [line.text for line in room.log if line.sender == "ann"]
            assert max(Counter(stored).values(), default=1) == 1
            fresh = [text for text in room.said if text not in room.before]
            kept = [text for text in stored if text not in room.before]
            assert kept == fresh[: len(kept)]
            assert room.acknowledged == room.said[: len(room.acknowledged)]
            assert set(room.acknowledged) <= set(stored)

    @invariant()
    def each_letter_exists_at_most_once_and_is_answered_once(self) -> None:
        assert max(self.stored_letters.values(), default=1) == 1
        answered = [id_ for id_, _ in self.answers]
        assert len(answered) == len(set(answered))
        assert all(isinstance(reply, m.Told | m.Done) for _, reply in self.answers)

    @invariant()
    def each_direct_message_is_told_once_in_order(self) -> None:
        assert self.told_directs == list(range(1, len(self.told_directs) + 1))

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
        """With a good network all that was said, told and mailed is stored, acknowledged and told."""
        self.reachable = True
        for turn in range(40):
            self.make_connections()
            self.deliver_all()
            self.time_passes(16.0)
            for name, room in self.rooms.items() if turn < 20 else ():
                if room.held and name not in self.session.rooms:
                    self.person_enters(name)
        self.deliver_all()
        for name, room in self.rooms.items():
            if name in self.session.rooms:
                assert room.acknowledged == room.said
                assert not room.told or room.told[-1].seq == len(room.log)
        if self.logged_in:
            assert sorted(id_ for id_, _ in self.answers) == sorted(self.sent_letters)
            assert set(self.stored_letters) == set(self.sent_letters)
            assert len(self.told_directs) == len(self.directs)


TestNetwork = Network.TestCase
TestNetwork.settings = settings(max_examples=150, stateful_step_count=40)
