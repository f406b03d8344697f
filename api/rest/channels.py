"""`/channels`: how far each channel has been read, the states of its messages, and whether the books balance."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Self

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from api.desk import DeskPart, Shown
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.permissions import Actor, Verb
from api.http.problems import documented
from api.paths import API
from api.rest.queries import status_seen
from api.rest.schemas import own_fields
from store.desk.channel_status import ChannelStatus

_CHANNEL: Final[dict[str, Any]] = {
    "name": "support-mail",
    "kind": "imap",
    "enabled": True,
    "epoch": "7",
    "position": "4711",
    "polled_at": "2026-11-20T04:00:00Z",
    "waiting": 0,
    "held": 4711,
    "error": "",
    "error_at": None,
    "notice": "",
    "accepted": 120,
    "received": 0,
    "routed": 117,
    "duplicate": 2,
    "quarantined": 1,
    "oldest_due_at": None,
}

routes: Final = APIRouter(prefix=f"{API}/channels", tags=["channels"])


class ChannelEntry(BaseModel):
    """One channel. accepted = received + routed + duplicate + quarantined, at any moment."""

    model_config = example(_CHANNEL)

    name: str
    kind: str | None = Field(description="null: no longer in the configuration.")
    enabled: bool
    epoch: str = Field(description="Positions are comparable only within an epoch, such as IMAP's UIDVALIDITY.")
    position: str = Field(description="How far it has been read, in the provider's format.")
    polled_at: datetime | None = Field(description="The last successful poll; null for channels with webhooks.")
    waiting: int | None = Field(description="Messages on the server above the position.")
    held: int | None = Field(description="All messages on the server.")
    error: str = Field(description="Why it cannot be read now, in a sentence; empty without an error.")
    error_at: datetime | None
    notice: str
    accepted: int
    received: int = Field(description="Accepted and not routed yet.")
    routed: int
    duplicate: int
    quarantined: int
    oldest_due_at: datetime | None = Field(description="When the longest waiting message became due for routing.")

    @classmethod
    def of(cls, row: ChannelStatus, *, kind: str | None, enabled: bool) -> Self:
        """Return the row as the API shows it."""
        return cls.model_validate({**own_fields(row), "name": row.channel, "kind": kind, "enabled": enabled})


class ChannelList(BaseModel):
    """All channels, those of the configuration first."""

    model_config = example({"channels": [_CHANNEL], "balanced": True, "outbound": {"queued": 1}})

    channels: list[ChannelEntry]
    balanced: bool = Field(description="Whether every accepted message is accounted for; false is a fault.")
    outbound: dict[str, int] = Field(description="Outgoing messages by state.")


@routes.get(
    "",
    responses=documented(),
    summary="The state of every channel",
)
def list_channels(
    desk: DeskPart, actor: Annotated[Actor, Depends(Requires(Verb.READ_CHANNELS))], shown: Shown
) -> ChannelList:
    """Return the current state; readers who are limited to teams get the channels that these answer."""
    configured = desk.settings.channels
    with desk.database.read() as connection:
        status = status_seen(connection, desk, actor=actor)
    entries = []
    for row in status.channels:
        found = configured.get(row.channel)
        entry = ChannelEntry.of(row, kind=found.kind if found else None, enabled=bool(found and found.enabled))
        entries.append(entry)
    shown.are(entries)
    return ChannelList(channels=entries, balanced=status.balanced, outbound=dict(status.outbound))
