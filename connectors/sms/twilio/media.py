"""Fetch the files of a message: through Twilio's redirect, to allowed hosts only, never more bytes than agreed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import requests
from requests.exceptions import RequestException

from connectors.json_messages import MediaFile, name_for
from connectors.sms.twilio.client import API, Twilio
from router.errors import OmniyardError, TransientError
from router.settings.values import is_loopback

# Where Twilio keeps files: its own hosts, and short-lived links to Amazon's storage.
_HOSTS: Final = (".twiliocdn.com", ".twilio.com", ".amazonaws.com")
_MOST_FILES: Final = 10
# MMS carries 5 MB in all, WhatsApp 16 MB a file.
_LARGEST: Final = 16 * 1024 * 1024
_MOST_BYTES: Final = 32 * 1024 * 1024
_MOST_HOPS: Final = 3
_SECONDS: Final = 30.0
_TIMEOUT: Final = (5.0, 12.0)
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


def fetch_files(twilio: Twilio, sid: str) -> tuple[MediaFile, ...]:
    """Return the files of a message; one that can never be fetched says why.

    Raises TransientError when a file may become available later.
    """
    listed = twilio.get(f"/Messages/{sid}/Media.json", {"PageSize": _MOST_FILES}).get("media_list")
    sids = [each.get("sid") for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return _fetch_all(twilio, sid, [each for each in sids if isinstance(each, str) and each.isalnum()])


def _fetch_all(twilio: Twilio, sid: str, media: Sequence[str]) -> tuple[MediaFile, ...]:
    files: list[MediaFile] = []
    left = _MOST_BYTES
    for number, each in enumerate(media[:_MOST_FILES], start=1):
        url = f"{twilio.base}/2010-04-01/Accounts/{twilio.account}/Messages/{sid}/Media/{each}"
        file = _fetch(twilio, url, number=number, largest=min(_LARGEST, left))
        left -= len(file.content or b"")
        files.append(file)
    return tuple(files)


def _fetch(twilio: Twilio, url: str, *, number: int, largest: int) -> MediaFile:
    try:
        content = _download(twilio, url, largest=largest)
    except _Never as never:
        return MediaFile(name="", content=None, problem=f"File {number} of the message could not be fetched: {never}.")
    except (RequestException, OmniyardError) as error:
        raise TransientError(f"a file of a message could not be fetched ({type(error).__name__})") from error
    return MediaFile(name=name_for(content, number=number), content=content)


class _Never(Exception):
    """The file can never be fetched, however often we ask."""


def _download(twilio: Twilio, url: str, *, largest: int) -> bytes:
    auth: Any = twilio.client.auth
    deadline = time.monotonic() + _SECONDS
    for _ in range(_MOST_HOPS):
        _check_host(url, own=twilio.base)
        # A session of the library's would carry the credentials on; this one holds none.
        with requests.get(
            url,
            auth=auth,
            allow_redirects=False,
            stream=True,
            timeout=_TIMEOUT,
            headers={"Accept-Encoding": "identity"},
        ) as answer:
            if answer.status_code not in _REDIRECTS:
                return _body(answer, largest=largest, deadline=deadline)
            url, auth = urljoin(url, answer.headers.get("Location", "")), None
    raise _Never("it is passed on from host to host")


def _check_host(url: str, *, own: str) -> None:
    parts, base = urlsplit(url), urlsplit(own)
    if (parts.scheme, parts.netloc) == (base.scheme, base.netloc):
        return
    host = (parts.hostname or "").lower()
    # Only a test's or a proxy's Twilio on this machine may send us to this machine.
    local = own != API and is_loopback(base.hostname or "") and is_loopback(host)
    if not local and not (parts.scheme == "https" and parts.port in {None, 443} and host.endswith(_HOSTS)):
        raise _Never("it lies on a host that is not Twilio's")


def _body(answer: requests.Response, *, largest: int, deadline: float) -> bytes:
    if answer.status_code in {404, 410}:
        raise _Never("Twilio does not have it any more")
    if answer.status_code != 200:
        raise TransientError(f"the file's host answered {answer.status_code}")
    content = bytearray()
    # Not decoded: a small answer could unpack to a large one.
    while chunk := answer.raw.read(65_536, decode_content=False):
        content += chunk
        if len(content) > largest:
            raise _Never(f"it is larger than {largest} bytes")
        if time.monotonic() > deadline:
            raise TransientError("the file comes too slowly")
    return bytes(content)
