"""Pages hold what fits into a line."""

import msgspec

from lobby.pages import ROWS_BYTES, fit
from wire.codec import encode
from wire.framing import LINE_MAX
from wire.messages import MailPage, MailRow


def row(number: int, subject: str) -> MailRow:
    return MailRow(mail=number, sender="x" * 32, subject=subject, at=2**41, read=False)


def test_all_fit() -> None:
    rows = [row(number, "s") for number in range(10)]
    assert fit(rows, 10) == (rows, False)
    assert fit([], 10) == ([], False)


def test_the_limit() -> None:
    rows = [row(number, "s") for number in range(10)]
    assert fit(rows, 9) == (rows[:9], True)
    assert fit(rows, 0) == ([], True)


def test_a_line_is_never_too_long() -> None:
    rows = [row(number, "\U0001f600" * 200) for number in range(1_000)]
    page, more = fit(rows, 1_000)
    assert more
    assert 0 < len(page) < 1_000
    assert len(encode(MailPage(mails=page, more=more, unread=1, re="x" * 64))) < LINE_MAX
    assert len(msgspec.json.encode(rows[: len(page) + 1])) > ROWS_BYTES
