"""Whether a text of ours asks the customer something, so that "ok" or "done" is the answer to it."""

from __future__ import annotations

import re
from typing import Final

_SENTENCE: Final = re.compile(r"[^.!?\n\u3002\uff01\uff1f]+[?\uff1f]?|[?\uff1f]")
# Agents leave the mark out; what is asked for, too, is awaited.
_ASKS: Final = re.compile(
    r"[?\uff1f]|[吗么嘛]\W*$|吧\W*$|[能可是]否|是不是|要不要|能不能|可不可以|好不好|行不行|有没有"
    r"|请(?!(?:您|你)?(?:放心|查收|稍|见谅|谅|理解|耐心|等|勿|注意|留意|知|原谅|多多))"
    r"|\b(?:(?:please|kindly)(?! (?:wait|allow|note|be|bear|accept|do not|don.t|rest|find|see|excuse|forgive)\b)"
    r"|let (?:me|us) know|reply (?:with|yes|to)|tell (?:me|us)|send (?:me|us)"
    r"|(?:can|could|would|will|do|did|have|are) you)\b",
    re.IGNORECASE,
)
# "Is there anything else?" ends a talk: whatever thanks follow, nothing is awaited.
_OFFERS: Final = re.compile(
    r"\b(?:anything|something) (?:else|more)\b|\b(?:other|further|more|any) (?:questions?|help|issues?|concerns?)\b"
    r"|其[他它]|别的|还有什么|有什么可以|如有|随时|如果(?:您|你)?(?:还)?有",
    re.IGNORECASE,
)


def is_question(text: str) -> bool:
    """Return whether the text asks, or asks for, something besides whether there is more to do."""
    return any(_ASKS.search(each) and not _OFFERS.search(each) for each in _SENTENCE.findall(text))
