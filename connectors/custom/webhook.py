"""The endpoint of the operator's systems: signed calls with one item or a batch, each answered after the commit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from connectors.base import Batch, NamedReport, Taken, WebhookRequest, WebhookResponse
from connectors.custom.caller_proof import is_authentic
from connectors.custom.contract import MESSAGES, Body, Item, read_body
from connectors.custom.fields import BadItem
from connectors.custom.messages import FORM, raw_of
from connectors.registry_row import FileRequest
from connectors.safe_http import Forbidden
from router.delivery import DeliveryReport
from router.errors import NotFound
from router.settings.channels.custom import CustomSettings
from router.settings.model import DeskSettings

_JSON: Final = "application/json"


class CustomEndpoint:
    """See `ProviderEndpoint`."""

    def __init__(self, channel: str, settings: CustomSettings, desk: DeskSettings) -> None:
        del desk
        self._channel, self._settings = channel, settings

    def is_signed(self, request: WebhookRequest, *, now: datetime) -> bool:
        """See `ProviderEndpoint`."""
        return is_authentic(self._settings, request, channel=self._channel, now=now)

    def challenge(self, request: WebhookRequest) -> WebhookResponse:
        """See `ProviderEndpoint`: there is no challenge."""
        del request
        raise NotFound("this channel has no challenge; send an item of the type ping")

    def batch(self, request: WebhookRequest, *, now: datetime) -> Batch:
        """See `ProviderEndpoint`: the items that can be taken; `answer` says what was wrong with the others."""
        if not self._settings.push:
            raise NotFound("this channel takes no calls: push is off")
        try:
            body = self._read(request)
        except BadItem:
            return Batch(channel=self._channel, form=FORM)
        return batch_of(self._channel, self._settings, _good(body), now=now, backfill=body.backfill, source="push")

    def answer(self, request: WebhookRequest, *, taken: Mapping[str, Taken]) -> WebhookResponse:
        """See `ProviderEndpoint`."""
        try:
            body = self._read(request)
        except BadItem as error:
            return _response({"error": {"pointer": error.pointer, "message": error.why}}, status=400)
        if body.base is None:
            return _single(body.items[0], taken=taken)
        return _batch(body, taken=taken)

    def delivery(self, request: WebhookRequest) -> DeliveryReport:
        """See `ProviderEndpoint`: reports are items of the type delivery."""
        del request
        raise NotFound("reports of this channel are items of the type delivery")

    def _read(self, request: WebhookRequest) -> Body:
        return read_body(request.body, largest=self._settings.largest)


def file_request(settings: CustomSettings, url: str) -> FileRequest:
    """Return how a file of theirs is fetched. Raises Forbidden for a host that the operator does not allow."""
    host = (urlsplit(url).hostname or "").lower()
    if settings.file_hosts and host not in {each.lower() for each in settings.file_hosts}:
        raise Forbidden("its host is not one of `file_hosts`")
    return FileRequest(url=url, allow_private=settings.private_files, largest=settings.largest)


def batch_of(
    channel: str, settings: CustomSettings, items: Sequence[Item], *, now: datetime, backfill: bool, source: str
) -> Batch:
    """Return the batch of these items. source: how they came."""
    users = settings.users or channel
    messages = [
        raw_of(item, users=users, public=settings.public, now=now, source=source)
        for item in items
        if item.type in MESSAGES
    ]
    reports = [
        NamedReport(key=item.key, report=item.report, outbound_id=item.outbound_id) for item in items if item.report
    ]
    return Batch(channel=channel, messages=messages, form=FORM, reports=reports, backfill=backfill)


def _good(body: Body) -> list[Item]:
    return [item for item in body.items if isinstance(item, Item)]


def _single(item: Item | BadItem, *, taken: Mapping[str, Taken]) -> WebhookResponse:
    if isinstance(item, BadItem):
        return _response({"error": {"pointer": item.pointer, "message": item.why}}, status=400)
    if refused := _refusal(item, taken):
        return _response({"error": refused[1] | {"id": item.id}}, status=refused[0])
    return _response({"accepted": [_accepted(item, taken)]})


def _batch(body: Body, *, taken: Mapping[str, Taken]) -> WebhookResponse:
    accepted, rejected = [], []
    for place, item in enumerate(body.items):
        where = f"{body.base}/{place}"
        if isinstance(item, BadItem):
            rejected.append({"status": 400, "pointer": f"{where}{item.pointer}", "message": item.why})
        elif refused := _refusal(item, taken):
            rejected.append({"status": refused[0], "pointer": where, "id": item.id, **refused[1]})
        else:
            accepted.append(_accepted(item, taken))
    return _response({"accepted": accepted, "rejected": rejected})


def _refusal(item: Item, taken: Mapping[str, Taken]) -> tuple[int, dict[str, str]] | None:
    """Return the status and what is wrong; None for an item that was taken."""
    found = taken.get(item.key, Taken())
    if found.conflict:
        return 409, {"message": "another item came under this id before; both are kept, people look at it"}
    if found.unknown:
        return 404, {"message": "there is no such message of this channel"}
    return None


def _accepted(item: Item, taken: Mapping[str, Taken]) -> dict[str, object]:
    found = taken.get(item.key, Taken())
    shown: dict[str, object] = {"type": item.type, "id": item.id, "duplicate": found.known}
    return shown | ({"inbound_id": str(found.inbound_id)} if found.inbound_id else {})


def _response(document: Mapping[str, object], *, status: int = 200) -> WebhookResponse:
    return WebhookResponse(json.dumps(document, ensure_ascii=False), _JSON, status)
