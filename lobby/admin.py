"""What rooms cost, for their operator: CPU and memory of each process, rows of the listing, and the table as text.

Law: looking is done in a thread and at most once in FRESH seconds for each process, so that a listing of a thousand
rooms, or a hundred admins who look at it, does not hold up the lobby.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import psutil
from tabulate import tabulate

from lobby.registry import Room, state
from wire.clock import Now
from wire.control import RoomSettings
from wire.messages import AdminRoomRow

FRESH: Final = 1.0  # seconds; a shorter span says little about CPU, which the kernel counts in hundredths
ABSENT: Final = "-"
ENDED: Final = "last end"
HEADS: Final = (
    *("room", "state", "pid", "port", "members", "lines", "lines/s"),
    *("cpu%", "rss", "private", "uptime", "restarts", "owner", "access", ENDED),
)
LEFT: Final = frozenset({"room", "state", "owner", "access", ENDED})
FIRST_OUT: Final = ("access", "owner", "rss", "lines", "port", "pid", "uptime", "lines/s", "private", "cpu%")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a process uses. `cpu` in percent of a core since it was last looked at; memory in bytes."""

    cpu: float
    rss: int
    uss: int
    uptime: int  # seconds


NOTHING: Final = Figures(0.0, 0, 0, 0)


@dataclass(slots=True)
class _Watched:
    process: psutil.Process
    started: float  # epoch seconds; another than before: the number belongs to another process now
    looked: float  # monotonic seconds
    cpu: float  # seconds used by then
    figures: Figures


class Observer:
    """Looks at processes. For one thread."""

    def __init__(self) -> None:
        self._watched: dict[int, _Watched] = {}

    def look(self, pids: Iterable[int]) -> dict[int, Figures]:
        """The figures of those that live."""
        found: dict[int, Figures] = {}
        for pid in pids:
            try:
                found[pid] = self._look(pid)
            except (psutil.Error, OSError):
                self._watched.pop(pid, None)
        self._forget()
        return found

    def _look(self, pid: int) -> Figures:
        mono = time.monotonic()
        watched = self._watched.get(pid)
        if watched is not None and mono - watched.looked < FRESH:
            return watched.figures
        process = psutil.Process(pid)
        with process.oneshot():
            started = process.create_time()
            times = process.cpu_times()
            memory = process.memory_full_info()
        used = times.user + times.system
        alive = max(0.0, time.time() - started)
        if watched is not None and watched.started == started:
            cpu = (used - watched.cpu) / (mono - watched.looked)
        else:
            cpu = used / max(FRESH, alive)
        figures = Figures(round(max(0.0, cpu) * 100, 1), memory.rss, memory.uss, int(alive))
        self._watched[pid] = _Watched(process, started, mono, used, figures)
        return figures

    def _forget(self) -> None:
        """Processes nobody asks for any more."""
        if len(self._watched) > 100:
            horizon = time.monotonic() - 600
            self._watched = {pid: watched for pid, watched in self._watched.items() if watched.looked > horizon}


def row(
    settings: RoomSettings, room: Room | None, figures: dict[int, Figures], now: Now, lines: int = 0
) -> AdminRoomRow:
    """The listing's row for a room of the catalogue, with what the registry knows of it; `lines` as it fell asleep."""
    pid = room.process if room is not None else 0
    seen = figures.get(pid, NOTHING)
    status = room.status if room is not None else None
    return AdminRoomRow(
        name=settings.name,
        state=state(settings, room),
        pid=pid,
        port=room.port or (status.port if status is not None else 0) if room is not None else 0,
        members=len(room.members) if room is not None else 0,
        lines=(room.lines if room is not None else 0) or lines,
        lines_per_second=round(room.meter.rate(now.mono), 2) if room is not None else 0.0,
        cpu=seen.cpu,
        rss=seen.rss,
        uss=seen.uss,
        uptime=seen.uptime,
        restarts=status.restarts if status is not None else 0,
        owner=settings.owner,
        access=settings.access,
        reason=status.reason if status is not None and room is not None and not room.running else "",
    )


def table(rows: Iterable[AdminRoomRow], width: int | None = None) -> str:
    """The listing as a person reads it, in at most `width` columns of the screen: what matters least is left out."""
    rows = list(rows)
    if not rows:
        return "There are no rooms."
    cells = [_cells(row) for row in rows]
    heads = [head for head in HEADS if head != ENDED or any(cell[ENDED] for cell in cells)]
    lines = _drawn(cells, heads)
    if width is None or max(map(len, lines)) <= width:
        return "\n".join(lines)
    reasons = [f"{row.name}: {row.reason}" for row in rows if row.reason]
    heads = [head for head in heads if head != ENDED]
    for least in FIRST_OUT:
        if max(map(len, lines := _drawn(cells, heads))) <= width:
            break
        heads.remove(least)
    return "\n".join([*_drawn(cells, heads), *reasons])


def _drawn(cells: list[dict[str, object]], heads: list[str]) -> list[str]:
    align = ["left" if head in LEFT else "right" for head in heads]
    shown = [[cell[head] for head in heads] for cell in cells]
    return tabulate(shown, heads, tablefmt="simple", colalign=align, disable_numparse=True).splitlines()


def _cells(row: AdminRoomRow) -> dict[str, object]:
    return {
        "room": row.name,
        "state": row.state,
        "pid": row.pid or ABSENT,
        "port": row.port or ABSENT,
        "members": row.members,
        "lines": row.lines,
        "lines/s": f"{row.lines_per_second:.1f}",
        "cpu%": f"{row.cpu:.1f}" if row.pid else ABSENT,
        "rss": _size(row.rss),
        "private": _size(row.uss),
        "uptime": _span(row.uptime) if row.pid else ABSENT,
        "restarts": row.restarts,
        "owner": row.owner or ABSENT,
        "access": row.access,
        ENDED: row.reason,
    }


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size else ABSENT


def _span(seconds: int) -> str:
    """Seconds as a person says them: 42s, 3m07s, 2h05m, 4d03h."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d{hour:02}h"
    if hours:
        return f"{hours}h{minute:02}m"
    return f"{minutes}m{second:02}s" if minutes else f"{second}s"
