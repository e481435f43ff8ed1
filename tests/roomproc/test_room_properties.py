"""A room under any order of events, losses, failed commits, crashes and time, against a model that is a list."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.roomproc.inside import Inside
from wire.messages import Closing, Done, Entered, Error, Leave, Line, Ping, Say, Whisper, Whispered

PEOPLE = ["ann", "bob", "cid"]


class Person:
    """A client as the protocol wants it: keeps its stream, its last number, and what was not acknowledged."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stream = f"stream-of-{name}-0000"
        self.connection: int | None = None
        self.token: str | None = None
        self.seen: list[tuple[int, str, str]] = []
        self.open: dict[str, str] = {}  # id → text, sent and not acknowledged
        self.sent = 0
        self.whispers: dict[int, str] = {}
        self.acknowledged: dict[str, int] = {}

    def id_of(self, number: int) -> str:
        """Some clients count, some add to it which run of theirs it was, and some do not count at all."""
        return {"ann": str(number), "bob": f"{number}x", "cid": f"run-{number}"}[self.name]

    @property
    def last(self) -> int:
        return self.seen[-1][0] if self.seen else 0


class RoomUnderFire(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.inside = Inside(Path(self.folder.name) / "log.sqlite3")
        self.people = {name: Person(name) for name in PEOPLE}
        self.next = 1
        self.read: dict[int, int] = {}

    def teardown(self) -> None:
        self.inside.history._db.close()
        self.folder.cleanup()

    # -- what the clients make of what they were told

    def listen(self) -> None:
        for person in self.people.values():
            if person.connection is None:
                continue
            told = self.inside.told.get(person.connection, [])
            for message in told[self.read.get(person.connection, 0) :]:
                self.hear(person, message)
            if person.connection is not None:
                self.read[person.connection] = len(told)

    def hear(self, person: Person, message: object) -> None:
        match message:
            case Entered(resume=resume):
                person.token = resume
            case Line(seq=seq, sender=sender, text=text):
                assert seq == person.last + 1, "a gap or a repetition that was not told"
                person.seen.append((seq, sender, text))
            case Done(re=str(re), seq=seq) if re in person.open:
                text = person.open.pop(re)
                if isinstance(seq, int):
                    assert (seq, person.name, text) in person.seen, "acknowledged before it was shown"
                    person.acknowledged[text] = seq
            case Whispered(to=to, number=number, text=text) if to == person.name:
                assert number not in person.whispers
                person.whispers[number] = text
            case Error(fatal=True) | Closing():
                person.connection = None

    # -- what happens

    @rule(name=st.sampled_from(PEOPLE))
    def come(self, name: str) -> None:
        person = self.people[name]
        if person.connection is not None:
            return
        person.connection = self.next
        self.next += 1
        self.inside.enter(
            person.connection, name, commit=False, token=person.token, stream=person.stream, since=person.last,
            whispers=max(person.whispers, default=0),
        )  # fmt: skip
        self.resend(person)

    def resend(self, person: Person) -> None:
        said = [Say(id=message_id, text=text) for message_id, text in person.open.items()]
        if said and person.connection is not None:
            self.inside.do_all(person.connection, said)

    @rule(name=st.sampled_from(PEOPLE), count=st.sampled_from([1, 2, 3, 5, 12]))
    def say(self, name: str, count: int) -> None:
        self.come(name)
        person = self.people[name]
        said = []
        for _ in range(count):
            person.sent += 1
            message_id, text = person.id_of(person.sent), f"{name} says {person.sent}"
            person.open[message_id] = text
            said.append(Say(id=message_id, text=text))
        assert person.connection is not None
        self.inside.do_all(person.connection, said)

    @rule(name=st.sampled_from(PEOPLE))
    def say_again(self, name: str) -> None:
        """A resend that was not needed."""
        person = self.people[name]
        if person.connection is not None and person.acknowledged:
            text = next(iter(person.acknowledged))
            message_id = person.id_of(int(text.rpartition(" ")[2]))
            self.inside.do(person.connection, Say(id=message_id, text=text), commit=False)

    @rule(sender=st.sampled_from(PEOPLE), to=st.sampled_from(PEOPLE))
    def whisper(self, sender: str, to: str) -> None:
        if self.people[sender].connection is not None:
            self.inside.do(
                self.people[sender].connection, Whisper(id=f"w{self.next}", to=to, text="psst"), commit=False
            )
            self.next += 1

    @rule(name=st.sampled_from(PEOPLE), politely=st.booleans())
    def go(self, name: str, politely: bool) -> None:
        person = self.people[name]
        if person.connection is None:
            return
        self.listen()
        if person.connection is None:
            return
        if politely:
            self.inside.do(person.connection, Leave(), commit=False)
        else:
            self.inside.lose(person.connection)
        person.connection = None

    @rule(fail=st.booleans())
    def end_of_round(self, fail: bool) -> None:
        self.inside.round(fail=fail)
        self.listen()
        for person in self.people.values():  # a refusal for the disk: a client tries again
            if fail:
                self.resend(person)

    @rule()
    def crash(self) -> None:
        self.inside.crash()
        self.read.clear()
        for person in self.people.values():
            person.connection = None

    @rule(seconds=st.sampled_from([0.1, 5.0, 16.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        self.inside.wait(seconds)

    @precondition(lambda self: any(p.connection for p in self.people.values()))
    @rule(name=st.sampled_from(PEOPLE))
    def fence(self, name: str) -> None:
        connection = self.people[name].connection
        if connection is not None:
            told = self.inside.do(connection, Ping(id="fence"))
            self.listen()
            assert any(getattr(message, "re", None) == "fence" for message in told)

    # -- what must always hold

    @invariant()
    def one_order_for_all(self) -> None:
        log = [(e.seq, e.sender, e.text) for e in self.inside.history.after(0, 100_000) if isinstance(e, Line)]
        assert [seq for seq, _, _ in log] == list(range(1, len(log) + 1))
        assert len({text for _, _, text in log}) == len(log), "a line exists twice"
        for person in self.people.values():
            assert person.seen == log[: len(person.seen)]
            for text, seq in person.acknowledged.items():
                assert log[seq - 1] == (seq, person.name, text), "an acknowledged line was lost"


RoomUnderFire.TestCase.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestRoomUnderFire = RoomUnderFire.TestCase
