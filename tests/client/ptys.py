"""The client as a process in a terminal: keys go in, and every byte that it writes is there to be looked at."""

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

import pexpect

from tests.scenes.stage import PATIENCE, ROOT, Stage

HIDDEN = ("TMUX", "STY", "NO_COLOR", "COLORTERM")  # what of our own terminal is not the client's


class Terminal:
    """Of 80 by 24; `environment` is added to what the client sees of ours. It is read all the time, as one is."""

    def __init__(
        self, stage: Stage, home: Path, *words: str, size: tuple[int, int] = (80, 24), **environment: str
    ) -> None:
        own = {"XDG_STATE_HOME": str(home / "state"), "XDG_CONFIG_HOME": str(home / "config"), "PYTHONPATH": str(ROOT)}
        seen = {key: value for key, value in os.environ.items() if key not in HIDDEN}
        self.child: Any = pexpect.spawn(
            sys.executable, ["-P", "-m", "client", "--server", f"{stage.host}:{stage.port}", *words],
            env={**seen, **own, "TERM": "xterm-256color", **environment}, dimensions=(size[1], size[0]), cwd=str(ROOT),
        )  # fmt: skip
        self.written = b""
        self._came = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                got = os.read(self.child.child_fd, 1 << 16)
            except OSError:
                return  # the process has ended
            with self._came:
                self.written += got
                self._came.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.child.close(force=True)

    def sees(self, text: str | bytes) -> bytes:
        """Wait until `text` is written; all that was written up to it, which is not looked at again."""
        wanted = text.encode() if isinstance(text, str) else text
        deadline = time.monotonic() + PATIENCE
        with self._came:
            while wanted not in self.written:
                left = deadline - time.monotonic()
                assert left > 0, f"{wanted!r} was not written: {self.written[-2_000:]!r}"
                self._came.wait(left)
            end = self.written.index(wanted) + len(wanted)
            before, self.written = self.written[:end], self.written[end:]
            return before

    def types(self, text: str) -> None:
        """Text at the keyboard, and Enter."""
        self.child.send(text + "\r")

    def kill(self) -> None:
        if self.child.isalive():
            self.child.kill(9)
            self.child.wait()
        self._reader.join(PATIENCE)
