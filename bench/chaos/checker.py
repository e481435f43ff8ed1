"""The judge: from a run's evidence to the violations of what Parlour promises. Pure, and written apart from its code.

Each function looks at one promise. A violation is one sentence that says what was promised to whom and what was found.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from bench.chaos.records import Evidence, Gap, Inbox, Line, MailFile, Opened, RoomFile, Said, Sample, View, Whisper

DEAD_SECONDS: Final = 1.0  # the listing may show a dead room as running for so long
STUCK_SECONDS: Final = 10.0  # and a stuck one
WHISPER_SECONDS: Final = 540.0  # whispers are kept for ten minutes; older ones cannot be looked for
SHOWN: Final = 8  # violations of one kind that are told in full


class Violation(NamedTuple):
    kind: str
    text: str


def check(evidence: Evidence) -> list[Violation]:
    """All violations, in the order of the promises."""
    found: list[Violation] = []
    files = {file.room: file for file in evidence.files}
    said: dict[str, list[Said]] = defaultdict(list)
    for line in evidence.lines:
        said[line.room].append(line)
    for room, file in files.items():
        found += check_file(file, said[room])
        found += check_acknowledged(file, said[room])
    for view in evidence.views:
        found += check_view(view, files[view.room])
    found += check_order_of_streams(evidence.lines)
    found += check_whispers(evidence, files)
    found += check_mail(evidence.mails, evidence.mail_file, evidence.inboxes)
    found += check_served([*evidence.lines, *evidence.whispers, *evidence.mails])
    found += check_listing(evidence.samples, evidence.died, evidence.paused, evidence.unwatched)
    found += [Violation("strange", text) for text in evidence.strange]
    found += [Violation("file", text) for text in evidence.unreadable]
    return found


# -- a room's file


def check_file(file: RoomFile, said: Iterable[Said]) -> Iterator[Violation]:
    """Numbers without a gap, times that do not go back, every text once, and nothing that nobody said."""
    for before, line in pairwise(file.lines):
        if line.seq != before.seq + 1:
            yield Violation("numbers", f"{file.room}: in the file {line.seq} follows {before.seq}")
        if line.at < before.at:
            yield Violation("numbers", f"{file.room}: line {line.seq} is older than {before.seq}")
    known = {line.text: line.sender for line in said}
    for text, count in Counter(line.text for line in file.lines).items():
        if count > 1:
            where = [line.seq for line in file.lines if line.text == text]
            yield Violation("twice", f"{file.room}: '{text}' is stored {count} times, as {where}")
    for line in file.lines:
        if line.text not in known:
            yield Violation("invented", f"{file.room}: nobody said line {line.seq}, '{line.text}'")
        elif known[line.text] != line.sender:
            yield Violation("invented", f"{file.room}: line {line.seq} of {known[line.text]} is under {line.sender}")


def check_acknowledged(file: RoomFile, said: Iterable[Said]) -> Iterator[Violation]:
    """What was acknowledged is stored, under the number that was told, the same each time."""
    texts = {line.seq: line.text for line in file.lines}
    where = {line.text: line.seq for line in file.lines}
    for line in said:
        if len(set(line.acks)) > 1:
            yield Violation("number", f"{file.room}: '{line.text}' was acknowledged as {sorted(set(line.acks))}")
        for seq in set(line.acks):
            if texts.get(seq) == line.text:
                continue
            if line.text not in where:
                yield Violation("lost", f"{file.room}: '{line.text}' was acknowledged as {seq} and is not in the file")
            else:
                is_at = where[line.text]
                yield Violation(
                    "number", f"{file.room}: '{line.text}' was acknowledged as {seq} and is stored as {is_at}"
                )
        if line.dropped and not line.acks and line.text in where:
            yield Violation("refused", f"{file.room}: '{line.text}' was refused and is in the file")


def check_order_of_streams(said: Iterable[Said]) -> Iterator[Violation]:
    """Lines of one sender that were never refused stand in the order in which they were sent."""
    newest: dict[str, tuple[int, str]] = {}
    for line in said:
        if line.refused or line.once or not line.acks:
            continue
        before, text = newest.get(line.stream, (0, ""))
        if line.acks[0] <= before:
            yield Violation(
                "order", f"{line.room}: '{line.text}' is {line.acks[0]}, but was sent after '{text}', {before}"
            )
        newest[line.stream] = max((before, text), (line.acks[0], line.text))


# -- a member's view


def check_view(view: View, file: RoomFile) -> list[Violation]:
    """Every number once and in order, what is missing told as a gap, and each line as the file has it."""
    judge = _Viewer(view, file)
    for what in view.told:
        judge.look(what)
    if view.whole and file.lines and judge.next != file.lines[-1].seq + 1:
        judge.add("gap", f"it ends before {judge.next}, and the room's last number is {file.lines[-1].seq}")
    return judge.found


class _Viewer:
    def __init__(self, view: View, file: RoomFile) -> None:
        self.who = f"{view.room}: in {view.member}'s view"
        self.kept = {line.seq: line for line in file.lines}
        self.next = 1  # the number that has to come
        self.epoch: int | None = None
        self.found: list[Violation] = []

    def add(self, kind: str, text: str) -> None:
        self.found.append(Violation(kind, f"{self.who} {text}"))

    def look(self, what: Line | Opened | Gap) -> None:
        if isinstance(what, Opened):
            self._opened(what)
        elif isinstance(what, Gap):
            if what.first != self.next or what.last < what.first:
                self.add("gap", f"a gap {what.first} to {what.last} was told when {self.next} was to come")
            self.next = what.last + 1
        else:
            self._line(what)

    def _opened(self, opened: Opened) -> None:
        if self.epoch is not None and opened.epoch != self.epoch:
            self.add("epoch", f"the epoch went from {self.epoch} to {opened.epoch}")
        self.epoch = opened.epoch
        if opened.since is not None:
            if opened.since > opened.seq:
                self.add("lost", f"{opened.since} was seen, and then the room's newest number was {opened.seq}")
            self.next = opened.since + 1
        else:
            self.next = max(opened.first, opened.seq - opened.last + 1)

    def _line(self, line: Line) -> None:
        if line.seq < self.next:
            self.add("twice", f"{line.seq} came when {self.next} was to come: '{line.text}'")
        elif line.seq > self.next:
            self.add("gap", f"{line.seq} came when {self.next} was to come, and no gap was told")
        self.next = max(self.next, line.seq + 1)
        kept = self.kept.get(line.seq)
        if kept is None:
            self.add("lost", f"{line.seq} was '{line.text}', which is not in the file")
        elif kept != line:
            self.add("order", f"{line.seq} was {line[1:]}, and the file has {kept[1:]}")


# -- whispers and mail


def check_whispers(evidence: Evidence, files: dict[str, RoomFile]) -> Iterator[Violation]:
    """An acknowledged whisper is stored once and reaches its recipient once, and nobody else."""
    stored = {room: Counter(whisper.text for whisper in file.whispers) for room, file in files.items()}
    views = {(view.room, view.member): view for view in evidence.views}
    told = {key: Counter(whisper.text for whisper in view.whispers) for key, view in views.items()}
    for view in evidence.views:
        yield from _whispers_told(view)
    for said in evidence.whispers:
        count = stored[said.room][said.text] if said.room in stored else 0
        recent = said.acked_at > evidence.ended - WHISPER_SECONDS
        if count > 1:
            yield Violation("twice", f"{said.room}: the whisper '{said.text}' is stored {count} times")
        if said.acks and recent and not count:
            yield Violation("lost", f"{said.room}: the whisper '{said.text}' was acknowledged and is not in the file")
        if said.dropped and not said.acks and count:
            yield Violation("refused", f"{said.room}: the whisper '{said.text}' was refused and is in the file")
        reader = views.get((said.room, said.to))
        came = told.get((said.room, said.to), Counter())[said.text]
        if reader is not None and reader.whole and said.acks and not came:
            yield Violation(
                "lost", f"{said.room}: the whisper '{said.text}' was acknowledged and did not reach {said.to}"
            )


def _whispers_told(view: View) -> Iterator[Violation]:
    newest = 0
    for whisper in view.whispers:
        if view.member not in (whisper.to, whisper.sender):
            yield Violation("whisper", f"{view.room}: {view.member} was told a whisper to {whisper.to}")
        if whisper.number <= newest:
            yield Violation("twice", f"{view.room}: {view.member} was told whisper {whisper.number} after {newest}")
        newest = max(newest, whisper.number)
    for text, count in Counter(whisper.text for whisper in view.whispers).items():
        if count > 1:
            yield Violation("twice", f"{view.room}: {view.member} was told the whisper '{text}' {count} times")


def check_mail(said: Iterable[Said], file: MailFile, inboxes: Iterable[Inbox]) -> Iterator[Violation]:
    """An acknowledged mail is stored once, in its recipient's inbox, under the number told, and listed once."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for number, body in file.mails:
        numbers[body].append(number)
    copies = Counter(file.copies)
    for mail in said:
        has = numbers.pop(mail.text, [])
        if len(has) > 1:
            yield Violation("mail", f"the mail '{mail.text}' is stored {len(has)} times, as {has}")
        if len(set(mail.acks)) > 1:
            yield Violation("mail", f"the mail '{mail.text}' was acknowledged as {sorted(set(mail.acks))}")
        if mail.acks and not has:
            yield Violation("mail", f"the mail '{mail.text}' was acknowledged and is not stored")
        elif mail.acks and has[0] != mail.acks[0]:
            yield Violation("mail", f"the mail '{mail.text}' was acknowledged as {mail.acks[0]} and is {has[0]}")
        if has and copies[mail.to, has[0]] != 1:
            yield Violation("mail", f"the mail '{mail.text}' is {copies[mail.to, has[0]]} times in {mail.to}'s inbox")
    for body, has in numbers.items():
        yield Violation("mail", f"nobody sent the mail '{body}', which is stored as {has}")
    yield from _inboxes(file, inboxes)


