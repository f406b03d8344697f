"""The placeholders of ready texts: `{customer}`, `{reference}` and others, filled in when an agent takes the text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z_]{0,39})\}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with every placeholder that has a value filled in; the others stay, for the agent to see."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1]) or found[0], text)


def unfilled(text: str) -> tuple[str, ...]:
    """Return the placeholders in a text, each once, as they are written."""
    return tuple(dict.fromkeys(found[0] for found in _PLACEHOLDER.finditer(text)))
