"""The plan of `benchmarks.growth`: sizes, what is missing, the disk, and what the times say."""

from __future__ import annotations

import pytest

from benchmarks.growth.plan import Timing, disk_refusal, fitting, missed_goals, missing, ratio, sizes_to, timing

_GB = 10**9


@pytest.mark.parametrize(
    ("messages", "sizes"),
    [
        (10_000, [10_000]),
        (500, [10_000]),
        (100_000, [10_000, 100_000]),
        (300_000, [10_000, 100_000, 300_000]),
        (10_000_000, [10_000, 100_000, 1_000_000, 10_000_000]),
    ],
)
def test_a_run_measures_at_each_power_of_ten_and_at_the_largest_size(messages: int, sizes: list[int]) -> None:
    assert sizes_to(messages) == sizes


def test_a_run_that_continues_loads_only_what_is_missing() -> None:
    assert missing(100_000, present=11_500) == 88_500
    assert missing(10_000, present=11_500) == 0


def test_a_run_stops_with_a_sentence_before_the_disk_has_less_than_ten_gigabytes() -> None:
    assert not disk_refusal(5_000_000, free=61 * _GB, bytes_a_message=8_000)
    refused = disk_refusal(9_000_000, free=61 * _GB, bytes_a_message=8_000)
    assert refused == (
        "The next 9,000,000 messages need 72.0 GB and the disk has 61.0 GB free, of which 10 GB must stay free."
    )


def test_as_many_messages_are_loaded_as_leave_ten_gigabytes_free() -> None:
    assert fitting(free=18 * _GB, bytes_a_message=8_000) == 1_000_000
    assert fitting(free=9 * _GB, bytes_a_message=8_000) == 0


def test_times_are_shown_as_the_median_and_the_95th_percentile_in_milliseconds() -> None:
    assert timing([each / 1000 for each in range(40)]) == Timing(calls=40, p50=20.0, p95=38.0)
    assert timing([0.002]) == Timing(calls=1, p50=2.0, p95=2.0)


def test_a_ratio_says_how_many_times_as_long_the_grown_database_takes() -> None:
    assert ratio(3.0, 2.0) == 1.5
    assert ratio(3.0, 0.0) == 0.0


def test_each_goal_that_is_missed_is_named() -> None:
    assert missed_goals({"list": 1.5, "search": 0.9}, again={}, intake=0.67) == []
    assert missed_goals({"list": 1.6, "search": 0.9, "open": 2.0}, again={"open": 1.1}, intake=0.5) == [
        "list takes 1.6 times as long as at 10,000 messages (at most 1.5)",
        "open takes 2.0 times as long as at 10,000 messages (at most 1.5); 1.1 times when all is in memory",
        "intake has 0.5 of the rate at 10,000 messages (at least 0.67)",
    ]
