"""A new model is refused where it is worse beyond chance: fewer right, fewer dangers found, more false alarms."""

from __future__ import annotations

import pytest

from workers.training.comparison import compare_reports, danger_rows

BEFORE = {
    "accuracy": 0.9,
    "danger": {"per_thousand": 5, "all": {"recall": [0.8, 0.78, 0.82], "false_pages": [0.004, 0.003, 0.006]}},
}


def made(accuracy: float, recall: list[float], false: list[float]) -> dict[str, object]:
    return {"accuracy": accuracy, "danger": {"all": {"recall": recall, "false_pages": false}}}


@pytest.mark.parametrize(
    ("now", "worse"),
    [
        (BEFORE, 0),
        (made(0.895, [0.79, 0.77, 0.81], [0.005, 0.004, 0.007]), 0),  # within chance
        (made(0.88, [0.8, 0.78, 0.82], [0.004, 0.003, 0.006]), 1),
        (made(0.9, [0.7, 0.68, 0.72], [0.004, 0.003, 0.006]), 1),
        (made(0.9, [0.8, 0.78, 0.82], [0.02, 0.015, 0.025]), 1),
        (made(0.8, [0.7, 0.68, 0.72], [0.02, 0.015, 0.025]), 3),
        ({"accuracy": 0.9}, 0),  # without a part about danger there is nothing to compare
    ],
)
def test_worse_is_what_no_chance_explains(now, worse):
    assert len(compare_reports(now, BEFORE)) == worse


def test_each_language_is_a_row_with_intervals():
    assert danger_rows({}) == []
    (row,) = danger_rows(BEFORE)
    assert row[0] == "all"
    assert "80.0% (78.0% to 82.0%)" in row
