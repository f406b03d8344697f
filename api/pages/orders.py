"""Turn the pages' forms into the orders of the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from api.http.forms import Fields
from api.http.problems import ProblemError
from api.pages.composer.drafts import addresses
from api.rest.changes import ChangeOrder
from api.rest.replies import MessageOrder
from router.conversation_status import Status

# The choice among the categories that says that a case is about none of them; no category can have this name.
NONE_OF_OURS: Final = "-"
# The begin of a working day without a calendar.
_MORNING: Final = time(9)
_MONDAY: Final = 0


def snoozes(now: datetime, *, zone: ZoneInfo, opens_at: datetime | None) -> Mapping[str, datetime]:
    """Return the moments by name, aware UTC, the earliest first.

    opens_at: when the channel opens next; None while it is open, or if it never does.
    """
    local = now.astimezone(zone)
    found = {"in_1_hour": now + timedelta(hours=1), "in_4_hours": now + timedelta(hours=4)}
    if opens_at is not None and opens_at > now:
        found["at_opening"] = opens_at
    found["tomorrow"] = _morning(local, days=1, zone=zone)
    found["monday"] = _morning(local, days=(_MONDAY - local.weekday()) % 7 or 7, zone=zone)
    return dict(sorted(found.items(), key=lambda each: each[1]))


def local_moment(said: str, *, zone: ZoneInfo) -> datetime:
    """Return the moment in a field for local date and time, aware UTC.

    Raises ValueError when the field has none.
    """
    local = datetime.fromisoformat(said)
    if local.tzinfo is None:
        local = local.replace(tzinfo=zone)
    return local.astimezone(UTC)


def _morning(local: datetime, *, days: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(local.date() + timedelta(days=days), _MORNING, zone).astimezone(UTC)


def _category(chosen: str) -> dict[str, Any]:
    """Return the field of an order; none where nothing is chosen."""
    return {"category": None if chosen == NONE_OF_OURS else chosen} if chosen else {}


# What agents need not deal with: out of the list by one press, without the priority that its words gave it.
NOT_OURS: Final[Mapping[str, Any]] = {
    "category": None, "status": Status.RESOLVED, "priority": "normal", "planned_replies": "cancel"
}  # fmt: skip

# By the name of the button: the fields of the order. Further values are in fields of the form.
_VERBS: Final[Mapping[str, Callable[[Fields], dict[str, Any]]]] = {
    "take": lambda _: {"take": True},
    "assign": lambda form: {"assignee": form.one("assignee") or None},
    "release": lambda _: {"assignee": None},
    "resolve": lambda form: {"status": Status.RESOLVED, "planned_replies": form.one("planned") or None},
    "reopen": lambda _: {"status": Status.OPEN},
    "pending": lambda _: {"status": Status.PENDING},
    "answer_to": lambda form: {"answer_to": form.one("address")},
    "team": lambda form: {"team": form.one("team")},
    "priority": lambda form: {"priority": form.one("priority")},
    "category": lambda form: _category(form.one("category")),
    "not_ours": lambda _: {**NOT_OURS},
    "label": lambda form: {"add_labels": labels_of(form.one("label"))},
    "unlabel": lambda form: {"remove_labels": labels_of(form.one("label"))},
}


def change_order(form: Fields, *, opens_at: datetime | None, now: datetime, zone: ZoneInfo) -> ChangeOrder:
    """Return the order of a button. opens_at: see `snoozes`.

    Raises ProblemError for an unknown button, ValueError for fields that make no sense.
    """
    verb = form.one("do")
    if verb == "snooze":
        return ChangeOrder(status=Status.SNOOZED, snoozed_until=_until(form, opens_at=opens_at, now=now, zone=zone))
    if verb not in _VERBS:
        raise ProblemError("invalid", "this desk has no such button")
    return ChangeOrder.model_validate(_VERBS[verb](form))


def kind_of(form: Fields) -> str:
    """Return what the agent writes: the tab decides, and within the answer's tab the button.

    A form that is sent by Enter has the first button's name: a note must not leave as an answer by that.
    """
    mode = form.one("mode")
    return mode if mode in ("note", "forward") else form.one("kind")


def message_order(form: Fields, *, zone: ZoneInfo) -> MessageOrder:
    """Return the message to write.

    Raises ValueError for fields that make no sense.
    """
    kind = kind_of(form)
    is_note = kind == "note"
    when = "" if is_note else form.one("when")
    return MessageOrder(
        kind="note" if is_note else "reply",
        text=form.whole("text"),
        based_on_version=form.number("version"),
        send_at=local_moment(form.one("send_at"), zone=zone) if when == "at" else None,
        hold_until_opening=when == "opening",
        take=not is_note and form.one("take") == "true",
        copies=[] if is_note else addresses(form.one("copies")),
        blind_copies=[] if is_note else addresses(form.one("blind_copies")),
        forward_to=form.one("recipient") or None if kind == "forward" else None,
        rich=not is_note and form.one("rich") == "yes",
        signs=not is_note and form.one("signs") == "yes",
        quotes=not is_note and form.one("quotes") == "yes",
        undoable=not is_note,
        then_status="resolved" if kind == "resolve" else None,
        ends_draft=True,
    )


def _until(form: Fields, *, opens_at: datetime | None, now: datetime, zone: ZoneInfo) -> datetime:
    chosen = form.one("until")
    known = snoozes(now, zone=zone, opens_at=opens_at)
    return known[chosen] if chosen in known else local_moment(form.one("until_at"), zone=zone)


def labels_of(said: str) -> list[str]:
    """Return the labels of a field, separated by commas."""
    return [label.strip() for label in said.replace("，", ",").split(",") if label.strip()]
