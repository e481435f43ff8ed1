"""What a typed line means: said, a command in any dialect, or a mistake with a suggestion. Pure.

Law: a command is a whole word at the start of a line, never inside a sentence; what only looks like one is said, unless
it begins with a slash. `//text` says `/text`. The dialects are those of five older chat programs, one table each.
"""

import difflib
import re
from dataclasses import dataclass
from typing import Final

Verb = str  # a key of VERBS


@dataclass(frozen=True, slots=True)
class Talk:
    """Plain text: said in a room."""

    text: str


@dataclass(frozen=True, slots=True)
class Command:
    verb: Verb
    args: tuple[str, ...] = ()
    dialect: str = "/"  # the first character as typed


@dataclass(frozen=True, slots=True)
class Mistake:
    """To be told, not sent. `doubt`: what may have been a text all the same, and is said when it is typed once more."""

    text: str
    doubt: str = ""


Typed = Talk | Command | Mistake


@dataclass(frozen=True, slots=True)
class Form:
    """How a verb is written. `takes`: `W` a word, `w` one that may be left out, `*` the rest of the line, `_` a rest
    that may be left out."""

    takes: str
    usage: str
    what: str
    group: str


# fmt: off
VERBS: Final[dict[Verb, Form]] = {
    "whisper": Form("W*", "@NAME TEXT",          "say it to one person here, unseen by the rest (or /whisper)", "most"),
    "tell":    Form("W*", "/tell NAME TEXT",     "say it to one person now, in any room; kept while away", "most"),
    "me":      Form("*",  "/me TEXT",            "say what you do", "most"),
    "who":     Form("",   "/who",                "who is in this room", "most"),
    "people":  Form("",   "/people",             "who is online, and where", "most"),
    "rooms":   Form("",   "/rooms",              "which rooms there are", "most"),
    "join":    Form("W",  "/join ROOM",          "enter a room; it is made when there is none", "most"),
    "switch":  Form("w",  "/switch [ROOM]",      "to another room you are in; alone: which they are", "most"),
    "history": Form("w",  "/history [NUMBER]",   "earlier lines", "most"),
    "mail":    Form("w",  "/mail [NAME]",        "your inbox, or a letter to somebody, for theirs", "most"),
    "read":    Form("W",  "/read NUMBER",        "read a mail", "most"),
    "leave":   Form("",   "/leave",              "leave this room", "most"),
    "menu":    Form("",   "/menu",               "go to the menu; you stay in your rooms", "most"),
    "quit":    Form("",   "/quit",               "leave Parlour", "most"),
    "help":    Form("w",  "/help [COMMAND]",     "the commands, or about one of them", "more"),
    "whois":   Form("W",  "/whois NAME",         "about somebody", "more"),
    "directs": Form("Ww", "/directs NAME [NUMBER]", "what you and somebody told each other", "more"),
    "away":    Form("_",  "/away [TEXT]",        "tell others why you do not answer; alone: you are back", "more"),
    "ignore":  Form("w",  "/ignore [NAME]",      "block somebody: no mail, messages, lines; or end that", "more"),
    "sessions": Form("ww", "/sessions [end NUMBER]", "where you are logged in; ends one, or: end others", "more"),
    "respell": Form("W",  "/respell NAME",       "have your name in other capitals", "more"),
    "export":  Form("*",  "/export FILE",        "all that is here of you, into a file", "more"),
    "create":  Form("Ww", "/create ROOM [private]", "make a room and enter it", "more"),
    "invite":  Form("W",  "/invite NAME",        "let somebody into this private room of yours", "more"),
    "topic":   Form("_",  "/topic [TEXT]",       "what the room is about; operators set it", "more"),
    "kick":    Form("W_", "/kick NAME [REASON]", "put somebody out (operators)", "more"),
    "ban":     Form("W_", "/ban NAME [MINUTES] [REASON]", "keep somebody out (operators)", "more"),
    "unban":   Form("W",  "/unban NAME",         "let them in again (operators)", "more"),
    "mute":    Form("W_", "/mute NAME [MINUTES] [REASON]", "let somebody only listen; 0 ends it (operators)", "more"),
    "unmute":  Form("W",  "/unmute NAME",        "let them speak again (operators)", "more"),
    "op":      Form("W",  "/op NAME",            "make somebody an operator (operators)", "more"),
    "deop":    Form("W",  "/deop NAME",          "no longer an operator (operators)", "more"),
    "slow":    Form("W",  "/slow SECONDS",       "between two lines of one person; 0 ends it (operators)", "more"),
    "admin":   Form("",   "/admin",              "all rooms and their processes (admins)", "more"),
    "accounts": Form("w", "/accounts [WORD]",    "the accounts, or those with a word (admins)", "more"),
    "account": Form("WWw", "/account NAME DEED", "lock, unlock, role ROLE, logout, code, delete (admins)", "more"),
    "announce": Form("*", "/announce [#ROOM] TEXT", "say it to everybody, or to one room (admins)", "more"),
    "audit":   Form("w",  "/audit [NUMBER]",     "what admins did lately (admins)", "more"),
    "save":    Form("_",  "/save [FILE] [--json|--text]", "all that this room keeps, into a file", "more"),
    "folder":  Form("w",  "/folder [NAME]", "your mail folders, or one: sent, drafts, archive, trash, starred", "mail"),
    "findmail": Form("*", "/findmail WORDS",     "mail that holds all these words", "mail"),
    "reply":   Form("Ww", "/reply NUMBER [all]", "answer a mail, or all who have it", "mail"),
    "thread":  Form("W",  "/thread NUMBER",      "all mails of the same thread", "mail"),
    "star":    Form("W",  "/star NUMBER",        "give a mail a star", "mail"),
    "unstar":  Form("W",  "/unstar NUMBER",      "take the star away", "mail"),
    "unread":  Form("W",  "/unread NUMBER",      "mark a mail as unread", "mail"),
    "archive": Form("W",  "/archive NUMBER",     "put a mail away, out of the inbox", "mail"),
    "delete":  Form("W",  "/delete NUMBER",      "put a mail into the trash; from there it goes for good", "mail"),
    "restore": Form("W",  "/restore NUMBER",     "bring a mail back to where it was", "mail"),
    "emptytrash": Form("", "/emptytrash",        "all that is in the trash goes for good", "mail"),
    "edit":    Form("W",  "/edit NUMBER",        "go on writing a draft", "mail"),
    "exportmail": Form("*", "/exportmail [mbox|maildir] PATH", "all your mail into a file, for other programs", "mail"),
    "importmail": Form("*", "/importmail PATH",    "mail of such a file into your mailbox", "mail"),
    "follow":  Form("w",  "!follow [NAME or WORD]", "mark lines of somebody or with a word; alone: which", "other"),
    "unfollow": Form("w", "!unfollow [NAME or WORD]", "mark them no longer; alone: nothing", "other"),
    "attach":  Form("W",  "!attach FILE",        "say what is in a text file", "other"),
}
# fmt: on

