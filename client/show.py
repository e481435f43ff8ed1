"""What others sent, made fit to be seen: sanitised text, and lines as spans with a role each. Pure.

Law: nothing that came over the wire reaches a screen but through `clean` or `word`; afterwards it has no control
sequence, no bidirectional override and nothing invisible but the joiners of `client.joined`, and one text cannot look
like two lines of different people.
A span is (role, text); the line mode makes colours of roles, screens make styles of them.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final

from client import joined
from wire.messages import AuditRow, Direct, Entry, Invited, Line, Mail, Moderated, Presence, Topic, Whispered
from wire.names import fold

Span = tuple[str, str]
Spans = list[Span]

REPLACED: Final = "\N{REPLACEMENT CHARACTER}"
CONTINUED: Final = "      | "  # before the second and further lines of one text
PAD: Final = "   "  # before each row of somebody's text, so that none can pass for a heading or another one's
COMBINING_MOST: Final = 3  # marks on one letter; some scripts need two, towers of them paint over other lines
JAMO: Final = frozenset((*range(0x1160, 0x1200), *range(0xD7B0, 0xD800)))  # drawn in the cell of the one before
NAMES_MOST: Final = 8  # names told of those who come or go at once
# Invisible, though neither control nor format characters: Unicode's Default_Ignorable_Code_Point, also where nothing is
# assigned yet, and the blanks that look like nothing.
_SINGLE: Final = (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2065, 0x2800, 0x3164, 0xFFA0)
_RANGES: Final = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xFFF0, 0xFFF9), range(0xE0000, 0xE1000))
# What this Python's tables do not know has no width that terminals agree on, and many draw nothing at all. But new
# emoji come every year, and all agree that they are wide.
TO_COME: Final = frozenset((*range(0x1F6D8, 0x1F6E0), *range(0x1FA70, 0x1FB00)))
INVISIBLE: Final = frozenset((*_SINGLE, *(code for codes in _RANGES for code in codes)))


def clean(text: str) -> str:
    """`text` as it may be shown; newlines stay, tabs become spaces."""
    if text.isascii() and text.isprintable():
        return text
    kept: list[str] = []
    marks = 0
    stay = joined.meant(text)
    for place, char in enumerate(text):
        if char == "\n" or place in stay:
            kept.append(char)
            continue
        if char == "\t":
            kept.append("    ")
            continue
        category = unicodedata.category(char)
        if category in ("Cf", "Zl", "Zp") or ord(char) in INVISIBLE:
            continue
        if category in ("Cc", "Cs", "Co") or (category == "Cn" and ord(char) not in TO_COME):
            kept.append(REPLACED)
            continue
        marks = marks + 1 if category in ("Mn", "Me") or ord(char) in JAMO else 0
        if marks <= COMBINING_MOST:
            kept.append(char)
    return "".join(kept)


def word(text: str, most: int = 200) -> str:
    """A name, topic or the like: one line, bounded."""
    one = clean(text).replace("\n", " ")
    return one if len(one) <= most else one[: most - 1].rstrip(joined.ZWJ + joined.ZWNJ + joined.EMOJI_STYLE) + "…"


def paragraphs(text: str) -> list[str]:
    return clean(text).split("\n")


def clock(at: int, zone: tzinfo | None = None) -> str:
    """The local time of `at`, HH:MM."""
    moment = _moment(at, zone)
    return moment.strftime("%H:%M") if moment else "--:--"


def day(at: int, zone: tzinfo | None = None) -> str:
    """The local day of `at`."""
    moment = _moment(at, zone)
    return f"{moment:%A}, {moment.day} {moment:%B %Y}" if moment else ""


def stamp(at: int, zone: tzinfo | None = None) -> str:
    """Day and time, for mail."""
    moment = _moment(at, zone)
    return moment.strftime("%Y-%m-%d %H:%M") if moment else "?"


def _moment(at: int, zone: tzinfo | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)
    except (OverflowError, ValueError, OSError):
        return None


def entry(entry: Entry, me: str, zone: tzinfo | None = None, *, marked: bool = False) -> list[Spans]:
    """An entry of a room's log, as lines."""
    match entry:
        case Line():
            return line(entry, me, zone, marked=marked)
        case Topic():
            told = f"{word(entry.sender)} set the topic: {word(entry.topic)}" if entry.topic else (
                f"{word(entry.sender)} cleared the topic")  # fmt: skip
            return [[("time", clock(entry.at, zone)), ("notice", f" -- {told}")]]
        case Moderated():
            return [[("time", clock(entry.at, zone)), ("notice", f" -- {moderated(entry)}")]]


