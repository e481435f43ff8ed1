"""Commands about mail: what each asks of the server and says; mail out into files and in again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from client import mailfiles
from client.answers import Refusal
from client.commands import VERBS, Command
from client.letterbox import Letterbox
from client.maildeeds import MailDeeds, all_of, number, quoted, subject_of_reply
from client.teller import Teller
from wire import messages as m
from wire.errors import Refused
from wire.letters import LettersError


class Box(Letterbox):
    """Answers as a small mailbox would; `asked` is what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.asked: list[Any] = []
        self.answers = list(answers)

    async def ask(self, message: m.Message, *, id_: str = "") -> Any:
        self.asked.append(message)
        answer = self.answers.pop(0) if self.answers else m.Done(mail=9)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Deeds(MailDeeds):
    def __init__(self, box: Box) -> None:
        self.said: list[str] = []
        super().__init__(box, Teller(lambda spans: self.said.append(spans[0][1])))  # type: ignore[arg-type]
        self.shown: list[Any] = []

    async def show_folder(self, folder: str) -> None:
        self.shown.append(("folder", folder))

    async def find(self, words: str) -> None:
        self.shown.append(("find", words))

    async def show_thread(self, mail: m.Mail) -> None:
        self.shown.append(("thread", mail.mail))

    async def go_on(self, mail: m.Mail) -> None:
        self.shown.append(("edit", mail.mail))

    async def show_inbox(self, before: int | None = None) -> None:
        self.shown.append(("inbox", before))

    async def read(self, typed: str) -> None:
        self.shown.append(("read", typed))

    async def write(self, to: str = "", subject: str = "", answers: int | None = None) -> None:
        self.shown.append(("write", to, subject, answers))

    async def reply(self, mail: m.Mail, *, to_all: bool = False) -> None:
        self.shown.append(("reply", mail.mail, to_all))


def mail(number: int = 7, **more: Any) -> m.Mail:
    values = {"sender": "ann", "to": ["Me", "ben"], "subject": "chess", "body": "a\n\nb", "at": 5, "read": True} | more
    return m.Mail(mail=number, **values)


def done(verb: str, *args: str, answers: tuple[Any, ...] = ()) -> Deeds:
    box = Box(*answers)
    deeds = Deeds(box)
    asyncio.run(deeds.command(Command(verb, args)))
    deeds.asked = box.asked  # type: ignore[attr-defined]
    return deeds


@pytest.mark.parametrize(
    ("verb", "asked", "said"),
    [
        ("star", m.MailMark(mail=7, starred=True), "a star"),
        ("unstar", m.MailMark(mail=7, starred=False), "no star"),
        ("unread", m.MailMark(mail=7, read=False), "unread again"),
        ("archive", m.MailMove(mail=7, folder="archive"), "in the archive"),
        ("restore", m.MailMove(mail=7), "back where it was"),
        ("delete", m.MailDelete(mail=7), "/restore 7 brings it back"),
    ],
)
def test_deeds_on_one_mail(verb: str, asked: Any, said: str) -> None:
    deeds = done(verb, "#7")
    assert deeds.asked == [asked]  # type: ignore[attr-defined]
    assert said in deeds.said[0]


@pytest.mark.parametrize(
    ("verb", "args", "shown"),
    [
        ("mail", (), ("inbox", None)), ("mail", ("ann",), ("write", "ann", "", None)), ("read", ("7",), ("read", "7")),
        ("folder", (), ("folder", "")), ("folder", ("Draft",), ("folder", "drafts")),
        ("folder", ("starred",), ("folder", "starred")), ("findmail", ("the boat",), ("find", "the boat")),
    ],
)  # fmt: skip
def test_what_shows_something(verb: str, args: tuple[str, ...], shown: Any) -> None:
    assert done(verb, *args).shown == [shown]


@pytest.mark.parametrize(
    ("verb", "args", "folder", "shown"),
    [
        ("thread", ("7",), "inbox", ("thread", 7)), ("edit", ("7",), "drafts", ("edit", 7)),
        ("reply", ("7",), "inbox", ("reply", 7, False)), ("reply", ("7", "all"), "inbox", ("reply", 7, True)),
    ],
)  # fmt: skip
def test_what_needs_the_mail(verb: str, args: tuple[str, ...], folder: str, shown: Any) -> None:
    assert done(verb, *args, answers=(mail(folder=folder),)).shown == [shown]


