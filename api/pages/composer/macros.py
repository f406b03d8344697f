"""Macros: a ready text with actions, sent with an answer or by one press."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from api.desk import Desk
from api.http.forms import Fields
from api.http.permissions import Actor
from api.http.problems import ProblemError
from api.rest.changes import ChangeOrder
from api.rest.queries import find_for
from api.rest.replies import MessageOrder
from store.desk.composer.ready_texts import ReadyText, find_ready_text

# What an answer itself does to its conversation when it leaves.
_WITH_THE_ANSWER: Final = ("pending", "resolved")


def macro_of(desk: Desk, actor: Actor, key: str, *, form: Fields) -> ReadyText | None:
    """Return the macro that a form names; None if it names none.

    Raises NotFound for one that is not of the conversation's team.
    """
    # The answer box has the field of a chosen macro, and a button of the same name for each of them.
    named = next(iter(form.many("macro")), "")
    if not named:
        return None
    with desk.database.read() as connection:
        case = find_for(connection, key, actor=actor)
        found = find_ready_text(connection, _id(named))
    if found.team not in {"", case.team}:
        raise ProblemError("not-found")
    return found


def split(order: MessageOrder, actions: Mapping[str, Any] | None) -> tuple[MessageOrder, ChangeOrder | None]:
    """Return the answer with what it does when it leaves, and what is done at once; None for nothing."""
    now = dict(actions or {})
    if order.kind == "reply" and now.get("status") in _WITH_THE_ANSWER:
        status = now.pop("status")
        order = order.model_copy(update={"then_status": order.then_status or status})
    return order, ChangeOrder.model_validate(now) if now else None


def _id(said: str) -> UUID:
    try:
        return UUID(said)
    except ValueError as error:
        raise ProblemError("not-found") from error
