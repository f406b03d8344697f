"""Charts as shapes of SVG with axes: stacked bars, lines, and a heat map of the week. The server draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import Final

WIDTH: Final = 720.0
HEIGHT: Final = 200.0
# Left of the plot stand the numbers of the axis, below it the days.
LEFT: Final = 44.0
BELOW: Final = 22.0
_MOST_LABELS: Final = 8
_SHADES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A line of the value axis. said: its number."""

    y: float
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisDay:
    """A day below the plot."""

    x: float
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotBar:
    """A part of a stacked bar. series: index of its colour.  day, number: what it shows."""

    x: float
    y: float
    width: float
    height: float
    series: int
    day: date
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A chart over days: its axes with either bars or lines. lines: points of each series, with gaps between pieces."""

    ticks: Sequence[Tick]
    days: Sequence[AxisDay]
    bars: Sequence[PlotBar] = ()
    lines: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    """An hour of the week. shade: 0 (none) to 4 (the most)."""

    x: float
    y: float
    shade: int
    weekday: int
    hour: int
    number: int


def stacked(days: Sequence[date], values: Sequence[Sequence[int]]) -> Plot:
    """Return bars of each day, the first series at the bottom. values: by day, a number for each series."""
    top, ticks = _axis(max((sum(numbers) for numbers in values), default=0))
    step = WIDTH / max(len(days), 1)
    bars: list[PlotBar] = []
    for place, (day, numbers) in enumerate(zip(days, values, strict=True)):
        for series, (number, end) in enumerate(zip(numbers, accumulate(numbers), strict=True)):
            if number:
                y, height = HEIGHT * (1 - end / top), HEIGHT * number / top
                x, width = LEFT + step * (place + 0.15), step * 0.7
                bars.append(
                    PlotBar(
                        x=round(x, 1), y=round(y, 1), width=round(width, 1), height=round(height, 1),
                        series=series, day=day, number=number,
                    )
                )  # fmt: skip
    return Plot(ticks=ticks, days=_labels(days), bars=bars)


def lines(days: Sequence[date], values: Sequence[Sequence[float | None]]) -> Plot:
    """Return a line for each series. values: by series, a number for each day or None for a gap."""
    top, ticks = _axis(max((each for series in values for each in series if each is not None), default=0))
    step = WIDTH / max(len(days), 1)
    drawn = []
    for series in values:
        pieces: list[str] = []
        piece: list[str] = []
        for place, value in enumerate((*series, None)):
            if value is not None:
                piece.append(f"{LEFT + step * (place + 0.5):.1f},{HEIGHT * (1 - value / top):.1f}")
            elif piece:
                # A single day is a short line.
                pieces.append(" ".join(piece if len(piece) > 1 else piece * 2))
                piece = []
        drawn.append(pieces)
    return Plot(ticks=ticks, days=_labels(days), lines=drawn)


def heat(hours: Sequence[Sequence[int]]) -> list[HeatCell]:
    """Return the cells of a week. hours: by weekday and hour, a number."""
    most = max((number for day in hours for number in day), default=0)
    size = (WIDTH / 24, HEIGHT / 7)
    return [
        HeatCell(
            x=round(LEFT + size[0] * hour, 1),
            y=round(size[1] * weekday, 1),
            shade=-(-number * _SHADES // most) if most else 0,
            weekday=weekday,
            hour=hour,
            number=number,
        )
        for weekday, numbers in enumerate(hours)
        for hour, number in enumerate(numbers)
    ]


def _axis(most: float) -> tuple[float, list[Tick]]:
    """Return the value at the top of the plot, and four lines at round numbers."""
    step = _round_up(max(most, 1) / 4)
    top = step * 4
    return top, [Tick(y=round(HEIGHT * (1 - number / 4), 1), said=f"{step * number:g}") for number in range(5)]


def _round_up(value: float) -> float:
    power = 1.0
    while power * 10 <= value:
        power *= 10
    # Counts have no fractions.
    return next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= value and (power * each).is_integer())


def _labels(days: Sequence[date]) -> list[AxisDay]:
    step, every = WIDTH / max(len(days), 1), -(-len(days) // _MOST_LABELS)
    return [
        AxisDay(x=round(LEFT + step * (place + 0.5), 1), said=f"{day:%m-%d}")
        for place, day in enumerate(days)
        if place % max(every, 1) == 0
    ]
