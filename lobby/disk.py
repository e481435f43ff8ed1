"""The room that is left on the disk: below a watermark, what can wait is refused, so that chat goes on. Pure.

Law: mail, imports and new rooms give way first. Chat is refused by nothing but the disk itself. What is short ends
being short a tenth above the watermark, so that it does not come and go with every mail.
"""

from typing import Final

from wire.errors import Refused

MIB: Final = 1_048_576


class Disk:
    """`mib`: the watermark, 0 for none."""

    def __init__(self, mib: int) -> None:
        self._low = mib * MIB
        self._free: int | None = None  # bytes, as looked at last
        self.short = False

    def look(self, free: int) -> bool:
        """So many bytes are free; whether that changes what is refused."""
        self._free = free
        was, self.short = self.short, free < self._low + (self._low // 10 if self.short else 0)
        return was is not self.short

    @property
    def notice(self) -> str:
        """For the operator, in one sentence; nothing when there is room."""
        if not self.short or self._free is None:
            return ""
        return (
            f"the disk has {self._free // MIB:,} MiB free, less than limits.free_disk_mib ({self._low // MIB:,}): "
            "mail, imports and new rooms are refused, chat goes on"
        )

    def check(self) -> None:
        """Raises Refused(disk_low): for what can wait."""
        if self.short:
            text = "the server's disk is nearly full: no mail, imports and new rooms until there is space; chat goes on"
            raise Refused("disk_low", text, retry_after=60.0)
