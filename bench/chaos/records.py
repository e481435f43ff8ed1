"""What a run leaves to be judged: acknowledgements, members' views in order, the files, samples of the listing. Plain.

Times are monotonic seconds of the one process that observes, but for `at`, which is the server's epoch ms. An entry
that is no line (a topic) counts as a line whose text is `topic:` and the topic.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

FILLER = "x"


def compact(text: str) -> str:
    """A text whose filling is counted instead of kept; two texts are equal when these are."""
    bare = text.rstrip(FILLER)
    return f"{bare}+{len(text) - len(bare)}" if len(text) > len(bare) else text


class Line(NamedTuple):
    """One entry of a room as somebody saw it, or as the file has it."""

    seq: int
    at: int
    sender: str
    text: str


class Opened(NamedTuple):
    """A view begins, or goes on: what was asked for (`since`, or else `last` of the newest) and what `entered` said."""

    since: int | None
    last: int
    seq: int
    first: int
    epoch: int


class Gap(NamedTuple):
    first: int
    last: int


class Whisper(NamedTuple):
    number: int
    sender: str
    to: str
    text: str


@dataclass(slots=True)
class Said:
    """One line, topic, whisper (`to` is somebody) or mail, and what its sender was told of it.

    `acks`: the number in every `done`. `tries`: how often it was sent. `refused`: how often it was answered by an
    error, or may have been by one that a break kept from its sender. `dropped`: the sender gave it up for good, after
    an error that says nothing was stored.
    """

    room: str
    sender: str
    stream: str
    text: str
    to: str = ""
    acks: list[int] = field(default_factory=list)
    tries: int = 0
    refused: int = 0
    dropped: bool = False
    once: bool = False  # is never sent again (topics have no key), so that it may stay unanswered
    sent_at: float = 0.0  # for the last time
    acked_at: float = 0.0


@dataclass(slots=True)
class View:
    """All that one member was told in a room, over all connections. `whole`: it stayed to the end and caught up."""

    member: str
    room: str
    told: list[Line | Opened | Gap] = field(default_factory=list)
    whispers: list[Whisper] = field(default_factory=list)
    whole: bool = False


@dataclass(slots=True)
class RoomFile:
    """entries and whispers of a room's log.sqlite3, as they were found after the end."""

    room: str
    lines: list[Line] = field(default_factory=list)
    whispers: list[Whisper] = field(default_factory=list)  # text "" where it has had its time


@dataclass(slots=True)
class MailFile:
    """mail.sqlite3: number and body of every mail, and the inboxes (folded owner, number)."""

    mails: list[tuple[int, str]] = field(default_factory=list)
    copies: list[tuple[str, int]] = field(default_factory=list)


@dataclass(slots=True)
class Inbox:
    """What a reader of mail was told. `listed`: each listing whole, numbers newest first; `news`: unasked notices."""

    owner: str
    listed: list[list[int]] = field(default_factory=list)
    news: list[int] = field(default_factory=list)


class Sample(NamedTuple):
    """One row of the admins' listing.

    `asked`: when; `prompt`: since when the lobby has answered at once, without a break or a pause; `alive`: whether
    the process of that number lived when it was asked for.
    """

    asked: float
    prompt: float
    room: str
    state: str
    pid: int
    alive: bool


@dataclass(slots=True)
class Evidence:
    """All of a run."""

    lines: list[Said] = field(default_factory=list)
    whispers: list[Said] = field(default_factory=list)
    mails: list[Said] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    inboxes: list[Inbox] = field(default_factory=list)
    files: list[RoomFile] = field(default_factory=list)
    mail_file: MailFile = field(default_factory=MailFile)
    samples: list[Sample] = field(default_factory=list)
    died: dict[int, float] = field(default_factory=dict)  # pid → when it was killed
    paused: dict[int, list[tuple[float, float]]] = field(default_factory=dict)  # pid → spans of SIGSTOP
    unwatched: list[tuple[float, float]] = field(default_factory=list)  # spans in which the nursery was in SIGSTOP
    strange: list[str] = field(default_factory=list)  # what no server should have said or done
    unreadable: list[str] = field(default_factory=list)  # files that integrity_check finds at fault
    ended: float = 0.0
