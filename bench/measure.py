"""What a measurement is: a small function with a name, run as often as asked, that notes values.

Law: a function notes what it saw and judges nothing; medians, spreads and ratios are the report's.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

Values = dict[str, list[float]]  # a value for each run


@dataclass(frozen=True)
class Column:
    """One value of a table."""

    key: str
    label: str  # with its unit
    digits: int = 2


class Record:
    """The values of one measurement, by who was measured and in which case."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Values] = {}
        self.words: list[str] = []  # what was left out, and why

    def note(self, who: str, case: str, **values: float) -> None:
        row = self.rows.setdefault((who, case), {})
        for key, value in values.items():
            row.setdefault(key, []).append(value)

    def say(self, word: str) -> None:
        if word not in self.words:
            self.words.append(word)


@dataclass
class Bench:
    """How much is measured, and where. `small`: the short form, which only shows that it works."""

    home: Path
    seconds: float = 3.0
    small: bool = False
    lines: int = 10_000_000  # of the big room
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 1 << 30)))

    def sizes(self, *full: int) -> tuple[int, ...]:
        """What is measured in full; the short form takes a tenth of the smallest, and at least eight."""
        return (max(8, min(full) // 10),) if self.small else full

    def place(self) -> Path:
        """A new place for a server's files."""
        return self.home / f"s{next(self.numbers)}"


@dataclass(frozen=True)
class Measurement:
    name: str
    title: str
    about: str
    columns: tuple[Column, ...]
    run: Callable[[Bench, Record], None]
    most: int | None = None  # runs, however many are asked for: it is long, and hardly differs from run to run


MEASUREMENTS: Final[dict[str, Measurement]] = {}


def measurement(
    name: str, title: str, about: str, *columns: Column, most: int | None = None
) -> Callable[[Callable[[Bench, Record], None]], Callable[[Bench, Record], None]]:
    """Register a function as a measurement."""

    def register(run: Callable[[Bench, Record], None]) -> Callable[[Bench, Record], None]:
        MEASUREMENTS[name] = Measurement(name, title, about, columns, run, most)
        return run

    return register


@contextmanager
def leaving_out(record: Record, who: str, case: str) -> Iterator[None]:
    """A contender that fails in one case is left out of it with a word, and the others go on. Parlour may not fail."""
    try:
        yield
    except (OSError, RuntimeError, TimeoutError) as why:
        if who.startswith("Parlour"):
            raise
        record.say(f"{who}, {case}: left out, {why}")