def line(said: Line, me: str, zone: tzinfo | None = None, *, marked: bool = False) -> list[Spans]:
    first, *rest = paragraphs(said.text)
    mine = fold(said.sender) == fold(me)
    who = "own" if mine else "name"
    role = "marked" if marked else "text"
    guest = [("notice", "~")] if said.guest is True and not mine else []
    if said.kind == "action":
        head: Spans = [(who, f" * {word(said.sender)}"), *guest, (role, f" {first}")]
    else:
        head = [(who, f" {word(said.sender)}"), *guest, (role, f": {first}")]
    mark: Spans = [("marked", " (marked)")] if marked else []  # in words too: not everybody sees colours
    return [[("time", clock(said.at, zone)), *mark, *head], *_continued(rest, role)]


def whisper(said: Whispered, me: str, zone: tzinfo | None = None) -> list[Spans]:
    first, *rest = paragraphs(said.text)
    if fold(said.sender) == fold(me):
        who = f" you to {word(said.to)}, in private: "
    else:
        who = f" {word(said.sender)} to you, in private: "
    return [[("time", clock(said.at, zone)), ("whisper", who), ("text", first)], *_continued(rest, "text")]


def direct(told: Direct, me: str, zone: tzinfo | None = None, *, dated: bool = False) -> list[Spans]:
    """What was told from anywhere to anywhere; `dated`: with its day."""
    first, *rest = paragraphs(told.text)
    guest = "~" if told.guest is True else ""
    mine = fold(told.sender) == fold(me)
    who = f" you told {word(told.to)}: " if mine else f" {word(told.sender)}{guest} tells you: "
    when = stamp(told.at, zone) if dated else clock(told.at, zone)
    return [[("time", when), ("whisper", who), ("text", first)], *_continued(rest, "text")]


def invitation(invited: Invited) -> str:
    """That somebody lets us into a room."""
    return f"{word(invited.sender)} invites you into the room {word(invited.room)}"


def _continued(rest: Iterable[str], role: str) -> list[Spans]:
    return [[("time", CONTINUED), (role, more)] for more in rest]


def moderated(entry: Moderated) -> str:
    who, whom = word(entry.sender), word(entry.name)
    seconds = entry.seconds if isinstance(entry.seconds, int) else 0
    reason = f" ({word(entry.reason)})" if isinstance(entry.reason, str) and entry.reason else ""
    match entry.what:
        case "kick":
            told = f"{who} put {whom} out"
        case "ban":
            told = f"{who} banned {whom}" + (f" for {duration(seconds)}" if seconds else "")
        case "unban":
            told = f"{who} lets {whom} in again"
        case "mute":
            told = f"{who} muted {whom}" + (f" for {duration(seconds)}" if seconds else "")
        case "unmute":
            told = f"{who} lets {whom} speak again"
        case "op":
            told = f"{who} made {whom} an operator"
        case "deop":
            told = f"{whom} is no longer an operator, says {who}"
        case "slow":
            told = f"{who} set slow mode: {duration(seconds)} between lines" if seconds else f"{who} ended slow mode"
        case what:
            told = f"{who}: {word(what)} {whom}"
    return told + reason


def whom(act: AuditRow) -> str:
    """To whom an act of the audit log was done."""
    return word(act.target, 20) or ("everybody" if act.what == "announce" else "the server")


def presence(room: str, came: Presence, me: str) -> list[str]:
    """Who came and went, a sentence each; nothing about ourselves."""
    joined = [name for name in came.joined if fold(name) != fold(me)]
    left = [name for name in came.left if fold(name) != fold(me)]
    told = []
    if joined:
        told.append(f"{word(room)} welcomes: {names(joined)}")
    if left:
        told.append(f"{names(left)} left {word(room)}")
    return told


def names(all_names: Sequence[str]) -> str:
    """Some names, and how many more."""
    shown = [word(name, 40) for name in all_names[:NAMES_MOST]]
    more = len(all_names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def duration(seconds: float) -> str:
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            return count(round(seconds / size), unit)
    return count(round(seconds), "second")


def count(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def mail(mail: Mail, zone: tzinfo | None = None) -> list[Spans]:
    head: list[Spans] = [
        [("time", "From:    "), ("name", word(mail.sender)), ("time", f"   {stamp(mail.at, zone)}")],
        [("time", "To:      "), ("text", ", ".join(word(name) for name in mail.to))],
        [("time", "Subject: "), ("text", word(mail.subject) or "(none)")],
        [("text", "")],
    ]
    return head + [[("pad", PAD), ("text", part)] for part in paragraphs(mail.body)]


def plain(spans: Spans) -> str:
    """A line without its roles."""
    return "".join(text for _, text in spans)
