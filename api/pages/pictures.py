"""Show the pictures of a mail in their places on its page: its own, and others when an agent asks for them.

The sanitiser leaves `data-cid` where a picture was; the frame's policy allows `data:` pictures and loads nothing.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from html import escape, unescape
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote, urlsplit

from connectors.safe_http import Forbidden, fetch
from router.errors import NotFound, OmniyardError
from store.conversations.messages import AttachmentRecord

# Pictures that are pixels only, by how their bytes begin. SVG is a document: it is never shown.
_BEGINS: Final = (
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/gif", b"GIF87a"),
    ("image/gif", b"GIF89a"),
    ("image/bmp", b"BM"),
)
_PLACE: Final = re.compile(r"""\bdata-cid="(?:cid:)?([^"]{1,1500})\"""")
_REMOTE: Final = re.compile(r"""(<img [^<>]*?)data-remote="([^"]{1,3000})\"""")
# A page of many pictures waits for the slowest of a few rounds.
_AT_ONCE: Final = 8
# What one page holds; the rest stays a file below the message.
_MOST_PICTURES: Final = 40
_MOST_BYTES: Final = 8 * 1024 * 1024
_LARGEST_REMOTE, _REMOTE_SECONDS = 2 * 1024 * 1024, 5.0
_ANONYMOUS: Final = {"User-Agent": "Mozilla/5.0", "Accept": "image/*"}


def with_pictures(html: str, *, files: Sequence[AttachmentRecord], read: Callable[[AttachmentRecord], bytes]) -> str:
    """Return the sanitised page with its pictures as `data:` addresses.

    read: returns a file's bytes; a file that cannot be read, or is no picture, leaves its place empty.
    """
    by_id = {file.content_id: file for file in files if file.content_id}
    if not by_id or "data-cid" not in html:
        return html
    left = _MOST_BYTES
    known: dict[str, str] = {}
    for name in dict.fromkeys(map(_name, _PLACE.findall(html))):
        file = by_id.get(name)
        if file is None or file.size > left or len(known) >= _MOST_PICTURES:
            continue
        address = _address(file, read)
        known[name] = address
        left -= file.size if address else 0
    return _fill(html, known)


def with_remote_pictures(html: str, *, fetched: Callable[[str], bytes]) -> str:
    """Return the page with the pictures from elsewhere as `data:` addresses.

    fetched: returns the bytes at an address. One that could not be fetched, or is no picture, leaves its place empty.
    """
    addresses = list(dict.fromkeys(unescape(found[2]) for found in _REMOTE.finditer(html)))[:_MOST_PICTURES]

    def shown(address: str) -> str:
        try:
            content = fetched(address)
        except OmniyardError:
            return ""
        return _as_data(content)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        known = dict(zip(addresses, pool.map(shown, addresses), strict=True))
    left = _MOST_BYTES

    def placed(place: re.Match[str]) -> str:
        nonlocal left
        found = known.get(unescape(place[2]), "")
        left -= len(found)
        return f'{place[1]}src="{escape(found)}"' if found and left > 0 else place[1]

    return _REMOTE.sub(placed, html)


def fetch_picture(url: str) -> bytes:
    """Return what stands at a public URL of the web; nothing says who asks, or why.

    Raises Forbidden, TooLarge, NotFound, TransientError when there is no answer.
    """
    if "@" in urlsplit(url).netloc:
        raise Forbidden("expected an address without a user name")
    answer = fetch(url, largest=_LARGEST_REMOTE, headers=_ANONYMOUS, seconds=_REMOTE_SECONDS)
    if answer.status != HTTPStatus.OK:
        raise NotFound("there is no picture")
    return answer.body


def without_remote_pictures(html: str) -> str:
    """Return the page without the addresses of pictures from elsewhere."""
    return _REMOTE.sub(r"\1", html) if "data-remote" in html else html


def _fill(html: str, known: dict[str, str]) -> str:
    """Put the addresses into their places; a picture that the page repeats counts each time."""
    left = 2 * _MOST_BYTES

    def shown(place: re.Match[str]) -> str:
        nonlocal left
        address = known.get(_name(place[1]), "")
        left -= len(address)
        return f'src="{escape(address)}"' if address and left > 0 else place[0]

    return _PLACE.sub(shown, html)


def _name(written: str) -> str:
    return unquote(unescape(written))


def _address(file: AttachmentRecord, read: Callable[[AttachmentRecord], bytes]) -> str:
    try:
        content = read(file)
    except OmniyardError:
        return ""
    return _as_data(content)


def _as_data(content: bytes) -> str:
    media_type = picture_type(content)
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}" if media_type else ""


def picture_type(content: bytes) -> str:
    """Return the media type that the bytes themselves show; empty for what is no picture of pixels."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for media_type, begin in _BEGINS if content.startswith(begin)), "")
