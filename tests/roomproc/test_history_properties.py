"""The room's file against a model that is a list: rounds of every size, pages, moments, keys, retention, new starts."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from roomproc.history import History
from roomproc.people import Stream
from roomproc.staged import Sent, Work
from wire.messages import Entry, Line, Topic

SENDERS = ["ann", "bob"]
somewhere = st.floats(-0.1, 1.2)


class FileAndList(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "log.sqlite3"
        self.entries: list[Entry] = []
        self.keys: dict[tuple[str, str], int] = {}  # by sender and id
        self.dropped = 0
        self.at = 1_000
        self.before = ""  # what stands before the counts of ids
        self.ids = dict.fromkeys(SENDERS, 0)
        self.start()

    def start(self) -> None:
        self.history = History(self.path, "off")
        opened = self.history.open(500)
        assert (opened.seq, opened.first) == (len(self.entries), min(self.dropped + 1, max(1, len(self.entries))))
        self.streams = {
            who: Stream(who, f"stream-of-{who}", self.history.stream(who, f"stream-of-{who}")) for who in SENDERS
        }

    def teardown(self) -> None:
        self.history.close()
        self.folder.cleanup()

    def kept(self) -> list[Entry]:
        return self.entries[self.dropped :]

    def number(self, where: float) -> int:
        return int(self.dropped + where * (len(self.entries) - self.dropped))

    # -- what happens

    @rule(runs=st.lists(st.tuples(st.sampled_from(SENDERS), st.sampled_from([1, 1, 2, 7, 40, 150])), max_size=6),
          topic=st.booleans(), counted=st.booleans())  # fmt: skip
    def a_round(self, runs: list[tuple[str, int]], topic: bool, counted: bool) -> None:
        work = Work()
        self.at += 1
        before = self.before
        for who, count in runs:
            begin, first = len(self.entries) + 1, self.ids[who] + 1
            for number in range(count):
                entry = Line(seq=begin + number, at=self.at, sender=who, text=f"{who} {first + number}")
                work.entries.append(entry)
                self.entries.append(entry)
                self.keys[who, f"{before}{first + number}" if counted or count > 1 else f"x{first}x"] = entry.seq
            work.sent.append(
                Sent(self.streams[who], f"{before}{first}" if counted or count > 1 else f"x{first}x", begin, count)
            )
            self.ids[who] += count + 1
        if topic:
            entry = Topic(seq=len(self.entries) + 1, at=self.at, sender="ann", topic=f"about {self.at}")
            work.entries.append(entry)
            self.entries.append(entry)
        work.streams = [stream for stream in self.streams.values() if any(sent.stream is stream for sent in work.sent)]
        self.history.commit(work)

    @rule()
    def a_new_start(self) -> None:
        self.history.close()
        self.before = "" if self.before else "run-2-"
        self.start()

    @rule(where=somewhere, most=st.sampled_from([1, 5, 100, 1_000]))
    def retention(self, where: float, most: int) -> None:
        before = min(self.number(where), len(self.entries))  # the newest stays
        first = self.history.drop_before(before, most)
        expected = max(self.dropped + 1, min(before, self.dropped + 1 + most))
        if self.entries:
            assert first == expected
            self.dropped = first - 1

    # -- what must always hold

    @rule(where=somewhere, limit=st.sampled_from([1, 10, 100, 400]))
    def a_page(self, where: float, limit: int) -> None:
        seq = self.number(where)
        assert self.history.after(seq, limit) == [e for e in self.kept() if e.seq > seq][:limit]
        assert self.history.before(seq, limit) == [e for e in self.kept() if e.seq < seq][-limit:]

    @rule(ago=st.integers(-1, 10))
    def a_moment(self, ago: int) -> None:
        at = self.at - ago
        found = self.history.first_at(at, self.dropped + 1, len(self.entries))
        assert found == next((entry.seq for entry in self.kept() if entry.at >= at), len(self.entries) + 1)

    @rule(some=st.randoms(use_true_random=False))
    def a_resend(self, some) -> None:
        for who in SENDERS:
            number = self.streams[who].number
            if number is None:
                continue
            sent = [(key, seq) for (sender, key), seq in self.keys.items() if sender == who]
            for key, seq in some.sample(sent, min(5, len(sent))):
                assert self.history.sent(number, key) == seq
            for key in (str(self.ids[who] + 1), "0", "-1", "x0", "007", str(10**30)):
                assert self.history.sent(number, key) is None

    @invariant()
    def its_extent(self) -> None:
        if self.entries:
            assert self.history.extent() == (self.dropped + 1, len(self.entries))


FileAndList.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestFileAndList = FileAndList.TestCase
