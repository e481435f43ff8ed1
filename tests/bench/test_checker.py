"""The judge catches each kind of violation, on histories made by hand, and finds nothing in a good one."""
# ruff: noqa: E501 - a table is read by its lines

from collections.abc import Callable

import pytest

from bench.chaos.checker import account, check
from bench.chaos.records import (
    Evidence,
    Gap,
    Inbox,
    Line,
    MailFile,
    Opened,
    RoomFile,
    Said,
    Sample,
    View,
    Whisper,
    compact,
)  # fmt: skip

DEAD, STUCK, FINE = 111, 222, 333


def good() -> Evidence:
    """Ann says three lines and a whisper to Ben, sets the topic, and mails; Ben breaks off and comes back."""
    lines = [
        Line(1, 10, "ann", "a1"),
        Line(2, 10, "ann", "a2"),
        Line(3, 11, "ann", "topic:t"),
        Line(4, 12, "ann", "a3"),
    ]
    whisper = Whisper(1_000, "ann", "ben", "psst")
    return Evidence(
        lines=[
            Said("hall", "ann", "s", "a1", acks=[1], tries=1),
            Said("hall", "ann", "s", "a2", acks=[2, 2], tries=2),
            Said("hall", "ann", "s", "topic:t", acks=[3], tries=1, once=True),
            Said("hall", "ann", "s", "a3", acks=[4], tries=2),
            Said("hall", "ann", "s", "topic:never stored", tries=1, once=True),
        ],
        whispers=[Said("hall", "ann", "s", "psst", to="ben", acks=[0], tries=1, acked_at=90.0)],
        mails=[Said("mail", "ann", "m", "dear ben", to="ben", acks=[7], tries=1)],
        views=[
            View("ann", "hall", [Opened(None, 5, 0, 1, 99), *lines], [], whole=True),
            View("ben", "hall", [Opened(None, 5, 2, 1, 99), *lines[:2], Opened(2, 5, 4, 1, 99), *lines[2:]], [whisper], whole=True),
            View("eve", "hall", [Opened(None, 1, 2, 1, 99), lines[1], Opened(2, 5, 4, 4, 99), Gap(3, 3), lines[3]]),
        ],
        inboxes=[Inbox("ben", [[], [7]], [7])],
        files=[RoomFile("hall", list(lines), [whisper])],
        mail_file=MailFile([(7, "dear ben")], [("ben", 7)]),
        samples=[
            Sample(10.5, 0.0, "hall", "running", DEAD, alive=False),  # half a second after its end
            Sample(12.0, 0.0, "hall", "starting", DEAD, alive=False),
            Sample(12.0, 11.9, "hall", "running", DEAD, alive=False),  # the lobby has only just come back
            Sample(29.0, 0.0, "hall", "running", STUCK, alive=True),
            Sample(35.0, 0.0, "hall", "running", STUCK, alive=True),  # it goes on again
            Sample(36.0, 0.0, "hall", "running", FINE, alive=True),
        ],
        died={DEAD: 10.0},
        paused={STUCK: [(20.0, 30.0)]},
        ended=100.0,
    )  # fmt: skip


def test_a_good_run_has_no_violation() -> None:
    assert check(good()) == []


def test_a_nursery_that_stood_still_is_given_that_time() -> None:
    evidence = good()
    evidence.paused[STUCK] = [(20.0, 34.0)]
    evidence.unwatched.append((15.0, 23.0))
    evidence.samples.append(Sample(32.5, 0.0, "hall", "running", STUCK, alive=True))
    assert check(evidence) == []
    evidence.samples.append(Sample(33.5, 0.0, "hall", "running", STUCK, alive=True))
    assert [violation.kind for violation in check(evidence)] == ["listing"]


def lines(evidence: Evidence) -> list[Line]:
    return evidence.files[0].lines


def ann(evidence: Evidence) -> View:
    return evidence.views[0]


def ben(evidence: Evidence) -> View:
    return evidence.views[1]


