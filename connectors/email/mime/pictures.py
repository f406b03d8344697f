"""Take the pictures out of a page that holds them itself (`data:` addresses, RFC 2397), so that they are files."""

from __future__ import annotations

import re
from binascii import Error, a2b_base64
from typing import Final
from urllib.parse import unquote_to_bytes

# Each letter is read once: the symbols of base64 hold none of the signs in front of them.
_DATA: Final = re.compile(
    rb"data:\s{0,9}(image/[a-z0-9.+-]{1,40})(?:;[a-z0-9=_.-]{1,40}){0,4};base64,([A-Za-z0-9+/=%\s]++)", re.IGNORECASE
)
_MOST: Final = 50
_ENDINGS: Final = {"jpeg": "jpg", "svg+xml": "svg", "x-icon": "ico", "vnd.microsoft.icon": "ico", "x-ms-bmp": "bmp"}


def take_pictures(content: bytes, *, first: int) -> tuple[bytes, list[tuple[str, str, bytes]]]:
    """Return the page with `cid:` addresses, and each picture's Content-ID, media type and bytes.

    first: the number of the first picture; it makes the Content-IDs.
    """
    if b"ase64," not in content:
        return content, []
    pictures: list[tuple[str, str, bytes]] = []

    def take(match: re.Match[bytes]) -> bytes:
        try:
            picture = a2b_base64(unquote_to_bytes(match[2]))
        except Error:
            return match[0]
        name = f"picture-{first + len(pictures)}@data"
        pictures.append((name, match[1].decode("ascii").lower(), picture))
        return b"cid:" + name.encode("ascii")

    return _DATA.sub(take, content, count=_MOST), pictures


def picture_name(media_type: str, number: int) -> str:
    """Return a name for a picture whose sender gave none; empty for anything but a picture."""
    kind, _, subtype = media_type.partition("/")
    ending = _ENDINGS.get(subtype, subtype)
    return f"picture-{number}.{ending}" if kind == "image" and ending.isalnum() else ""
