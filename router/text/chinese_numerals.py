"""The value of a number that is written in Chinese characters."""

from __future__ import annotations

from typing import Final

_DIGITS: Final = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2, "兩": 2}
_SCALES: Final = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "萬": 10_000}


def chinese_number(numeral: str) -> int:
    """Return the value of a Chinese numeral below a hundred million: "三千五" is 3,500, "两万" is 20,000."""
    total = section = digit = 0
    scale = 1
    for char in numeral:
        if char in "万萬":
            total, section, digit, scale = (total + (section + digit or 1)) * 10_000, 0, 0, 10_000
        elif char in _SCALES:
            scale = _SCALES[char]
            section, digit = section + (digit or 1) * scale, 0
        else:
            digit = _DIGITS[char]
            scale = 1 if char == "零" else scale
    # A last digit without a unit counts in the next smaller unit: "三千五".
    shortened = digit and scale >= 100 and "零" not in numeral
    return total + section + digit * (scale // 10 if shortened else 1)
