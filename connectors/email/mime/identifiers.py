"""Read Message-IDs (RFC 5322 section 3.6.4) as programs write them, in one canonical form."""

from __future__ import annotations

import re
from typing import Final

from connectors.email.mime import limits
from connectors.email.mime.headers import Headers, decode_words, unfold

_USUAL: Final = re.compile(r"<[!-;?-~]{1,998}>")
_BRACKETED: Final = re.compile(r"<([^<>]{1,1998})>")
# `<id` at the end of a field that was cut.
_UNCLOSED: Final = re.compile(r"<([^<>]{1,998})\Z")
_BARE: Final = re.compile(r"[^\s<>@()\",;:\[\]]{1,500}@[^\s<>@()\",;:]{1,500}")


def message_id(headers: Headers) -> str | None:
    """Return the mail's own Message-ID; None if it has none."""
    found = identifiers(headers, "message-id")
    if found:
        return found[0]
    bare = _canonical(_readable(headers.raw("message-id")).strip("<> \t"))
    return bare[: limits.MESSAGE_ID_CHARACTERS] or None if bare.isascii() else None


def identifiers(headers: Headers, name: str) -> tuple[str, ...]:
    """Return the ids in every field of that name, in order, each once.

    A fold or a blank within angle brackets is no part of an id: programs put both there, and a reply that quotes the id
    has others or none.
    """
    values = headers.fields.get(name)
    if not values:
        return ()
    only = values[0] if len(values) == 1 else ""
    if _USUAL.fullmatch(only):
        return (only[1:-1],)
    found = list(dict.fromkeys(each for value in values for each in _read(value)))
    # The first opened the thread, the last are nearest; the middle of an endless chain is the least useful.
    return tuple(found if len(found) <= limits.REFERENCES else [found[0], *found[1 - limits.REFERENCES :]])


def _read(value: str) -> list[str]:
    value = _readable(value)
    found = [_canonical(each) for each in _BRACKETED.findall(value)] if "<" in value else []
    found = [each[: limits.MESSAGE_ID_CHARACTERS] for each in found if each]
    if found:
        return found
    cut = _UNCLOSED.search(value)
    if cut is not None:
        return [_canonical(cut[1])]
    # Without brackets, words may stand here as well (RFC 822 section 4.6.2): then none of them is an id.
    bare = value.replace(",", " ").replace(";", " ").split()
    return bare if bare and all(map(_BARE.fullmatch, bare)) else []


def _readable(value: str) -> str:
    return decode_words(unfold(value)) if "=?" in value else value


def _canonical(identifier: str) -> str:
    return "".join(identifier.split())
