"""Opens the Graph interface for a number."""

from __future__ import annotations

from connectors.social.meta.graph import GraphApi
from router.settings.channels.whatsapp import WhatsappSettings


def open_api(settings: WhatsappSettings) -> GraphApi:
    """Return the interface with the number's token. Raises ConfigError without a secret."""
    secret = settings.app_secret.reveal()
    return GraphApi(settings.token.reveal(), secret=secret, base=settings.api_base, version=settings.api_version)
