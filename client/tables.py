"""Tables for people (tabulate). Pure; every cell has been through `show`."""

from collections.abc import Sequence

from tabulate import tabulate

from client import show
from wire.messages import AdminRoomRow, AuditRow


def lines(rows: Sequence[Sequence[object]], heads: Sequence[str]) -> list[str]:
    """A table as lines. Numbers stay as written: a room may be called 1e5."""
    cells = [[str(cell) for cell in row] for row in rows]
    right = [all(row[n].replace(",", "").replace(".", "").isdigit() for row in cells) for n in range(len(heads))]
    table = tabulate(cells, heads, tablefmt="simple", disable_numparse=True,
                     colalign=["right" if numbers else "left" for numbers in right] if cells else None)  # fmt: skip
    return [line.rstrip() for line in table.splitlines()]


def spoken(rows: Sequence[Sequence[object]], heads: Sequence[str]) -> list[str]:
    """The same for a screen reader: a line for each row, that begins with its first cell and names the others."""
    return ["; ".join(_said(row, heads)) for row in rows]


def fitting(rows: Sequence[Sequence[object]], heads: Sequence[str], width: int) -> list[str]:
    """A table where it fits in `width`, else as it is spoken: broken rows of a table cannot be read."""
    table = lines(rows, heads)
    return table if max(map(len, table)) <= width else spoken(rows, heads)


def _said(row: Sequence[object], heads: Sequence[str]) -> list[str]:
    first, *rest = (str(cell).strip() for cell in row)
    return [first, *(f"{head} {cell}".strip() for head, cell in zip(heads[1:], rest, strict=True) if cell)]


def admin(rows: Sequence[AdminRoomRow], width: int, *, linear: bool = False) -> list[str]:
    """Every room with its process: one table where it fits in `width`, two under one another where it does not."""
    if not rows:
        return ["-- there are no rooms"]
    whole = (spoken if linear else lines)([_place(row) + _load(row) for row in rows], PLACE + LOAD)
    if not linear and max(map(len, whole)) > width:
        first = fitting([_place(row) for row in rows], PLACE, width)
        loads = [[show.word(row.name, 32), *_load(row)] for row in rows]
        whole = [*first, "", *fitting(loads, ["room", *LOAD], width)]
    return whole + [f"-- {show.word(row.name)}: {show.word(row.reason)}" for row in rows if row.reason]


def audit(acts: Sequence[AuditRow], width: int) -> list[str]:
    """What was done, by whom and to whom."""
    if not acts:
        return ["-- nothing has been done yet"]
    spare = max(12, width - 72)
    rows = [
        [show.stamp(act.at), show.word(act.by, 20), show.word(act.what, 16), show.whom(act),
         show.word(act.text, spare)]
        for act in acts
    ]  # fmt: skip
    return fitting(rows, ["when", "who", "what", "to whom", ""], width)


PLACE = ["room", "state", "pid", "port", "people", "owner", "access"]
LOAD = ["lines", "per s", "cpu %", "rss", "private", "up", "restarts"]


def _place(row: AdminRoomRow) -> list[object]:
    running = [row.pid or "-", row.port or "-"]
    return [show.word(row.name, 32), show.word(row.state, 12), *running, row.members, show.word(row.owner, 32),
            show.word(row.access, 12)]  # fmt: skip


def _load(row: AdminRoomRow) -> list[object]:
    live = [size(row.rss), size(row.uss), uptime(row.uptime)] if row.pid else ["-", "-", "-"]
    return [row.lines, f"{row.lines_per_second:.1f}", f"{row.cpu:.1f}", *live, row.restarts]


def size(number: int) -> str:
    """Bytes, to be read at a glance."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1_000 or unit == "GB":
            break
        value /= 1_000
    return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"


def uptime(seconds: int) -> str:
    """Two units at most."""
    for big, small, names in ((86_400, 3_600, "dh"), (3_600, 60, "hm"), (60, 1, "ms")):
        if seconds >= big:
            return f"{seconds // big}{names[0]}{seconds % big // small:02}{names[1]}"
    return f"{seconds}s"
