"""What stands below an answer: the signature, and the customer's message as a quotation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

# By language: who wrote when, above a quotation and above a message that is passed on.
_WROTE: Final[Mapping[str, str]] = {"en": "On {at}, {name} wrote:", "zh": "{name} 于 {at} 写道："}
_FORWARDED: Final[Mapping[str, str]] = {
    "en": "---------- Forwarded message ----------\nFrom: {name}\nDate: {at}\nSubject: {subject}\n\n{text}",
    "zh": "---------- 转发的邮件 ----------\n发件人：{name}\n时间：{at}\n主题：{subject}\n\n{text}",
}
_LONGEST_QUOTE: Final = 20_000


def below(*, signature: str, quotation: str) -> str:
    """Return what follows the answer's words; empty without both. Source of the "-- ": RFC 3676 section 4.3."""
    parts = [f"-- \n{signature}"] if signature else []
    return "\n\n".join((*parts, *([quotation] if quotation else [])))


def quote(text: str, *, name: str, at: datetime, zone: ZoneInfo, language: str) -> str:
    """Return a message as the quotation below an answer. name: who wrote it."""
    lines = text[:_LONGEST_QUOTE].splitlines()
    return "\n".join((_said(_WROTE, language).format(name=name, at=_at(at, zone)), *(f"> {line}" for line in lines)))


def forward(text: str, *, name: str, at: datetime, zone: ZoneInfo, language: str, subject: str) -> str:
    """Return a message as it is passed on."""
    words = _said(_FORWARDED, language)
    return words.format(name=name, at=_at(at, zone), subject=subject, text=text[:_LONGEST_QUOTE])


def _said(words: Mapping[str, str], language: str) -> str:
    return words["zh" if language.startswith("zh") else "en"]


def _at(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")
