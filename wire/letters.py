"""Mail as other programs keep it: mbox files and Maildir folders, written and read (standard library `mailbox`).

Law: what is written here and read again is the same mail, folder and marks included. What comes from elsewhere is made
to fit: plain text is taken out of it, characters that no mail may have are left out, what is too long is cut.
"""

import binascii
import email.utils
import html.parser
import mailbox
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.header import Header, decode_header, make_header
from email.message import Message
from pathlib import Path
from typing import Any, Final, Literal, get_args

from wire.messages import Folder, Mail, MailKeep
from wire.names import BODY_MAX, SUBJECT_MAX

Form = Literal["mbox", "maildir"]
Progress = Callable[[int, int], None]  # (done, all)
DOMAIN: Final = "parlour.invalid"  # of addresses that are names here; no mail goes there (RFC 2606)
NAME_MAX: Final = 200  # characters of a name from elsewhere
NAMES_MAX: Final = 15  # recipients of a mail from elsewhere; more than that is a list
CUT: Final = "\n[…]"
FOLDERS: Final[tuple[Folder, ...]] = get_args(Folder)
AT_ONCE: Final = 50  # mails between two steps of the progress
_ALIASES: Final = {"sent items": "sent", "sent mail": "sent", "deleted items": "trash", "deleted": "trash"}
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.\-]{0,30}[A-Za-z0-9])?", re.ASCII)
_WORDS: Final = r"[\w .\-]+"  # a name that needs no quotes in an address
_OURS: Final = re.compile(rf"(?:[^<>]*<)?([^<>@\s]+)@{re.escape(DOMAIN)}>?")


class LettersError(Exception):
    """It cannot be done; the text is one line that says why."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail outside of any mailbox. `at` in epoch milliseconds; `key` tells it apart in its file, `answers` is the
    key of the one it replies to."""

    sender: str
    to: tuple[str, ...]
    subject: str
    body: str
    at: int
    folder: Folder = "inbox"
    read: bool = True
    starred: bool = False
    key: str = ""
    answers: str = ""


def letter(mail: Mail) -> Letter:
    """A mail as it goes out."""
    return Letter(
        sender=mail.sender,
        to=tuple(mail.to),
        subject=mail.subject,
        body=mail.body,
        at=mail.at,
        folder=_folder(mail.folder or "inbox"),
        read=mail.read,
        starred=mail.starred is True,
        key=str(mail.mail),
        answers=str(mail.answers or ""),
    )


def keep(letter: Letter, numbers: dict[str, int]) -> MailKeep:
    """A mail as it comes in; `numbers` of those before it, by their keys."""
    made = MailKeep(
        sender=letter.sender,
        to=list(letter.to),
        subject=letter.subject,
        body=letter.body,
        at=letter.at,
        folder=letter.folder,
        read=letter.read,
        starred=letter.starred,
    )
    if letter.answers in numbers:
        made.answers = numbers[letter.answers]
    return made


def batches(letters: Iterable[Letter], size: int) -> Iterator[list[Letter]]:
    """Some at once; a reply comes in a later batch than what it answers, whose number is known then."""
    batch: list[Letter] = []
    keys: set[str] = set()
    for each in letters:
        if len(batch) >= size or each.answers in keys:
            yield batch
            batch, keys = [], set()
        batch.append(each)
        if each.key:
            keys.add(each.key)
    if batch:
        yield batch


# -- writing


def write(path: Path, form: Form, letters: Iterable[Letter], count: int, progress: Progress) -> int:
    """A new mbox file, or a Maildir with a folder for each but the inbox, for its owner alone; how many there are.
    Raises LettersError, OSError."""
    if path.exists() and (form == "mbox" or not path.is_dir() or any(path.iterdir())):
        raise LettersError(f"{path} exists already: name another place")
    done = 0
    with _Box(path, form) as box:
        for done, letter in enumerate(letters, start=1):
            box.add(letter)
            if done % AT_ONCE == 0:
                progress(done, max(count, done))
    progress(done, done)
    return done


