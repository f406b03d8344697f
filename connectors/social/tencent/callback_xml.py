"""Callbacks as fields: the query, and a body of XML without a document type, or of JSON. Foreign bodies cost little."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs

from lxml import etree

from connectors.base import WebhookRequest
from router.errors import PermanentError

_LARGEST: Final = 65_536
# Characters that XML forbids do occur in what users write.
_FORBIDDEN: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def query_of(request: WebhookRequest, name: str) -> str:
    """Return a parameter of the query; empty without it."""
    return parse_qs(request.query, keep_blank_values=True).get(name, [""])[0]


def read_fields(content: bytes) -> Mapping[str, str]:
    """Return the fields of a body as texts. Raises PermanentError when it is too large, or neither XML nor JSON."""
    if len(content) > _LARGEST:
        raise PermanentError("the callback is too large")
    return _json(content) if content.lstrip()[:1] == b"{" else _xml(content)


def field_of(fields: Mapping[str, str], name: str) -> str:
    """Return a field. Raises PermanentError when it is missing or empty."""
    found = fields.get(name, "")
    if not found:
        raise PermanentError(f"the callback has no {name}")
    return found


def _xml(content: bytes) -> Mapping[str, str]:
    if b"<!" in content.replace(b"<![CDATA[", b""):
        raise PermanentError("the callback has a document type")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}".encode(), content), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise PermanentError("the callback is no XML") from error
    return {str(child.tag): child.text or "" for child in root if isinstance(child.tag, str)}


def _json(content: bytes) -> Mapping[str, str]:
    try:
        # Ids of 64 bits stay whole numbers; texts and numbers alone are fields.
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise PermanentError("the callback is no JSON") from error
    if not isinstance(document, dict):
        raise PermanentError("the callback is no JSON object")
    plain = {key: value for key, value in document.items() if isinstance(value, str | int | float)}
    return {str(key): value if isinstance(value, str) else str(value) for key, value in plain.items()}
