"""The report of a run: JSON that holds every value, and Markdown and plots drawn from it. Pure but for writing.

Law: a table shows the median over the runs and, where there was more than one, the lowest and the highest.
"""

import json
import re
import statistics
from pathlib import Path
from typing import Any, Final

from bench.measure import MEASUREMENTS, Column, Record
from bench.plot import Series, exponent, svg

Report = dict[str, Any]
MARKED: Final = re.compile(r"(?<=<!-- report -->\n).*?(?=<!-- end of report -->)", re.DOTALL)
COMPARED: Final = ("fanout", "biggest", "manyrooms", "lockstep")  # with ratios beneath their tables
PEERS: Final = ("InspIRCd", "ngIRCd", "Redis pub/sub")
# measurement, value, what it is called, and the axis of sizes
PLOTS: Final = (
    ("fanout", "rate", "million deliveries/s", "members"),
    ("fanout", "cpu", "server CPU, s a million deliveries", "members"),
    ("fanout", "peak", "peak memory, MB", "members"),
    ("memory", "system", "the whole system, MB", "live rooms"),
    ("memory", "cpu", "CPU when idle, % of a core", "live rooms"),
    ("bigroom", "page", "page by number, p50 ms", "lines"),
    ("bigroom", "open", "open, ms", "lines"),
    ("bigroom", "moment", "page by time, p50 ms", "lines"),
    ("bigroom", "rare", "search of a rare word, p50 ms", "lines"),
    ("bigroom", "pss", "PSS, MB", "lines"),
)


def assembled(machine: dict[str, str], command: str, runs: int, seconds: float, records: dict[str, Record]) -> Report:
    """All that was seen, as JSON can hold it."""
    return {
        "machine": machine,
        "command": command,
        "runs": runs,
        "seconds": seconds,
        "measurements": {
            name: {
                "rows": [{"who": who, "case": case, "values": values} for (who, case), values in record.rows.items()],
                "words": record.words,
            }
            for name, record in records.items()
        },
    }


def markdown(report: Report) -> str:
    """The tables."""
    head = f"Measured {report['machine']['date']} by `{report['command']}`: runs: {report['runs']}, each load for "
    out = [
        head + f"{report['seconds']:g} s. The median, and in brackets the lowest and the highest.",
        "",
        "| machine and versions | |",
        "|---|---|",
        *(f"| {key} | {value} |" for key, value in report["machine"].items()),
        "",
    ]
    for name, found in report["measurements"].items():
        if found["rows"] or found["words"]:
            out += _section(name, found)
    return "\n".join(out + _growth(report))


def _growth(report: Report) -> list[str]:
    """How Parlour's cost grows with each size that was measured: the exponents of the plots."""
    rows = [
        f"| {label} | {sizes} | {who} | {exponent(points):.2f} |"
        for name, key, label, sizes in PLOTS
        for who, points in _series(report, name, key).items()
        if who.startswith("Parlour") and key != "rate" and exponent(points) is not None
    ]
    head = ["## How cost grows", "", "The b of cost = a·size^b that fits best; 1 is linear.", ""]
    return [*head, "| cost | size | who | exponent |", "|---|---|---|---:|", *rows, ""] if rows else []


def _section(name: str, found: Any) -> list[str]:
    what = MEASUREMENTS[name]
    used = [column for column in what.columns if any(column.key in row["values"] for row in found["rows"])]
    out = [f"## {what.title}", "", what.about, ""]
    if "origin" in found:
        origin = found["origin"]
        when = f"{origin['machine']['date']}, revision {origin['machine']['revision']}"
        out += [f"Measured before the rest: {when}, `{origin['command']}`, runs: {origin['runs']}.", ""]
    if used:
        out.append("| case | who | " + " | ".join(column.label for column in used) + " |")
        out.append("|---|---|" + "---:|" * len(used))
        for row in found["rows"]:
            cells = " | ".join(_cell(row["values"].get(column.key), column) for column in used)
            out.append(f"| {row['case']} | {row['who']} | {cells} |")
        out.append("")
    for key in ("rate", "full"):
        if name in COMPARED and any(key in row["values"] for row in found["rows"]):
            label = next(column.label for column in used if column.key == key)
            out += _ratios(found["rows"], key, label)
    out += [f"- {word}" for word in found["words"]]
    return [*out, ""] if found["words"] else out


def _cell(values: list[float] | None, column: Column) -> str:
    if not values:
        return ""
    middle = f"{statistics.median(values):,.{column.digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):,.{column.digits}f}–{max(values):,.{column.digits}f})"


def _ratios(rows: list[Any], key: str, label: str) -> list[str]:
    """Parlour against the limit rows, the fastest peer and the prototype, by the medians of one value."""
    cases = list(dict.fromkeys(row["case"] for row in rows))
    out = [
        f"Ratios of {label}:",
        "",
        "| case | Parlour | of limit | of limit, synced | of the fastest peer | of the prototype |",
        "|---|---|" + "---:|" * 4,
    ]
    for case in cases:
        rate = {row["who"]: statistics.median(row["values"][key]) for row in rows if row["case"] == case}
        fastest = max((rate[peer] for peer in PEERS if peer in rate), default=None)
        for durability in ("full", "process", "off"):
            own = rate.get(f"Parlour, {durability}")
            if own is None:
                continue
            others = (rate.get("limit"), rate.get("limit, synced"), fastest, rate.get(f"prototype, {durability}"))
            cells = " | ".join(f"{own / other:.2f}" if other else "" for other in others)
            out.append(f"| {case} | {durability} | {cells} |")
    return [*out, ""] if len(out) > 4 else []


def plots(report: Report) -> dict[str, str]:
    """File name and SVG of each plot that this report has values for."""
    drawn = {}
    for name, key, label, sizes in PLOTS:
        series = _series(report, name, key)
        if any(len(points) > 1 for points in series.values()):
            drawn[f"{name}-{key}.svg"] = svg(MEASUREMENTS[name].title, sizes, label, series)
    return drawn


def _series(report: Report, name: str, key: str) -> Series:
    """The medians of one value by size, for each who was measured."""
    series: Series = {}
    for row in report["measurements"].get(name, {"rows": []})["rows"]:
        size = re.match(r"[\d,]+", row["case"])
        if size and key in row["values"]:
            point = (float(size[0].replace(",", "")), statistics.median(row["values"][key]))
            series.setdefault(row["who"], []).append(point)
    return series


def write(report: Report, out: Path) -> None:
    """report.json, report.md and the plots."""
    out.mkdir(parents=True, exist_ok=True)
    drawn = plots(report)
    for name, drawing in drawn.items():
        (out / name).write_text(drawing)
    text = "# Parlour, measured\n\n" + markdown(report)
    text += "".join(f"\n![{name.removesuffix('.svg')}]({name})\n" for name in drawn)
    (out / "report.md").write_text(text)
    (out / "report.json").write_text(json.dumps(report, indent=1) + "\n")


def merged(old: Report, new: Report) -> Report:
    """The new report, with what only the old one measured, each measurement with the command and date it came from."""
    origin = {"command": old["command"], "machine": old["machine"], "runs": old["runs"], "seconds": old["seconds"]}
    kept = {
        name: {**found, "origin": found.get("origin", origin)}
        for name, found in old["measurements"].items()
        if name not in new["measurements"]
    }
    return {**new, "measurements": {**kept, **new["measurements"]}}


def into_docs(report: Report, page: Path) -> None:
    """Put the tables between the marks of docs/performance.md."""
    tables = markdown(report)
    page.write_text(MARKED.sub(lambda _: tables + "\n", page.read_text()))