SLASH: Final = {f"/{verb}": verb for verb in VERBS} | {
    "/w": "whisper", "/msg": "tell", "/t": "tell", "/back": "away", "/exit": "quit", "/q": "quit", "/bye": "quit",
    "/part": "leave", "/list": "rooms", "/names": "who", "/users": "who", "/inbox": "mail", "/?": "help",
    "/j": "join", "/enter": "join", "/h": "history", "/block": "ignore", "/unblock": "ignore",
}  # fmt: skip
PYCHAT: Final = {"<list>": "rooms", "<join>": "join", "<manual>": "help", "<quit>": "quit"}
CHATROOM: Final = {"!show": "rooms", "!join": "join", "!man": "help", "!q": "quit"}
CS3357: Final = {"!list": "who", "!exit": "quit", "!attach": "attach", "!follow": "follow", "!unfollow": "unfollow",
                 "!help": "help"}  # fmt: skip
TCP_ROOM: Final = {"*users": "who", "*help": "help", "*exit": "quit"}
PY_CHAT_ROOM: Final = {"exit()": "quit", "disconnect()": "leave"}
OTHER_WORDS: Final = PYCHAT | CHATROOM | CS3357 | TCP_ROOM | PY_CHAT_ROOM
WORDS: Final = SLASH | OTHER_WORDS

