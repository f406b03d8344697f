"""What forms ask for, as the orders that the API takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from api.http.forms import Fields
from api.http.problems import ProblemError
from api.rest.changes import ChangeOrder
from api.rest.replies import MessageOrder
from api.snoozing import local_moment, snoozes
from store.tables.messages import Status

# By the name of the button: the fields of the order. What a button needs beside its name is in fields of the form.
_VERBS: Final[Mapping[str, Callable[[Fields], dict[str, Any]]]] = {
    "take": lambda _: {"take": True},
    "assign": lambda form: {"assignee": form.one("assignee") or None},
    "release": lambda _: {"assignee": None},
    "resolve": lambda _: {"status": Status.RESOLVED},
    "reopen": lambda _: {"status": Status.OPEN},
    "pending": lambda _: {"status": Status.PENDING},
    "team": lambda form: {"team": form.one("team")},
    "priority": lambda form: {"priority": form.one("priority")},
    "category": lambda form: {"category": form.one("category") or None},
    "label": lambda form: {"add_labels": _labels(form.one("label"))},
    "unlabel": lambda form: {"remove_labels": _labels(form.one("label"))},
}


def change_order(form: Fields, *, opens_at: datetime | None, now: datetime, zone: ZoneInfo) -> ChangeOrder:
    """Return what a button orders. opens_at: see `snoozes`.

    Raises ProblemError for a button that is none of ours, ValueError for fields that make no sense.
    """
    verb = form.one("do")
    if verb == "snooze":
        return ChangeOrder(status=Status.SNOOZED, snoozed_until=_until(form, opens_at=opens_at, now=now, zone=zone))
    if verb not in _VERBS:
        raise ProblemError("invalid", "this button is none of this desk's")
    return ChangeOrder.model_validate(_VERBS[verb](form))


def message_order(form: Fields, *, zone: ZoneInfo) -> MessageOrder:
    """Return what is to be said.

    Raises ValueError for fields that make no sense.
    """
    is_note = form.one("kind") == "note"
    when = "" if is_note else form.one("when")
    return MessageOrder(
        kind="note" if is_note else "reply",
        text=form.whole("text"),
        based_on_version=form.number("version"),
        send_at=local_moment(form.one("send_at"), zone=zone) if when == "at" else None,
        hold_until_opening=when == "opening",
    )


def _until(form: Fields, *, opens_at: datetime | None, now: datetime, zone: ZoneInfo) -> datetime:
    chosen = form.one("until")
    known = snoozes(now, zone=zone, opens_at=opens_at)
    return known[chosen] if chosen in known else local_moment(form.one("until_at"), zone=zone)


def _labels(said: str) -> list[str]:
    return [label.strip() for label in said.replace("，", ",").split(",") if label.strip()]
