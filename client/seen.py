"""What of a room's log has been told: the last number and its epoch, and the last whisper's. Pure.

Law: no entry is told twice, and none is missing without a word.
"""

from collections import deque
from typing import Final

from msgspec import UNSET

from wire.messages import Entered

WHISPERS: Final = 1_000  # numbers remembered; a room keeps for ten minutes what may come again


class Seen:
    """`seq`: the last number told, None before anything was; `past`: up to here it was there before we came."""

    def __init__(self, seq: int | None, epoch: int | None) -> None:
        self.seq = seq
        self.epoch = epoch
        self.past = 0
        self._strict = seq is not None  # whether the next number is known for sure
        self._told: deque[int] = deque(maxlen=WHISPERS)
        self.whispers: int | None = None  # the number of the last whisper there was; None before we entered

    def entered(self, entered: Entered) -> tuple[bool, int]:
        """We are in: whether the numbers mean nothing any more, and how many entries there are to come.

        A newcomer counts from before the first of those that the room gives, so that a break between the two loses
        nothing.
        """
        if self.seq is not None and (entered.epoch != (self.epoch or entered.epoch) or self.seq > entered.seq):
            self.seq, self.epoch, self._strict = None, entered.epoch, False
            return True, 0
        self.epoch = entered.epoch
        self.past = entered.seq
        self._strict = self.seq is not None
        if self.seq is None:
            self.seq = entered.seq if entered.after is UNSET else entered.after
        return False, max(0, entered.seq - self.seq)

    def gap_before(self, seq: int) -> tuple[int, int] | None:
        """The numbers that should have come before `seq` and did not."""
        if self.seq is None or not self._strict or seq <= self.seq + 1:
            return None
        return self.seq + 1, seq - 1

    def take(self, seq: int) -> bool:
        """Whether `seq` is new; it is told from now on."""
        if self.seq is not None and seq <= self.seq and self._strict:
            return False
        self.seq, self._strict = seq, True
        return True

    def skip(self, last: int) -> None:
        """The entries up to `last` will not come."""
        self.seq = max(self.seq or 0, last)
        self._strict = True

    def whisper(self, number: int) -> bool:
        """Whether the whisper `number` is new."""
        if number in self._told:
            return False
        self._told.append(number)
        self.whispers = max(number, self.whispers or 0)
        return True
