"""A room of ten million lines beside a small one: opening, pages, search. The file is written directly."""

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import Final

from bench.machine import memory
from bench.measure import Bench, Column, Record, measurement
from bench.parlour import RoomAt, System, Talk

SMALL: Final = 1_000
MIDDLE: Final = 1_000_000  # from so many lines on a room of a hundredth is measured too
ASKED: Final = 200  # pages and searches of each kind
WORDS: Final = 20_000
BEGAN: Final = 1_700_000_000_000  # of the first line, epoch ms
EVERY: Final = 1_000  # ms from line to line
RARE: Final = 100_003  # every so many lines hold the rare word


def words_of(seq: int) -> str:
    """The text of a line: eight words, the common ones common."""
    mixed = seq * 2_654_435_761 % 4_294_967_296
    some = (mixed >> shift for shift in (0, 3, 6, 9, 12, 15))
    text = " ".join(f"w{value % (WORDS >> (n * 2))}" for n, value in enumerate(some))
    return f"{text} {'needle' if seq % RARE == 7 else 'hay'} line{seq}"


def write(path: str, lines: int) -> None:
    """Put so many lines into a room's file that no process has open."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("BEGIN")
    db.executemany(
        "INSERT INTO entries (seq, at, kind, sender, guest, text) VALUES (?, ?, 0, ?, 0, ?)",
        ((seq, BEGAN + seq * EVERY, f"m{seq % 97}", words_of(seq)) for seq in range(1, lines + 1)),
    )
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    db.close()


@measurement(
    "bigroom",
    "History of a big room",
    "A room's file is filled directly. Open: from `join` of the room, which no process runs, to `entered`. Pages of "
    "100 at random places and times, forwards and backwards. Searches: a word that one line in 100,000 holds, a common "
    "one, two common ones, and one that occurs nowhere; the index is up to date. The index is made once, beside it.",
    Column("open", "open, ms", 1),
    Column("page", "page by number, p50 ms", 2),
    Column("page99", "p99 ms", 2),
    Column("moment", "page by time, p50 ms", 2),
    Column("rare", "search rare, p50 ms", 2),
    Column("common", "common, p50 ms", 2),
    Column("both", "two common, p50 ms", 2),
    Column("nowhere", "nowhere, p50 ms", 2),
    Column("index", "making the index, s", 1),
    Column("pss", "PSS after it, MB", 1),
    most=1,
)
def bigroom(bench: Bench, record: Record) -> None:
    lines = 20_000 if bench.small else bench.lines
    for count in (SMALL, *((lines // 100,) if lines >= MIDDLE else ()), lines):
        home = bench.home / f"big{count}"
        made = home.exists()
        with System(home) as system:
            room = system.room("big")
        if not made:  # the runs after the first find it there
            write(str(room.paths.log_db), count)
        with System(home) as system:
            record.note("Parlour, full", f"{count:,} lines", **_figures(system, count, fresh=not made))


def _figures(system: System, lines: int, *, fresh: bool) -> dict[str, float]:
    rng = random.Random(lines)
    figures: dict[str, float] = {}
    with system.guest() as guest:
        begun = time.perf_counter()
        redirect = guest.ask("join", room="big", create=True)
        with Talk(redirect["port"]) as talk:
            talk.ask("enter", protocol=1, ticket=redirect["ticket"], last=0)
            figures["open"] = (time.perf_counter() - begun) * 1e3
            if fresh:
                figures["index"] = _make_index(talk)
            numbers = _times(lambda: _page(talk, rng, lines), ASKED)
            figures["page"], figures["page99"] = numbers[ASKED // 2], numbers[int(ASKED * 0.99)]
            figures["moment"] = _times(lambda: _moment(talk, rng, lines), ASKED)[ASKED // 2]
            searches = {"rare": "needle", "common": "hay", "both": "hay w3", "nowhere": "zebra"}
            for key, text in searches.items():
                _search(talk, text)
                figures[key] = _times(lambda: _search(talk, text), ASKED // 10)[ASKED // 20]  # noqa: B023
            figures["pss"] = memory(RoomAt(system, "big", redirect).pid)[0] / 1e6
    return figures


def _make_index(talk: Talk) -> float:
    """The first search waits for it."""
    talk.sock.settimeout(3_600)
    begun = time.perf_counter()
    _search(talk, "needle")
    return time.perf_counter() - begun


def _page(talk: Talk, rng: random.Random, lines: int) -> None:
    where = rng.randint(1, lines)
    asked = {"before": where} if rng.random() < 0.5 else {"after": where}
    talk.ask("history", limit=100, **asked)


def _moment(talk: Talk, rng: random.Random, lines: int) -> None:
    talk.ask("history", limit=100, after_time=BEGAN + rng.randint(1, lines) * EVERY)


def _search(talk: Talk, text: str) -> None:
    talk.ask("search", text=text, limit=20)


def _times(act: Callable[[], None], count: int) -> list[float]:
    """Milliseconds of so many calls, sorted."""

    def each() -> Iterator[float]:
        for _ in range(count):
            begun = time.perf_counter()
            act()
            yield (time.perf_counter() - begun) * 1e3

    return sorted(each())
