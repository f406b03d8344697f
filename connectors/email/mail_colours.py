"""The colours of a mail's HTML that are kept: a text colour and a ground, on the element that sets them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_COLOUR: Final = re.compile(r"(?:#[0-9a-f]{3,8}|rgba?\([0-9.,%\s/]{5,40}\)|[a-z]{3,20})(?=\s|$)")
# Not colours of their own: what lies below shows through.
_SEE_THROUGH: Final = re.compile(
    r"transparent|inherit|initial|unset|revert|none|currentcolor|#[0-9a-f]{3}0|#[0-9a-f]{6}00|"
    r"rgba?\([^)]*[,/]\s{0,9}0(?:\.0*)?%?\s{0,9}\)"
)
_NAMES: Final = {"color": "color", "background-color": "background-color", "background": "background-color"}
# A longer style attribute sets far more than colours.
_LONGEST: Final = 2_000
# A page repeats a few short ones on hundreds of elements, so they are read once.
_USUAL_CHARACTERS: Final = 200


def kept_attribute(tag: str, name: str, value: str) -> str | None:
    """Return an attribute's value as it is kept, None for one that goes; for the cleaner of `sanitise`."""
    del tag
    if name == "style":
        return (_usual(value) if len(value) <= _USUAL_CHARACTERS else own_colours(value)) or None
    if name == "bgcolor":
        return colour_of(value) or None
    return value


def own_colours(style: str) -> str:
    """Return the colours of a style attribute as a style attribute; empty when it sets none."""
    kept: dict[str, str] = {}
    for declaration in style[:_LONGEST].lower().split(";"):
        name, _, value = declaration.partition(":")
        if (name := _NAMES.get(name.strip(), "")) and (colour := colour_of(value.replace("!important", ""))):
            kept[name] = colour
    return ";".join(f"{name}:{colour}" for name, colour in kept.items())


@lru_cache(maxsize=512)
def _usual(style: str) -> str:
    return own_colours(style)


def colour_of(value: str) -> str:
    """Return the colour that a value begins with; empty for none, and for one that shows what lies below."""
    found = _COLOUR.match(value.strip().lower())
    return found[0] if found and not _SEE_THROUGH.fullmatch(found[0]) else ""
