"""Links go to the browser of who sits at the terminal, or are copied; copies go to the clipboard, through whatever is
around the terminal."""

import base64
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from client import handing

LINK = "https://example.org/a?b=1&c=%20#d"


def everything(name: str) -> str:
    return f"/bin/{name}"


def nothing(_name: str) -> None:
    return None


@pytest.mark.parametrize(
    ("environment", "platform", "command"),
    [
        ({"DISPLAY": ":0"}, "linux", ["xdg-open"]),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", ["xdg-open"]),
        ({}, "darwin", ["open"]),
        ({"WSL_DISTRO_NAME": "Debian"}, "linux", ["wslview"]),
        ({"BROWSER": "firefox --new-tab %s"}, "linux", ["firefox", "--new-tab", "%s"]),
        ({"BROWSER": "'/opt/my browser' -x:other", "DISPLAY": ":0"}, "linux", ["/opt/my browser", "-x"]),
        ({"BROWSER": "'unclosed", "DISPLAY": ":0"}, "linux", ["xdg-open"]),
        ({"BROWSER": "near-end", "SSH_CONNECTION": "1 2 3 4"}, "linux", ["near-end"]),
    ],
)
def test_a_link_is_opened_by_what_shows_it_here(
    environment: Mapping[str, str], platform: str, command: list[str]
) -> None:
    assert handing.opener(environment, platform, everything) == command


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"SSH_CONNECTION": "1 2 3 4", "DISPLAY": ":0"}, "over ssh no browser opens here"),
        ({"SSH_TTY": "/dev/pts/1"}, "over ssh no browser opens here"),
        ({}, "there is no browser here"),
    ],
)
def test_no_link_is_opened_where_nobody_would_see_it(environment: Mapping[str, str], why: str) -> None:
    with pytest.raises(handing.NotOpened, match=why):
        handing.opener(environment, "linux", everything)
    with pytest.raises(handing.NotOpened):
        handing.opener({"DISPLAY": ":0", "BROWSER": "gone"}, "linux", nothing)


def script(folder: Path, text: str) -> str:
    path = folder / "browser"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return str(path)


def test_an_opener_gets_the_link_whole_and_no_terminal(tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    command = script(tmp_path, f'[ -t 0 ] || [ -t 1 ] || [ -t 2 ] || printf "%s|" "$@" > {opened}')
    handing.open_link(LINK, {"BROWSER": command})
    assert opened.read_text() == f"{LINK}|"
    handing.open_link(LINK, {"BROWSER": f"{command} --at=%s -q"})
    assert opened.read_text() == f"--at={LINK}|-q|"


def test_an_opener_that_fails_says_so(tmp_path: Path) -> None:
    with pytest.raises(handing.NotOpened, match="browser could not open it"):
        handing.open_link(LINK, {"BROWSER": script(tmp_path, "exit 3")})


def test_an_opener_that_stays_is_a_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing, "MOMENT", 0.01)
    handing.open_link(LINK, {"BROWSER": script(tmp_path, "exec sleep 1")})


def clipboard(sequence: str) -> str:
    """What a terminal puts into its clipboard."""
    found = re.fullmatch("\x1b]52;c;([A-Za-z0-9+/=]*)\x07", sequence)
    assert found is not None
    return base64.b64decode(found[1]).decode()


@pytest.mark.parametrize("text", ["", LINK, "ü 🙂\n" * 400], ids=["nothing", "link", "long"])
def test_a_copy_reaches_the_clipboard(text: str) -> None:
    assert clipboard(handing.copy(text, {})) == text


def test_screen_hands_a_copy_on_in_pieces_that_it_does_not_drop() -> None:
    text = "https://example.org/" + "x" * 5_000
    pieces = re.findall("\x1bP(.*?)\x1b\\\\", handing.copy(text, {"STY": "1.pts"}), re.DOTALL)
    assert clipboard("".join(pieces)) == text
    assert max(len(piece.encode()) for piece in pieces) < 768


def test_tmux_takes_a_copy_by_its_command_or_else_by_the_sequence(tmp_path: Path) -> None:
    tmux = tmp_path / "tmux"
    tmux.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/words\n/bin/cat > {tmp_path}/buffer\n')
    tmux.chmod(0o700)
    environment = {"TMUX": "/tmp/x,1,0", "PATH": str(tmp_path)}
    assert handing.copy(LINK, environment) == ""
    assert (tmp_path / "buffer").read_text() == LINK
    assert (tmp_path / "words").read_text() == "load-buffer -w -\n"
    tmux.write_text("#!/bin/sh\nexit 1\n")  # older than 3.2
    assert clipboard(handing.copy(LINK, environment)) == LINK
    assert clipboard(handing.copy(LINK, {**environment, "PATH": "/nowhere"})) == LINK