class _Box:
    """What is written to: one file, or folders that are made as they are needed."""

    def __init__(self, path: Path, form: Form) -> None:
        self._folders: dict[str, mailbox.Maildir] = {}
        self._box: mailbox.mbox | mailbox.Maildir
        if form == "mbox":
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
            self._box = mailbox.mbox(path, create=False)
        else:
            path.mkdir(mode=0o700, exist_ok=True)
            for part in ("cur", "new", "tmp"):
                (path / part).mkdir(mode=0o700)
            self._box = mailbox.Maildir(path)

    def add(self, letter: Letter) -> None:
        message = compose(letter)
        if isinstance(self._box, mailbox.mbox):
            self._box.add(_for_mbox(message, letter))
            return
        target = self._box
        if letter.folder != "inbox":
            name = letter.folder.capitalize()
            target = self._folders.get(name) or self._folders.setdefault(name, self._box.add_folder(name))
        target.add(_for_maildir(message, letter))

    def __enter__(self) -> "_Box":
        return self

    def __exit__(self, *_: object) -> None:
        for box in (self._box, *self._folders.values()):
            box.close()


def _for_mbox(message: Message, letter: Letter) -> mailbox.mboxMessage:
    made = mailbox.mboxMessage(message)
    made.set_from(f"MAILER@{DOMAIN}", datetime.fromtimestamp(letter.at / 1_000, UTC).timetuple())
    made["X-Parlour-Folder"] = letter.folder
    made.set_flags(f"{'R' if letter.read else ''}O{'F' if letter.starred else ''}")
    return made


def _for_maildir(message: Message, letter: Letter) -> mailbox.MaildirMessage:
    made = mailbox.MaildirMessage(message)
    made.set_subdir("cur")
    draft = letter.folder == "drafts"
    made.set_flags(f"{'D' if draft else ''}{'F' if letter.starred else ''}{'S' if letter.read else ''}")
    made.set_date(letter.at / 1_000)
    return made


def compose(letter: Letter) -> Message:
    """As a message of RFC 5322, in ASCII: no line of it is changed on its way through an mbox."""
    message = Message()
    message["From"] = _addresses("From", [letter.sender])
    if letter.to:
        message["To"] = _addresses("To", letter.to)
    fields = {
        "Subject": letter.subject,
        "Message-ID": f"<{letter.key}@{DOMAIN}>" if letter.key else "",
        "In-Reply-To": f"<{letter.answers}@{DOMAIN}>" if letter.answers else "",
    }
    for field, value in fields.items():
        if value:
            message[field] = _header(field, value)
    message["Date"] = email.utils.formatdate(letter.at / 1_000)
    message["X-Parlour-At"] = str(letter.at)
    message["MIME-Version"] = "1.0"
    message["Content-Type"] = "text/plain; charset=utf-8"
    message["Content-Transfer-Encoding"] = "quoted-printable"
    body = binascii.b2a_qp((letter.body + "\n").encode("utf-8", "replace"))
    message.set_payload(re.sub(rb"(?m)^From ", b"=46rom ", body).decode("ascii"))
    return message


def _addresses(field: str, names: Iterable[str]) -> str:
    """Each in ASCII, where that can be; else all of it encoded as one."""
    found = [(name, _address(name)) for name in names]
    whole = ", ".join(name for name, _ in found)
    if all(address.isascii() for _, address in found) and "=?" not in whole:
        return Header(", ".join(address for _, address in found), header_name=field).encode()
    return _header(field, whole)


def _address(name: str) -> str:
    if _NAME.fullmatch(name):
        return f"{name} <{name}@{DOMAIN}>"
    spoken, address = email.utils.parseaddr(name)
    if name.isascii() or _spell(spoken, address) != name or not re.fullmatch(_WORDS, spoken) or "@" not in address:
        return name
    return f"{Header(spoken, 'utf-8').encode(linesep='')} <{address}>"


def _header(field: str, value: str) -> str:
    plain = value.isascii() and "=?" not in value and "  " not in value and value == value.strip()
    return Header(value, None if plain else "utf-8", header_name=field).encode()


# -- reading


def read(path: Path) -> list[Letter]:
    """The mails of an mbox file or a Maildir with its folders, the oldest first. Raises LettersError, OSError."""
    if path.is_dir():
        if not (path / "cur").is_dir():
            raise LettersError(f"{path} is a directory, and no Maildir")
        box = mailbox.Maildir(path, create=False)
        letters = list(_in_maildir(box, "inbox"))
        for name in box.list_folders():
            letters += _in_maildir(box.get_folder(name), _folder(name))
    else:
        with path.open("rb") as file:
            if file.read(5) not in (b"From ", b""):
                raise LettersError(f"{path} is no mbox: it does not begin with 'From '")
        letters = [_of_mbox(message) for message in mailbox.mbox(path, create=False)]
    return sorted(letters, key=lambda letter: letter.at)


def _in_maildir(box: mailbox.Maildir, folder: Folder) -> Iterable[Letter]:
    for message in box:
        flags = message.get_flags()
        where: Folder = "drafts" if "D" in flags else folder
        yield replace(extract(message), folder=where, read="S" in flags, starred="F" in flags)


