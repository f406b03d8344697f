"""What a merge makes of its target from the values of both sides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.conversation_status import Status
from router.settings.model import PRIORITIES


def joined_values(source: Mapping[str, Any], target: Mapping[str, Any]) -> dict[str, Any]:
    """Return the merged values: the higher priority, the longer wait."""
    # Who waited when a case was resolved waits only if that case is reopened.
    both = (source, target)
    waiting = [side for side in both if side["status"] != Status.RESOLVED] or both
    waits = [side["waiting_since"] for side in waiting if side["waiting_since"]]
    return {
        "last_message_at": max(source["last_message_at"], target["last_message_at"]),
        "waiting_since": min(waits, default=None),
        "clock_started_at": target["clock_started_at"] or source["clock_started_at"],
        # What is over in the source is over. Without an alarm it came from an archive.
        "emergency": target["emergency"] or (source["emergency"] and source["status"] != Status.RESOLVED),
        "possible_danger": source["possible_danger"] or target["possible_danger"],
        "priority": max(target["priority"], source["priority"], key=_rank),
        "labels": [*dict.fromkeys((*target["labels"], *source["labels"]))],
    }


def must_open(source: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
    """Return whether what is open in the source has to open the target, as a message of the customer does."""
    if target["status"] == Status.RESOLVED:
        return source["status"] not in {Status.RESOLVED, Status.PENDING}
    rests = target["status"] == Status.PENDING or (target["status"] == Status.SNOOZED and target["snoozed_by"])
    return bool(source["status"] == Status.OPEN and rests)


def _rank(priority: str) -> int:
    return [*PRIORITIES].index(priority) if priority in PRIORITIES else -1
