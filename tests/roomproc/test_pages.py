"""Pages of history, backwards and forwards, by number and by time, each within one frame."""

from typing import ClassVar

from roomproc.pages import page
from wire.codec import encode
from wire.framing import LINE_MAX
from wire.messages import History, Line


class Log:
    """Numbers 11 to 40; number n was said at n * 10."""

    entries: ClassVar[list[Line]] = [Line(seq=n, at=n * 10, sender="ann", text=str(n)) for n in range(11, 41)]

    def after(self, seq, limit):
        return [e for e in self.entries if e.seq > seq][:limit]

    def before(self, seq, limit):
        return [e for e in self.entries if e.seq < seq][-limit:]

    def first_at(self, at, first, seq):
        return next((e.seq for e in self.entries if e.at >= at), seq + 1)


def ask(**fields):
    answer = page(History(id="h", **fields), Log(), 11, 40)
    assert answer.re == "h"
    return [entry.seq for entry in answer.lines], answer.more


def test_the_newest_by_default():
    assert ask(limit=3) == ([38, 39, 40], True)


def test_backwards_to_the_oldest():
    assert ask(before=14, limit=10) == ([11, 12, 13], False)
    assert ask(before=11) == ([], False)


def test_forwards_to_the_newest():
    assert ask(after=37, limit=2) == ([38, 39], True)
    assert ask(after=38, limit=2) == ([39, 40], False)
    assert ask(after=400) == ([], False)


def test_by_time():
    assert ask(after_time=395) == ([40], False)
    assert ask(before_time=125, limit=5) == ([11, 12], False)


def test_a_page_fits_into_a_frame():
    class Long(Log):
        entries: ClassVar[list[Line]] = [Line(seq=n, at=n, sender="ann", text="😀" * 4000) for n in range(11, 41)]

    backwards = page(History(limit=30), Long(), 11, 40)
    assert len(encode(backwards)) < LINE_MAX
    assert (backwards.lines[-1].seq, backwards.more) == (40, True)
    forwards = page(History(after=10, limit=30), Long(), 11, 40)
    assert len(encode(forwards)) < LINE_MAX
    assert (forwards.lines[0].seq, forwards.more) == (11, True)


def test_an_absurd_limit_is_bounded():
    assert len(ask(limit=1000)[0]) == 30
    assert len(ask(limit=0)[0]) == 1
