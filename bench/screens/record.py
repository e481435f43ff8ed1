"""A session of two users and an admin in tmux, played by keys against a real server, and written down as it looked.

`python -m bench.screens.record [FILE]` writes docs/full-screen-session.md anew. Law: each step waits for what it is to
bring up, so that what does not work any more ends the recording with the screen on which it did not come; and no item
of a menu is left out (`not_done`).
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from client.screens import account, accounts, admin, adminrooms, inbox
from client.screens.keys import KEYS
from client.screens.palette import OTHERS
from client.settings import NOTICES
from tests.scenes.stage import QUICK, UNLIMITED, Stage

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "full-screen-session.md"
PATIENCE = 20.0  # seconds
SIZE = (80, 24)
WIDE = (116, 24)  # the admin's, so that members have room beside the lines
PEOPLE = ("foo", "test", "admin", "new", "guest", "back")
CODE = re.compile(r"leo: (?!done)(\S+)")
HEAD = """# The full-screen client: a session

Two users and an admin, and for a while three more, each in a tmux of 80 by 24 (the admin's is wider), as
`python -m bench.screens.record` played it by keys and wrote it down. Times and dates are made the same;
figures of processes are as they were.
"""


@dataclass(frozen=True)
class Step:
    """`keys` are tmux's names of keys; one that begins with a space is typed as it is, after the space."""

    who: str
    told: str
    keys: tuple[str, ...]
    sees: str
    drawn: bool = True
    does: tuple[str, ...] = ()


def step(who: str, told: str, *keys: str, sees: str, drawn: bool = True, does: str = "") -> Step:
    """`does`: items of the menus, as `items` names them; `{home}` in keys is a folder of theirs, `{code}` the code that
    was last on the admin's screen."""
    return Step(who, told, keys, sees, drawn, tuple(filter(None, does.split(", "))))


def quiet(who: str, *keys: str, sees: str, does: str = "") -> Step:
    """One whose screen is not written down."""
    return step(who, "", *keys, sees=sees, drawn=False, does=does)


def found(who: str, words: str, sees: str, does: str, told: str = "") -> tuple[Step, Step]:
    """An item of the palette, found by a part of its name and chosen."""
    name = OTHERS.get(does.removeprefix("palette "), (words[0].upper() + words[1:],))[0]
    return quiet(who, "C-p", f" {words}", sees=name), step(who, told, "Enter", sees=sees, drawn=bool(told), does=does)


def chosen(place: int, sees: str, does: str, *, sure: bool = True) -> tuple[Step, ...]:
    """What can be done with the row under the admin's cursor, by its place in the list."""
    first = quiet("admin", "Enter", *["Down"] * place, sees="╭")
    asked = (quiet("admin", "Enter", sees="Yes, do it"), quiet("admin", "Tab", "Enter", sees=sees, does=does))
    return (first, *asked) if sure else (first, quiet("admin", "Enter", sees=sees, does=does))


def items() -> set[str]:
    """Every item of every menu."""
    return {
        *(f"key {key.id}" for key in KEYS), *(f"palette {action}" for action in OTHERS), "palette theme",
        *(f"door {door}" for door in ("login", "register", "guest", "code")),
        *(f"account {verb}" for verb in account.DOINGS), "account password", *(f"notice {name}" for name in NOTICES),
        *(f"mail {verb}" for _, verb, _ in inbox.DEEDS), *(f"folder {place}" for place in inbox.PLACES),
        *(f"room {deed}" for deed in (*adminrooms.DEEDS, "enter", "close")),
        *(f"user {deed}" for deed in (*accounts.DEEDS, "role")), *(f"tab {tab}" for tab in admin.TABS.values()),
        "link open", "link copy", "mail import", "admin announce", "admin find",
    }  # fmt: skip


def not_done() -> list[str]:
    """Items that no step of the play does."""
    return sorted(items() - {item for each in PLAY for item in each.does})


PLAY = (
    step("foo", "foo_user opens the client: the server answers.", sees="is there."),
    step("foo", "Name and password, and foo_user is in the lobby.", "C-a", "C-k", " foo_user", "Enter", " 123", "Enter",
         sees="F1 Help", does="door login"),
    step("foo", "A room is made: its name is typed, and there is none.", " garden", sees="garden"),
    step("foo", "", "Enter", sees="A new room", drawn=False),
    step("foo", "It gets a topic.", "Tab", " Seeds and slugs", "Enter", sees="1 person"),
    step("test", "test_user comes, finds the room as it is typed, and goes in.", "C-a", "C-k", " test_user", "Enter",
         " 123", "Enter", sees="F1 Help", drawn=False),
    step("test", "", " gard", sees="Seeds", drawn=True),
    step("test", "", "Enter", sees="2 people", drawn=False),
    step("test", "They talk, with marks.", " Good evening! **Who** has `beans`?", "Enter", sees="Good evening"),
    step("foo", "Several lines are one message: Ctrl+J begins another.", " test_user: I do.", "C-j", " > Who has beans",
         "C-j", " see https://example.org/beans", "Enter", sees="example.org/beans"),
    step("foo", "A whisper, and /me; Tab completes names.", " @te", "Tab", " and a pumpkin for you", "Enter",
         sees="in private", drawn=False),
    step("foo", "", " /me digs", "Enter", sees="* foo_user digs"),
    step("test", "So test_user sees it.", sees="a pumpkin for you"),
    step("test", "Ctrl+F finds lines; Enter jumps to one.", "C-f", sees="Find in", drawn=False, does="key find"),
    step("test", "", " pumpkin", "Enter", sees="holds these", drawn=False),
    step("test", "Whispers are in no index; a word that was said is.", "C-u", " evening", "Enter",
         sees="Good evening!"),
    step("test", "", "Escape", sees="beans", drawn=False),
    step("test", "Ctrl+L lists links, to be opened or copied.", "C-l", sees="Links, the newest first",
         does="key links"),
    step("test", "One that is chosen:", "Enter", sees="Copy it"),
    quiet("test", "Enter", sees="rite a line", does="link open"),
    quiet("test", "C-l", sees="the newest first"),
    quiet("test", "Enter", sees="Copy it"),
    quiet("test", "Down", "Enter", sees="rite a line", does="link copy"),
    step("test", "F8 moves in the lines; Enter offers what can be done with one.", "F8", "Up", "Enter",
         sees="Write mail", does="key lines"),
    step("test", "", "Escape", "Escape", sees="rite a line", drawn=False),
    step("test", "A second room: the first goes on counting.", "F2", sees="Rooms", drawn=False, does="key rooms"),
    step("test", "", " hall", "Enter", sees="hall  1 person", drawn=False),
    step("foo", "foo_user names test_user in the garden.", " test_user, are you there?", "Enter", sees="are you there"),
    step("test", "In the hall test_user is told of it, and Ctrl+N goes there.", sees="@1"),
    step("test", "", "C-n", sees="are you there", drawn=False, does="key next"),
    step("test", "F4: who is online. A direct message reaches them wherever they are.", "F4", sees="online",
         does="key people"),
    step("test", "", " foo", "Enter", sees="Direct messages", drawn=False),
    step("test", "", "Enter", sees="what you two tell", drawn=False),
    step("test", "It has a table of its own.", " Come to the hall later", "Enter", sees="Come to the hall"),
    step("test", "F9 writes a mail.", "F9", sees="Write mail", drawn=False, does="key write"),
    step("test", "", " foo_user", "Tab", " Saturday", "Tab", " Shall we dig?", sees="Shall we dig"),
    step("test", "", "C-s", sees="is sent", drawn=False),
    step("foo", "The mail is there at once.", "F3", sees="Saturday", does="key inbox"),
    step("test", "F5: the account, and what one is notified of.", "F5", sees="Notices", does="key account"),
    step("test", "Ctrl+P finds everything.", "C-p", sees="earch", drawn=False, does="key palette"),
    step("test", "", " invite", sees="Invite somebody"),
    step("test", "", "Escape", sees="Notices", drawn=False),
    step("test", "F1: help.", "F1", sees="Keys", does="key help"),
    step("admin", "admin_user comes, and sees every room and its process.", "C-a", "C-k", " admin_user", "Enter",
         " 123", "Enter", sees="F1 Help", drawn=False),
    step("admin", "", "F12", sees="garden", does="key admin, tab rooms"),
    step("admin", "What can be done with one: all of it is asked about once more.", "Enter",
         sees="Restart in a new process"),
    step("admin", "So a new process is asked for: nobody in the room notices.", "Down", "Enter", sees="Yes, do it"),
    step("admin", "", "Tab", "Enter", sees="running", drawn=False, does="room restart"),
    step("admin", "A word to everybody.", "a", sees="What everybody is to know", drawn=False),
    step("admin", "", " The kettle is on", "Enter", sees="Announced", does="admin announce"),
    step("foo", "foo_user hears it.", sees="The kettle is on"),
    step("admin", "The audit log has both.", "g", sees="The kettle is on", does="tab audit"),
    # rooms of one's own
    *found("test", "new room", "A new room", "palette new_room"),
    step("test", "A private room, by the palette.", " shed", "Tab", "Tab", "Space", sees="shed"),
    quiet("test", "Tab", "Enter", sees="shed  1 person"),
    *found("test", "topic of", "The topic of this room", "palette topic"),
    quiet("test", " Tools", "Enter", sees="shed  1 person  Tools"),
    *found("test", "invite some", "Whom do you invite?", "palette invite"),
    step("test", "Its owner gives it a topic and invites somebody.", " foo_user", "Enter", sees="Write a line"),
    *found("test", "notices of", "Notices of shed are off", "palette quiet", "Notices of one room are switched off."),
    quiet("test", "C-b", sees="what you two", does="key back"),
    quiet("test", "M-Up", sees="hall  1 person", does="key above"),
    quiet("test", "M-Down", sees="what you two", does="key below"),
    quiet("test", "Escape", "1", sees="are you there"),
    quiet("test", "PPage", "C-g", sees="are you there", does="key end"),
    *found("test", "theme parlour-light", "are you there", "palette theme"),
    *found("test", "direct mess", "To whom?", "palette direct"),
    quiet("test", " foo_user", "Enter", sees="Come to the hall later"),
    quiet("test", "Escape", "2", sees="hall"),
    quiet("test", "C-w", sees="Leave hall?"),
    step("test", "A room is left.", "Tab", "Enter", sees="foo_user", does="key leave"),
    # mail
    step("foo", "foo_user reads the mail, gives it a star,", "Enter", sees="Shall we dig"),
    quiet("foo", "s", "6", sees="Starred", does="mail star, folder starred"),
    step("foo", "finds it among those,", sees="Saturday"),
    quiet("foo", "1", sees="Inbox", does="folder inbox"),
    quiet("foo", "r", sees="Re: Saturday"),
    quiet("foo", " With pleasure.", "C-s", sees="is sent", does="mail reply"),
    quiet("foo", "a", sees="Write mail"),
    step("foo", "answers, begins another answer, which Escape keeps as a draft,", " And bring the others.",
         sees="the others", does="mail reply_all"),
    quiet("foo", "Escape", sees="kept in your drafts"),
    step("foo", "and goes on with it.", "3", sees="Drafts", does="folder drafts"),
    quiet("foo", "Enter", sees="the others"),
    quiet("foo", "C-s", sees="is sent"),
    step("foo", "What was sent:", "2", sees="Sent", does="folder sent"),
    quiet("foo", "1", "u", sees="1 unread", does="mail unread"),
    quiet("foo", "e", sees="n writes to somebody", does="mail archive"),
    quiet("foo", "4", sees="Saturday", does="folder archive"),
    quiet("foo", "b", sees="Archive  empty", does="mail restore"),
    quiet("foo", "1", sees="Saturday"),
    quiet("foo", "d", sees="in the trash", does="mail delete"),
    step("foo", "Read mail goes into the archive, and comes back; this one is in the trash.", "5", sees="Saturday",
         does="folder trash"),
    quiet("foo", "z", sees="for good?"),
    quiet("foo", "Tab", "Enter", sees="Trash  empty", does="mail empty"),
    quiet("foo", "/", sees="Find in all your mail"),
    step("foo", "A word finds mail in all folders.", " pleasure", "Enter", sees="Found", does="mail find"),
    quiet("foo", "x", sees="All your mail out"),
    step("foo", "All mail goes into an mbox file, and such a file comes in.", " export mbox {home}/mail.mbox", "Enter",
         sees="mail.mbox", does="mail files"),
    quiet("foo", "x", sees="mail from elsewhere in"),
    step("foo", "And in again:", " import {home}/mail.mbox", "Enter", sees="your mailbox", does="mail import"),
    quiet("foo", "1", "n", sees="Write mail", does="mail write"),
    quiet("foo", "Escape", sees="writes to somebody"),
    # accounts
    quiet("new", "C-a", "C-k", " cleo", "Tab", " a long word", "Tab", "Tab", "Enter", sees="once more"),
    step("new", "Somebody makes an account: the password is typed twice.", " a long word", "Tab", "Tab", "Enter",
         sees="F1 Help", does="door register"),
    quiet("new", "F5", sees="Change the password"),
    step("new", "She changes the password,", " a long word", "Tab", " a longer word", "Tab", " a longer word", "Enter",
         sees="is changed", does="account password"),
    *(quiet("new", *["Tab"] * (2 if name == NOTICES[0] else 1), "Enter", sees="Notices", does=f"notice {name}")
      for name in NOTICES),
    step("new", "switches notices off,", sees="Notices"),
    quiet("new", *["BTab"] * 14, "Enter", sees="Where you are logged in"),
    step("new", "sees where she is logged in,", sees="End all others"),
    quiet("new", "Enter", sees="have ended", does="account sessions"),
    quiet("new", "Tab", "Enter", sees="Block somebody"),
    quiet("new", "Enter", sees="Whom do you block?"),
    step("new", "blocks somebody,", " foo_user", "Enter", sees="is blocked", does="account blocks"),
    quiet("new", "Tab", "Enter", sees="in other capitals"),
    quiet("new", "C-a", "C-k", " Cleo", "Enter", sees="You are Cleo", does="account spelling"),
    quiet("new", "Tab", "Enter", sees="File for all"),
    step("new", "has her name in other capitals, and takes all that is here of her home.", " {home}/cleo.jsonl",
         "Enter", sees="in {home}", does="account save"),
    quiet("guest", "C-a", "C-k", " dora", "Enter", "Tab", "Tab", "Tab", "Enter", sees="F1 Help", does="door guest"),
    step("guest", "A guest needs no password.", sees="dora"),
    quiet("admin", "u", sees="accounts", does="tab accounts"),
    step("admin", "The admin finds an account,", "/", " cleo", "Enter", sees="1 account", does="admin find"),
    step("admin", "with which much can be done:", "Enter", sees="A one-time code"),
    quiet("admin", "Escape", sees="1 account"),
    *chosen(1, "done.", "user log_out"),
    *chosen(2, "locked", "user lock"),
    *chosen(3, "done.", "user unlock", sure=False),
    *chosen(6, "done.", "user role", sure=False),
    *chosen(0, "not shown again", "user code", sure=False),
    step("admin", "among it a one-time code for who forgot the password.", sees="not shown again"),
    quiet("admin", "Escape", sees="1 account"),
    quiet("back", "C-a", "C-k", " cleo", "Tab", "Tab", "Tab", "Tab", "Tab", "Enter", sees="The code"),
    step("back", "Cleo goes in by it,", " {code}", "Tab", " a new long word", "Tab", " a new long word", "Enter",
         sees="F1 Help", does="door code"),
    quiet("back", "F5", sees="Change the password"),
    quiet("back", "BTab", "Enter", sees="Delete the account Cleo"),
    step("back", "and deletes the account.", "Tab", "Enter", sees="Your password", does="account delete"),
    quiet("back", " a new long word", "Enter", sees="left the client"),
    # rooms, and the end
    quiet("admin", "o", sees="what can be done with a room"),
    *chosen(0, "garden  3 people", "room enter", sure=False),
    step("admin", "The admin goes in; a wide screen has members beside the lines, and F10 hides them.", "F10", "F10",
         sees="│ admin_user", does="key members"),
    quiet("admin", "F12", sees="what can be done with a room"),
    *chosen(2, "what can be done", "room drain"),
    *chosen(4, "what can be done", "room start"),
    *chosen(3, "what can be done", "room stop"),
    *chosen(5, "what can be done", "room close"),
    quiet("test", "C-q", sees="left the client"),
    quiet("admin", "u", "/", "C-a", "C-k", " test_user", "Enter", sees="1 account"),
    *chosen(4, "0 accounts", "user delete"),
    step("admin", "All that an admin did is in the log.", "g", sees="delete"),
    step("foo", "foo_user leaves.", "C-q", sees="left the client", does="key quit"),
)  # fmt: skip


class Tmux:
    """Terminals of one tmux of its own, one for each of PEOPLE."""

    def __init__(self, stage: Stage, home: Path) -> None:
        self._socket = f"parlour-record-{os.getpid()}"
        self._home = home
        self._code = ""
        for who in PEOPLE:
            own = f"XDG_STATE_HOME={home / who} XDG_CONFIG_HOME={home / who} PYTHONPATH={ROOT} TZ=UTC BROWSER=true"
            client = f"{shlex.quote(sys.executable)} -P -m client --server {stage.host}:{stage.port}"
            command = f"env -u NO_COLOR {own} {client}; echo left the client; sleep 60"
            columns, rows = WIDE if who == "admin" else SIZE
            size = ("-x", str(columns), "-y", str(rows))
            self._run("-f", "/dev/null", "new-session", "-d", "-s", who, *size, command)

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *words], capture_output=True, text=True, check=True, cwd=ROOT
        )
        return done.stdout

    def press(self, who: str, key: str) -> None:
        typed = key[1:].replace("{home}", str(self._home)).replace("{code}", self._code)
        self._run("send-keys", "-t", who, *(("-l", typed) if key.startswith(" ") else (key,)))

    def screen(self, who: str) -> str:
        return self._run("capture-pane", "-p", "-t", who)

    def until(self, who: str, text: str) -> str:
        deadline = time.monotonic() + PATIENCE
        text = text.replace("{home}", str(self._home))
        while text not in (seen := self.screen(who)):
            if time.monotonic() > deadline:
                raise SystemExit(f"{text!r} did not come to {who}:\n{seen}")
            time.sleep(0.05)
        if who == "admin" and (code := CODE.search(seen)) is not None:
            self._code = code[1]
        return seen

    def still(self, who: str) -> str:
        """The screen once it has come to rest."""
        before = ""
        while (seen := self.screen(who)) != before:
            before = seen
            time.sleep(0.3)
        return seen

    def end(self) -> None:
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], capture_output=True, check=False)


