"""What is handed to other programs: a link to the browser, a text to the clipboard of who sits at the terminal.

Law: nothing that is started here gets our terminal, so none draws over the screens; and a link is opened only where the
person would see it, not on the screen of the machine at the other end of ssh.
"""

import base64
import os
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Final

from client.notice import in_pieces

FAR: Final = ("SSH_CONNECTION", "SSH_TTY")
MOMENT: Final = 2.0  # seconds after which an opener that still runs is a browser, not one that failed
TMUX_SECONDS: Final = 1.0


class NotOpened(Exception):  # noqa: N818
    """Why, as it follows the word "as"."""


def opener(
    environment: Mapping[str, str], platform: str = sys.platform, which: Callable[[str], str | None] = shutil.which
) -> list[str]:
    """The command that shows a link to who sits at the terminal. BROWSER, as webbrowser(3) reads it, is their own word
    and holds over ssh too, where such as editors set it to what opens links at the near end. Raises NotOpened."""
    for wish in environment.get("BROWSER", "").split(os.pathsep):
        try:
            words = shlex.split(wish)
        except ValueError:
            continue
        if words and which(words[0]):
            return words
    if any(environment.get(sign) for sign in FAR):
        raise NotOpened("over ssh no browser opens here")
    names = ["open"] if platform == "darwin" else ["wslview"] if environment.get("WSL_DISTRO_NAME") else []
    if environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"):
        names.append("xdg-open")  # without a display it would look for a browser that draws in a terminal
    for name in names:
        if which(name):
            return [name]
    raise NotOpened("there is no browser here")


def open_link(link: str, environment: Mapping[str, str]) -> None:
    """Show it in a browser; waits a moment for how that went. Raises NotOpened."""
    words = opener(environment)
    placed = [word.replace("%s", link) for word in words]
    quiet = subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            placed if placed != words else [*words, link], stdin=quiet, stdout=quiet, stderr=quiet,
            env=dict(environment), start_new_session=True,
        )  # fmt: skip
        code = process.wait(MOMENT)
    except subprocess.TimeoutExpired:
        threading.Thread(target=process.wait, daemon=True).start()  # it leaves no zombie behind
        return
    except OSError as why:
        raise NotOpened(f"{words[0]} did not run ({why.strerror})") from None
    if code:
        raise NotOpened(f"{os.path.basename(words[0])} could not open it")


def copy(text: str, environment: Mapping[str, str]) -> str:
    """Put `text` into the clipboard; what has to be written to the terminal for that.

    tmux heeds the terminal's own sequence only where `set-clipboard` is `on`, and its command always; GNU screen hands
    on what is wrapped, in pieces."""
    if environment.get("TMUX") and _to_tmux(text, environment):
        return ""
    sequence = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07"
    return in_pieces(sequence) if environment.get("STY") and not environment.get("TMUX") else sequence


def _to_tmux(text: str, environment: Mapping[str, str]) -> bool:
    """Whether tmux (3.2 or newer) took it, for its buffers and for the clipboard of the terminal around it."""
    command = ["tmux", "load-buffer", "-w", "-"]
    try:
        done = subprocess.run(
            command, input=text.encode(), capture_output=True, timeout=TMUX_SECONDS, env=dict(environment), check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