def _inboxes(file: MailFile, inboxes: Iterable[Inbox]) -> Iterator[Violation]:
    for inbox in inboxes:
        stored = {number for owner, number in file.copies if owner == inbox.owner}
        seen: set[int] = set()
        for listed in inbox.listed:
            if any(later >= earlier for earlier, later in pairwise(listed)):
                yield Violation("mail", f"{inbox.owner}'s inbox is listed out of order or twice: {listed[:40]}")
            gone = seen - set(listed)
            if gone:
                yield Violation("mail", f"{inbox.owner}'s inbox lost {sorted(gone)[:10]}, which it had listed")
            seen |= set(listed)
        if inbox.listed and set(inbox.listed[-1]) != stored:
            yield Violation(
                "mail", f"{inbox.owner}'s last listing and the file differ by {stored ^ set(inbox.listed[-1])}"
            )
        for number, count in Counter(inbox.news).items():
            if count > 1:
                yield Violation("mail", f"{inbox.owner} was told of the new mail {number} {count} times")
            if number not in stored:
                yield Violation("mail", f"{inbox.owner} was told of mail {number}, which is not stored")


# -- service and the listing


def check_served(said: Iterable[Said]) -> Iterator[Violation]:
    """After everything healed every line gets its answer."""
    for line in said:
        if not line.acks and not line.dropped and not line.once and line.tries:
            yield Violation("unserved", f"{line.room}: '{line.text}' of {line.sender} was never answered")


