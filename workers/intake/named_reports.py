"""Record what providers say in their messages, and in their lists, about messages of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.engine import Connection

from connectors.base import NamedReport
from store.outbound.delivery_receipts import note_delivery
from store.outbound.provider_ids import outbound_of


def note_reports(connection: Connection, reports: Sequence[NamedReport], *, channel: str) -> dict[str, bool]:
    """Record the reports on a channel's messages; return by key whether each is about a message of the channel."""
    found: dict[str, bool] = {}
    for each in reports:
        ours = outbound_of(
            connection, channel=channel, outbound_id=each.outbound_id, provider_id=each.report.provider_id
        )
        found[each.key] = ours is not None
        if ours is not None:
            # A message that left in parts has several ids: the report's own says nothing more.
            report = each.report if each.outbound_id else replace(each.report, provider_id="")
            note_delivery(connection, ours, report)
    return found
