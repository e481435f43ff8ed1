"""Stamps: whatever the clock does, what was issued before a revocation is void and what is issued after it is not."""

from hypothesis import given
from hypothesis import strategies as st

from wire.stamps import Stamps


def test_while_the_clock_goes_forward_a_stamp_is_the_time() -> None:
    stamps = Stamps()
    assert (stamps.issue(10), stamps.revoke(20), stamps.issue(30)) == (10, 20, 30)


def test_in_one_moment_what_comes_after_a_revocation_is_good() -> None:
    stamps = Stamps()
    stamps.revoked(stamps.revoke(10))
    assert stamps.issue(10) == 11


def test_another_who_revokes_is_heeded() -> None:
    assert Stamps().issue(10, void=50) == 51


@given(st.lists(st.tuples(st.sampled_from(["issue", "revoke"]), st.integers(0, 1_000)), max_size=60))
def test_the_order_of_events_is_that_of_their_stamps_under_any_clock(events: list[tuple[str, int]]) -> None:
    stamps = Stamps()
    good: list[int] = []
    void = 0
    for what, wall in events:
        if what == "issue":
            good.append(stamps.issue(wall))
        else:
            void = stamps.revoke(wall)
            stamps.revoked(void)
            assert all(stamp <= void for stamp in good)
            good = []
        assert all(stamp > void for stamp in good)
