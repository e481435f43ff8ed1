"""One's own mailbox over the wire: folders, threads, stars, search, trash, export; and who is told of a change."""

import sqlite3

import pytest
from msgspec import UNSET

from tests.lobby.front import Client, Front
from wire.messages import (
    Done,
    Error,
    Mail,
    MailChanged,
    MailDelete,
    MailEmpty,
    MailExport,
    MailExportPage,
    MailFolders,
    MailFoldersPage,
    MailList,
    MailMark,
    MailMove,
    MailPage,
    MailSearch,
    MailSend,
    Request,
    Unread,
)


@pytest.fixture
def ann(front: Front) -> Client:
    return front.login("ann")


def send(front: Front, *bodies: str, to: str = "ann", **more: int) -> list[int]:
    """From ben."""
    ben = front.login("ben")
    numbers = [int(ben.ask(MailSend(to=[to], subject=body[:20], body=body, **more), Done).mail or 0) for body in bodies]
    ben.lose()
    return numbers


def listed(client: Client, request: Request) -> list[int]:
    return [row.mail for row in client.ask(request, MailPage).mails]


def test_folders_and_what_is_in_them(front: Front, ann: Client) -> None:
    one, two, three, four = send(front, "one", "two", "three", "four")
    ann.inbox.clear()
    for request in (MailMove(mail=one, folder="archive"), MailMove(mail=two, folder="trash"), MailDelete(mail=three)):
        ann.ask(request, Done)
        ann.inbox.clear()
    assert listed(ann, MailList()) == [four]
    assert listed(ann, MailList(folder="archive")) == [one]
    assert listed(ann, MailList(folder="trash")) == [three, two]
    page = ann.ask(MailFolders(), MailFoldersPage)
    assert {row.folder: (row.mails, row.unread) for row in page.folders} == {
        "inbox": (1, 1), "sent": (0, 0), "drafts": (0, 0), "archive": (1, 1), "trash": (2, 2),
    }  # fmt: skip
    assert (page.most_mails, page.most_bytes) == (20_000, 200 * 1_048_576)


def test_what_was_deleted_comes_back(front: Front, ann: Client) -> None:
    (number,) = send(front, "one")
    ann.inbox.clear()
    ann.ask(MailDelete(mail=number), Done)
    assert ann.take(Unread).unread == 0
    ann.ask(MailMove(mail=number), Done)
    assert ann.take(Unread).unread == 1
    assert listed(ann, MailList()) == [number]
    assert ann.refused(MailMove(mail=number, folder="sent")) == "not_allowed"


def test_the_trash_is_emptied(front: Front, ann: Client) -> None:
    other = front.login("ann")
    for number in send(front, "one", "two"):
        ann.inbox.clear()
        ann.ask(MailDelete(mail=number), Done)
        ann.inbox.clear()
    other.inbox.clear()
    ann.ask(MailEmpty(), Done)
    assert other.take(MailChanged) == MailChanged()
    assert listed(ann, MailList(folder="trash")) == []
    ann.ask(MailEmpty(), Done)
    assert other.inbox == [], "nothing changed"


def test_stars_wherever_they_are(front: Front, ann: Client) -> None:
    numbers = send(front, "one", "two", "three")
    ann.inbox.clear()
    for number in numbers[:2]:
        ann.ask(MailMark(mail=number, starred=True), Done)
    ann.ask(MailMove(mail=numbers[0], folder="archive"), Done)
    ann.inbox.clear()
    assert listed(ann, MailList(starred=True)) == numbers[1::-1]
    assert listed(ann, MailList(starred=True, folder="inbox")) == [numbers[1]]
    assert ann.ask(MailList(), MailPage).unread == 2


def test_a_thread_is_listed_whole(front: Front, ann: Client) -> None:
    (first,) = send(front, "shall we?")
    ann.inbox.clear()
    reply = ann.ask(MailSend(to=["ben"], body="yes", answers=first), Done).mail
    (last,) = send(front, "good", answers=int(reply or 0))
    ann.inbox.clear()
    row = ann.ask(MailList(threads=True), MailPage).mails[0]
    assert (row.mail, row.mails, row.thread, row.read) == (last, 3, first, False)
    assert listed(ann, MailList(thread=first)) == [last, reply, first]


@pytest.mark.parametrize(
    ("text", "found"),
    [("boat", [0, 2]), ("BOAT", [0, 2]), ("the boat", [0]), ("boa*", [0, 2]), ("boa", []), ("ben", [0, 1, 2]),
     ("", []), ("!!", []), ("cafe", [1]), ('boat" OR "café', []), ("boat OR café", []), ("subject:boat", [])],
)  # fmt: skip
def test_search(front: Front, ann: Client, text: str, found: list[int]) -> None:
    numbers = send(front, "the boat floats", "a café", "boat trip")
    send(front, "the boat of foo", to="foo_user")
    ann.inbox.clear()
    assert listed(ann, MailSearch(text=text)) == [numbers[index] for index in reversed(found)]


def test_search_by_pages_and_folders(front: Front, ann: Client) -> None:
    numbers = send(front, *["boat"] * 5)
    ann.inbox.clear()
    ann.ask(MailMove(mail=numbers[0], folder="archive"), Done)
    ann.inbox.clear()
    ann.ask(MailDelete(mail=numbers[1]), Done)
    ann.inbox.clear()
    page = ann.ask(MailSearch(text="boat", limit=2), MailPage)
    assert ([row.mail for row in page.mails], page.more, page.unread) == (numbers[:2:-1], True, 3)
    page = ann.ask(MailSearch(text="boat", limit=2, before=page.mails[-1].mail), MailPage)
    assert ([row.mail for row in page.mails], page.more) == ([numbers[2], numbers[0]], False)
    assert listed(ann, MailSearch(text="boat", folder="trash")) == [numbers[1]]
    assert ann.refused(MailSearch(text="x" * 201)) == "too_long"


def test_a_search_that_fails_harms_nothing(front: Front, ann: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    (number,) = send(front, "boat")
    ann.inbox.clear()

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr("lobby.mailpages.search", fail)
    ann.send(MailMark(mail=number, starred=True), MailSearch(text="boat"))
    assert ann.take(Done).mail == number
    assert ann.take(Error).code == "busy"
    assert listed(ann, MailList(starred=True)) == [number]


def test_an_export_leaves_all_as_it_is(front: Front, ann: Client) -> None:
    numbers = send(front, *["x" * 9_000] * 9)
    ann.inbox.clear()
    ann.ask(MailDelete(mail=numbers[0]), Done)
    ann.inbox.clear()
    mails: list[Mail] = []
    more = True
    while more:
        page = ann.ask(MailExport(after=mails[-1].mail if mails else 0), MailExportPage)
        assert (bool(page.mails), page.count) == (True, 9)
        mails, more = mails + page.mails, page.more
    assert [mail.mail for mail in mails] == numbers
    assert [mail.folder for mail in mails[:2]] == ["trash", "inbox"]
    assert {mail.read for mail in mails} == {False}
    assert mails[0].starred is UNSET
    assert ann.ask(MailList(), MailPage).unread == 8


def test_guests_have_no_mailbox(front: Front) -> None:
    joe = front.guest("joe")
    for request in (MailList(), MailSearch(text="x"), MailFolders(), MailEmpty(), MailExport(), MailMove(mail=1)):
        assert joe.refused(request) == "not_allowed"
