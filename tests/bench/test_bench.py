"""The bench in its short form: that it works and writes its report, never how fast anything is."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bench import fanout, front, history, rooms
from bench.contenders import PARLOURS
from bench.generator import LISTENS, Seat, compiled
from bench.measure import MEASUREMENTS, Column, Record
from bench.plot import exponent, svg
from bench.report import MARKED, assembled, into_docs, markdown, merged

LIMIT = 120.0
assert fanout, (front, history, rooms)  # importing them registers their measurements
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="the load generator is in C")


def bench(repository: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "bench", *words],
        env={**os.environ, "PYTHONPATH": str(repository)},
        capture_output=True, text=True, timeout=LIMIT, check=False,
    )  # fmt: skip


def short(repository: Path, out: Path, *names: str, only: str = "Parlour, full") -> dict[str, list[dict[str, object]]]:
    """The rows of each measurement, from a short run."""
    done = bench(
        repository, *names, "--small", "--runs", "1", "--seconds", "0.1", "--only", only, "--disk", str(out.parent),
        "--out", str(out),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads((out / "report.json").read_text())
    assert "# Parlour, measured" in (out / "report.md").read_text()
    return {name: found["rows"] for name, found in report["measurements"].items()}


def test_a_load_too_short_for_its_cpu_to_be_seen_has_figures() -> None:
    figures = fanout._burst({"delivered": 1_000.0, "cpu": 0.0, "seconds": 0.1, "idle": 0.5, "others": 0.0})
    assert figures["full"] == 0.1
    assert fanout._burst({"delivered": 0.0, "cpu": 0.0, "seconds": 0.1, "idle": 1.0, "others": 0.0})["rate"] == 0


@needs_compiler
def test_loads_are_driven_and_counted(repository: Path, tmp_path: Path) -> None:
    rows = short(repository, tmp_path / "out", "fanout", "biggest", "lockstep", "slow")
    assert [row["who"] for row in rows["fanout"]] == ["Parlour, full"]
    assert [row["case"] for row in rows["slow"]] == ["70 read, 0 never, after 0.3 s", "70 read, 30 never, after 0.3 s"]
    for found in rows.values():
        assert all(row["values"]["rate"][0] > 0 for row in found)  # type: ignore[index]


@needs_compiler
def test_the_limit_row_speaks_no_protocol(repository: Path, tmp_path: Path) -> None:
    rows = short(repository, tmp_path / "out", "fanout", only="limit")
    assert [row["who"] for row in rows["fanout"]] == ["limit", "limit, synced"]


@needs_compiler
def test_lines_that_nobody_said_are_not_counted() -> None:
    near, far = socket.socketpair()
    with near, far:
        far.setblocking(False)
        near.send(b"the prefix of a server may hold the mark ^ as well\n")
        order = "0.1 0 1 0 64\n" + Seat(far.fileno(), 0, LISTENS).order()
        done = subprocess.run(
            [str(compiled("load"))], input=order, capture_output=True, text=True, pass_fds=[far.fileno()],
            timeout=LIMIT, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "heard more lines than were said" in done.stdout


def test_rooms_are_started_killed_and_measured(repository: Path, tmp_path: Path) -> None:
    rows = short(repository, tmp_path / "out", "newrooms", "killedroom", "bigroom")
    assert all(found for found in rows.values())
    assert {row["case"] for row in rows["bigroom"]} == {"1,000 lines", "20,000 lines"}


def test_the_lobby_is_measured(repository: Path, tmp_path: Path) -> None:
    rows = short(repository, tmp_path / "out", "visits", "killedlobby", "mail")
    assert all(found for found in rows.values())


def test_an_unknown_measurement_is_refused(repository: Path) -> None:
    done = bench(repository, "speed")
    assert done.returncode == 1
    assert "speed" in done.stderr
    assert "fanout" in done.stderr


def test_help_names_every_measurement(repository: Path) -> None:
    text = bench(repository, "--help").stdout
    assert all(f"{name} (" in " ".join(text.split()) for name in MEASUREMENTS)


def test_every_durability_is_a_contender() -> None:
    assert [kind.name for kind in PARLOURS] == ["Parlour, full", "Parlour, process", "Parlour, off"]


# -- the report


def record() -> Record:
    found = Record()
    for rate in (2.0, 4.0, 3.0):
        found.note("limit", "10 members", rate=rate * 2)
        found.note("Parlour, full", "10 members", rate=rate)
    found.say("ngIRCd left out: ngircd is not installed")
    return found


def test_tables_show_medians_spread_and_ratios(tmp_path: Path) -> None:
    text = markdown(assembled({"date": "today"}, "./run.sh bench", 3, 1.0, {"fanout": record()}))
    assert "| 10 members | Parlour, full | 3.00 (2.00–4.00) |" in text
    assert "| 10 members | full | 0.50 |" in text
    assert "- ngIRCd left out: ngircd is not installed" in text


def test_costs_are_told_with_how_they_grow() -> None:
    found = Record()
    for members in (10, 100, 1_000):
        found.note("Parlour, full", f"{members:,} members", cpu=members / 100, rate=1.0)
        found.note("InspIRCd", f"{members:,} members", cpu=members / 100, rate=1.0)
    text = markdown(assembled({"date": "today"}, "./run.sh bench", 1, 1.0, {"fanout": found}))
    assert "| server CPU, s a million deliveries | members | Parlour, full | 1.00 |" in text
    assert text.count("| members |") == 1, "of Parlour, and what costs"


def test_an_earlier_report_is_kept_where_it_is_not_measured_anew() -> None:
    old = assembled({"date": "then", "revision": "a1"}, "old", 1, 1.0, {"fanout": record(), "mail": Record()})
    new = assembled({"date": "now", "revision": "b2"}, "new", 3, 1.0, {"mail": Record()})
    both = merged(old, new)
    assert set(both["measurements"]) == {"fanout", "mail"}
    assert "then, revision a1, `old`" in markdown(both)
    assert "Measured now by `new`" in markdown(both)


def test_the_page_is_drawn_between_its_marks(tmp_path: Path, repository: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("before\n<!-- report -->\nold\n<!-- end of report -->\nafter\n")
    into_docs(assembled({"date": "today"}, "./run.sh bench", 3, 1.0, {"fanout": record()}), page)
    text = page.read_text()
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert MARKED.search((repository / "docs" / "performance.md").read_text())


def test_the_exponent_is_that_of_the_power() -> None:
    assert exponent([(10, 5), (100, 50), (1_000, 500)]) == pytest.approx(1.0)
    assert exponent([(10, 3), (100, 300)]) == pytest.approx(2.0)
    assert exponent([(10, 3)]) is None


def test_a_plot_shows_each_series_with_its_exponent() -> None:
    drawing = svg("Cost", "members", "s", {"Parlour": [(10, 1), (100, 10)], "nobody": []})
    assert drawing.startswith("<svg")
    assert "Parlour (exponent 1.00)" in drawing
    assert "nobody" not in drawing


def test_columns_have_labels() -> None:
    assert all(isinstance(column, Column) and column.label for m in MEASUREMENTS.values() for column in m.columns)
