"""The questions in a message: an answer is looked up for a sentence, never for a whole mail."""

from __future__ import annotations

import re
from typing import Final

from router.classify.encoder import is_sentence
from router.text.plain import fold

_END: Final = re.compile(r"(?<=[。！？!?；;])\s*|(?<=[.])\s+|\n+")
_ASKS: Final = re.compile(
    r"[?？]|怎么|怎樣|怎样|如何|多久|多少|几天|幾天|什么|甚麼|什麼|哪里|哪裡|能不能|可以.*吗|吗$|嗎$|为什么|為什麼|"
    r"\b(?:how|what|when|where|why|which|who|can i|could i|may i|is it|do i|does|is there)\b"
)
_GREETING: Final = re.compile(
    r"(?:dear .{0,40}|hi|hello|hey|good (?:morning|afternoon|evening)|thanks?(?: you)?|many thanks|best|regards|"
    r"(?:best|kind) regards|cheers|您?你?好|亲|在吗|谢谢.{0,4}|麻烦了|多谢|請問|请问)[\s,.!，。！:：]*"
)
_MOST: Final = 8
_SEVERAL: Final = 3


def questions_in(text: str) -> tuple[str, ...]:
    """Return what a message asks: itself if it is a sentence, else its sentences that ask, else its first ones."""
    whole = text.strip()
    parts = [part.strip() for part in _END.split(whole) if part.strip()]
    said = [part for part in parts if not _GREETING.fullmatch(fold(part))]
    asking = [part for part in said if _ASKS.search(fold(part))]
    if len(asking) > 1:
        return tuple(asking[:_MOST])
    # The words before a question often say what it is about.
    if len(said) < _SEVERAL and is_sentence(whole):
        return (" ".join(said),) if said else ()
    return tuple((asking or said)[:_MOST])
