"""What one mailbox holds. Pure.

Law: the trash counts, so that a mailbox never grows past its quota, and gives way, so that it never keeps mail out.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from base.config import Limits
from wire.messages import FolderRow


@dataclass(frozen=True, slots=True)
class Quota:
    """0 is no limit."""

    mails: int = 0
    bytes: int = 0

    def holds(self, rows: Iterable[FolderRow], size: int) -> bool:
        """Whether one more mail of so many bytes fits in beside all of these."""
        mails, used = 0, 0
        for row in rows:
            mails, used = mails + row.mails, used + row.bytes
        return not (self.mails and mails >= self.mails) and not (self.bytes and used + size > self.bytes)

    def has_room(self, rows: Iterable[FolderRow], size: int) -> bool:
        """The same once the trash has given way."""
        return self.holds((row for row in rows if row.folder != "trash"), size)


def quota(limits: Limits) -> Quota:
    return Quota(limits.mailbox, limits.mailbox_mib * 1_048_576)
