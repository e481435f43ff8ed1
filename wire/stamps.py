"""The order of tokens and of what makes them void, by stamps that a clock which steps back does not put out of order.

Law: pure. A stamp is the time (epoch ms) while the clock goes forward; when it went back, it goes on from the newest
stamp. What was issued before a revocation has a stamp up to it, what is issued after it has a higher one. The lobby
issues, with each ticket; a room's resume tokens keep the stamp of the ticket they go back to. Both revoke.
"""


class Stamps:
    """What one issuer has given and seen. Tokens expire by the clock; stamps are compared with stamps only."""

    def __init__(self) -> None:
        self._newest = 0
        self._void = 0

    @property
    def newest(self) -> int:
        return self._newest

    @property
    def void(self) -> int:
        """The newest revocation's."""
        return self._void

    def issue(self, wall: int, void: int = 0) -> int:
        """For a token; `void`: the newest revocation of another who revokes, as far as it is known here."""
        stamp = max(wall, self._void + 1, void + 1)
        self.seen(stamp)
        return stamp

    def revoke(self, wall: int) -> int:
        """For a revocation of all that was issued before; it is in force once it is `revoked`."""
        return max(wall, self._newest)

    def revoked(self, stamp: int) -> None:
        """A revocation is in force, ours or one that we were told."""
        self._void = max(self._void, stamp)
        self.seen(stamp)

    def seen(self, stamp: int) -> None:
        """Something has this stamp, or was stored at this time."""
        self._newest = max(self._newest, stamp)
