"""The mailboxes: stored once, read in pages, in folders, gone when deleted, back after a crash if it was committed."""

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec import UNSET

from lobby import mailpages
from lobby.mailbox import Mailbox, Sent
from lobby.quota import Quota
from wire.errors import Refused

STREAM = "q1Zr" * 5
HOUR = 3_600


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[Mailbox]:
    mailbox = Mailbox(tmp_path / "mail.sqlite3", "off")
    yield mailbox
    mailbox.close()


def send(mail: Mailbox, *to: str, **changed: Any) -> Sent:
    values: dict[str, Any] = {
        "sender": "Ann",
        "stream": STREAM,
        "id": None,
        "to": list(to),
        "subject": "chess",
        "body": "Tuesday?\n",
        "at": 1_000,
        "wall": 1_000,
        "window_s": HOUR,
    }
    return mail.send(**(values | changed))


def test_a_mail_is_read_whole(mail: Mailbox) -> None:
    sent = send(mail, "Bob", "Cy", answers=7)
    assert sent == Sent(1, fresh=True, recipients=["Bob", "Cy"])
    got = mail.read("BOB", 1)
    assert (got.mail, got.sender, got.to, got.subject, got.body) == (1, "Ann", ["Bob", "Cy"], "chess", "Tuesday?\n")
    assert (got.at, got.read, got.answers) == (1_000, True, 7)
    send(mail, "Bob")
    assert mail.read("bob", 2).answers is UNSET


def test_a_recipient_named_twice_gets_one(mail: Mailbox) -> None:
    assert send(mail, "Bob", "bob", "Cy").recipients == ["bob", "Cy"]
    assert mail.count("BOB") == 1


def test_reading_and_marking_keep_the_count(mail: Mailbox) -> None:
    for _ in range(3):
        send(mail, "bob", "cy")
    assert (mail.unread("Bob"), mail.count("Bob")) == (3, 3)
    mail.read("bob", 2)
    mail.read("bob", 2)
    assert mail.unread("bob") == 2
    mail.mark("bob", 2, read=False)
    mail.mark("bob", 2, read=False)
    assert mail.unread("bob") == 3
    mail.delete("bob", 1)
    assert (mail.unread("bob"), mail.count("bob")) == (2, 3), "in the trash it does not count as unread"
    mail.delete("bob", 1)
    assert (mail.unread("bob"), mail.count("bob")) == (2, 2)
    assert (mail.unread("cy"), mail.unread("nobody")) == (3, 0)


def test_pages_go_from_the_newest_to_the_oldest(mail: Mailbox) -> None:
    for number in range(5):
        send(mail, "bob", subject=f"s{number}")
    send(mail, "cy")
    mail.read("bob", 4)
    rows, more = mail.page("bob", None, 2)
    assert [(row.mail, row.sender, row.subject, row.read) for row in rows] == [
        (5, "Ann", "s4", False),
        (4, "Ann", "s3", True),
    ]
    assert more
    rows, more = mail.page("bob", 4, 2)
    assert ([row.mail for row in rows], more) == ([3, 2], True)
    rows, more = mail.page("bob", 2, 2)
    assert ([row.mail for row in rows], more) == ([1], False)
    assert mail.page("nobody", None, 2) == ([], False)
    assert mail.page("bob", None, 0) == ([], True)


@pytest.mark.parametrize("number", [2, 0, 2**53])
def test_other_peoples_mail_is_no_mail(mail: Mailbox, number: int) -> None:
    send(mail, "bob")
    send(mail, "cy")
    for act in (mail.read, mail.delete, lambda owner, which: mail.mark(owner, which, read=True)):
        with pytest.raises(Refused) as refused:
            act("bob", number)
        assert refused.value.code == "no_such_mail"
    assert not mail.dirty or mail.count("cy") == 1


def test_the_text_goes_with_its_last_copy_and_the_number_is_not_used_again(mail: Mailbox, tmp_path: Path) -> None:
    send(mail, "bob", "cy")
    for owner in ("bob", "cy"):
        assert mail.read(owner, 1).body
        assert [mail.delete(owner, 1) for _ in range(2)] == [False, True]
    assert mail.read("ann", 1).body, "its sender has it"
    mail.remove("ann", 1)
    mail.commit()
    db = sqlite3.connect(tmp_path / "mail.sqlite3")
    assert db.execute("SELECT count(*) FROM mails").fetchone() == (0,)
    assert send(mail, "bob").mail == 2