@pytest.mark.parametrize(
    ("verb", "args"), [("folder", ("cellar",)), ("star", ("x",)), ("star", ("²",)), ("importmail", ("/no/such",))]
)
def test_what_makes_no_sense_is_refused(verb: str, args: tuple[str, ...]) -> None:
    with pytest.raises(Refused):
        done(verb, *args)


def test_only_a_draft_is_gone_on_with() -> None:
    with pytest.raises(Refused, match="no draft"):
        done("edit", "7", answers=(mail(folder="inbox"),))


def test_every_command_about_mail_is_known(tmp_path: Path) -> None:
    for verb, form in VERBS.items():
        if form.group != "mail":
            continue
        args = [str(tmp_path / "new")] if verb.endswith("portmail") else ["7"] if form.takes[:1] in ("W", "*") else []
        answers = {
            "edit": mail(folder="drafts"), "reply": mail(), "thread": mail(), "exportmail": pages([1])[0],
        }  # fmt: skip
        deeds = done(verb, *args, answers=(answers[verb],) if verb in answers else ())
        assert deeds.shown or deeds.said, verb
        if verb == "exportmail":
            assert "1 mail in" in deeds.said[0]


def test_replies() -> None:
    assert subject_of_reply(mail()) == "Re: chess"
    assert subject_of_reply(mail(subject="RE: chess")) == "RE: chess"
    assert len(subject_of_reply(mail(subject="x" * 200))) == 200
    assert all_of(mail(), "ME") == ["ann", "ben"]
    assert all_of(mail(sender="me", to=["ME"]), "me") == ["me"]
    assert quoted(mail()) == "> a\n>\n> b\n"
    assert number(" #12 ") == 12


# -- programs


def test_a_draft_that_is_gone_is_kept_as_a_new_one() -> None:
    box = Box(Refusal("no_such_mail", "gone"), m.Done(mail=12))
    assert asyncio.run(box.keep_draft(["ben"], "s", "b", draft=3)) == 12
    assert [message.mail for message in box.asked] == [3, UNSET]
    with pytest.raises(Refusal):
        asyncio.run(Box(Refusal("full", "full")).keep_draft(["ben"], "s", "b", draft=3))


def test_a_server_that_asks_to_slow_down_is_waited_for() -> None:
    box = Box(Refusal("too_fast", "wait", retry_after=0.001), m.Done(mail=4))
    assert asyncio.run(box.keep_mail(m.MailKeep(sender="z", body="b", at=1))) == (4, True)
    box = Box(Refusal("too_fast", "wait", retry_after=0.001), *pages([1, 2]))

    async def numbers() -> list[int]:
        return [found.mail async for found, _ in box.every_mail()]

    assert asyncio.run(numbers()) == [1, 2]
    with pytest.raises(Refusal, match="no"):
        asyncio.run(Box(Refusal("no_such_mail", "no")).move_mail(3))


# -- files


def pages(*numbers: list[int]) -> list[m.MailExportPage]:
    count = sum(map(len, numbers))
    return [
        m.MailExportPage(
            mails=[mail(each, at=each, answers=each - 1, folder="inbox") for each in page], more=page != numbers[-1],
            count=count,
        )
        for page in numbers
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["mbox", "maildir"])
def test_out_and_in_again(form: Any, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    box = Box(*pages([1, 2], [3]))
    path = tmp_path / "mail"
    assert asyncio.run(mailfiles.export(box, path, form, lambda *done: told.append(done))) == 3
    assert [message.after for message in box.asked] == [0, 2]
    back = Box(*(m.Done(mail=number, fresh=number != 102) for number in (101, 102, 103)))
    assert asyncio.run(mailfiles.load(back, path, lambda *done: told.append(done))) == (2, 1)
    assert [(keep.at, keep.answers) for keep in back.asked] == [(1, UNSET), (2, 101), (3, 102)]
    assert told[-1] == (3, 3)


def test_nothing_is_asked_for_in_vain(tmp_path: Path) -> None:
    box = Box()
    with pytest.raises(LettersError, match="exists already"):
        asyncio.run(mailfiles.export(box, tmp_path, "mbox", lambda *_: None))
    assert box.asked == []


@pytest.mark.parametrize(
    ("typed", "form", "place"),
    [("a b", "mbox", "a b"), ("mbox a", "mbox", "a"), ("Maildir  a b", "maildir", "a b"), ("mboxes", "mbox", "mboxes")],
)
def test_where_to(typed: str, form: str, place: str) -> None:
    assert mailfiles.where(typed) == (form, Path(place))
    with pytest.raises(LettersError):
        mailfiles.where("maildir")
