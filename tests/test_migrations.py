"""Files of the first schema open with this code and say what they said; files of a later version are refused.

`tests/golden/*-v1.sql` (and -v2, …) are such files as text, and never change. A room's file of the next version is
opened all the same, since an upgrade may have been taken back after it had reached some rooms.
"""

import contextlib
import re
import sqlite3
from pathlib import Path
from typing import cast

import pytest
from msgspec import UNSET

from base.paths import Paths
from base.sqlite import NewerFile, connect, migrate
from lobby import mailpages
from lobby.mailbox import Mailbox
from lobby.store import Store
from roomproc.history import History
from roomproc.people import Remembered, Stream
from roomproc.schema import SCHEMA
from roomproc.staged import Standing, StoredWhisper, Work
from wire.control import RoomLimits
from wire.messages import Line, Topic

GOLDEN = Path(__file__).parent / "golden"
WALL = 1_800_000_000_000


def first_version(kind: str, path: Path) -> Path:
    return of_version(1, kind, path)


def of_version(version: int, kind: str, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path)
    db.executescript((GOLDEN / f"{kind}-v{version}.sql").read_text())
    assert db.execute("PRAGMA user_version").fetchone() == (version,)
    db.close()
    return path


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


@pytest.mark.parametrize("times", [1, 2])
def test_the_lobbys_file(paths: Paths, times: int) -> None:
    first_version("lobby", paths.lobby_db)
    for _ in range(times):  # the second finds it new already
        store = Store(paths, "off")
        room = store.catalogue.room("games")
        assert room is not None
        assert (room.room, room.name, room.owner, room.access, room.revision) == (
            "00000000000000aa", "Games", "Test_User", "private", 3,
        )  # fmt: skip
        assert (room.stopped, room.limits) == (0, RoomLimits())
        assert store.catalogue.invited(room.room, "foo_user")
        assert store.catalogue.take_invitations("foo_user") == [], "they know it"
        assert store.ledger.session_valid("s1", WALL)
        (session,) = store.ledger.sessions("test_user", WALL)
        assert (session.id, session.kind, session.begun, session.used) == ("s1", "", 0, 0), "nobody knows any more"
        assert store.ledger.leased("mia", WALL) is not None
        assert [revocation.number for revocation in store.ledger.revocations()] == [4]
        assert list(store.audit.before(None)) == []
        store.close()
    store = Store(paths, "off")
    store.catalogue.change("00000000000000aa", stopped=5, limits=RoomLimits(nice=3))
    store.commit()
    store.close()
    again = Store(paths, "off").catalogue.room("games")
    assert again is not None
    assert (again.stopped, again.limits) == (5, RoomLimits(nice=3))


def test_the_mail_file(paths: Paths) -> None:
    mailbox = Mailbox(first_version("mail", paths.mail_db), "off")
    assert mailbox.unread("test_user") == 1
    assert [row.mail for row in mailpages.search(mailbox._db.read, "test_user", "tuesday", None, 9)[0]] == [1]
    assert mailbox.read("test_user", 1).subject == "chess"
    again = mailbox.send(
        sender="Foo_User", stream="stream-of-v1-0001", id="m1", to=["Test_User"], subject="chess", body="Tuesday?",
        at=1_795_100_000_000, wall=1_795_100_000_000, window_s=86_400,
    )  # fmt: skip
    assert (again.mail, again.fresh) == (1, False), "what came before the change of version exists once"


def test_mail_of_before_there_were_folders(paths: Paths) -> None:
    path = first_version("mail", paths.mail_db)
    db = sqlite3.connect(path)
    for mail, answers, read in ((2, 1, 1), (3, 2, 0), (4, None, 0), (5, 99, 0), (6, 6, 0)):
        db.execute("INSERT INTO mails VALUES (?, 'Foo_User', '[\"Test_User\"]', 'é', 'bé', 7, ?)", (mail, answers))
        db.execute("INSERT INTO copies VALUES ('test_user', ?, ?)", (mail, read))
    db.commit()
    db.close()
    mailbox = Mailbox(path, "off")
    rows, _ = mailbox.page("test_user", None, 9)
    assert [(row.mail, row.thread, row.read) for row in rows] == [
        (6, 6, False), (5, 5, False), (4, 4, False), (3, 1, False), (2, 1, True), (1, 1, False),
    ]  # fmt: skip
    inbox = mailbox.folders("test_user")[0]
    assert (inbox.folder, inbox.mails, inbox.unread) == ("inbox", 6, 5)
    assert inbox.bytes == len("chessTuesday?") + 5 * len("ébé".encode())
    mailbox.delete("test_user", 2)
    assert mailbox.move("test_user", 2, None, 5) == "inbox"
    mailbox.close()


