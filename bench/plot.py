"""Plots as SVG, written by hand: cost against size on logarithmic axes. Pure."""

import math
from html import escape
from typing import Final

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 40, 50
COLOURS: Final = (
    "#1b6ca8",
    "#d1495b",
    "#2e933c",
    "#8f5db7",
    "#e08e0b",
    "#4a4e69",
    "#00a6a6",
    "#b56576",
    "#7f9c3b",
    "#555",
)
Series = dict[str, list[tuple[float, float]]]


def exponent(points: list[tuple[float, float]]) -> float | None:
    """The b of y = a·x^b that fits best (least squares of logarithms); None for fewer than two sizes."""
    usable = [(math.log(x), math.log(y)) for x, y in points if x > 0 and y > 0]
    if len({x for x, _ in usable}) < 2:
        return None
    mean_x = sum(x for x, _ in usable) / len(usable)
    mean_y = sum(y for _, y in usable) / len(usable)
    return sum((x - mean_x) * (y - mean_y) for x, y in usable) / sum((x - mean_x) ** 2 for x, _ in usable)


class _Axis:
    """A logarithmic axis from `low` to `high`, drawn from `start` to `end`."""

    def __init__(self, values: list[float], start: float, end: float) -> None:
        self.low = math.floor(math.log10(min(values)) * 2) / 2
        self.high = max(self.low + 0.5, math.ceil(math.log10(max(values)) * 2) / 2)
        self.start, self.end = start, end

    def at(self, value: float) -> float:
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        marks = [step * 10.0**power for power in powers for step in (1, 2, 5)]
        return [mark for mark in marks if self.low - 1e-9 <= math.log10(mark) <= self.high + 1e-9]


def svg(title: str, x_label: str, y_label: str, series: Series) -> str:
    """A drawing of all series, with a legend; an empty text when there is nothing to draw."""
    series = {name: [p for p in sorted(points) if min(p) > 0] for name, points in series.items()}
    series = {name: points for name, points in series.items() if points}
    if not series:
        return ""
    xs = _Axis([x for points in series.values() for x, _ in points], LEFT, WIDTH - RIGHT)
    ys = _Axis([y for points in series.values() for _, y in points], HEIGHT - BOTTOM, TOP)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(x_label)}</text>',
        f'<text transform="translate(16 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{escape(y_label)}</text>',
    ]
    out += _grid(xs, ys)
    for number, (name, points) in enumerate(series.items()):
        out += _line(name, points, COLOURS[number % len(COLOURS)], xs, ys, TOP + 12 + number * 18)
    return "\n".join([*out, "</svg>", ""])


def _grid(xs: _Axis, ys: _Axis) -> list[str]:
    out = []
    for mark in xs.ticks():
        x = xs.at(mark)
        out.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        out.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{mark:g}</text>')
    for mark in ys.ticks():
        y = ys.at(mark)
        out.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{mark:g}</text>')
    return out


def _line(name: str, points: list[tuple[float, float]], colour: str, xs: _Axis, ys: _Axis, legend: float) -> list[str]:
    places = [(xs.at(x), ys.at(y)) for x, y in points]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    found = exponent(points)
    label = name if found is None else f"{name} (exponent {found:.2f})"
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
    return [
        f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *dots,
        f'<rect x="{WIDTH - RIGHT + 8}" y="{legend - 9}" width="10" height="10" fill="{colour}"/>',
        f'<text x="{WIDTH - RIGHT + 22}" y="{legend}" font-size="10">{escape(label)}</text>',
    ]
