"""One request of a provider for several channels: which of them it is for, and how much is for none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import structlog

from connectors.base import ProviderEndpoint, WebhookRequest
from connectors.registry import endpoint_of
from connectors.shared_endpoint import SharedEndpoint
from router.errors import ConfigError, OmniyardError
from router.settings import Settings
from store.db.engine import Database
from store.desk.held_back import note_refusals

_BOUND = "unknown_account"

_log = structlog.get_logger()


def others_at(
    channel: str, endpoint: ProviderEndpoint, request: WebhookRequest, *, settings: Settings, now: datetime
) -> list[ProviderEndpoint]:
    """Return the endpoints of the other channels that a signed request is for as well.

    Each must accept the signature with its own secret. Raises PermanentError for a request that cannot be parsed.
    """
    if not isinstance(endpoint, SharedEndpoint):
        return []
    named = set(endpoint.accounts(request)) - {endpoint.account}
    if not named:
        return []
    siblings = [each for each in _siblings(channel, settings=settings) if isinstance(each, SharedEndpoint)]
    return [each for each in siblings if each.account in named and _accepts(each, request, now=now)]


def count_strangers(
    channel: str,
    endpoint: ProviderEndpoint,
    request: WebhookRequest,
    *,
    known: list[ProviderEndpoint],
    database: Database,
) -> None:
    """Add the parts of a request that are for no channel to what `omniyard status` shows as refused."""
    if not isinstance(endpoint, SharedEndpoint):
        return
    accounts = {each.account for each in (endpoint, *known) if isinstance(each, SharedEndpoint)}
    number = sum(each not in accounts for each in endpoint.accounts(request))
    if not number:
        return
    _log.warning("webhook.unknown_account", channel=channel, parts=number)
    try:
        with database.write() as connection:
            note_refusals(connection, channel=channel, refused={_BOUND: number})
    except OmniyardError as error:
        _log.warning("webhook.count_lost", channel=channel, error=str(error))


def _siblings(channel: str, *, settings: Settings) -> Iterator[ProviderEndpoint]:
    address = settings.channels[channel].shared_address
    for name, each in settings.channels.items():
        if address and name != channel and each.enabled and each.shared_address == address:
            yield endpoint_of(name, each, desk=settings.omniyard)


def _accepts(endpoint: ProviderEndpoint, request: WebhookRequest, *, now: datetime) -> bool:
    try:
        return endpoint.is_signed(request, now=now)
    except ConfigError:
        return False
