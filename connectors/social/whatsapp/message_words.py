"""The words of a WhatsApp message, whatever its type: nothing that a customer sends is dropped. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from connectors.json_messages import text_of

FILES: Final = frozenset({"image", "video", "audio", "document", "sticker"})
_UNSUPPORTED: Final = "[WhatsApp does not pass on this type of message 该类型的消息无法显示]"
_HIDDEN: Final = frozenset({
    "from", "from_user_id", "from_parent_user_id", "to", "to_user_id", "id", "timestamp", "type", "context",
})  # fmt: skip

Json = Mapping[str, object]


def words_of(said: Json) -> str:
    """Return the words of a message. Raises UnreadableDocument."""
    kind = text_of(said, "type")
    found = said.get(kind)
    part: Json = found if isinstance(found, dict) else {}
    if kind == "text":
        return text_of(part, "body")
    if kind in FILES:
        return text_of(part, "caption")
    if kind in {"unsupported", "unknown"}:
        return _UNSUPPORTED
    return "\n".join(_lines(said, kind, part)) or _shown(said, kind)


def _lines(said: Json, kind: str, part: Json) -> Iterator[str]:
    if kind == "button":
        yield text_of(part, "text")
    elif kind == "location":
        yield from filter(None, (text_of(part, name) for name in ("name", "address")))
        yield f"{part.get('latitude', '?')}, {part.get('longitude', '?')}"
    elif kind == "interactive":
        yield from _choice(part)
    elif kind == "contacts":
        yield from _cards(said.get("contacts"))


def _choice(part: Json) -> Iterator[str]:
    chosen = part.get(text_of(part, "type"))
    if isinstance(chosen, dict):
        names = ("title", "description", "body", "response_json")
        yield from filter(None, (text_of(chosen, name) for name in names))


def _cards(listed: object) -> Iterator[str]:
    for card in listed if isinstance(listed, list) else ():
        if not isinstance(card, dict):
            continue
        name, phones = card.get("name"), card.get("phones")
        shown = [text_of(name, "formatted_name")] if isinstance(name, dict) else []
        shown += [text_of(each, "phone") for each in phones or () if isinstance(each, dict)] if phones else []
        yield ", ".join(filter(None, shown))


def _shown(said: Json, kind: str) -> str:
    """Return what is known of another type: agents see what it is, and all of it."""
    rest = {name: value for name, value in said.items() if name not in _HIDDEN}
    return f"[{kind}]\n{json.dumps(rest, ensure_ascii=False)}"
