"""Files of the first schema open with this code and say what they said; files of a later version are refused.

`tests/golden/*-v1.sql` are such files as text, and never change.
"""

import sqlite3
from pathlib import Path

import pytest

from base.paths import Paths
from base.sqlite import NewerFile, connect, migrate
from lobby import mailpages
from lobby.mailbox import Mailbox
from lobby.store import Store
from roomproc.history import History
from wire.control import RoomLimits
from wire.messages import Line, Topic

GOLDEN = Path(__file__).parent / "golden"
WALL = 1_800_000_000_000


def first_version(kind: str, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path)
    db.executescript((GOLDEN / f"{kind}-v1.sql").read_text())
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
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


def test_a_rooms_file(tmp_path: Path) -> None:
    history = History(first_version("room", tmp_path / "log.sqlite3"), "off")
    opened = history.open(WALL)
    assert (opened.seq, opened.first, opened.epoch, opened.incarnation) == (3, 1, 1_795_100_000_000, 8)
    assert (opened.topic, opened.revoked_to, opened.whisper) == ("Chess", 4, 1)
    assert opened.settings is not None
    assert (opened.settings.name, opened.settings.stopped, opened.settings.limits) == ("Games", 0, RoomLimits())
    assert list(opened.spent) == ["n1"]
    assert list(opened.revoked) == ["foo_user"]
    assert [(standing.what, standing.name) for standing in opened.standing] == [("ban", "Bad")]
    assert [member.name for member in opened.members] == ["test_user"]
    entries = history.after(0, 10)
    assert [(type(entry), entry.seq) for entry in entries] == [(Line, 1), (Topic, 2), (Line, 3)]
    stream = history.stream("test_user", "stream-of-v1-0001")
    assert stream is not None
    assert history.sent(stream, "a1") == 1, "a line that is sent again after an upgrade exists once"
    history.close()


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
