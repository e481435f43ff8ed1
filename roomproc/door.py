"""Who may come in. Pure: tokens, what was spent, what was revoked.

Law: a ticket opens this room once, before it expires; a resume token as often as needed until it expires; neither
when its holder's tokens were revoked after it was issued. What must be durable (a spent number, a revocation) is
returned for the round's commit before the door counts on it.
"""

import secrets

from msgspec import Struct

from wire.errors import Refused
from wire.names import fold
from wire.stamps import Stamps
from wire.tickets import TOKEN_SECONDS, Keyring, ResumeToken, Ticket, concerns, sign, verify, whose


class Person(Struct, frozen=True):
    """Somebody as a token names them."""

    name: str
    guest: bool
    roles: tuple[str, ...]
    since: int = 0  # since when they have the name, epoch ms; 0: not known


class Admission(Struct, frozen=True):
    """A token that was accepted. `spend`: the ticket's number, to be stored before anybody is let in."""

    person: Person
    stream: str
    epoch: int | None  # of the visit that is resumed; None for a first one
    spend: str | None
    expires: int
    issued: int  # the stamp that tokens made of it keep
    session: str = ""


class Door:
    """The door of room `room`. `spent` maps numbers to their expiry, `revoked` folded names, or single sessions of
    theirs, to a stamp (`wire.stamps`)."""

    def __init__(self, room: str, ring: Keyring, epoch: int, *, spent: dict[str, int], revoked: dict[str, int]) -> None:
        self.room = room
        self.ring = ring
        self.epoch = epoch
        self._spent = spent
        self.stamps = Stamps()
        self._revoked: dict[str, dict[str, int]] = {}  # folded name → what of them → before when
        for what, before in revoked.items():
            self.revoke(what, before)

    def knows(self, token: str) -> bool:
        """Whether the key that signed `token` is in the ring; if not, the ring may have been rotated."""
        generation = token.partition(".")[0]
        return not (generation.isascii() and generation.isdigit()) or int(generation) in self.ring

    def open(self, token: str, stream: str | None, wall: int) -> Admission:
        """Check `token` and spend it; raises Refused(bad_ticket)."""
        try:
            ticket = verify(self.ring, token, Ticket, wall=wall, code="bad_ticket")
        except Refused:
            return self._resume(verify(self.ring, token, ResumeToken, wall=wall, code="bad_ticket"), stream)
        person = Person(ticket.name, ticket.guest, tuple(ticket.roles), ticket.since)
        self._check(ticket.room, person, ticket.issued, ticket.session)
        if ticket.number in self._spent:
            raise _bad("this ticket was used before: ask the lobby for another")
        self._spent[ticket.number] = ticket.expires
        self.stamps.seen(ticket.issued)
        stream = stream or secrets.token_urlsafe(12)
        return Admission(person, stream, None, ticket.number, ticket.expires, ticket.issued, ticket.session)

    def unspend(self, number: str) -> None:
        """The round that should have stored the number failed."""
        self._spent.pop(number, None)

    def revoke(self, name: str, before: int) -> None:
        """Void every token of `name`, or of the sessions it names, whose stamp is `before` or lower."""
        self.stamps.revoked(before)
        of_them = self._revoked.setdefault(whose(name), {})
        of_them[fold(name)] = max(before, of_them.get(fold(name), 0))

    def prune(self, wall: int, void_before: int) -> None:
        """Forget what no valid token can meet any more: numbers that have expired, revocations up to a moment."""
        self._spent = {number: expires for number, expires in self._spent.items() if expires > wall}
        kept = [(what, at) for of_them in self._revoked.values() for what, at in of_them.items() if at > void_before]
        self._revoked = {}
        for what, before in kept:
            self.revoke(what, before)

    def resume_token(self, person: Person, stream: str, wall: int, issued: int, session: str = "") -> str:
        """A token for coming back within 24 hours; `issued`: the stamp of the ticket it goes back to, so that what
        voids that voids this."""
        return sign(
            self.ring,
            ResumeToken(
                room=self.room,
                name=person.name,
                guest=person.guest,
                roles=list(person.roles),
                since=person.since,
                stream=stream,
                epoch=self.epoch,
                issued=issued,
                expires=wall + TOKEN_SECONDS * 1_000,
                session=session,
            ),
        )

    def _resume(self, token: ResumeToken, stream: str | None) -> Admission:
        person = Person(token.name, token.guest, tuple(token.roles), token.since)
        self._check(token.room, person, token.issued, token.session)
        self.stamps.seen(token.issued)
        return Admission(person, stream or token.stream, token.epoch, None, token.expires, token.issued, token.session)

    def _check(self, room: str, person: Person, issued: int, session: str) -> None:
        if room != self.room:
            raise _bad("this ticket is for another room: ask the lobby for one")
        of_them = self._revoked.get(fold(person.name), {})
        if any(issued <= before and concerns(what, session) for what, before in of_them.items()):
            raise _bad("this ticket has been withdrawn: ask the lobby for another")


def _bad(text: str) -> Refused:
    return Refused("bad_ticket", text, fatal=True)
