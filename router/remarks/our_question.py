"""Whether a text of ours asks the customer something, so that "ok" or "done" is the answer to it."""

from __future__ import annotations

import re
from typing import Final

_SENTENCE: Final = re.compile(r"[^.!?\n\u3002\uff01\uff1f]+[?\uff1f]?|[?\uff1f]")
# Agents leave the mark out; what is asked for, too, is awaited.
_ASKS: Final = re.compile(
    r"[?\uff1f]|[吗么嘛]\W*$|吧\W*$|[能可是]否|是不是|要不要|能不能|可不可以|好不好|行不行|有没有"
    r"|请[^\uff0c,]{0,6}(?:确认|回复|告知|告诉|提供|发|上传|选择|核对|核实|填写|说明|回答|补充)"
    r"|\b(?:(?:please|kindly) (?:confirm|reply|answer|tell|send|upload|attach|provide|choose|give|share|fill|sign)"
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
