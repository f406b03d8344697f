"""The title of a conversation that has no subject: its first words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from router.envelope import CHAT_KINDS
from router.text.visible import is_visible

# In columns: a Chinese character takes two.
_WIDEST: Final = 60
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s|(?<=[。！？])")
_READ: Final = 400


def title_of_message(subject: str, *, kind: str, text: str, file_names: Sequence[str]) -> str:
    """Return the title of a case that this message opens: its subject; of a chat, which has none, its words or file.

    kind: of its sender's handle (`PartyKind`).  text, file_names: masked.
    """
    if subject or kind not in CHAT_KINDS:
        return subject
    return title_of(text) or title_of(next(iter(file_names), ""))


def title_of(text: str) -> str:
    """Return the first sentence, or its first words and an ellipsis; empty for a text that shows nothing."""
    shown = "".join(" " if unicodedata.category(each) in {"Cc", "Zl", "Zp"} else each for each in text[:_READ])
    shown = " ".join("".join(each for each in shown if unicodedata.category(each) != "Cf" or each == "\u200d").split())
    if not is_visible(shown):
        return ""
    first = _SENTENCE.split(shown, maxsplit=1)[0]
    fitting = _fitting(first)
    if fitting == first:
        return first
    # At a blank if there is one in the second half; Chinese has none.
    words = fitting.rpartition(" ")[0]
    return f"{(words if 2 * len(words) > len(fitting) else fitting).rstrip()}…"


def _fitting(text: str) -> str:
    columns = end = 0
    for number, each in enumerate(text):
        # A mark stays with the letter before it.
        if unicodedata.category(each)[0] != "M":
            end = number
        columns += 2 if unicodedata.east_asian_width(each) in "WF" else 1
        if columns > _WIDEST:
            return text[:end]
    return text
