"""What a case's page shows of the conversation, and to which browser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

from api.desk import Desk
from api.services.case_access import LASTS, ProvenAddress
from connectors.registry import kind_of
from router.envelope import PartyKind
from router.settings.channels.base import ChannelSettings, FormLimits
from store.conversations.customer_status import CaseStatus
from store.desk.case_story import read_story

# The kinds of addresses that a customer can type, and to which a code can be sent.
_TYPED: Final = frozenset({PartyKind.EMAIL, PartyKind.PHONE})
# Where the desk has no contact form whose limits apply.
_USUAL: Final = FormLimits(largest=10_485_760, files=5, per_hour=10)


@dataclass(frozen=True, slots=True)
class AskedCode:
    """A code that was just asked for. address: as it was typed.  wrong: key of the phrase that says what was wrong."""

    address: str = ""
    wrong: str = ""
    text: str = ""


NOT_ASKED: Final = AskedCode()


def channel_of(desk: Desk, case: CaseStatus) -> ChannelSettings | None:
    """Return the case's channel if a code can be sent there, to an address that a person can type."""
    channel = desk.settings.channels.get(case.channel)
    if case.conversation_id is None or channel is None or not channel.has_way_out:
        return None
    return channel if kind_of(channel).parties[0] in _TYPED else None


def limits_of(desk: Desk) -> FormLimits:
    """Return the limits of what a customer may send from a case's page."""
    form = desk.visitors.contact_form
    return form.limits if form else _USUAL


def proven_address(desk: Desk, request: Request, case: CaseStatus) -> ProvenAddress | None:
    """Return the address that this browser has proven for the case; None without one."""
    proven = desk.visitors.access.read(request.cookies.get(_cookie(desk), ""), now=desk.now())
    return proven if proven is not None and proven.contact_id == case.contact_id else None


def let_in(desk: Desk, answer: Response, proven: ProvenAddress) -> None:
    """Set the cookie of a proven address."""
    value, age = desk.visitors.access.write(proven, now=desk.now()), int(LASTS.total_seconds())
    answer.set_cookie(_cookie(desk), value, max_age=age, secure=desk.secure, httponly=True, samesite="lax")


def let_out(desk: Desk, answer: Response) -> None:
    """Delete the cookie."""
    answer.delete_cookie(_cookie(desk), secure=desk.secure, httponly=True, samesite="lax")


def conversation_of(desk: Desk, request: Request, case: CaseStatus, *, asked: AskedCode) -> Mapping[str, Any]:
    """Return the context of the conversation's part of the page."""
    channel, proven = channel_of(desk, case), proven_address(desk, request, case)
    story = None
    if proven is not None and case.conversation_id is not None:
        with desk.database.read() as connection:
            story = read_story(connection, case.conversation_id, contact_id=proven.contact_id)
    return {
        "can_ask": channel is not None,
        "by_phone": channel is not None and kind_of(channel).parties[0] is PartyKind.PHONE,
        "proven": proven,
        "story": story,
        "asked": asked,
        "limits": limits_of(desk),
        "form": desk.visitors.forms.token(now=desk.now()) if proven else "",
        "is_sent": request.query_params.get("sent") == "1",
    }


def _cookie(desk: Desk) -> str:
    return "__Host-omniyard-case" if desk.secure else "omniyard_case"
