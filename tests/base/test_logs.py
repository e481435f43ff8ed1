"""A log is a bounded file, and never a reason to stop."""

import errno
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import base.logs


@pytest.fixture(autouse=True)
def _root_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, raises = root.handlers[:], root.level, logging.raiseExceptions
    root.handlers = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers, logging.raiseExceptions = handlers, raises
    root.setLevel(level)


def test_a_line_an_event_with_time_level_and_name(tmp_path: Path) -> None:
    base.logs.start(tmp_path / "lobby.log", "info")
    logging.getLogger("lobby.server").info("%s came", "joy")
    logging.getLogger("lobby.server").debug("not asked for")
    (line,) = (tmp_path / "lobby.log").read_text().splitlines()
    assert line.endswith("INFO lobby.server: joy came")
    assert line[:2] == "20"


def test_it_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base.logs, "_BYTES", 2_000)
    base.logs.start(tmp_path / "lobby.log", "info")
    for number in range(500):
        logging.getLogger().info("event %d", number)
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["lobby.log", "lobby.log.1"]
    assert all((tmp_path / name).stat().st_size <= 2_000 for name in files)
    assert "event 499" in (tmp_path / "lobby.log").read_text()


def test_starting_again_takes_the_place_of_what_was(tmp_path: Path) -> None:
    base.logs.start(tmp_path / "one.log", "info")
    base.logs.start(tmp_path / "two.log", "info")
    logging.getLogger().info("once")
    assert not (tmp_path / "one.log").exists()
    assert (tmp_path / "two.log").read_text().count("once") == 1


def test_on_the_console_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base.logs.start(tmp_path / "a.log", "warning", console=True)
    logging.getLogger().warning("look")
    printed = capsys.readouterr()
    assert "look" in printed.err
    assert printed.out == "", "standard output is for the first line only"


def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base.logs.start(tmp_path / "missing" / "a.log", "info")
    logging.getLogger().info("into the void")
    assert capsys.readouterr() == ("", "")


def test_a_forked_process_goes_on_in_another_file(tmp_path: Path) -> None:
    base.logs.start(tmp_path / "nursery.log", "info")
    logging.getLogger().info("of the nursery")
    base.logs.let_go()
    base.logs.start(tmp_path / "room.log", "warning")
    logging.getLogger().warning("of the room")
    logging.getLogger().info("not asked for")
    assert "of the nursery" in (tmp_path / "nursery.log").read_text()
    (line,) = (tmp_path / "room.log").read_text().splitlines()
    assert line.endswith("of the room")


def test_a_file_that_cannot_be_closed_on_a_full_disk_is_let_go(tmp_path: Path) -> None:
    class Full:
        def close(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    base.logs.start(tmp_path / "nursery.log", "info")
    (handler,) = base.logs._files()
    handler.stream = Full()  # type: ignore[assignment]
    base.logs.let_go()
    logging.getLogger().info("afterwards")
    assert "afterwards" in (tmp_path / "nursery.log").read_text()
