"""Fetch the files of WeChat's and WeCom's messages: both give an id, and the file for it under an access token."""

from __future__ import annotations

from typing import Final

from connectors.registry_row import FileRequest
from connectors.social.tencent.api_client import TokenApi
from router.errors import PermanentError

# Bytes. The providers give no larger file.
_LARGEST: Final = 20 * 1024 * 1024


def media_request(api: TokenApi, url: str, *, prefix: str, is_own_proxy: bool) -> FileRequest:
    """Return how a file is fetched: with a token, which no message keeps.

    url: as the message has it: `prefix`, then the provider's id of the file.
    is_own_proxy: the operator has named the address of the interface, which may be in their own network.
    Raises PermanentError for a URL that begins otherwise, and as `TokenApi.call` does.
    """
    if not url.startswith(prefix):
        raise PermanentError(f"it is no file of {api.provider}'s")
    address = api.media_url(url.removeprefix(prefix))
    return FileRequest(url=address, allow_private=is_own_proxy, largest=_LARGEST, json_is_refusal=True)