def check_listing(
    samples: Iterable[Sample],
    died: dict[int, float],
    paused: dict[int, list[tuple[float, float]]],
    unwatched: Iterable[tuple[float, float]] = (),
) -> Iterator[Violation]:
    """No row shows a dead process as running for longer than a second, nor a stuck one for longer than ten.

    A lobby that was itself away or held up has that time from when it answers again; and a nursery that stood still
    beside the room is given that time too.
    """
    dead = dict(died)
    told: set[int] = set()
    for sample in samples:
        if not sample.pid or sample.state != "running" or sample.pid in told:
            continue
        if not sample.alive:
            since = dead.setdefault(sample.pid, sample.asked)
            shown = sample.asked - max(since, sample.prompt)
            if shown > DEAD_SECONDS:
                told.add(sample.pid)
                text = f"{sample.room}: process {sample.pid} is listed as running {shown:.1f} s after its end"
                yield Violation("listing", text)
            continue
        for begun, ended in paused.get(sample.pid, ()):
            if sample.asked > ended:
                continue
            shown = sample.asked - max(begun, sample.prompt)
            shown -= sum(max(0.0, min(end, sample.asked) - max(start, begun)) for start, end in unwatched)
            if shown > STUCK_SECONDS:
                told.add(sample.pid)
                text = f"{sample.room}: process {sample.pid} is listed as running {shown:.1f} s after it got stuck"
                yield Violation("listing", text)


# -- the account


def account(violations: list[Violation]) -> str:
    """The violations for people: counted by kind, the first of each kind in full."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for violation in violations:
        kinds[violation.kind].append(violation.text)
    rows = []
    for kind, texts in kinds.items():
        rows.append(f"VIOLATION {kind}: {len(texts)}")
        rows += [f"  {text}" for text in texts[:SHOWN]]
        if len(texts) > SHOWN:
            rows.append(f"  … and {len(texts) - SHOWN} more")
    return "\n".join(rows)


__all__ = ["Violation", "Whisper", "account", "check"]
