"""How people type and paste the reference of a case: each way to a case takes all of them. A plain module."""

from __future__ import annotations

from typing import Final

FORMS: Final = (
    "{0}",
    " {0} ",
    "[{0}]",
    "【{0}】",
    "“{0}”",
    "编号：{0}。",
    "编号{0}",
    "Reference: {0}.",
    "{0}-4C6B0A1B2C",
    "[{0}-4c6b0a1b2c]",
    "（{0}－４Ｃ６Ｂ０Ａ１Ｂ２Ｃ）",
    "{0}-4C6B…",
)
