"""Lines that the desk writes itself, such as "Missed call": stored in both languages, shown in the reader's.

A stored text has one language for all readers, and search finds it by the words of both.
"""

from __future__ import annotations

import re
from typing import Final

# English, Chinese. A line begins with both, separated by a space.
_PAIRS: Final = (
    ("Call", "来电"),
    ("Call", "通话"),
    ("Call by us", "去电"),
    ("Missed call", "未接来电"),
    ("Call-back request", "请求回电"),
    ("Voicemail", "语音留言"),
    ("Transcript by machine", "机器转写"),
    ("Danger key pressed", "按了紧急键"),
    ("Connected to the emergency number", "已接通紧急号码"),
)
# The longest first: "Call" begins others.
_WRITTEN: Final = {
    **{f"{english} {chinese}": (english, chinese) for english, chinese in _PAIRS},
    # As earlier releases stored it.
    "Call-back wish 请求回电": ("Call-back request", "请求回电"),
}
_LINE: Final = re.compile(
    rf"^(?:{'|'.join(map(re.escape, sorted(_WRITTEN, key=len, reverse=True)))})(?=$|[\s:…])", re.MULTILINE
)


def own_lines_in(text: str, *, language: str) -> str:
    """Return a subject or a text with our own lines in one language; all other words stay. language: BCP 47."""
    place = int(language.startswith("zh"))
    return _LINE.sub(lambda line: _WRITTEN[line[0]][place], text)


def without_own_lines(text: str) -> str:
    """Return what others said in a text: without the words of our own lines, and without blanks around it."""
    return _LINE.sub("", text).strip()