Spoil = Callable[[Evidence], object]
SPOILT: list[tuple[str, str, Spoil]] = [
    ("lost", "an acknowledged line is not in the file", lambda e: e.lines.append(Said("hall", "ann", "s", "a4", acks=[5], tries=1))),
    ("lost", "a line that was shown is not in the file", lambda e: ann(e).told.append(Line(5, 12, "ann", "a5"))),
    ("lost", "the room forgot a number that was seen", lambda e: ben(e).told.append(Opened(6, 5, 4, 1, 99))),
    ("lost", "a whisper is not in the file", lambda e: e.files[0].whispers.clear()),
    ("lost", "a whisper did not reach", lambda e: ben(e).whispers.clear()),
    ("number", "stored under another number", lambda e: e.lines[0].acks.__setitem__(0, 2)),
    ("number", "acknowledged under two numbers", lambda e: e.lines[1].acks.append(3)),
    ("twice", "a line is stored twice", lambda e: lines(e).append(Line(5, 12, "ann", "a1"))),
    ("twice", "a line was shown twice", lambda e: ann(e).told.append(lines(e)[3])),
    ("twice", "a whisper is stored twice", lambda e: e.files[0].whispers.append(Whisper(1_001, "ann", "ben", "psst"))),
    ("twice", "a whisper was told twice", lambda e: ben(e).whispers.append(Whisper(1_000, "ann", "ben", "psst"))),
    ("twice", "a whisper was told under two numbers", lambda e: ben(e).whispers.append(Whisper(1_001, "ann", "ben", "psst"))),
    ("whisper", "a whisper was told to another", lambda e: e.views[2].whispers.append(Whisper(1_000, "ann", "ben", "psst"))),
    ("order", "two members saw different lines", lambda e: ann(e).told.__setitem__(2, Line(2, 10, "ann", "a3"))),
    ("order", "another time than the file", lambda e: ann(e).told.__setitem__(2, Line(2, 11, "ann", "a2"))),
    ("order", "one sender's lines changed places", lambda e: e.lines.insert(0, e.lines.pop(3))),
    ("gap", "a number was left out", lambda e: ann(e).told.pop(2)),
    ("gap", "a number was left out after a return", lambda e: ben(e).told.pop(4)),
    ("gap", "a gap was told that there was not", lambda e: ann(e).told.append(Gap(9, 10))),
    ("gap", "the end did not come", lambda e: ben(e).told.pop()),
    ("numbers", "the file has a hole", lambda e: lines(e).pop(1)),
    ("numbers", "time goes back in the file", lambda e: lines(e).__setitem__(3, Line(4, 3, "ann", "a3"))),
    ("epoch", "the epoch changed", lambda e: ben(e).told.append(Opened(4, 5, 4, 1, 100))),
    ("invented", "the file has what nobody said", lambda e: lines(e).append(Line(5, 12, "ann", "who said this?"))),
    ("invented", "the file has it under another's name", lambda e: lines(e).__setitem__(3, Line(4, 12, "ben", "a3"))),
    ("refused", "what was refused is stored", lambda e: e.lines.__setitem__(3, Said("hall", "ann", "s", "a3", tries=1, dropped=True))),
    ("unserved", "a line was never answered", lambda e: e.lines.append(Said("hall", "ann", "s", "a9", tries=4))),
    ("mail", "an acknowledged mail is not stored", lambda e: e.mail_file.mails.clear()),
    ("mail", "a mail is stored twice", lambda e: e.mail_file.mails.append((8, "dear ben"))),
    ("mail", "a mail has another number", lambda e: e.mails[0].acks.__setitem__(0, 6)),
    ("mail", "a mail was acknowledged under two numbers", lambda e: e.mails[0].acks.append(8)),
    ("mail", "a mail is in nobody's inbox", lambda e: e.mail_file.copies.clear()),
    ("mail", "nobody sent it", lambda e: e.mail_file.mails.append((8, "spam"))),
    ("mail", "a mail is listed twice", lambda e: e.inboxes[0].listed.append([7, 7])),
    ("mail", "a mail is listed no more", lambda e: e.inboxes[0].listed.append([])),
    ("mail", "a mail was announced twice", lambda e: e.inboxes[0].news.append(7)),
    ("mail", "a mail was announced and not stored", lambda e: e.inboxes[0].news.append(9)),
    ("listing", "a dead room is listed as running", lambda e: e.samples.append(Sample(11.5, 0.0, "hall", "running", DEAD, alive=False))),
    ("listing", "a room that died by itself is listed", lambda e: e.samples.extend(
        Sample(at, 0.0, "hall", "running", 444, alive=False) for at in (50.0, 50.9, 51.2))),
    ("listing", "a stuck room is listed as running", lambda e: (
        e.paused.update({STUCK: [(20.0, 99.0)]}), e.samples.append(Sample(30.5, 0.0, "hall", "running", STUCK, alive=True)))),
    ("strange", "what no server should say", lambda e: e.strange.append("internal")),
    ("file", "a file is corrupt", lambda e: e.unreadable.append("hall: row 3 missing from index")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "what", "spoil"), SPOILT, ids=[what for _, what, _ in SPOILT])
def test_each_violation_is_found(kind: str, what: str, spoil: Spoil) -> None:
    evidence = good()
    spoil(evidence)
    found = check(evidence)
    assert kind in {violation.kind for violation in found}, found


def test_the_account_counts_and_does_not_drown() -> None:
    evidence = good()
    evidence.strange += [f"oddity {number}" for number in range(50)]
    text = account(check(evidence))
    assert "VIOLATION strange: 50" in text
    assert "oddity 0" in text
    assert "and 42 more" in text
    assert len(text.splitlines()) == 10


def test_texts_are_the_same_when_what_is_kept_of_them_is() -> None:
    assert compact("a.1 xxxx") == "a.1 +4"
    assert compact("a.1") == "a.1"
    assert compact("a.1 xxxx") != compact("a.1 xxx")
