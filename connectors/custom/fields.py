"""The fields of an item: each is tested, and refused with a pointer to it (RFC 6901)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

DEEPEST: Final = 20
_LONGEST_ID: Final = 256
_LONGEST_TEXT: Final = 20_000
_MOST_FILES: Final = 20
_MOST_FACTS: Final = 50


class BadItem(ValueError):
    """An item that cannot be taken. pointer: to the field at fault, from the item."""

    def __init__(self, pointer: str, why: str) -> None:
        super().__init__(why)
        self.pointer, self.why = pointer, why


def user_of(document: Mapping[str, object]) -> dict[str, object]:
    """Return the user of an item. Raises BadItem."""
    user = document.get("user")
    if not isinstance(user, dict):
        raise BadItem("/user", "expected an object with the user's id")
    try:
        id_of(user, "id")
        for name in ("name", "phone", "email", "language"):
            if user.get(name) is not None:
                check_string(user, name, longest=_LONGEST_ID)
        for name in ("phone_verified", "email_verified"):
            _check_switch(user, name)
    except BadItem as error:
        raise BadItem(f"/user{error.pointer}", error.why) from error
    return user


def _check_switch(document: Mapping[str, object], name: str) -> None:
    if not isinstance(document.get(name, False), bool):
        raise BadItem(f"/{name}", "expected true or false")


def files_of(document: Mapping[str, object], *, largest: int) -> tuple[dict[str, object], dict[int, bytes]]:
    """Return the list of files without their bytes, and the bytes by place. Raises BadItem."""
    listed = document.get("files")
    if listed is None:
        return {}, {}
    if not isinstance(listed, list) or len(listed) > _MOST_FILES:
        raise BadItem("/files", f"expected a list of at most {_MOST_FILES} files")
    stripped, files = [], {}
    for place, each in enumerate(listed):
        try:
            described, content = _file(each, largest=largest)
        except BadItem as error:
            raise BadItem(f"/files/{place}{error.pointer}", error.why) from error
        stripped.append(described)
        if content is not None:
            files[place] = content
    return {"files": stripped}, files


def _file(file: object, *, largest: int) -> tuple[dict[str, object], bytes | None]:
    if not isinstance(file, dict):
        raise BadItem("", "expected an object")
    check_string(file, "name", longest=_LONGEST_ID)
    sha256 = file.get("sha256", "")
    if not isinstance(sha256, str) or (sha256 and not _is_digest(sha256)):
        raise BadItem("/sha256", "expected 64 hexadecimal digits")
    described = {"name": file["name"], "sha256": sha256.lower()}
    url, content = file.get("url"), file.get("content")
    if (url is None) == (content is None):
        raise BadItem("", "expected either url or content")
    if url is not None:
        if not isinstance(url, str) or not url.startswith(("https://", "http://")) or not url.isprintable():
            raise BadItem("/url", "expected a URL with https")
        return described | {"url": url}, None
    decoded = _decoded(content, largest=largest)
    return described | {"sha256": hashlib.sha256(decoded).hexdigest()}, decoded


def _decoded(content: object, *, largest: int) -> bytes:
    if not isinstance(content, str):
        raise BadItem("/content", "expected base64")
    # Counted before it is decoded.
    if len(content) * 3 // 4 > largest + 2:
        raise BadItem("/content", f"the file has more than {largest} bytes")
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadItem("/content", "expected base64") from error


def check_facts(document: Mapping[str, object]) -> None:
    """Raise BadItem unless facts and meta are small objects."""
    for name in ("facts", "meta"):
        facts = document.get(name)
        if facts is None:
            continue
        if not isinstance(facts, dict) or len(facts) > _MOST_FACTS:
            raise BadItem(f"/{name}", f"expected an object with at most {_MOST_FACTS} fields")


def check_text(document: Mapping[str, object]) -> None:
    """Raise BadItem unless text and sent_at can be taken."""
    text = document.get("text", "")
    if not isinstance(text, str):
        raise BadItem("/text", "expected text")
    if len(text) > _LONGEST_TEXT:
        raise BadItem("/text", f"it has more than {_LONGEST_TEXT} characters")
    check_moment(document, "sent_at")


def check_moment(document: Mapping[str, object], name: str) -> None:
    """Raise BadItem for a time without a zone."""
    if document.get(name) is not None and moment_of(document, name) is None:
        raise BadItem(f"/{name}", "expected a time with its zone, such as 2026-03-02T10:00:00Z")


def moment_of(document: Mapping[str, object], name: str) -> datetime | None:
    """Return a time of an item; None where there is none, or none with a zone."""
    value = document.get(name)
    try:
        stated = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return stated if stated and stated.tzinfo else None


def id_of(document: Mapping[str, object], name: str) -> str:
    """Return an id: opaque and printable. Raises BadItem."""
    value = document.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID or not value.isprintable():
        raise BadItem(f"/{name}", f"expected 1 to {_LONGEST_ID} printable characters")
    return value


def optional_id(document: Mapping[str, object], name: str) -> str:
    """Return an id; empty where there is none. Raises BadItem."""
    return "" if document.get(name) is None else id_of(document, name)


def check_string(document: Mapping[str, object], name: str, *, longest: int = _LONGEST_TEXT) -> str:
    """Return a text. Raises BadItem."""
    value = document.get(name)
    if not isinstance(value, str) or len(value) > longest:
        raise BadItem(f"/{name}", f"expected text of at most {longest} characters")
    return value


def uuid_of(value: object) -> UUID:
    """Return our id of a message. Raises BadItem."""
    try:
        return UUID(str(value))
    except ValueError:
        raise BadItem("/ours", "expected our id, as it stood in our call") from None


def shown_code(value: object) -> str:
    """Return a code as it may be shown; a sentence of theirs may quote our text."""
    said = str(value)
    return (
        said if len(said) <= 40 and said.isascii() and said.replace("_", "").replace("-", "").isalnum() else "no code"
    )


def _is_digest(value: str) -> bool:
    return len(value) == 64 and all(letter in "0123456789abcdefABCDEF" for letter in value)


def list_of(value: object) -> list[object]:
    """Return a list; empty for anything else."""
    return value if isinstance(value, list) else []


def _file_mark(file: object) -> object:
    if not isinstance(file, dict):
        return file
    return [file.get("name"), file.get("sha256") or str(file.get("url", "")).partition("?")[0]]


def _normal(value: object) -> object:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {unicodedata.normalize("NFC", str(name)): _normal(each) for name, each in value.items()}
    return [_normal(each) for each in value] if isinstance(value, list) else value


def canonical(record: Mapping[str, object]) -> str:
    """Return a record as text that is equal for all writings of it: blanks, order of keys, forms of numbers, NFC.

    A file's URL may carry a signature that changes with each attempt: without its hash its path counts.
    """
    plain = {name: value for name, value in record.items() if name != "files"}
    plain["files"] = [_file_mark(each) for each in list_of(record.get("files"))]
    return json.dumps(_normal(plain), ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def depth_of(document: object) -> int:
    """Return how deep it is nested, counted without recursion."""
    level, deepest = [document], 0
    while level:
        deepest += 1
        inner: list[object] = []
        for each in level:
            if isinstance(each, dict):
                inner += each.values()
            elif isinstance(each, list):
                inner += each
        level = inner if deepest <= DEEPEST else []
    return deepest
