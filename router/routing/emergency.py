"""The second, more sensitive emergency check, for messages that would wait because the desk is closed.

By day the first check must avoid false alarms, so it needs clear words. By night no agent reads the messages that it
misses: here a hint of danger is enough, and the message goes to the emergency route with the hint as evidence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from router.analysis import Analysis
from router.classify.keywords import fold
from router.origin.automatic import OriginKind
from router.reason import Reason, ReasonKey
from router.settings.model import Settings
from router.text.chinese_script import fold_script

# No person in danger waits behind these automatic messages; a web form's mail is automatic too, but is checked.
_UNHEARD: Final = frozenset({OriginKind.BOUNCE, OriginKind.BULK, OriginKind.AUTO_REPLIED, OriginKind.OURSELVES})
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
    categories: frozenset[str]

    def find(self, reading: Analysis) -> tuple[Reason, ...]:
        """Return the hints at an emergency; empty if there are none."""
        if not is_heard(reading):
            return ()
        seen = reading.classification
        guesses = [name for name in (seen.category, seen.runner_up) if name in self.categories]
        text = comparable(f"{reading.envelope.subject}\n{reading.envelope.text}")
        # This runs for every message by night: most hints fail at their first part.
        begun = [hint for hint in self.hints if hint.first in text]
        found = [hint.written for hint in begun if all(part in text for part in hint.others)]
        return (
            *(Reason(ReasonKey.MAYBE_CATEGORY, {"category": name}) for name in guesses[:1]),
            *(Reason(ReasonKey.HINT_FOUND, {"hint": written}) for written in found),
        )


def is_heard(reading: Analysis) -> bool:
    """Return whether a person may be waiting for an answer."""
    return reading.origin.kind not in _UNHEARD


def build_second_look(settings: Settings) -> SecondLook:
    """Compile the hints of the operator's emergency categories."""
    emergencies = {name: category for name, category in settings.categories.items() if category.emergency}
    written = dict.fromkeys(hint for category in emergencies.values() for hint in category.hints)
    hints = [Hint(hint, *_parts(hint)) for hint in written]
    return SecondLook(tuple(hints), frozenset(emergencies))


def comparable(text: str) -> str:
    """Return the text for comparing hints: folded, in simplified characters, words separated by single blanks."""
    return f" {_NO_WORD.sub(' ', fold_script(fold(text)).translate(_WITHOUT_APOSTROPHES))} "


def _parts(hint: str) -> tuple[str, tuple[str, ...]]:
    """Return the parts of "a + b". A Latin part matches the beginning of a word, a Chinese one matches anywhere."""
    parts = (comparable(part).strip() for part in hint.split("+"))
    first, *others = (part if _HAN_OR_KANA.search(part) else f" {part}" for part in parts)
    return first, tuple(others)
