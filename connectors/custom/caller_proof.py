"""How calls of the operator's systems prove themselves: signatures of several vendors, tokens, passwords."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import structlog

from connectors.base import WebhookRequest
from router.errors import ConfigError
from router.settings.channels.custom import CustomSettings
from router.webhook_signature import is_signed, read_keys

FRESH: Final = timedelta(minutes=5)
# 128 bits cannot be guessed; the specification's 24 bytes are asked of the keys that we sign with.
_SHORTEST_KEY: Final = 16

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class HmacForm:
    """An HMAC-SHA256 in a header.

    prefix: in front of it there.  stamp: the header with the time that is signed as well.
    signed: what is signed, made of the time and the body.
    """

    header: str
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    stamp: str | None = None
    signed: Callable[[bytes, bytes], bytes] = lambda _, body: body


# Sources: Zendesk "Verifying webhooks", Slack "Verifying requests", GitHub "Validating webhook deliveries".
_FORMS: Final[Mapping[str, HmacForm]] = {
    "zendesk": HmacForm(
        header="x-zendesk-webhook-signature",
        encoding="base64",
        stamp="x-zendesk-webhook-signature-timestamp",
        signed=lambda stamp, body: stamp + body,
    ),
    "slack": HmacForm(
        header="x-slack-signature",
        prefix="v0=",
        stamp="x-slack-request-timestamp",
        signed=lambda stamp, body: b"v0:" + stamp + b":" + body,
    ),
    "github": HmacForm(header="x-hub-signature-256", prefix="sha256="),
}


def is_authentic(settings: CustomSettings, request: WebhookRequest, *, channel: str, now: datetime) -> bool:
    """Return whether their system made this request, recently if it signs the time.

    Raises ConfigError when the secret is absent or cannot be used.
    """
    if settings.secret is None:
        raise ConfigError(f"the channel {channel} has no secret, so no call for it can be tested")
    secret = settings.secret.reveal()
    if settings.auth == "standard":
        keys = read_keys(secret, shortest=_SHORTEST_KEY)
        genuine = is_signed(request.body, keys=keys, headers=request.headers)
        return genuine and _is_near(request.headers.get("webhook-timestamp", ""), channel=channel, now=now)
    if settings.auth == "bearer":
        return any(_is_given(request, f"Bearer {each}") for each in secret.split())
    if settings.auth == "basic":
        return _is_given(request, f"Basic {base64.b64encode(secret.encode()).decode()}")
    form = _FORMS.get(settings.auth) or _own_form(settings)
    return any(_fits(form, request, key=each, channel=channel, now=now) for each in secret.split())


def check_secret(settings: CustomSettings) -> None:
    """Raise ConfigError when the secret of their calls is absent or cannot be used."""
    secret = settings.secret.reveal() if settings.secret else ""
    if settings.auth == "standard":
        read_keys(secret, shortest=_SHORTEST_KEY)
    elif settings.auth == "basic" and ":" not in secret:
        raise ConfigError('the secret of auth = "basic" must be user:password')


def _own_form(settings: CustomSettings) -> HmacForm:
    stamp = settings.timestamp_header.lower() if settings.timestamp_header else None
    return HmacForm(
        header=(settings.header or "").lower(),
        encoding=settings.encoding,
        stamp=stamp,
        signed=(lambda at, body: at + b"." + body) if stamp else (lambda _, body: body),
    )


def _is_given(request: WebhookRequest, expected: str) -> bool:
    given = request.headers.get("authorization", "")
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def _fits(form: HmacForm, request: WebhookRequest, *, key: str, channel: str, now: datetime) -> bool:
    given = request.headers.get(form.header, "")
    stamp = request.headers.get(form.stamp, "") if form.stamp else ""
    digest = hmac.digest(key.encode(), form.signed(stamp.encode("utf-8", "replace"), request.body), "sha256")
    expected = digest.hex() if form.encoding == "hex" else base64.b64encode(digest).decode("ascii")
    # Some vendors write "sha256=" in front of the digest.
    bare = given.removeprefix(form.prefix or "sha256=")
    if form.prefix and bare == given:
        return False
    compared = bare.lower() if form.encoding == "hex" else bare
    genuine = hmac.compare_digest(expected.encode(), compared.encode("utf-8", "replace"))
    return genuine and (form.stamp is None or _is_near(stamp, channel=channel, now=now))


def _is_near(stamp: str, *, channel: str, now: datetime) -> bool:
    """Return whether a signed time is near ours; the log says how far a genuine sender's clock is off."""
    stated = _moment(stamp)
    if stated is None:
        return False
    off = stated - now
    if abs(off) <= FRESH:
        return True
    _log.warning("webhook.clock_is_off", channel=channel, minutes=round(off.total_seconds() / 60))
    return False


def _moment(stamp: str) -> datetime | None:
    """Return a time in seconds, in milliseconds or in ISO 8601; None for anything else."""
    try:
        if stamp.isascii() and stamp.isdigit():
            return datetime.fromtimestamp(int(stamp) / (1000 if len(stamp) > len("1700000000") else 1), UTC)
        stated = datetime.fromisoformat(stamp)
    except (ValueError, OverflowError, OSError):
        return None
    return stated if stated.tzinfo else None