def _of_mbox(message: mailbox.mboxMessage) -> Letter:
    flags, folder = message.get_flags(), str(message.get("X-Parlour-Folder", "inbox"))
    return replace(extract(message), folder=_folder(folder), read="R" in flags, starred="F" in flags)


def _folder(name: str) -> Folder:
    """Ours for another program's; what nothing is known of is kept apart from the inbox."""
    known = _ALIASES.get(name.lower(), name.lower())
    return next((folder for folder in FOLDERS if folder == known), "archive")


def extract(message: Message) -> Letter:
    """What a message says, in the terms of a letter."""
    sent = [_name(each) for each in _each_address(_text(message, "To"))]
    to = tuple(sent if len(sent) <= NAMES_MAX or all(map(_NAME.fullmatch, sent)) else sent[:NAMES_MAX])
    return Letter(
        sender=_name(_text(message, "From")) or "unknown",
        to=to[:100],
        subject=_cut(_line(_text(message, "Subject")), SUBJECT_MAX, "…"),
        body=_cut(_body(message), BODY_MAX, CUT),
        at=_at(message),
        key=_key(_text(message, "Message-ID")),
        answers=_key(_text(message, "In-Reply-To")),
    )


def _text(message: Message, name: str) -> str:
    value = message.get(name)
    if value is None:
        return ""
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, ValueError, UnicodeError):  # a charset nobody knows, or what only looks like an encoding
        return str(value)


def _each_address(value: str) -> list[str]:
    found = [(name, address) for name, address in email.utils.getaddresses([_line(value)]) if name or address]
    return [_spell(name, address) if address else name for name, address in found]


def _spell(name: str, address: str) -> str:
    """As people write it; a name with signs in it is quoted."""
    if not name:
        return address
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f"{name} <{address}>" if re.fullmatch(_WORDS, name) else f'"{quoted}" <{address}>'


def _name(value: str) -> str:
    """A name here where it is one, else the name and address as they stand."""
    line = _line(value)
    ours = _OURS.fullmatch(line)
    return ours[1] if ours is not None and _NAME.fullmatch(ours[1]) else _cut(line, NAME_MAX, "…")


def _key(value: str) -> str:
    return _line(value).partition(" ")[0].strip("<>").removesuffix(f"@{DOMAIN}")


def _at(message: Message) -> int:
    exact = _text(message, "X-Parlour-At")
    if exact.isascii() and exact.isdigit() and len(exact) < 16:
        return int(exact)
    try:
        return max(0, int(email.utils.parsedate_to_datetime(_text(message, "Date")).timestamp() * 1_000))
    except (TypeError, ValueError, OverflowError):
        return 0


def _body(message: Message) -> str:
    """The first part that is plain text, else HTML without its tags; and which attachments are left out."""
    parts = [part for part in message.walk() if not part.is_multipart()]
    texts = {kind: part for part in reversed(parts) if (kind := _kind(part))}
    if "plain" in texts:
        text = _decoded(texts["plain"])
    else:
        text = _without_tags(_decoded(texts["html"])) if "html" in texts else ""
    left_out = [name for part in parts if not _kind(part) and (name := part.get_filename())]
    text += "".join(f"\n[attachment left out: {_line(str(name))}]" for name in left_out)
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).removesuffix("\n")


def _kind(part: Message) -> str:
    if part.get_content_disposition() == "attachment":
        return ""
    return {"text/plain": "plain", "text/html": "html"}.get(part.get_content_type(), "")


def _decoded(part: Message) -> str:
    content: Any = part.get_payload(decode=True) or b""
    try:
        return str(content.decode(part.get_content_charset() or "utf-8", "replace"))
    except (LookupError, ValueError):
        return str(content.decode("latin-1"))


class _Words(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._hidden += tag in ("script", "style")
        if tag in ("p", "br", "div", "tr", "li"):
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style") and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(re.sub(r"\s+", " ", data))


def _without_tags(text: str) -> str:
    words = _Words()
    words.feed(text)
    return re.sub(r"\s*\n\s*\n\s*", "\n\n", "".join(words.words)).strip()


def _line(text: str) -> str:
    """On one line, without what no line may have."""
    return _CONTROL.sub("", re.sub(r"[\r\n\t]+\s*", " ", text)).encode("utf-8", "replace").decode()


def _cut(text: str, most: int, end: str) -> str:
    return text if len(text) <= most else text[: most - len(end)] + end
