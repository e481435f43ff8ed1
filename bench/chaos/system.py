"""The system under test: started by its command, its processes found by the locks they hold, ended by its command.

Law: it is known from outside only: `lobby serve` and `lobby stop`, the layout of the data directory, /proc.
"""

import asyncio
import contextlib
import ctypes
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any, Final

from bench.chaos.watcher import alive
from bench.chaos.world import World

ROOT: Final = Path(__file__).resolve().parents[2]
READY_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0
TRIES: Final = 20  # of a `serve` on a disk that has room
ORDER_SECONDS: Final = 90.0  # for an operator's command, whatever it meets
FULL_SECONDS: Final = 5.0  # after a full disk in which `serve` may have had to give up
SETTINGS: Final = (
    "accounts.hash_memory_kib=8", "accounts.hash_time=1", "limits.logins_per_address=0",
    "limits.connections_per_address=0", "limits.lines_per_second=0", "limits.requests_per_second=0",
    "limits.mail_per_minute=0", "accounts.guest_rooms=0", "accounts.guest_rooms_total=0", "accounts.account_rooms=0",
    "rooms.queue_bytes=65536", "limits.free_disk_mib=4",
)  # fmt: skip
CLONE_NEWNS: Final = 0x00020000
MNT_DETACH: Final = 2
MS_REC_PRIVATE: Final = (1 << 14) | (1 << 18)


