"""SQLite files are opened one way, and their schemas move forward only."""

import resource
import sqlite3
import stat
from pathlib import Path

import pytest

from base.sqlite import Durability, NewerFile, blank, connect, create, migrate, passes

STEPS = [
    "CREATE TABLE mail (number INTEGER PRIMARY KEY, body TEXT);\nCREATE INDEX by_body ON mail (body)",
    "ALTER TABLE mail ADD COLUMN read INTEGER NOT NULL DEFAULT 0",
]


def pragma(db: sqlite3.Connection, name: str) -> object:
    return db.execute(f"PRAGMA {name}").fetchone()[0]


@pytest.mark.parametrize(("durability", "synchronous"), [("full", 2), ("process", 1), ("off", 0)])
def test_every_file_is_opened_with_the_same_settings(tmp_path: Path, durability: Durability, synchronous: int) -> None:
    db = connect(tmp_path / "a.sqlite3", durability)
    assert pragma(db, "journal_mode") == "wal"
    assert pragma(db, "synchronous") == synchronous
    assert pragma(db, "wal_autocheckpoint") == 0
    assert pragma(db, "foreign_keys") == 1
    db.close()


def test_files_are_the_operators_own(tmp_path: Path) -> None:
    db = connect(tmp_path / "a.sqlite3")
    migrate(db, STEPS)
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    db.close()


def test_transactions_are_begun_by_hand(tmp_path: Path) -> None:
    db, other = connect(tmp_path / "a.sqlite3"), connect(tmp_path / "a.sqlite3")
    migrate(db, STEPS)
    db.execute("BEGIN")
    db.execute("INSERT INTO mail (body) VALUES ('x')")
    assert other.execute("SELECT count(*) FROM mail").fetchone() == (0,)
    db.execute("COMMIT")
    assert other.execute("SELECT count(*) FROM mail").fetchone() == (1,)
    db.close()
    other.close()


def test_a_new_file_takes_every_step_and_an_old_one_those_it_lacks(tmp_path: Path) -> None:
    db = connect(tmp_path / "a.sqlite3")
    migrate(db, STEPS[:1])
    db.execute("INSERT INTO mail (body) VALUES ('kept')")
    migrate(db, STEPS)
    migrate(db, STEPS)  # nothing to do
    assert pragma(db, "user_version") == 2
    assert db.execute("SELECT body, read FROM mail").fetchall() == [("kept", 0)]
    db.close()


def test_a_newer_file_is_refused_unless_it_can_be_read(tmp_path: Path) -> None:
    db = connect(tmp_path / "a.sqlite3")
    db.execute("PRAGMA user_version = 3")
    with pytest.raises(NewerFile, match="version 3, this program reads up to 2"):
        migrate(db, STEPS)
    migrate(db, STEPS, reads=3)
    assert pragma(db, "user_version") == 3, "and it is left as it is"
    db.close()


@pytest.mark.parametrize(
    ("code", "goes_on"),
    [
        (sqlite3.SQLITE_FULL, True), (sqlite3.SQLITE_READONLY_ROLLBACK, True), (sqlite3.SQLITE_BUSY, True),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, True), (sqlite3.SQLITE_IOERR_FSYNC, False), (sqlite3.SQLITE_CORRUPT, False),
        (None, False),
    ],
)  # fmt: skip
def test_which_failed_commits_leave_the_file_as_it_was(code: int | None, goes_on: bool) -> None:
    why = sqlite3.OperationalError("no")
    if code is not None:
        why.sqlite_errorcode = code
    assert passes(why) is goes_on


def test_a_step_that_fails_is_taken_back_whole(tmp_path: Path) -> None:
    db = connect(tmp_path / "a.sqlite3")
    with pytest.raises(sqlite3.OperationalError):
        migrate(db, ["CREATE TABLE a (x);\nCREATE TABLE a (x)"])
    assert not db.in_transaction
    assert pragma(db, "user_version") == 0
    assert db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    db.close()


def test_a_file_made_of_a_blank_is_as_one_that_was_migrated(tmp_path: Path) -> None:
    create(tmp_path / "made", blank(STEPS))
    made, migrated = connect(tmp_path / "made"), connect(tmp_path / "migrated")
    migrate(migrated, STEPS)
    for what in ("SELECT * FROM sqlite_master", "PRAGMA user_version", "PRAGMA journal_mode", "PRAGMA integrity_check"):
        assert made.execute(what).fetchall() == migrated.execute(what).fetchall()
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o600
    migrate(made, STEPS)
    made.execute("INSERT INTO mail (body) VALUES ('hello')")
    made.close()
    migrated.close()


def test_a_disk_that_takes_half_of_a_file_has_none(tmp_path: Path) -> None:
    image, limits = blank(STEPS), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(image) // 2, limits[1]))
    try:
        with pytest.raises(OSError):  # noqa: PT011 - which one is the system's choice
            create(tmp_path / "made", image)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (tmp_path / "made").exists()
    create(tmp_path / "made", image)
    assert (tmp_path / "made").read_bytes() == image
