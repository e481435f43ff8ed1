"""The data directory: its modes, and control sockets however long its path is."""

import os
import socket
import stat
from pathlib import Path

import pytest

from base.paths import DataError, Paths, bind_control, connect_control, peer_is_ours


def test_everything_is_made_for_the_operator_only(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "new" / "var")
    paths.create()
    for place in (paths.data, paths.run, paths.log, paths.user_db.parent, paths.data / "rooms"):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700, place
    paths.create()  # a second start finds it


def test_a_directory_open_to_others_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Paths(tmp_path).create()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_place_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot use the data directory .*/file/var: .*--data") as caught:
        Paths(tmp_path / "file" / "var").create()
    assert "\n" not in str(caught.value)


def test_the_layout_is_the_documented_one(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    room = paths.room("0123456789abcdef")
    places = [
        paths.user_db, paths.master_key, paths.lobby_db, paths.mail_db, paths.run, paths.log, paths.effective_config,
        paths.lock("lobby"), paths.control("admin"), room.log_db, room.key, room.lock, room.journal,
    ]  # fmt: skip
    assert [str(place.relative_to(tmp_path)) for place in places] == [
        "users/user-db", "master-key", "lobby.sqlite3", "mail.sqlite3", "run", "log", "run/config.json",
        "run/lobby.lock", "run/admin.sock", "rooms/0123456789abcdef/log.sqlite3", "rooms/0123456789abcdef/key",
        "rooms/0123456789abcdef/lock", "rooms/0123456789abcdef/room.log",
    ]  # fmt: skip


@pytest.fixture(params=["short", "long" * 60], ids=["short", "longer-than-sockaddr_un"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    home = tmp_path / request.param
    home.mkdir()
    return home / "lobby.sock"


def test_control_sockets_work_below_any_path(place: Path) -> None:
    with bind_control(place) as listener, connect_control(place, timeout=60) as ours:
        theirs, _ = listener.accept()
        with theirs:
            theirs.sendall(b"hello\n")
            assert ours.recv(100) == b"hello\n"
            assert peer_is_ours(theirs)
            assert peer_is_ours(ours)


def test_control_sockets_are_the_operators_own(place: Path) -> None:
    with bind_control(place):
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        assert [entry.name for entry in place.parent.iterdir()] == [place.name], "nothing is left beside it"


def test_a_socket_that_was_left_over_is_replaced(place: Path) -> None:
    bind_control(place).close()
    with pytest.raises(ConnectionRefusedError):
        connect_control(place)
    with bind_control(place) as listener, connect_control(place, timeout=60):
        listener.accept()[0].close()


def test_nobody_there_is_an_error_and_leaks_nothing(place: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        connect_control(place)
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_stranger_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        stranger = (123).to_bytes(4, "little") + (65_534).to_bytes(4, "little") + bytes(4)

        class Credentials:
            def getsockopt(self, *_: object) -> bytes:
                return stranger

        assert peer_is_ours(ours)
        monkeypatch.setattr(os, "getuid", lambda: 1_000)
        assert not peer_is_ours(Credentials())  # type: ignore[arg-type]
