"""Endpoints whose response to a message may be a reply to its customer."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from connectors.base import WebhookRequest, WebhookResponse


@runtime_checkable
class PassiveEndpoint(Protocol):
    """A `ProviderEndpoint` that can do so; whether it may is `ChannelSettings.passive_for`."""

    def replied_to(self, request: WebhookRequest) -> str:
        """Return the source key of the message in a signed request; empty if it has none."""

    def reply(self, request: WebhookRequest, *, text: str) -> WebhookResponse:
        """Return the response with a reply. text: committed before, the same in every repetition of the request."""