@pytest.mark.parametrize(("version", "before"), [(1, 0), (2, 7), (3, 7), (4, 7), (6, 7)])
def test_a_rooms_file(tmp_path: Path, version: int, before: int) -> None:
    history = History(of_version(version, "room", tmp_path / "log.sqlite3"), "off")
    holds_what_it_held(history, before)
    store(history, "after the change of version", seq=before + 4, message_id="a5")
    stream = history.stream("test_user", "stream-of-v1-0001")
    assert stream is not None
    history.forget(WALL, whispers_before=0, window_before=0, void_before=0)
    assert history.drop_before(before + 3, 10) == before + 3
    for message_id, seq in (("a1", before + 1), ("a5", before + 4), *([("a0", before)] if before else [])):
        assert history.sent(stream, message_id) == seq, "a line that is sent again after an upgrade exists once"
    history.close()


def test_a_rooms_file_with_rows_for_many(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript((GOLDEN / "room-v6-many.sql").read_text())
    history = History(path, "off")
    opened = history.open(WALL)
    assert (opened.seq, opened.first) == (9, 1)
    lines = cast("list[Line]", history.after(0, 10))
    assert [line.text for line in lines] == [*(f"line {n} 👋" for n in range(1, 7)), "waves", "hello", "alone"]
    assert [(line.sender, line.kind, line.guest) for line in lines[5:8]] == [
        ("Test_User", UNSET, UNSET), ("mia", "action", True), ("mia", UNSET, True),
    ]  # fmt: skip
    for account, name, message_id, seq in (
        ("test_user", "stream-of-v6-0001", "42", 3),
        ("test_user", "stream-of-v6-0001", "46", 9),
        ("mia", "stream-of-v6-0002", "a1", 7),
        ("mia", "stream-of-v6-0002", "7", 8),
    ):
        stream = history.stream(account, name)
        assert stream is not None
        assert history.sent(stream, message_id) == seq
    history.close()


def holds_what_it_held(history: History, before: int, incarnation: int = 8) -> None:
    """`before`: the number of the last entry that retention has dropped."""
    opened = history.open(WALL)
    assert (opened.seq, opened.first) == (before + 3, before + 1)
    assert (opened.epoch, opened.incarnation) == (1_795_100_000_000, incarnation)
    assert (opened.topic, opened.revoked_to, opened.whisper) == ("Chess", 4, 1)
    assert opened.settings is not None
    assert (opened.settings.name, opened.settings.stopped, opened.settings.limits) == ("Games", 0, RoomLimits())
    assert list(opened.spent) == ["n1"]
    assert list(opened.revoked) == ["foo_user"]
    assert [(standing.what, standing.name) for standing in opened.standing] == [("ban", "Bad")]
    assert [member.name for member in opened.members] == ["test_user"]
    entries = history.after(0, 10)
    assert [(type(entry), entry.seq - before) for entry in entries] == [(Line, 1), (Topic, 2), (Line, 3)]


def store(history: History, text: str, seq: int, message_id: str) -> None:
    """A round with something of everything in it."""
    work, stream = Work(), Stream("test_user", "stream-of-v1-0001", None)
    work.streams = [stream]
    work.add(Line(seq=seq, at=WALL, sender="Test_User", text=text), stream, message_id)
    whisper = StoredWhisper(
        number=2, at=WALL, sender="Test_User", recipient="mia", text="psst", stream=stream, id=f"w{message_id}"
    )
    work.whispers = [whisper]
    work.spent, work.revoked, work.facts = [("n2", WALL * 2)], [("bar_user", 5)], {"topic": "Go"}
    work.standing = [Standing(what="mute", name="Bar", until=None)]
    work.came = [Remembered("mia", True)]
    history.commit(work)


# -- the next version's


def next_version(path: Path) -> Path:
    """As a step that only adds may leave it: a table, an index, and a column in every table there was."""
    History(of_version(len(SCHEMA), "room", path), "off").close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        for table in tables:
            db.execute(f"ALTER TABLE {table} ADD COLUMN later TEXT NOT NULL DEFAULT 'none'")
        db.execute("CREATE TABLE reactions (seq INTEGER PRIMARY KEY, what TEXT)")
        db.execute("CREATE INDEX entries_by_sender ON entries (sender)")
        db.execute(f"PRAGMA user_version = {len(SCHEMA) + 1}")
        db.commit()
    return path


def test_a_rooms_file_of_the_next_version_is_lived_with(tmp_path: Path) -> None:
    """An upgrade that was taken back after a room had been moved: it goes on, and so does the next upgrade."""
    path = next_version(tmp_path / "log.sqlite3")
    history = History(path, "off")
    holds_what_it_held(history, 7)
    store(history, "with the code of before", seq=11, message_id="a5")
    assert history.drop_before(9, 10) == 9
    history.close()
    again = History(path, "off")
    opened = again.open(WALL)
    assert (opened.seq, opened.topic, opened.incarnation) == (11, "Go", 9)
    assert {standing.name for standing in opened.standing} == {"Bad", "Bar"}
    again.close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(SCHEMA) + 1,), "it is not made older"
        assert db.execute("SELECT later FROM entries WHERE seq = 11").fetchone() == ("none",)