def test_a_mail_sent_again_is_the_same(mail: Mailbox) -> None:
    first = send(mail, "Bob", "Cy", id="a1")
    again = send(mail, "Bob", "Cy", id="a1", sender="ANN", wall=1_000 + HOUR * 1000)
    assert again == Sent(first.mail, fresh=False, recipients=["Bob", "Cy"])
    assert mail.count("bob") == 1
    others: list[dict[str, Any]] = [{"id": "a2"}, {"id": "a1", "stream": STREAM[::-1]}, {"id": "a1", "sender": "Di"}]
    for other in others:
        assert send(mail, "bob", **other).fresh
    for owner in ("bob", "cy", "ann"):
        mail.remove(owner, first.mail)
    assert send(mail, "Bob", id="a1") == Sent(first.mail, fresh=False, recipients=[])


def test_without_id_or_stream_every_mail_is_a_new_one(mail: Mailbox) -> None:
    assert [send(mail, "bob").mail for _ in range(2)] == [1, 2]
    assert [send(mail, "bob", stream=None, id="a1").mail for _ in range(2)] == [3, 4]


def test_after_the_window_it_is_a_new_mail(mail: Mailbox) -> None:
    send(mail, "bob", id="a1")
    assert send(mail, "bob", id="a1", wall=1_001 + HOUR * 1000) == Sent(2, fresh=True, recipients=["bob"])


def test_what_was_committed_is_there_after_a_crash_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "mail.sqlite3"
    mail = Mailbox(path, "full")
    assert not mail.dirty
    send(mail, "bob", id="a1")
    assert mail.dirty
    mail.commit()
    assert not mail.dirty
    send(mail, "bob")
    mail._db._db.close()  # as a kill would
    mail = Mailbox(path, "full")
    assert mail.count("bob") == 1
    assert not send(mail, "bob", id="a1").fresh
    mail.close()


def test_rollback_forgets_the_round(mail: Mailbox) -> None:
    send(mail, "bob")
    mail.rollback()
    assert not mail.dirty
    assert (mail.count("bob"), mail.page("bob", None, 9)) == (0, ([], False))
    mail.commit()


