"""Endpoints at one address for several channels, because the provider has one address for all its accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from connectors.base import WebhookRequest


@runtime_checkable
class SharedEndpoint(Protocol):
    """A `ProviderEndpoint` whose `batch` has only the part of its own account."""

    @property
    def account(self) -> str:
        """The provider's id of the channel's account."""

    def accounts(self, request: WebhookRequest) -> Sequence[str]:
        """Return the account of each part of a signed request. Raises PermanentError."""
