"""Asks Meta about the number, the token and the templates, for the operator."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from connectors.base import Health
from connectors.social.meta.graph import GraphApi, GraphRefusal, GraphSilence
from connectors.social.whatsapp.client import open_api
from connectors.social.whatsapp.codes import words_of
from router.errors import ConfigError
from router.settings.channels.whatsapp import WhatsappSettings

_FIELDS: Final = "display_phone_number,quality_rating,throughput,webhook_configuration"
# A token that ends within this time is to be renewed now.
_SOON: Final = timedelta(days=14)
_NO_LIST: Final = "Meta keeps no list: what the desk does not take within Meta's retries (up to seven days) is lost"


def probe(settings: WhatsappSettings, *, address: str) -> Health:
    """Return what Meta says. address: ours for its calls; empty without one."""
    try:
        api = open_api(settings)
        facts = [*_number(api, settings, address=address)]
        problems = [*_token(api, settings), *_templates(api, settings)]
    except GraphRefusal as error:
        return Health(ok=False, findings=(words_of(error.code),))
    except (GraphSilence, ConfigError) as error:
        return Health(ok=False, findings=(str(error),))
    return Health(ok=not problems, findings=(*problems, *facts, _NO_LIST))


def _number(api: GraphApi, settings: WhatsappSettings, *, address: str) -> Iterator[str]:
    found = api.get(settings.number_id, fields=_FIELDS)
    shown = found.get("display_phone_number", settings.number_id)
    yield f"WhatsApp answers for {shown}; quality {str(found.get('quality_rating', 'unknown')).lower()}"
    configured = found.get("webhook_configuration")
    addresses = set(configured.values()) if isinstance(configured, dict) else set()
    if address and addresses and address not in addresses:
        yield f"Meta's webhooks go to another address: they must reach this desk; of this channel it is {address}"


def _token(api: GraphApi, settings: WhatsappSettings) -> Iterator[str]:
    data = api.get("debug_token", input_token=settings.token.reveal()).get("data")
    ends = data.get("expires_at") if isinstance(data, dict) else None
    if not isinstance(ends, int) or ends == 0:
        return
    left = timedelta(seconds=ends - time.time())
    if left < _SOON:
        yield f"the token ends in {max(left.days, 0)} days: make one of a system user, which does not end"


def _templates(api: GraphApi, settings: WhatsappSettings) -> Iterator[str]:
    if settings.account is None or not settings.templates:
        return
    listed = api.get(f"{settings.account}/message_templates", fields="name,language,status", limit="250").get("data")
    there = (
        {_named(each): each.get("status") for each in listed if isinstance(each, dict)}
        if isinstance(listed, list)
        else {}
    )
    for ours, theirs in sorted(settings.templates.items()):
        status = there.get(theirs if ":" in theirs else f"{theirs}:en_US")
        if status != "APPROVED":
            yield f"the template {ours} ({theirs}) is {str(status).lower() if status else 'not there'} at Meta"


def _named(template: Mapping[str, object]) -> str:
    return f"{template.get('name')}:{template.get('language')}"
