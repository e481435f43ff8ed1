"""Mail goes into mbox and Maildir and comes back the same; mail of other programs is made to fit."""

import mailbox
import stat
import tempfile
from email.message import EmailMessage, Message
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from wire.letters import CUT, Form, Letter, LettersError, batches, compose, extract, keep, letter, read, write
from wire.messages import Mail
from wire.names import BODY_MAX

FORMS: tuple[Form, ...] = ("mbox", "maildir")
WALL = 1_795_100_000_123
PLAIN = Letter("Ann", ("Bob", "cy.dee"), "chess", "Tuesday?\n\nFrom noon on.\n", WALL, key="7", answers="6")
LETTERS = [
    PLAIN,
    Letter("Bob", ("Ann",), "", "x", WALL + 1, "sent", read=True, starred=True, key="8"),
    Letter("Ann", (), "Über 你好 " * 9, "é" * 5_000, WALL + 2, "drafts", key="9"),
    Letter("Zoe <zoe@example.org>", ("everyone",), "Re: =?x?= ", ">From \nFrom a\n.\n\n", WALL + 3, "archive"),
    Letter("Ann", ("Bob",) * 90, "a  b", "long " * 2_000, WALL + 4, "trash", read=False),
]


def silent(_done: int, _of: int) -> None:
    pass