def test_a_round_with_a_failed_write_cannot_be_committed(mail: Mailbox) -> None:
    send(mail, "bob")
    mail.commit()
    pages = mail._db.one("PRAGMA page_count")
    mail._db.read(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        send(mail, "bob", body="x" * 100_000)
    assert mail.dirty
    with pytest.raises(sqlite3.OperationalError, match="full"):  # the write's own fault: what became of it is known
        mail.commit()
    mail.rollback()
    assert mail.count("bob") == 1
    mail._db.read("PRAGMA max_page_count = 1000000")
    send(mail, "bob")
    mail.commit()


def test_checkpoint_empties_the_log_between_rounds(mail: Mailbox, tmp_path: Path) -> None:
    wal = tmp_path / "mail.sqlite3-wal"
    send(mail, "bob")
    mail.checkpoint()  # in the middle of a round: not now
    assert mail.dirty
    mail.commit()
    assert wal.stat().st_size > 0
    mail.checkpoint()
    assert wal.stat().st_size == 0


def test_the_file_is_private(mail: Mailbox, tmp_path: Path) -> None:
    for entry in tmp_path.iterdir():
        assert entry.stat().st_mode & 0o077 == 0, entry


# -- folders


def folder_of(mail: Mailbox, owner: str, number: int) -> str:
    state = mail.state(owner, number)
    assert state is not None
    return state[0]


def test_its_sender_has_it_in_sent(mail: Mailbox) -> None:
    send(mail, "bob", "cy")
    rows, _ = mail.page("ann", None, 9, folder="sent")
    assert [(row.mail, row.to, row.read, row.folder) for row in rows] == [(1, ["bob", "cy"], True, "sent")]
    assert (mail.page("ann", None, 9), mail.unread("ann")) == (([], False), 0)
    send(mail, "ANN", "bob")
    assert folder_of(mail, "ann", 2) == "inbox", "to oneself it arrives"
    assert mail.unread("ann") == 1


@pytest.mark.parametrize(
    ("steps", "ends"),
    [
        (["archive"], "archive"),
        (["archive", None], "inbox"),
        (["trash", None], "inbox"),
        (["archive", "trash", None], "archive"),
        (["archive", "trash", None, None], "inbox"),
        (["archive", "trash", "inbox"], "inbox"),
        (["trash", "archive", None], "inbox"),
        ([None, "inbox"], "inbox"),
    ],
)
def test_into_the_archive_and_the_trash_and_back(mail: Mailbox, steps: list[str | None], ends: str) -> None:
    send(mail, "bob")
    for step in steps:
        told = mail.move("bob", 1, step, 5)
    assert told == folder_of(mail, "bob", 1) == ends
    assert mail.unread("bob") == (ends == "inbox")


def test_a_mail_stays_of_its_folder(mail: Mailbox) -> None:
    send(mail, "bob")
    note = draft(mail)
    for owner, number, to in (("bob", 1, "sent"), ("bob", 1, "drafts"), ("ann", 1, "inbox"), ("ann", note, "archive")):
        with pytest.raises(Refused) as refused:
            mail.move(owner, number, to, 5)
        assert refused.value.code == "not_allowed"
    with pytest.raises(Refused):
        mail.move("cy", 1, "trash", 5)


def test_the_trash_is_emptied_by_hand_and_by_time(mail: Mailbox) -> None:
    day = 86_400_000
    for _ in range(4):
        send(mail, "bob")
    for number in (1, 2, 3):
        mail.delete("bob", number, wall=number * day)
    mail.tidy(32 * day - 1, 30)
    assert [row.mail for row in mail.page("bob", None, 9, folder="trash")[0]] == [3, 2]
    mail.tidy(99 * day, 0)
    assert mail.count("bob") == 3, "0 days: only by hand"
    assert mail.empty_trash("bob") == 2
    assert (mail.count("bob"), mail.unread("bob")) == (1, 1)
    assert mail.count("ann") == 4, "its sender keeps it"


def test_a_great_trash_is_removed_by_and_by(mail: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lobby.mailbox.PURGED", 2)
    for _ in range(5):
        send(mail, "ann", "bob")
    mail.empty("ann")
    assert not mail.tidy(1, 30), "bob has them"
    mail.empty("bob")
    assert [mail.tidy(1, 30) for _ in range(3)] == [True, True, False]
    assert mail._db.one("SELECT count(*) FROM mails") == 0
    assert mail._db.one("SELECT count(*) FROM words WHERE words MATCH 'chess'") == 0


def test_a_deleted_account_leaves_nothing_in_any_folder(mail: Mailbox) -> None:
    for number in range(1, 5):
        send(mail, "bob", id=f"a{number}")
    send(mail, "cy", sender="bob")
    draft(mail, owner="bob")
    mail.move("bob", 1, "archive", 5)
    mail.move("bob", 2, "trash", 5)
    mail.empty("BOB")
    assert mail.count("bob") == mail.unread("bob") == 0
    assert list(mail.every("bob")) == []
    assert mail.count("cy") == 1, "what they sent is the recipient's"


def test_stars(mail: Mailbox) -> None:
    for _ in range(3):
        send(mail, "bob")
    mail.mark("bob", 2, starred=True)
    mail.move("bob", 2, "archive", 5)
    mail.mark("bob", 3, starred=True)
    mail.mark("bob", 3, starred=False)
    assert [row.mail for row in mail.page("bob", None, 9, folder="", starred=True)[0]] == [2]
    assert mail.unread("bob") == 2, "a star reads nothing"


# -- threads


def test_a_thread_goes_on_by_replies(mail: Mailbox) -> None:
    send(mail, "bob", "cy")
    send(mail, "ann", sender="bob", answers=1)
    send(mail, "bob", answers=2)
    send(mail, "bob")
    assert [row.thread for row in mail.page("bob", None, 9, folder="")[0]] == [4, 1, 1, 1]
    newest, _ = mail.page("bob", None, 9, threads=True)
    assert [(row.mail, row.mails, row.read) for row in newest] == [(4, UNSET, False), (3, 3, False)]
    assert [row.mail for row in mail.page("bob", None, 9, folder="", thread=1)[0]] == [3, 2, 1]
    mail.read("bob", 3)
    assert [row.read for row in mail.page("bob", None, 9, threads=True)[0]] == [False, False], "the first is unread"
    mail.read("bob", 1)
    assert [row.read for row in mail.page("bob", None, 9, threads=True)[0]] == [False, True]
    assert [row.mail for row in mail.page("cy", None, 9, threads=True)[0]] == [1]


def test_threads_come_in_pages_and_each_once(mail: Mailbox) -> None:
    for number in range(6):
        send(mail, "bob", answers=number - 1 if number > 1 else None)
    first, more = mail.page("bob", None, 1, threads=True)
    assert more
    second, more = mail.page("bob", first[-1].mail, 9, threads=True)
    assert not more
    threads = [row.thread for row in first + second]
    assert len(threads) == len(set(threads))


def test_nobody_joins_a_thread_they_are_not_in(mail: Mailbox) -> None:
    send(mail, "bob")
    send(mail, "bob", sender="mallory", answers=1)
    assert mail.read("bob", 2).thread == 2


# -- drafts


def draft(box: Mailbox, /, **changed: Any) -> int:
    values: dict[str, Any] = {
        "owner": "Ann", "stream": STREAM, "id": None, "to": ["bob"], "subject": "", "body": "Dear B", "answers": None,
        "mail": None, "wall": 1_000, "window_s": HOUR,
    }  # fmt: skip
    return box.draft(**(values | changed))


def test_a_draft_is_kept_and_kept_again(mail: Mailbox) -> None:
    number = draft(mail)
    assert draft(mail, mail=number, body="Dear Bob", to=["bob", "?"], wall=2_000) == number
    got = mail.read("ann", number)
    assert (got.body, got.to, got.at, got.folder) == ("Dear Bob", ["bob", "?"], 2_000, "drafts")
    assert [row.bytes for row in mail.folders("ann") if row.folder == "drafts"] == [8]
    assert mail.count("bob") == 0
    mail.delete("ann", number)
    with pytest.raises(Refused):
        draft(mail, mail=number)
    assert mail.move("ann", number, None, 5) == "drafts"


def test_a_draft_that_is_sent_again_is_the_same(mail: Mailbox) -> None:
    assert draft(mail, id="d1") == draft(mail, id="d1") == 1


def test_what_is_no_draft_of_ones_own_is_not_written_over(mail: Mailbox) -> None:
    send(mail, "ann", sender="bob")
    for owner, number in (("ann", 1), ("bob", 1), ("cy", draft(mail))):
        with pytest.raises(Refused) as refused:
            draft(mail, owner=owner, mail=number)
        assert refused.value.code == "no_such_mail"
    assert mail.read("ann", 1).body == "Tuesday?\n"


# -- from elsewhere


def keep(mail: Mailbox, **changed: Any) -> tuple[int, bool]:
    values: dict[str, Any] = {
        "owner": "bob", "sender": "Zoe <zoe@example.org>", "to": ["list@example.org"], "subject": "old news",
        "body": "It was.", "at": 7, "wall": 1_000,
    }  # fmt: skip
    return mail.keep(**(values | changed))


def test_mail_from_elsewhere_is_kept_once(mail: Mailbox) -> None:
    assert [keep(mail) for _ in range(2)] == [(1, True), (1, False)]
    assert keep(mail, owner="cy") == (2, True), "another's mailbox is another's"
    assert keep(mail, body="It was not.") == (3, True)
    got = mail.read("bob", 1)
    assert (got.sender, got.to, got.at, got.read) == ("Zoe <zoe@example.org>", ["list@example.org"], 7, True)


def test_it_lies_where_it_lay(mail: Mailbox) -> None:
    places = [
        keep(mail, at=number, folder=folder, sender=sender, starred=True)[0]
        for number, (folder, sender) in enumerate(
            [("inbox", "zoe"), ("sent", "Bob"), ("drafts", "bob"), ("archive", "BOB"), ("trash", "zoe")]
        )
    ]
    assert [folder_of(mail, "bob", number) for number in places] == ["inbox", "sent", "drafts", "archive", "trash"]
    assert mail.move("bob", places[3], None, 5) == "sent"
    assert mail.move("bob", places[4], None, 5) == "inbox"
    assert len(mail.page("bob", None, 9, folder="", starred=True)[0]) == 5


def test_all_of_somebodys_mail(mail: Mailbox) -> None:
    for number in range(5):
        send(mail, "bob", body=f"body {number}")
    mail.delete("bob", 2)
    mail.mark("bob", 3, starred=True)
    draft(mail, owner="bob")
    assert [(one.mail, one.folder, one.starred) for one in mailpages.every(mail._db.read, "bob", at_once=2)] == [
        (1, "inbox", UNSET), (2, "trash", UNSET), (3, "inbox", True), (4, "inbox", UNSET), (5, "inbox", UNSET),
        (6, "drafts", UNSET),
    ]  # fmt: skip
    assert [one.body for one in mail.every("bob")][:2] == ["body 0", "body 1"]
    assert mail.unread("bob") == 4, "left as it is"


# -- what fits in


def test_the_trash_gives_way(mail: Mailbox) -> None:
    for _ in range(4):
        send(mail, "bob")
    for number in (3, 1, 2):
        mail.delete("bob", number)
    mail.give_way("bob", 1, Quota(mails=4))
    assert [row.mail for row in mail.page("bob", None, 9, folder="trash")[0]] == [3, 2], "the oldest"
    mail.give_way("bob", 1, Quota(bytes=30))
    assert mail.count("bob") == 2
    mail.give_way("bob", 1, Quota(mails=1))
    assert mail.count("bob") == 1, "nothing but the trash"
    mail.give_way("bob", 1, Quota())


class Mailboxes(RuleBasedStateMachine):
    """The counts that triggers keep are always those one would count, and pages show all of it."""

    people = st.sampled_from(["ann", "bob", "cy"])

    def __init__(self) -> None:
        super().__init__()
        self.home = tempfile.TemporaryDirectory()
        self.mail = Mailbox(Path(self.home.name) / "mail.sqlite3", "off")
        self.model: dict[tuple[str, int], tuple[str, bool]] = {}  # folder, read
        self.saved = dict(self.model)

    @rule(to=st.lists(people, min_size=1, max_size=3), answers=st.none() | st.integers(1, 12))
    def send(self, to: list[str], answers: int | None) -> None:
        sent = send(self.mail, *to, answers=answers)
        self.model |= {(owner, sent.mail): ("inbox", False) for owner in to}
        self.model.setdefault(("ann", sent.mail), ("sent", True))

    @rule(
        owner=people,
        mail=st.integers(1, 12),
        what=st.sampled_from(["read", "unread", "archive", "back", "delete", "remove"]),
    )
    def act(self, owner: str, mail: int, what: str) -> None:
        folder, read = self.model.get((owner, mail), ("", False))
        try:
            match what:
                case "read":
                    self.mail.read(owner, mail)
                    read = True
                case "unread":
                    self.mail.mark(owner, mail, read=False)
                    read = False
                case "archive" | "back":
                    folder = self.mail.move(owner, mail, "archive" if what == "archive" else None, 1)
                case "delete":
                    folder = "" if self.mail.delete(owner, mail) else "trash"
                case "remove" if folder:
                    self.mail.remove(owner, mail)
                    folder = ""
        except Refused:
            assert not folder
            return
        if folder:
            self.model[owner, mail] = (folder, read)
        else:
            self.model.pop((owner, mail), None)

    @rule(owner=people)
    def empty(self, owner: str) -> None:
        self.mail.empty_trash(owner)
        self.model = {key: copy for key, copy in self.model.items() if key[0] != owner or copy[0] != "trash"}

    @rule(wall=st.integers(0, 3))
    def tidy(self, wall: int) -> None:
        self.mail.tidy(wall, 30)  # nothing is old enough; what nobody has goes

    @rule(keep=st.booleans())
    def end_of_round(self, keep: bool) -> None:
        if keep:
            self.mail.commit()
            self.saved = dict(self.model)
        else:
            self.mail.rollback()
            self.model = dict(self.saved)

    @invariant()
    def counts_and_pages_are_right(self) -> None:
        for owner in ("ann", "bob", "cy"):
            mine = {mail: copy for (who, mail), copy in self.model.items() if who == owner}
            assert self.mail.count(owner) == len(mine)
            assert self.mail.unread(owner) == sum(copy == ("inbox", False) for copy in mine.values())
            for row in self.mail.folders(owner):
                inside = {mail: read for mail, (folder, read) in mine.items() if folder == row.folder}
                rows, more = self.mail.page(owner, None, 1000, folder=row.folder)
                assert {found.mail: found.read for found in rows} == inside
                assert [found.mail for found in rows] == sorted(inside, reverse=True)
                assert (row.mails, row.unread, more) == (len(inside), sum(not r for r in inside.values()), False)
                threads, _ = self.mail.page(owner, None, 1000, folder=row.folder, threads=True)
                assert [t.thread for t in threads] == list(dict.fromkeys(found.thread for found in rows))

    @invariant()
    def the_index_follows(self) -> None:
        self.mail._db.read("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")

    def teardown(self) -> None:
        self.mail.close()
        self.home.cleanup()


TestMailboxes = Mailboxes.TestCase
TestMailboxes.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
