"""The second test, for what would wait because the desk is closed.

By day the first test is enough: an agent reads soon what it left. At night nothing is read, so the same judgement of
danger has a bound of its own, and the operator's `hints` count. Uncertainty about the category is no sign of danger.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from router.analysis import Analysis
from router.classify.boilerplate import without_boilerplate
from router.reason import Reason, ReasonKey
from router.settings.model import Settings
from router.text.chinese_script import fold_script
from router.text.plain import fold

_NO_WORD: Final = re.compile(r"[^\w]+")
# "didn't" is one word, with or without any apostrophe.
_WITHOUT_APOSTROPHES: Final = dict.fromkeys(map(ord, "'\u2018\u2019\u02bc"))
_HAN_OR_KANA: Final = re.compile(r"[\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Hint:
    """Parts that must all be in the text, in any order. written: as in the file."""

    written: str
    first: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SecondLook:
    """The hints of all emergency categories; build with `build_second_look`."""

    hints: tuple[Hint, ...]

    def find(self, reading: Analysis) -> tuple[Reason, ...]:
        """Return what makes it an emergency while its channel is closed; empty if nothing does."""
        if not reading.is_heard:
            return ()
        seen = reading.classification
        likely = (Reason(ReasonKey.DANGER_IS_POSSIBLE, {"percent": round(100 * seen.danger)}), *seen.danger_evidence)
        text = comparable(without_boilerplate(f"{reading.envelope.subject}\n{reading.envelope.text}"))
        # This runs for every message by night: most hints fail at their first part.
        begun = [hint for hint in self.hints if hint.first in text]
        found = [hint.written for hint in begun if all(part in text for part in hint.others)]
        return (
            *(likely if seen.urgent_if_closed and seen.danger_evidence else ()),
            *(Reason(ReasonKey.HINT_FOUND, {"hint": written}) for written in found),
        )


def build_second_look(settings: Settings) -> SecondLook:
    """Compile the hints of the operator's emergency categories."""
    emergencies = [category for category in settings.categories.values() if category.emergency]
    written = dict.fromkeys(hint for category in emergencies for hint in category.hints)
    hints = [Hint(hint, *_parts(hint)) for hint in written]
    return SecondLook(tuple(hints))


def comparable(text: str) -> str:
    """Return the text for comparing hints: folded, in simplified characters, words separated by single blanks."""
    return f" {_NO_WORD.sub(' ', fold_script(fold(text)).translate(_WITHOUT_APOSTROPHES))} "


def _parts(hint: str) -> tuple[str, tuple[str, ...]]:
    """Return the parts of "a + b". A Latin part matches the beginning of a word, a Chinese one matches anywhere."""
    parts = (comparable(part).strip() for part in hint.split("+"))
    first, *others = (part if _HAN_OR_KANA.search(part) else f" {part}" for part in parts)
    return first, tuple(others)
