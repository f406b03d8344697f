"""How people and channels are drawn: initials on a colour that stays the same, and a picture of the channel."""

from __future__ import annotations

import zlib
from typing import Final

from connectors.registry import kind_of
from router.settings import Settings

_TONES: Final = "abcde"
# By the icon of a kind of channel: the drawing in static/icons.svg.
_DRAWINGS: Final = {"letter": "mail", "phone": "smartphone", "bubble": "message-circle", "globe": "globe"}
_UNKNOWN: Final = "message-square-text"


def channel_icon(settings: Settings, channel: str) -> str:
    """Return the drawing of a channel; a plain one for a channel that is no longer in the file."""
    known = settings.channels.get(channel)
    return _DRAWINGS.get(kind_of(known).icon, _UNKNOWN) if known else _UNKNOWN


def handle_kind(settings: Settings, channel: str) -> str:
    """Return the kind of a channel's handles (`PartyKind`); empty if there are several, or the channel is gone."""
    known = settings.channels.get(channel)
    kinds = kind_of(known).parties if known else ()
    return kinds[0] if len(kinds) == 1 else ""


def initials_of(name: str) -> str:
    """Return one Chinese letter, or the first letters of two Latin words; a sign for a number or an address."""
    words = [word for word in name.split() if word[0].isalpha()]
    if not words or "@" in words[0]:
        return next((letter.upper() for letter in name if letter.isalpha()), "#")
    if not words[0].isascii():
        return words[0][0]
    return "".join(word[0].upper() for word in (words[0], *words[1:][-1:]) if word[0].isascii())


def tone_of(name: str) -> str:
    """Return the class of a name's colour: the same on every page and in every process."""
    return _TONES[zlib.crc32(name.encode()) % len(_TONES)]
