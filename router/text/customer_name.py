"""What a customer is called who gave no name: a visitor of the chat, or a user known by a service's id alone."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from router.envelope import PartyKind

_MADE: Final = re.compile(r"(?:访客|Visitor) ([0-9A-F]{4})")
# The handle of such a visitor, which says nothing to a reader.
_HANDLE: Final = re.compile(r"visitor-[0-9a-f]{12}([0-9a-f]{4})")
# The ids of users as their services make them; they look like nothing else that a handle can be.
_IDS: Final = {
    PartyKind.WECHAT: re.compile(r"o[\w-]{27}", re.ASCII),
    PartyKind.WECOM: re.compile(r"w[mo][\w-]{30}", re.ASCII),
    PartyKind.LINE: re.compile(r"U[0-9a-f]{32}"),
    PartyKind.WHATSAPP: re.compile(r"[A-Z]{2}\.\d{8,}"),
}
# These are numbers, which may be anything unless the kind is known.
_NUMBERED: Final = frozenset({PartyKind.TELEGRAM, PartyKind.X})
# By kind: Chinese, English.
_USERS: Final = {
    PartyKind.WECHAT: ("微信用户", "WeChat user"),
    PartyKind.WECOM: ("企业微信用户", "WeCom user"),
    PartyKind.LINE: ("LINE 用户", "LINE user"),
    PartyKind.WHATSAPP: ("WhatsApp 用户", "WhatsApp user"),
    PartyKind.TELEGRAM: ("Telegram 用户", "Telegram user"),
    PartyKind.X: ("X 用户", "X user"),
}
# Enough to tell two of them apart at a glance.
_SHOWN: Final = 4


def visitor_name(session_id: UUID, *, language: str) -> str:
    """Return the name for a visitor without one; the digits tell two of them apart. language: BCP 47."""
    return _name(session_id.hex[-4:].upper(), language)


def in_language(name: str, *, language: str, kind: str = "") -> str:
    """Return a name or handle as a reader of the language reads it: "Visitor 14C7", "WeChat user …Tlm6".

    kind: of the handle (`PartyKind`), where it is known; numbers are shown as they are without it.
    """
    if made := _MADE.fullmatch(name) or _HANDLE.fullmatch(name):
        return _name(made[1].upper(), language)
    found = next((each for each, pattern in _IDS.items() if pattern.fullmatch(name)), None)
    if found is None and kind in _NUMBERED and name.isdigit():
        found = PartyKind(kind)
    if found is None:
        return name
    chinese, english = _USERS[found]
    return f"{chinese if language.startswith('zh') else english} …{name[-_SHOWN:]}"


def _name(digits: str, language: str) -> str:
    return f"{'访客' if language.startswith('zh') else 'Visitor'} {digits}"
