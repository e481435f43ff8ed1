"""Pages out of a great mailbox, searches beside the loop, and an index that shows nobody another's mail."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lobby import mailpages
from lobby.mailbox import Mailbox
from lobby.mailpages import Reader

MANY = 10_000
STEPS = 3_000  # of SQLite's virtual machine, for a page of 20; a look at all of ten thousand takes 30 times as many


@pytest.fixture(scope="module")
def great(module_path: Path) -> Iterator[Mailbox]:
    """Ten thousand mails of bob's, and some of others, the words of which are the same."""
    mailbox = Mailbox(module_path / "mail.sqlite3", "off")
    for number in range(MANY):
        kept = {"sender": "zoe", "to": ["x"], "subject": "the boat", "at": number, "wall": number}
        mailbox.keep(owner="bob", body=f"word{number % 100} floats", starred=number % 1_000 == 0, **kept)  # type: ignore[arg-type]
        if number % 100 == 0:
            mailbox.keep(owner="bobby", body="the boat of bobby floats", **kept)  # type: ignore[arg-type]
    mailbox.commit()
    yield mailbox
    mailbox.close()


def steps(mailbox: Mailbox, act: object) -> int:
    """What it costs, in hundreds of steps of SQLite's virtual machine."""
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    mailbox._db._db.set_progress_handler(count, 100)
    try:
        act()  # type: ignore[operator]
    finally:
        mailbox._db._db.set_progress_handler(None, 0)
    return counted[0] * 100


@pytest.mark.parametrize("before", [None, 5_000, 30])
@pytest.mark.parametrize("threads", [False, True])
def test_ten_thousand_mails_page_at_once(great: Mailbox, before: int | None, threads: bool) -> None:
    rows, more = great.page("bob", before, 20, threads=threads)
    assert (len(rows), more) == (20, True)
    assert steps(great, lambda: great.page("bob", before, 20, threads=threads)) < STEPS


def test_counts_and_stars_cost_nothing(great: Mailbox) -> None:
    assert (great.count("bob"), great.unread("bob")) == (MANY, 0)
    assert len(great.page("bob", None, 50, folder="", starred=True)[0]) == 10
    assert steps(great, lambda: great.page("bob", None, 5, folder="", starred=True)) < STEPS
    assert steps(great, lambda: great.folders("bob")) < STEPS
    assert steps(great, lambda: great.page("bob", None, 5, folder="", thread=9)) < STEPS
    assert steps(great, lambda: great.export("bob", 9_000, 20)) < STEPS


def test_a_search_finds_ones_own_in_pages(great: Mailbox) -> None:
    rows, more = mailpages.search(great._db.read, "bob", "word7 boat", None, 60)
    assert (len(rows), more) == (60, True)
    rest, more = mailpages.search(great._db.read, "bob", "word7 boat", rows[-1].mail, 60)
    assert (len(rest), more) == (40, False)
    assert mailpages.search(great._db.read, "bob", "bobby", None, 9) == ([], False)
    assert len(mailpages.search(great._db.read, "bobby", "boat", None, 200)[0]) == MANY // 100
    assert mailpages.search(great._db.read, "ann", "boat", None, 9) == ([], False)


def test_a_reader_beside_sees_what_is_committed(great: Mailbox, module_path: Path) -> None:
    reader = Reader(module_path / "mail.sqlite3")
    great.keep(owner="cy", sender="z", to=[], subject="", body="a kite", at=1, wall=1)
    assert mailpages.search(reader.read, "cy", "kite", None, 9) == ([], False)
    great.commit()
    assert len(mailpages.search(reader.read, "cy", "kite", None, 9)[0]) == 1
    reader.close()
    reader.close()
