"""Describe attached files, by names that are safe to show and to use for saving."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256
from typing import Final

from connectors.email.mime.parts import Part
from router.envelope import Attachment

# Control characters, and those that hide or reverse the letters around them (Unicode Bidirectional Algorithm, UAX 9).
_HIDDEN: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_FORBIDDEN: Final = re.compile(r'[<>:"|?*]')
# Names that Windows reserves for devices, with any extension.
_DEVICE: Final = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
# RFC 6838 section 4.2.
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_ENDINGS: Final = {"jpeg": "jpg", "svg+xml": "svg", "x-icon": "ico", "vnd.microsoft.icon": "ico", "x-ms-bmp": "bmp"}
_LONGEST: Final = 150


def safe_name(name: str) -> str:
    """Return a file name for showing and saving; empty if nothing usable is left.

    The last path component only, no hidden, reversing or control characters, no leading dot, no device name,
    at most 150 characters with the extension kept.
    """
    if name.isascii() and _PLAIN.fullmatch(name):
        return name
    name = _HIDDEN.sub("", unicodedata.normalize("NFC", name)).replace("\\", "/").rsplit("/", 1)[-1]
    name = " ".join(_FORBIDDEN.sub("_", name).split()).strip(". ")
    if _DEVICE.fullmatch(name):
        name = f"_{name}"
    if len(name) > _LONGEST:
        stem, dot, extension = name.rpartition(".")
        name = (
            f"{stem[: _LONGEST - 1 - len(extension)]}.{extension}" if dot and len(extension) < 20 else name[:_LONGEST]
        )
    return name


# A letter first, no blanks at the ends, no device: nearly all names have this form.
_PLAIN: Final = re.compile(
    r"(?!(?i:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))[A-Za-z0-9_][A-Za-z0-9_ ()+,=@~-]{0,60}\.[A-Za-z0-9]{1,10}"
)


def _picture_name(media_type: str, number: int) -> str:
    """Return a name for a picture whose sender gave none; empty for anything but a picture."""
    kind, _, subtype = media_type.partition("/")
    ending = _ENDINGS.get(subtype, subtype)
    return f"picture-{number}.{ending}" if kind == "image" and ending.isalnum() else ""


def describe(part: Part, *, pictures: frozenset[str] = frozenset()) -> Attachment:
    """Return the attachment in the part; a picture without a name gets one from us.

    pictures: the Content-IDs that the page shows.
    """
    content = part.content
    return Attachment(
        name=safe_name(part.filename) or _picture_name(part.media_type, part.number),
        media_type=part.media_type if _MEDIA_TYPE.fullmatch(part.media_type) else "application/octet-stream",
        size=len(content),
        sha256=sha256(content).hexdigest(),
        part=part.number,
        content_id=part.content_id if part.content_id in pictures else "",
    )
