"""What a model's report says about danger, as rows for people; and where a new model is worse than the one before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

# A smaller loss of right categories is chance.
_LOSS: Final = 0.01
_SHARES: Final = ("recall", "paged_or_marked", "false_pages", "marked", "lookalike_pages")

Report = Mapping[str, JsonValue]


def danger_rows(report: Report) -> list[tuple[str, ...]]:
    """Return one row per language: counts, and shares with their intervals of 95 %."""
    danger = report.get("danger")
    if not isinstance(danger, dict):
        return []
    return [_row(name, figures) for name, figures in danger.items() if isinstance(figures, dict)]


def compare_reports(now: Report, before: Report) -> list[str]:
    """Return where the first report is worse than the second beyond chance; empty if nowhere."""
    worse = []
    if _number(now.get("accuracy")) < _number(before.get("accuracy")) - _LOSS:
        worse.append(
            f"{_number(now.get('accuracy')):.1%} classified correctly instead of {_number(before.get('accuracy')):.1%}"
        )
    (recall, most), (before_recall, before_least) = _limits(now, "recall", 2), _limits(before, "recall", 1)
    if most < before_least:
        worse.append(f"{recall:.1%} of the dangers paged instead of {before_recall:.1%}")
    (false, least), (before_false, before_most) = _limits(now, "false_pages", 1), _limits(before, "false_pages", 2)
    if least > before_most:
        worse.append(f"{false:.2%} false alarms instead of {before_false:.2%}")
    return worse


def _row(name: str, figures: Report) -> tuple[str, ...]:
    recall, both, false, marked, look = (_interval(figures.get(key)) for key in _SHARES)
    return (name, str(figures.get("dangers")), recall, both, str(figures.get("ordinary")), false, marked, look)


def _interval(value: JsonValue) -> str:
    if not isinstance(value, list) or len(value) != 3:
        return ""
    share, low, high = map(_number, value)
    return f"{share:.1%} ({low:.1%} to {high:.1%})"


def _limits(report: Report, key: str, limit: int) -> tuple[float, float]:
    """Return a share of all languages together and one of its limits; both say nothing where there is no report."""
    danger = report.get("danger")
    figures = danger.get("all") if isinstance(danger, dict) else None
    value = figures.get(key) if isinstance(figures, dict) else None
    if not isinstance(value, list):
        return 0.0, float("nan")
    return _number(value[0]), _number(value[limit])


def _number(value: JsonValue) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