def played(tmux: Tmux, steps: tuple[Step, ...] = PLAY) -> str:
    """All steps, and what was seen, as Markdown."""
    page = [HEAD]
    told = ""
    for each in steps:
        for key in each.keys:
            tmux.press(each.who, key)
            time.sleep(0.15 if not key.startswith(" ") else 0.05)  # a person is slower; what it brings up is waited for
        tmux.until(each.who, each.sees)
        told = each.told or told
        if each.drawn:
            rows = "\n".join(row.rstrip() for row in tmux.still(each.who).rstrip("\n").split("\n"))
            page.append(f"{told}\n\n```text\n{made_the_same(rows)}\n```\n")
            told = ""
    return "\n".join(page)


def made_the_same(rows: str) -> str:
    """Without what differs from one recording to the next."""
    rows = re.sub(r"\b\d\d:\d\d\b", "20:02", rows)
    rows = re.sub(r"\b\d\d-\d\d(?=[▌ \n])", "03-04", re.sub(r"\bup \d+s\b", "up 20s", rows))
    rows = re.sub(r"\b\d{4}-\d\d-\d\d\b", "2026-03-04", rows)
    rows = re.sub(r"(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d+ \w+ \d{4} ─+", "Wednesday, 4 March 2026 ───", rows)
    rows = re.sub(r"/tmp/\S+?/home", "/home/people", rows)
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:22222", rows)


def main(page: Path = PAGE) -> None:
    if missing := not_done():
        raise SystemExit(f"no step does: {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder) / "data", *QUICK, *UNLIMITED)
        try:
            tmux = Tmux(stage, Path(folder) / "home")
            try:
                page.write_text(played(tmux), encoding="utf-8")
            finally:
                tmux.end()
        finally:
            stage.stop()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
