"""What fits into a mailbox."""

import pytest

from base.config import Limits
from lobby.quota import Quota, quota
from wire.messages import FolderRow


def row(folder: str, mails: int, size: int) -> FolderRow:
    return FolderRow(folder=folder, mails=mails, unread=0, bytes=size)


ROWS = (row("inbox", 2, 20), row("sent", 1, 10), row("trash", 5, 50))


@pytest.mark.parametrize(
    ("limit", "holds", "has_room"),
    [
        (Quota(), True, True),
        (Quota(mails=9), True, True),
        (Quota(mails=8), False, True),
        (Quota(mails=4), False, True),
        (Quota(mails=3), False, False),
        (Quota(bytes=85), True, True),
        (Quota(bytes=84), False, True),
        (Quota(bytes=35), False, True),
        (Quota(bytes=34), False, False),
        (Quota(mails=9, bytes=34), False, False),
    ],
)
def test_the_trash_counts_and_gives_way(limit: Quota, holds: bool, has_room: bool) -> None:
    assert (limit.holds(ROWS, 5), limit.has_room(ROWS, 5)) == (holds, has_room)


def test_it_is_configured() -> None:
    assert quota(Limits(mailbox=7, mailbox_mib=2)) == Quota(7, 2_097_152)
    assert quota(Limits(mailbox=0, mailbox_mib=0)) == Quota()
