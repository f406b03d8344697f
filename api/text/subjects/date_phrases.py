"""The phrases of days and dates: a month has its name in English, so that 3/11 is never read as another day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
DATE_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "dated": ("{weekday} {day} {month_name}, {time}", "{month}月{day}日 {weekday} {time}"),
    "dated_year": ("{weekday} {day} {month_name} {year}, {time}", "{year}年{month}月{day}日 {weekday} {time}"),
    "day_only": ("{weekday} {day} {month_name}", "{month}月{day}日 {weekday}"),
    "day_only_year": ("{weekday} {day} {month_name} {year}", "{year}年{month}月{day}日 {weekday}"),
    "today": ("Today", "今天"),
    "yesterday": ("Yesterday", "昨天"),
    "day_1": ("Mon", "周一"),
    "day_2": ("Tue", "周二"),
    "day_3": ("Wed", "周三"),
    "day_4": ("Thu", "周四"),
    "day_5": ("Fri", "周五"),
    "day_6": ("Sat", "周六"),
    "day_7": ("Sun", "周日"),
    "month_1": ("Jan", "1月"),
    "month_2": ("Feb", "2月"),
    "month_3": ("Mar", "3月"),
    "month_4": ("Apr", "4月"),
    "month_5": ("May", "5月"),
    "month_6": ("Jun", "6月"),
    "month_7": ("Jul", "7月"),
    "month_8": ("Aug", "8月"),
    "month_9": ("Sep", "9月"),
    "month_10": ("Oct", "10月"),
    "month_11": ("Nov", "11月"),
    "month_12": ("Dec", "12月"),
}