def test_a_rooms_file_of_the_version_after_that_is_left_alone(tmp_path: Path) -> None:
    path = next_version(tmp_path / "log.sqlite3")
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(SCHEMA) + 2}")
    with pytest.raises(NewerFile):
        History(path, "off")


ADDS = re.compile(
    r"CREATE TABLE |CREATE INDEX |ALTER TABLE \w+ ADD COLUMN \w+ \w+( (NOT NULL )?DEFAULT \S+)?$", re.MULTILINE
)


@pytest.mark.parametrize("statement", [one.strip() for step in SCHEMA[1:] for one in step.split(";\n")])
def test_a_step_only_adds(statement: str) -> None:
    """Or the version before could not live with it; what it has to take away waits for the version after."""
    assert ADDS.match(statement)


@pytest.mark.parametrize(
    "statement",
    ["DROP TABLE facts", "ALTER TABLE facts ADD COLUMN x TEXT NOT NULL", "CREATE UNIQUE INDEX a ON entries (id)",
     "UPDATE facts SET value = 1"],
)  # fmt: skip
def test_what_does_not_only_add(statement: str) -> None:
    assert not ADDS.match(statement)


# -- later versions


@pytest.mark.parametrize("kind", ["lobby", "mail", "room"])
def test_a_file_of_a_later_version_is_left_alone(kind: str, tmp_path: Path) -> None:
    path = first_version(kind, tmp_path / f"{kind}.sqlite3")
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 999")
    db.close()
    opening = {
        "lobby": lambda: Store(Paths(tmp_path), "off"),
        "mail": lambda: Mailbox(path, "off"),
        "room": lambda: History(path, "off"),
    }
    before = path.read_bytes()
    with pytest.raises(NewerFile, match="version 999"):
        opening[kind]()
    assert path.read_bytes()[100:] == before[100:], "but for SQLite's own head"


def test_a_version_that_can_be_lived_with_is(tmp_path: Path) -> None:
    """How a release opens what the next one wrote: it says up to which version it can."""
    path = tmp_path / "file.sqlite3"
    steps = ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y"]
    migrate(connect(path), steps)
    old = connect(path)
    migrate(old, steps[:1], reads=2)
    assert old.execute("PRAGMA user_version").fetchone() == (2,)
    with pytest.raises(NewerFile):
        migrate(connect(path), steps[:1])
