"""What WhatsApp reports about messages of ours. Pure."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from connectors.base import NamedReport
from connectors.social.whatsapp.codes import words_of
from router.delivery import DeliveryReport, DeliveryStatus

# "played" is of voice messages.
_STATUSES: Final = {
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "played": DeliveryStatus.READ,
    "failed": DeliveryStatus.UNDELIVERED,
}


def report_of(status: object) -> NamedReport | None:
    """Return a status of Meta's as a report; None for one that says nothing new to us."""
    if not isinstance(status, dict) or not isinstance(status.get("id"), str):
        return None
    delivery = _STATUSES.get(str(status.get("status")))
    if delivery is None or not status["id"]:
        return None
    why = _why(status.get("errors")) if delivery is DeliveryStatus.UNDELIVERED else ""
    report = DeliveryReport(delivery=delivery, provider_id=status["id"], why=why)
    return NamedReport(
        key=f"{status['id']}:{status['status']}",
        report=report,
        outbound_id=_ours(status.get("biz_opaque_callback_data")),
    )


def _why(errors: object) -> str:
    first = errors[0] if isinstance(errors, list) and errors else None
    code = first.get("code") if isinstance(first, dict) else None
    return (
        f"WhatsApp could not deliver it: {words_of(code)}" if isinstance(code, int) else "WhatsApp could not deliver it"
    )


def _ours(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
