"""Meta's signatures: of its calls with the app's secret, of ours by `appsecret_proof`; and its challenge."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qs

from connectors.base import WebhookRequest, WebhookResponse
from router.errors import PermanentError

_HEADER: Final = "x-hub-signature-256"
_METHOD: Final = "sha256="


def is_signed(request: WebhookRequest, *, secrets: Iterable[str]) -> bool:
    """Return whether the raw body is signed with one of the app's secrets; the older header (SHA-1) is no proof."""
    given = request.headers.get(_HEADER, "").encode()
    expected = [f"{_METHOD}{_digest(secret, request.body)}".encode() for secret in secrets if secret]
    return any(hmac.compare_digest(given, each) for each in expected)


def proof_of(token: str, *, secret: str) -> str:
    """Return the `appsecret_proof` of a call with this token."""
    return _digest(secret, token.encode())


def answer_challenge(request: WebhookRequest, *, verify_token: str) -> WebhookResponse:
    """Return Meta's number unchanged to a caller who knows the token. Raises PermanentError."""
    fields = parse_qs(request.query, keep_blank_values=True)
    mode, number, token = (fields.get(f"hub.{name}", [""])[0] for name in ("mode", "challenge", "verify_token"))
    if mode != "subscribe" or not number or not verify_token:
        raise PermanentError("this is no challenge of Meta's")
    if not hmac.compare_digest(token.encode("utf-8", "replace"), verify_token.encode()):
        raise PermanentError("the verify token is another one")
    return WebhookResponse(number, "text/plain")


def _digest(secret: str, content: bytes) -> str:
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
