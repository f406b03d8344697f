"""Read a field of the form `value; name=value` (RFC 2045 section 5.1), extended values included (RFC 2231)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Final
from urllib.parse import unquote_to_bytes

from connectors.email.mime import charsets
from connectors.email.mime.headers import decode_words

_PARAMETER: Final = re.compile(r""";\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))""", re.DOTALL)
_NAME: Final = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")
_ESCAPED: Final = re.compile(r'\\(["\\])')
# Honest fields have fewer than ten; 3,000 were seen in attacks.
_MOST: Final = 100
# Most mail says the same few things of its parts. What is longer than they are is not remembered.
_USUAL_CHARACTERS: Final = 120


def parameters(value: str) -> Mapping[str, str]:
    """Return the parameters of a field, names in lower case, values decoded; the first of a name wins."""
    if ";" not in value:
        return {}
    return _usual(value) if len(value) <= _USUAL_CHARACTERS else _read(value)


@lru_cache(maxsize=256)
def _usual(value: str) -> Mapping[str, str]:
    return _read(value)


def _read(value: str) -> dict[str, str]:
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for match in islice(_PARAMETER.finditer(value), _MOST):
        name, text = match[1].lower(), match[2] if match[2] is not None else match[3].strip()
        parsed = _NAME.fullmatch(name)
        if match[2] is not None:
            text = _ESCAPED.sub(r"\1", text)
        if parsed is None or (parsed[2] is None and parsed[3] is None):
            plain.setdefault(name, decode_words(text))
        else:
            pieces.setdefault(parsed[1], {}).setdefault(int(parsed[2] or 0), (text, bool(parsed[3])))
    return plain | {name: _joined(parts) for name, parts in pieces.items()}


def _joined(parts: dict[int, tuple[str, bool]]) -> str:
    """Put the numbered pieces of a value together (RFC 2231 section 4.1)."""
    charset, content = "", b""
    for number, (piece, extended) in sorted(parts.items()):
        text = piece
        if extended and number == 0 and text.count("'") >= 2:
            charset, _, text = piece.split("'", 2)
        content += unquote_to_bytes(text) if extended else text.encode("utf-8", "surrogateescape")
    return decode_words(charsets.decode(content, charset))