def small_disk(place: Path, size: int) -> str:
    """Mount `size` bytes at `place`, in a mount namespace that ends with this process; why not, or nothing."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0:
        return "only root may mount"
    steps: tuple[tuple[Any, ...], ...] = (
        (libc.unshare, CLONE_NEWNS),
        (libc.mount, b"none", b"/", None, MS_REC_PRIVATE, None),
        (libc.mount, b"tmpfs", os.fsencode(place), b"tmpfs", 0, b"mode=700,size=%d" % size),
    )
    for call, *words in steps:
        if call(*words) != 0:
            return os.strerror(ctypes.get_errno())
    return ""


def unmount(place: Path) -> None:
    """Undo `small_disk`, if it was done; what still has a file open there keeps it until it closes it."""
    ctypes.CDLL(None).umount2(os.fsencode(place), MNT_DETACH)


class System:
    def __init__(self, data: Path, world: World, stderr: IO[bytes]) -> None:
        self.data = data
        self.world = world
        self.port = 0
        self.ids: dict[str, str] = {}  # room → its id, which names its directory
        self.expected: set[int] = set()  # guardians that end because we will it
        self.seen: set[int] = set()  # every process of the system that was ever found
        self.serves = 0
        self.stopping = False
        self._stderr = stderr
        self._guardian: subprocess.Popen[str] | None = None
        self._serving = asyncio.Lock()

    # -- serving

    async def serve(self) -> None:
        """Run `serve` until it says where it listens. Raises RuntimeError with what it said instead."""
        words = [sys.executable, "-P", "-m", "lobby", "serve", "--data", str(self.data), "--port", str(self.port)]
        process = subprocess.Popen(
            [*words, *(part for setting in SETTINGS for part in ("--set", setting))],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=self._stderr, text=True, start_new_session=True,
        )  # fmt: skip
        self._guardian = process
        self.seen.add(process.pid)
        self.serves += 1
        assert process.stdout is not None
        try:
            async with asyncio.timeout(READY_SECONDS):
                line = await asyncio.to_thread(process.stdout.readline)
        except TimeoutError:
            line = "nothing"
        found = re.match(r"Lobby listening on .*:(\d+)$", line.strip())
        if found is None:
            raise RuntimeError(f"serve said {line.strip()!r}, and last in its errors {self._last_error()!r}")
        self.port = self.world.port = int(found[1])

    def _last_error(self) -> str:
        lines = Path(self._stderr.name).read_text(errors="replace").splitlines()
        return lines[-1] if lines else ""

    async def serve_again(self, away: float) -> None:
        """The guardian is gone: another comes after `away` seconds."""
        async with self._serving:
            await asyncio.sleep(away)
            if not self.pid("guardian"):  # or two were struck at once, and another has been started
                await self._serve_until_it_does()

    async def _serve_until_it_does(self) -> None:
        tries, why = 0, ""
        while tries < TRIES:
            self._forget()
            try:
                await self.serve()
                return
            except RuntimeError as told:
                why = str(told)
                struck = self._guardian is not None and self._guardian.pid in self.expected
                if self._disk_is_fine():
                    tries += 1
                    if not struck:
                        self.world.strange(f"a second serve on the data directory failed: {why}")
                await asyncio.sleep(0.5)
        raise RuntimeError(f"serve does not start any more: {why}")

    async def mind(self) -> None:
        """Start `serve` again if it ended although nobody ended it."""
        while not self.stopping:
            await asyncio.sleep(0.3)
            process = self._guardian
            if self._serving.locked() or process is None or process.poll() is None or self.stopping:
                continue
            if process.pid not in self.expected and self._disk_is_fine():
                self.world.strange(f"serve (process {process.pid}) ended by itself, with {process.returncode}")
            self.world.counts["serve ended by itself"] += process.pid not in self.expected
            async with self._serving:
                await self._serve_until_it_does()

    def _disk_is_fine(self) -> bool:
        return time.monotonic() - self.world.disk_was_full > FULL_SECONDS

    def _forget(self) -> None:
        if self._guardian is not None and self._guardian.stdout is not None:
            if self._guardian.poll() is None:
                self._guardian.kill()
            self._guardian.wait()
            self._guardian.stdout.close()
        self._guardian = None

    async def order(self, *words: str) -> tuple[int, str]:
        """An operator's command on this data directory: its exit code, and the last line it said on standard error."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "lobby", "admin", *words, "--data", str(self.data),
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(ORDER_SECONDS):
                _, said = await process.communicate()
        except TimeoutError:
            self.world.strange(f"'{' '.join(words)}' did not end within {ORDER_SECONDS:.0f} s")
            said = b""
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return process.returncode, (said.decode(errors="replace").strip().splitlines() or [""])[-1]

    # -- its processes

    def pid(self, name: str) -> int:
        """Of guardian, lobby, nursery, or a room by its name; 0 when there is none."""
        if name == "guardian":
            return self._guardian.pid if self._guardian is not None and self._guardian.poll() is None else 0
        place = (
            self.data / "rooms" / self.ids[name] / "lock" if name in self.ids else self.data / "run" / f"{name}.lock"
        )
        pid = holder(place)
        if pid:
            self.seen.add(pid)
        return pid

    def learn_rooms(self, pids: dict[str, int]) -> bool:
        """Which directory is which room's, by the pid that the listing names; whether all are known."""
        for place in (self.data / "rooms").glob("*/lock"):
            pid = holder(place)
            for room, listed in pids.items():
                if pid and listed == pid:
                    self.ids[room] = place.parent.name
        return set(self.ids) >= set(pids)

    def ports(self) -> list[int]:
        return [self.port]

    # -- the end

    def stop(self) -> tuple[float, list[str]]:
        """`stop`; the seconds it took, and what is wrong afterwards. Nothing of the system lives when it returns."""
        self.stopping = True
        for name in ("lobby", "nursery", *self.ids):
            self.pid(name)
        begun = time.monotonic()
        words = [sys.executable, "-P", "-m", "lobby", "stop", "--data", str(self.data)]
        wrong = []
        try:
            result = subprocess.run(
                words, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
                timeout=STOP_SECONDS, check=False,
            )  # fmt: skip
            if result.returncode:
                wrong.append(f"stop ended with {result.returncode}: {result.stderr.strip()}")
        except subprocess.TimeoutExpired:
            wrong.append(f"stop did not end within {STOP_SECONDS:.0f} s")
        took = time.monotonic() - begun
        if self._guardian is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._guardian.wait(1.0)
        wrong += [f"after stop a process is left: {what}" for what in self.sweep()]
        self._forget()
        return took, wrong

    def sweep(self) -> list[str]:
        """Kill whatever is left; what that was."""
        left = sorted({pid for pid in self.seen if self._is_ours(pid)} | set(self._with_files()))
        names = [f"{pid} ({_title(pid)})" for pid in left]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        return names

    def _is_ours(self, pid: int) -> bool:
        """Whether that number still is a process of this system; a number may have become a stranger's."""
        return pid > 0 and alive(pid) and (_has_open(pid, self.data) or str(self.data) in _title(pid))

    def _with_files(self) -> list[int]:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        return [pid for pid in pids if pid != os.getpid() and alive(pid) and _has_open(pid, self.data)]


def holder(place: Path) -> int:
    """The pid that holds the flock on a file, 0 when nobody does."""
    try:
        found = place.stat()
    except OSError:
        return 0
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    with open("/proc/locks", encoding="ascii") as file:
        for row in file:
            words = row.split()
            if words[1] == "FLOCK" and words[3] == "WRITE" and words[5] == device and alive(int(words[4])):
                return int(words[4])
    return 0


def _has_open(pid: int, home: Path) -> bool:
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/fd/{fd}").startswith(f"{home}/"):
                    return True
    return False


def _title(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""
