"""The inboxes: stored once, read in pages, gone when deleted, back after a crash if it was committed."""

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

from lobby.mailbox import Mailbox, Sent
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
    mail.delete("bob", 1)
    assert mail.read("cy", 1).body
    mail.delete("cy", 1)
    mail.commit()
    assert sqlite3.connect(tmp_path / "mail.sqlite3").execute("SELECT count(*) FROM mails").fetchone() == (0,)
    assert send(mail, "bob").mail == 2


def test_a_mail_sent_again_is_the_same(mail: Mailbox) -> None:
    first = send(mail, "Bob", "Cy", id="a1")
    again = send(mail, "Bob", "Cy", id="a1", sender="ANN", wall=1_000 + HOUR * 1000)
    assert again == Sent(first.mail, fresh=False, recipients=["Bob", "Cy"])
    assert mail.count("bob") == 1
    others: list[dict[str, Any]] = [{"id": "a2"}, {"id": "a1", "stream": STREAM[::-1]}, {"id": "a1", "sender": "Di"}]
    for other in others:
        assert send(mail, "bob", **other).fresh
    mail.delete("bob", first.mail)
    mail.delete("cy", first.mail)
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
    with pytest.raises(sqlite3.OperationalError, match="failed"):
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


class Inboxes(RuleBasedStateMachine):
    """The counts that triggers keep are always those one would count, and pages show all of it."""

    people = st.sampled_from(["ann", "bob", "cy"])

    def __init__(self) -> None:
        super().__init__()
        self.home = tempfile.TemporaryDirectory()
        self.mail = Mailbox(Path(self.home.name) / "mail.sqlite3", "off")
        self.model: dict[tuple[str, int], bool] = {}
        self.saved: dict[tuple[str, int], bool] = {}

    @rule(to=st.lists(people, min_size=1, max_size=3))
    def send(self, to: list[str]) -> None:
        sent = send(self.mail, *to)
        self.model |= {(owner, sent.mail): False for owner in to}

    @rule(owner=people, mail=st.integers(1, 12), what=st.sampled_from(["read", "unread", "delete"]))
    def act(self, owner: str, mail: int, what: str) -> None:
        known = (owner, mail) in self.model
        try:
            if what == "delete":
                self.mail.delete(owner, mail)
                del self.model[owner, mail]
            elif what == "read":
                self.mail.read(owner, mail)
                self.model[owner, mail] = True
            else:
                self.mail.mark(owner, mail, read=False)
                self.model[owner, mail] = False
        except Refused:
            assert not known
        else:
            assert known

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
            mine = {mail: read for (who, mail), read in self.model.items() if who == owner}
            assert self.mail.count(owner) == len(mine)
            assert self.mail.unread(owner) == sum(not read for read in mine.values())
            rows, more = self.mail.page(owner, None, 1000)
            assert {row.mail: row.read for row in rows} == mine
            assert [row.mail for row in rows] == sorted(mine, reverse=True)
            assert not more

    def teardown(self) -> None:
        self.mail.close()
        self.home.cleanup()


TestInboxes = Inboxes.TestCase
TestInboxes.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
