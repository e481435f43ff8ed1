"""What one round of a room stages: the work for its commit, and what is released by it. Pure.

Law: released in this order: the round's entries to all in step, the presence frame, newcomers, private answers, ends.
"""

from itertools import groupby
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from roomproc.door import Admission
from roomproc.effects import Effect, ReadHistory, SearchHistory, Send, Transient
from roomproc.people import Connection, Stream
from roomproc.staged import Sent, Work
from wire.messages import Done, Enter, Entry, Error, Line, Message


class Entering(Struct):
    """A newcomer whose ticket is spent by this round's commit."""

    connection: Connection
    admission: Admission
    request: Enter


class PutOut(Struct, frozen=True):
    """A member's connections end, and the member leaves; with a `scope`, those of the sessions that it names."""

    key: str  # folded
    code: str
    text: str
    ordered: bool = False  # by the lobby, which does not ask whether our disk takes it
    scope: str = ""
    resume: bool = False


class Round:
    """One round's staging, filled by handlers and emptied by commit or abort."""

    def __init__(self, seq: int) -> None:
        self.seq = seq  # the newest number, with what is staged
        self.work = Work()
        self.entering: list[Entering] = []
        self.answers: dict[int, list[Any]] = {}  # of each connection, messages and effects that make one
        self.plain = True  # whether they are all messages
        self.transient: list[Transient] = []
        self.ends: list[tuple[int, Any, str]] = []  # (connection, last message, why)
        self.out: list[PutOut] = []
        self.spoke: set[Stream] = set()  # something was staged under each
        self.assigned: list[tuple[str, int]] = []  # those of `work.revoked` that the lobby told

    def add(self, entry: Entry, stream: Stream | None = None, message_id: str | UnsetType = UNSET) -> None:
        """Stage a numbered entry, under its sender's durable key where the line has an id."""
        self.seq = entry.seq
        if stream is None or message_id is UNSET:
            self.work.add(entry)
        else:
            self.work.add(entry, stream, message_id)
            self.key(stream, message_id, entry.seq)

    def add_run(self, lines: list[Line], stream: Stream, first_id: str) -> None:
        """Stage lines of one sender, whose ids count up from the first."""
        begin, count = lines[0].seq, len(lines)
        self.seq = lines[-1].seq
        self.work.entries += lines
        self.work.sent.append(Sent(stream, first_id, begin, count))
        self._speaks(stream)
        stream.remember_run(first_id, count, begin)

    def key(self, stream: Stream, message_id: str, seq: int) -> None:
        """Something was staged under this durable key; 0 for what has no number. A resend meets it from now on,
        and is answered with the same commit; an aborted round forgets it."""
        self._speaks(stream)
        stream.remember(message_id, seq)

    def _speaks(self, stream: Stream) -> None:
        self.spoke.add(stream)
        if not stream.noted and stream not in self.work.streams:
            self.work.streams.append(stream)

    def answer(self, to: int, what: Message) -> None:
        """What a request is told. A Done says that something is stored, and becomes an error when it was not."""
        if to in self.answers:
            self.answers[to].append(what)
        else:
            self.answers[to] = [what]

    def answer_run(self, to: int, done: list[Done]) -> None:
        """As `answer`, for many."""
        if to in self.answers:
            self.answers[to] += done
        else:
            self.answers[to] = done

    def look_up(self, effect: ReadHistory | SearchHistory) -> None:
        """An answer that is made of the log."""
        self.answers.setdefault(effect.to, []).append(effect)
        self.plain = False

    def told(self) -> list[Effect]:
        """The answers as effects, each connection's in the order in which it asked."""
        if self.plain:
            return [Send(to, messages) for to, messages in self.answers.items()]
        effects: list[Effect] = []
        for to, answers in self.answers.items():
            for lookups, some in groupby(answers, key=lambda answer: isinstance(answer, Effect)):
                run = list(some)
                effects += run if lookups else [Send(to, run)]
        return effects

    @property
    def puts_out(self) -> bool:
        """Whether anybody's connection may end with it."""
        return bool(self.out or self.assigned or self.ends)

    def abort(self, code: str, text: str) -> None:
        """Turn all that needed the commit into refusals."""
        for sent in self.work.sent:
            sent.stream.forget(sent.id, sent.count)
        for whisper in self.work.whispers:
            if whisper.stream is not None and whisper.id is not None:
                whisper.stream.forget(whisper.id)
        self.ends += [
            (newcomer.connection.id, Error(re=newcomer.request.id, code=code, text=text, fatal=True), code)
            for newcomer in self.entering
        ]
        gone = {newcomer.connection.id for newcomer in self.entering}
        self.answers = {
            to: [Error(re=what.re, code=code, text=text) if type(what) is Done else what for what in answers]
            for to, answers in self.answers.items()
            if to not in gone
        }
        self.entering, self.out = [], [order for order in self.out if order.ordered]

    def inherit(self, failed: "Round") -> None:
        """What the lobby told stands although that round failed: it is stored with the next one that does not.

        Else a later revocation's number would stand for this one as well, and a restart forget it."""
        self.assigned = failed.assigned
        self.work.revoked += failed.assigned
        told = failed.work.facts
        self.work.facts |= {name: told[name] for name in ("settings", "revoked_to") if name in told}