@pytest.mark.parametrize("form", FORMS)
def test_out_and_back(form: Form, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = tmp_path / "mail"
    assert write(path, form, iter(LETTERS), len(LETTERS), lambda *done: told.append(done)) == 5
    assert read(path) == LETTERS
    assert told[-1] == (5, 5)


@pytest.mark.parametrize("form", FORMS)
def test_it_is_its_owners_alone(form: Form, tmp_path: Path) -> None:
    write(tmp_path / "mail", form, [PLAIN], 1, silent)
    assert stat.S_IMODE((tmp_path / "mail").stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_written_over(form: Form, tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "a").touch()
    with pytest.raises(LettersError, match="exists already"):
        write(tmp_path / "mail", form, [PLAIN], 1, silent)
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "no" / "mail", form, [PLAIN], 1, silent)


def test_what_is_no_mail(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello\n")
    with pytest.raises(LettersError, match="no mbox"):
        read(tmp_path / "text")
    with pytest.raises(LettersError, match="no Maildir"):
        read(tmp_path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nothing")
    (tmp_path / "empty").touch()
    assert read(tmp_path / "empty") == []


names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_.\-]{0,10}[A-Za-z0-9])?", fullmatch=True)
signs = st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\u2028\u2029")
bodies = st.text(signs | st.sampled_from("\n\t"), max_size=300) | st.sampled_from(["From \nFrom x\n", "\n", "a\n\n\n"])


@settings(max_examples=60, deadline=None)
@given(
    letters=st.lists(
        st.builds(
            Letter, sender=names, to=st.lists(names, max_size=3).map(tuple), subject=st.text(signs, max_size=200),
            body=bodies, at=st.integers(0, 2**42), folder=st.sampled_from(["inbox", "sent", "archive", "trash"]),
            read=st.booleans(), starred=st.booleans(), key=st.integers(1, 2**50).map(str),
        ),
        max_size=3, unique_by=lambda letter: letter.at,
    ),
    form=st.sampled_from(FORMS),
)  # fmt: skip
def test_whatever_it_says(letters: list[Letter], form: Form) -> None:
    with tempfile.TemporaryDirectory() as home:
        write(Path(home) / "mail", form, letters, len(letters), silent)
        assert read(Path(home) / "mail") == sorted(letters, key=lambda letter: letter.at)


def test_threads_are_told_as_other_programs_do() -> None:
    message = compose(PLAIN)
    assert (message["Message-ID"], message["In-Reply-To"]) == ("<7@parlour.invalid>", "<6@parlour.invalid>")
    assert message["From"] == "Ann <Ann@parlour.invalid>"


def test_a_mail_goes_out_and_comes_in() -> None:
    mail = Mail(
        mail=7, sender="Ann", to=["Bob"], subject="s", body="b", at=WALL, read=False, answers=6, folder="archive"
    )
    out = letter(mail)
    assert out == Letter("Ann", ("Bob",), "s", "b", WALL, "archive", read=False, key="7", answers="6")
    back = keep(out, {"6": 106})
    assert (back.sender, back.to, back.body, back.folder, back.read, back.starred, back.answers) == (
        "Ann", ["Bob"], "b", "archive", False, False, 106,
    )  # fmt: skip
    assert keep(out, {}).answers is UNSET


def test_a_reply_comes_after_what_it_answers() -> None:
    def made(key: str, answers: str = "") -> Letter:
        return Letter("a", (), "", "", 0, key=key, answers=answers)

    letters = [made("1"), made("2"), made("3", "1"), made("4", "3"), made(""), made("", ""), made("7", "1")]
    assert [[each.key for each in batch] for batch in batches(letters, 3)] == [["1", "2"], ["3"], ["4", "", ""], ["7"]]
    assert list(batches([], 3)) == []


STRANGERS = (
    "Zoë <zoe@example.org>",
    '"Doë, Z. \\"Z\\"" <z@example.org>',
    "=?x <a@b.example>",
    "a@b.example",
    "who?",
    "你好 " * 30,
)


@pytest.mark.parametrize("name", STRANGERS)
def test_names_from_elsewhere_go_out_as_they_came(name: str, tmp_path: Path) -> None:
    before = Letter(name.strip(), (), "s", "b", WALL)
    write(tmp_path / "mail", "mbox", [before], 1, silent)
    assert read(tmp_path / "mail") == [before]


def test_recipients_from_elsewhere_too(tmp_path: Path) -> None:
    before = Letter("Ann", (*STRANGERS[:2], "Bob", "a@b.example"), "s", "b", WALL)
    assert extract(compose(before)).to == before.to
    before = Letter("Ann", (STRANGERS[0], "Bob", "a@b.example"), "s", "b", WALL)
    assert extract(compose(before)).to == before.to
    assert compose(before)["To"].startswith("=?utf-8?q?Zo=C3=AB?= <zoe@example.org>")


# -- from elsewhere


def foreign(**headers: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return message


def test_a_mail_of_another_program() -> None:
    message = foreign(
        From='"Doe, Zoë" <zoe@example.org>', To="a@b.example, Bob B <b@b.example>", Subject="Grüße",
        Date="Tue, 03 Mar 2026 20:02:00 +0100", Message_ID="<x@y>", In_Reply_To="<w@y>",
    )  # fmt: skip
    message.set_content("Hello\r\nZoë\n")
    letter = extract(message)
    assert (letter.sender, letter.to) == ('"Doe, Zoë" <zoe@example.org>', ("a@b.example", "Bob B <b@b.example>"))
    assert (letter.subject, letter.body, letter.at) == ("Grüße", "Hello\nZoë", 1_772_564_520_000)
    assert (letter.key, letter.answers) == ("x@y", "w@y")


def test_text_is_taken_out_of_what_has_more() -> None:
    message = foreign(From="z@example.org")
    message.set_content("the text")
    message.add_alternative("<p>the <b>html</b></p>", subtype="html")
    message.add_attachment(b"\0", maintype="image", subtype="png", filename="cat.png")
    assert extract(message).body == "the text\n\n[attachment left out: cat.png]"
    html = foreign(From="z@example.org")
    html.set_content("<style>p {}</style><p>Dear <b>all</b>,</p><p>bye</p>", subtype="html")
    assert extract(html).body == "Dear all,\nbye"


def test_what_cannot_be_kept_is_cut_or_left_out() -> None:
    message = Message()
    message["Subject"] = "x" * 300
    message["From"] = "=?no-such-charset?b?AAAA?="
    message["To"] = ", ".join(f"a{number}@example.org" for number in range(200))
    message.set_payload("a\x1b[31mb\x00\x85" + "y" * 20_000, "utf-8")
    letter = extract(message)
    assert (len(letter.subject), len(letter.body), letter.body[:6], letter.body[-4:]) == (200, BODY_MAX, "a[31mb", CUT)
    assert (len(letter.to), letter.at, letter.sender) == (15, 0, "=?no-such-charset?b?AAAA?=")
    assert extract(Message()) == Letter("unknown", (), "", "", 0)


def test_folders_of_other_programs(tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "mail")
    for folder in ("Sent Items", "Work", "Trash"):
        box.add_folder(folder).add(mailbox.MaildirMessage(compose(PLAIN)))
    assert sorted(letter.folder for letter in read(tmp_path / "mail")) == ["archive", "sent", "trash"]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_are_too_strange(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / "mail"
        path.write_bytes(b"From x\n" + content)
        for letter in read(path):
            assert len(letter.body) <= BODY_MAX
            letter.body.encode()
            letter.sender.encode()
