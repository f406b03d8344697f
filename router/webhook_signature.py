"""Webhooks by the Standard Webhooks specification: signatures, event filters, and the pauses between attempts.

Source: Standard Webhooks, sections "Signature scheme" and "Deliverability and reliability".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

from router.backoff import Backoff
from router.errors import ConfigError

_PREFIX: Final = "whsec_"
# The specification's bounds; a short key could be guessed.
_SHORTEST_KEY, _LONGEST_KEY = 24, 64
_BETWEEN_ATTEMPTS: Final = Backoff(first=timedelta(seconds=5), longest=timedelta(hours=1))
GIVE_UP_AFTER: Final = timedelta(days=1)


def read_keys(secret: str, *, shortest: int = _SHORTEST_KEY) -> tuple[bytes, ...]:
    """Return the keys of a secret: `whsec_` and base64. During a key change it holds several, separated by blanks.

    shortest: bytes of a key.
    Raises ConfigError, whose message does not repeat the secret.
    """
    keys = []
    for word in secret.split():
        try:
            key = base64.b64decode(word.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            raise ConfigError(f"a webhook's secret must be {_PREFIX} followed by base64") from None
        if not shortest <= len(key) <= _LONGEST_KEY:
            raise ConfigError(
                f"a webhook's secret must have {shortest} to {_LONGEST_KEY} bytes; this one has {len(key)}"
            )
        keys.append(key)
    return tuple(keys)


def sign(body: bytes, *, keys: Sequence[bytes], webhook_id: str, at: datetime) -> dict[str, str]:
    """Return the headers that sign `body` and the time `at`: one signature for each key."""
    stamp = str(int(at.timestamp()))
    signed = b".".join((webhook_id.encode(), stamp.encode(), body))
    digests = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    signatures = " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
    return {"webhook-id": webhook_id, "webhook-timestamp": stamp, "webhook-signature": signatures}


def is_signed(body: bytes, *, keys: Sequence[bytes], headers: Mapping[str, str]) -> bool:
    """Return whether one of the signatures is of `body` and the stated time, under one of the keys.

    headers: by lower-case name. Signatures of unknown schemes are skipped. Whether the time is near, callers look.
    """
    stamp, webhook_id = headers.get("webhook-timestamp", ""), headers.get("webhook-id", "")
    signed = b".".join((webhook_id.encode(), stamp.encode(), body))
    given = [each.removeprefix("v1,") for each in headers.get("webhook-signature", "").split() if each[:3] == "v1,"]
    expected = [base64.b64encode(hmac.digest(key, signed, "sha256")) for key in keys]
    return any(hmac.compare_digest(one, each.encode("utf-8", "replace")) for one in expected for each in given)


def wants(patterns: Sequence[str], kind: str) -> bool:
    """Return whether one of the patterns, such as `conversation.*`, matches the kind; no patterns match every kind."""
    return not patterns or any(fnmatchcase(kind, pattern) for pattern in patterns)


def next_pause(attempts: int, *, trying_for: timedelta, asked_for: timedelta | None = None) -> timedelta | None:
    """Return how long to wait after the `attempts`th failure; None means give up.

    trying_for: since the first attempt.  asked_for: the target's own Retry-After.
    """
    if trying_for >= GIVE_UP_AFTER:
        return None
    pause = _BETWEEN_ATTEMPTS.after(attempts)
    return max(pause, min(asked_for, _BETWEEN_ATTEMPTS.longest)) if asked_for else pause