_LOOKS_LIKE_ONE = re.compile(r"<[A-Za-z]+>|[!*][A-Za-z]+|[A-Za-z]+\(\)")
_AT = re.compile(r"@([A-Za-z0-9][A-Za-z0-9_.\-]*)(?:[:,]?\s+(.*))?", re.DOTALL)
CLOSE: Final = 0.75  # as difflib measures: one letter wrong, or two changed places
CLOSE_SLASH: Final = 0.65  # with a slash it was meant as a command
BEGUN: Final = 4  # letters, its sign included, of a word that was only begun


def parse(line: str, doubted: str = "") -> Typed:
    """What `line`, as typed, means; `doubted`: what was asked about just before."""
    text = clean(line)
    if text.startswith("//"):
        return Talk(text[1:])
    if (at := _AT.fullmatch(text)) is not None:
        name, said = at.group(1), (at.group(2) or "").strip()
        return Command("whisper", (name, said), "@") if said else Mistake("whisper like this: @NAME TEXT")
    word, _, rest = text.partition(" ")
    verb = WORDS.get(word.lower())
    if verb is None:
        return _no_command(text, word, rest.strip(), doubted)
    return _arguments(verb, rest.strip(), text)


def clean(line: str) -> str:
    """A typed line without its end and without what no text may have."""
    line = line.encode("utf-8", "replace").decode()
    return "".join(c for c in line if c in "\n\t" or not (ord(c) < 32 or 127 <= ord(c) < 160)).strip()


def nearest(word: str, cutoff: float = CLOSE_SLASH) -> str | None:
    """The known word most like `word`, of the same dialect."""
    alike = [known for known in WORDS if known[0] == word[0] or (known.endswith("()") and word.endswith("()"))]
    begun = [known for known in alike if known.startswith(word.lower()) and len(word) >= BEGUN]
    if begun:
        return min(begun, key=len)
    found = difflib.get_close_matches(word.lower(), alike, n=1, cutoff=cutoff)
    return found[0] if found else None


def _no_command(text: str, word: str, rest: str, doubted: str) -> Typed:
    if word.startswith("/") and len(word) > 1 and "/" not in word[1:]:
        near = nearest(word)
        ending = f": did you mean {near}?" if near else ""
        return Mistake(f"no command {word}{ending} (/help lists them; //text says /text)")
    near = nearest(word, CLOSE) if text != doubted and _LOOKS_LIKE_ONE.fullmatch(word) else None
    if near is None or isinstance(_arguments(WORDS[near], rest, text), Talk):  # with these words it would be a sentence
        return Talk(text)
    return Mistake(f"no command {word}: did you mean {near}? Typed once more, it is said as it stands", text)


def _arguments(verb: Verb, rest: str, text: str) -> Typed:
    """The command, with its arguments as its form takes them. With words left over, a slash was a mistake, and what
    begins like another dialect's word is a sentence."""
    form, args = VERBS[verb], []
    for kind in form.takes:
        if kind in "*_":
            taken, rest = rest, ""
        else:
            taken, _, rest = rest.partition(" ")
            rest = rest.strip()
        if taken:
            args.append(taken)
        elif kind in "W*":
            return Mistake(f"write it like this: {form.usage}")
    if not rest:
        return Command(verb, tuple(args), text[0])
    return Mistake(f"write it like this: {form.usage}") if text.startswith("/") else Talk(text)
