"""Fill a phrase with its values: Chinese has blanks next to Latin letters and figures, none between its own letters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

# Places for what an operator, a provider or a person is called: in Chinese letters, or not.
_NAMES: Final = (
    r"\{(?:agent|assignee|by|calendar|category|channel|desk|into|label|name|names|priority|team|to|wanted|who)\}"
)
_LETTER: Final = r"[\u3400-\u9fff]"
# A blank that depends on the value next to it, until the value is known. No message has this letter for private use.
_MAYBE: Final = "\ue000"
_BEFORE: Final = re.compile(f"({_LETTER}) (?={_NAMES})")
_AFTER: Final = re.compile(f"({_NAMES}) (?={_LETTER})")
_BETWEEN: Final = re.compile(f"(?<={_LETTER}){_MAYBE}(?={_LETTER})")


def fill(phrase: str, values: Mapping[str, object]) -> str:
    """Return the phrase with its values: "在 X 上" for a channel X, "在微信上" for 微信.

    Raises KeyError if the phrase has a place for a value that is missing.
    """
    filled = _prepared(phrase).format(**values)
    return _BETWEEN.sub("", filled).replace(_MAYBE, " ") if _MAYBE in filled else filled


@cache
def _prepared(phrase: str) -> str:
    return _AFTER.sub(rf"\1{_MAYBE}", _BEFORE.sub(rf"\1{_MAYBE}", phrase))
