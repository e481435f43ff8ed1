"""The presence frame of a round: what cancels out is not told, and each change is told once."""

from hypothesis import given
from hypothesis import strategies as st

from roomproc.door import Person
from roomproc.people import Connection, Stream
from roomproc.presence import Roster
from wire.pace import Pace

NAMES = ["ann", "bob"]


class Visits:
    """Connections by hand."""

    def __init__(self):
        self.roster = Roster(grace=15.0)
        self.open: dict[str, list[Connection]] = {name: [] for name in NAMES}
        self.next = 0

    def come(self, name):
        member = self.roster.join(Person(name, False, ()))
        self.next += 1
        connection = Connection(self.next, member, Stream(name, "s", None), Pace(0, 1), Pace(0, 1))
        member.connections[connection.id] = connection
        self.open[name].append(connection)

    def lose(self, name):
        if self.open[name]:
            self.roster.broken(self.open[name].pop(), 0.0)

    def leave(self, name):
        member = self.roster.get(name)
        if member is not None:
            self.open[name].clear()
            self.roster.leave(member)


@given(st.lists(st.tuples(st.sampled_from(["come", "lose", "leave", "frame"]), st.sampled_from(NAMES)), max_size=30))
def test_a_listener_to_the_frames_knows_who_is_here(events):
    visits = Visits()
    here: set[str] = set()
    away: set[str] = set()
    for what, name in [*events, ("frame", "")]:
        if what != "frame":
            getattr(visits, what)(name)
            continue
        frames, came, went = visits.roster.frames()
        assert len(frames) <= 1
        presence = frames[0] if frames else None
        if presence is None:
            continue
        assert here.isdisjoint(presence.joined)
        assert set(presence.left) <= here
        assert set(presence.back or ()) <= away, "back without having been away"
        here = (here | set(presence.joined)) - set(presence.left)
        away = (away | set(presence.away or ())) - set(presence.back or ()) - set(presence.left)
        assert {who.name for who in came} == set(presence.joined)
        assert set(went) == set(presence.left)
    assert here == {name for name in NAMES if visits.roster.get(name)}
    assert {name for name in here if not visits.open[name]} >= away
