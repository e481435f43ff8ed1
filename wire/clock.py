"""The time as pure cores are given it. Only `wire.loop` (and the client's link) read a clock."""

from typing import NamedTuple


class Now(NamedTuple):
    """One instant, read once a round.

    `mono` are monotonic seconds, for deadlines: they never go backwards and stand still while a machine is
    suspended. `wall` are UTC epoch milliseconds, for stamps and expiries: they follow the machine's clock.
    """

    mono: float
    wall: int
