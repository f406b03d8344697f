"""Patterns of webhooks that match no event, so that nothing would ever be posted for them."""

from __future__ import annotations

from collections.abc import Iterator

from router.event_kinds import EventKind
from router.settings.findings import Finding, nearest, shown
from router.settings.model import Settings
from router.webhook_signature import wants


def check_webhooks(settings: Settings) -> Iterator[Finding]:
    """Find names and patterns of events that do not exist."""
    for name, webhook in settings.webhooks.items():
        for number, pattern in enumerate(webhook.events):
            if not any(wants((pattern,), kind) for kind in EventKind):
                place = ("webhooks", name, "events", number)
                message = f"no event is called so; {nearest(pattern, EventKind)}"
                yield Finding(place=place, value=shown(pattern), message=message, level="warning")
