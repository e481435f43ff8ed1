"""A door under any order of tickets, resumes, revocations, failed rounds, rotations and time, against a model."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule

from roomproc.door import Door, Person
from wire.errors import Refused
from wire.tickets import TOKEN_SECONDS, ResumeToken, SessionToken, Ticket, derive_ring, sign

NAMES = st.sampled_from(["ann", "Ann", "bob"])
ROOMS = st.sampled_from(["here", "there"])


class DoorUnderFire(RuleBasedStateMachine):
    tokens = Bundle("tokens")

    @initialize()
    def begin(self) -> None:
        self.now = 1_795_197_600_000
        self.masters = {1: b"m" * 32}
        self.numbers = 0
        self.spent: set[str] = set()
        self.revoked: dict[str, int] = {}
        self.start()

    def start(self) -> None:
        """A process: it knows what was stored."""
        self.door = Door(
            "here",
            derive_ring(self.masters, "room", "here"),
            7,
            spent=dict.fromkeys(self.spent, self.now + 10**12),
            revoked=dict(self.revoked),
        )

    @rule(
        target=tokens, name=NAMES, room=ROOMS, seconds=st.integers(0, 60), kind=st.sampled_from([Ticket, SessionToken])
    )
    def lobby_signs(self, name, room, seconds, kind):
        self.numbers += 1
        shared = {"name": name, "guest": False, "issued": self.now, "expires": self.now + seconds * 1_000}
        if kind is SessionToken:
            token = SessionToken(session="s", **shared)
        else:
            token = Ticket(room=room, roles=["user"], number=str(self.numbers), **shared)
        return token, max(self.masters), sign(derive_ring(self.masters, "room", room), token)

    @rule(target=tokens, name=NAMES)
    def room_gives_a_resume_token(self, name):
        text = self.door.resume_token(Person(name, False, ("user",)), "stream-0000000000", self.now, self.now)
        shape = ResumeToken(
            room="here", name=name, guest=False, roles=["user"], stream="stream-0000000000", epoch=7,
            issued=self.now, expires=self.now + TOKEN_SECONDS * 1_000,
        )  # fmt: skip
        return shape, max(self.door.ring), text

    @rule(given=tokens, stored=st.booleans())
    def somebody_comes(self, given, stored):
        token, generation, text = given
        if not self.door.knows(text):
            self.door.ring = derive_ring(self.masters, "room", "here")
        good = (
            not isinstance(token, SessionToken)
            and token.room == "here"
            and generation in self.door.ring
            and token.expires > self.now
            and token.issued > self.revoked.get(token.name.lower(), 0)
            and not (isinstance(token, Ticket) and token.number in self.spent)
        )
        try:
            admission = self.door.open(text, None, self.now)
        except Refused as why:
            refused = why
            admission = None
        if admission is None:
            assert not good
            assert refused.code == "bad_ticket"
            return
        assert good
        assert admission.person.name == token.name
        if admission.spend is not None:
            if stored:
                self.spent.add(admission.spend)
            else:
                self.door.unspend(admission.spend)

    @rule(name=NAMES)
    def tokens_are_revoked(self, name):
        self.revoked[name.lower()] = self.now
        self.door.revoke(name, self.now)

    @rule(milliseconds=st.sampled_from([0, 1, 1_000, 61_000, TOKEN_SECONDS * 1_000]))
    def time_passes(self, milliseconds):
        self.now += milliseconds
        self.door.prune(self.now, self.now - TOKEN_SECONDS * 1_000)

    @rule()
    def the_process_dies(self):
        self.start()

    @rule()
    def the_key_is_rotated(self):
        newest = max(self.masters) + 1
        self.masters = {g: k for g, k in self.masters.items() if g > newest - 3} | {newest: bytes([newest % 256]) * 32}


DoorUnderFire.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestDoorUnderFire = DoorUnderFire.TestCase
