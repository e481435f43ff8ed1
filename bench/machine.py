"""The machine the bench runs on: its cores, and what /proc says of processes. Linux."""

import contextlib
import os
import platform
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
CORES: Final = sorted(os.sched_getaffinity(0))
SERVER_CORE: Final = CORES[0]
GENERATOR_CORE: Final = CORES[-1]  # the same one on a machine of one core, and then the figures mean little


def take_generator_core() -> None:
    """This process and the load generators it starts are on the last core; servers are put on the first."""
    os.sched_setaffinity(0, {GENERATOR_CORE})
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def descriptors() -> int:
    """How many one process may have."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def on_server_core(words: list[str], *, both: bool = False) -> list[str]:
    """The command, put on the server's core; `both`: on all of them."""
    cores = ",".join(map(str, CORES)) if both else str(SERVER_CORE)
    return ["taskset", "-c", cores, *words]


def cpu(pids: list[int]) -> float:
    """Seconds of processor that these processes have used, to the nanosecond."""
    used = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                used += int((task / "schedstat").read_text().split()[0])
    return used / 1e9


def busy() -> float:
    """Seconds of processor that anything on this machine has used, all cores together; steps of 10 ms."""
    fields = Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]
    user, nice, system, _idle, _waiting, irq, softirq, stolen = map(int, fields)
    return (user + nice + system + irq + softirq + stolen) / os.sysconf("SC_CLK_TCK")


def tcp_memory() -> float:
    """Bytes that the kernel holds in the buffers of all TCP connections."""
    found = re.search(r"^TCP:.* mem (\d+)", Path("/proc/net/sockstat").read_text(), re.MULTILINE)
    return float(found[1]) * os.sysconf("SC_PAGE_SIZE") if found else 0.0


def peak(pids: list[int]) -> float:
    """Bytes of resident memory at their highest, of the process that had most."""
    return max((_field(f"/proc/{pid}/status", "VmHWM") for pid in pids), default=0)


def memory(pid: int) -> tuple[float, float]:
    """PSS and USS of a process in bytes."""
    rollup = f"/proc/{pid}/smaps_rollup"
    private = _field(rollup, "Private_Clean") + _field(rollup, "Private_Dirty")
    return _field(rollup, "Pss"), private


def _field(path: str, name: str) -> float:
    with contextlib.suppress(OSError):
        found = re.search(rf"^{name}:\s+(\d+) kB", Path(path).read_text(), re.MULTILINE)
        return int(found[1]) * 1024.0 if found else 0.0
    return 0.0


def sync_time(home: Path, rounds: int = 50) -> float:
    """Seconds that the disk takes to append 4 KiB and sync: the least that `full` pays a round; the median."""
    took = []
    with (home / "sync").open("wb") as file:
        for _ in range(rounds):
            begun = time.perf_counter()
            file.write(bytes(4_096))
            file.flush()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begun)
    (home / "sync").unlink()
    return sorted(took)[rounds // 2]


def _first_line(*words: str) -> str:
    if shutil.which(words[0]) is None:
        return "not installed"
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=10)
    return (done.stdout or done.stderr).strip().partition("\n")[0]


def described(home: Path) -> dict[str, str]:
    """What a reader has to know of the machine, its versions and its load to judge the figures."""
    info = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*:\s*(.*)", info)
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{len(CORES)} cores of {model[1] if model else platform.machine()}",
        "virtual machine": "yes" if "hypervisor" in info else "no",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB",
        "kernel": f"{platform.system()} {platform.release()}",
        "load before the run": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "append and sync of 4 KiB": f"{sync_time(home) * 1e3:.2f} ms",
        "Python": sys.version.split()[0],
        "SQLite": sqlite3.sqlite_version,
        "compiler": _first_line("cc", "--version"),
        "InspIRCd": _first_line("inspircd", "--version"),
        "ngIRCd": _first_line("ngircd", "--version"),
        "Redis": _first_line("redis-server", "--version"),
        "revision": os.environ.get("PARLOUR_REVISION")
        or _first_line("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
    }
