"""py-chat-room's user file and inboxes, as it wrote them and as somebody may have damaged them."""

import pytest

from lobby.ancestor import User, Wrong, mails, users

INBOX = "\nFrom: ben\nhello world\n end \n\nFrom: blah_user\ntwo\nlines\n end \n"


def test_a_file_as_it_was_written() -> None:
    text = "test_user 123 #TQZN\nfoo_user 123 #VY8C\nbanana 444 #B20N\n"
    assert list(users(text)) == [
        User("test_user", "123", "#TQZN", 1), User("foo_user", "123", "#VY8C", 2), User("banana", "444", "#B20N", 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("ann", "this has 1 words"),
        ("ann 12 34 #AAAA", "this has 4 words"),
        ("ann 123 AAAA", "a key is #"),
        ("ann 123 #../../x", "a key is #"),
        ("änn 123 #AAAA", "a name has letters"),
        ("root 123 #AAAA", "the name root is reserved"),
        ("BEN 123 #AAAA", "on an earlier line already"),
    ],
)
def test_a_line_that_is_no_account_costs_itself_only(line: str, why: str) -> None:
    ben, wrong, cid = users(f"ben 1 #BBBB\n\n{line}\ncid 2 #CCCC\n")
    assert isinstance(wrong, Wrong)
    assert (wrong.line, why in wrong.why) == (3, True)
    assert [user.name for user in (ben, cid)] == ["ben", "cid"]


def test_an_inbox() -> None:
    assert list(mails(INBOX)) == [("ben", "hello world"), ("blah_user", "two\nlines")]


@pytest.mark.parametrize(
    "text", ["", "From: ben\nnever ended", "\nFrom: \n\n end \n", "\x00\xff", "From: ben\n \n end \n"]
)
def test_what_is_no_mail_is_none(text: str) -> None:
    assert list(mails(text)) == []


def test_control_sequences_do_not_come_in() -> None:
    assert list(mails("\nFrom: b\x1b[2Jen\nhi\x07\n end \n")) == [("b?[2Jen", "hi?")]
