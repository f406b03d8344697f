"""List what came to one number, a GMT day at a time, for Twilio's filters know no finer grain and no direction.

A message may be listed late with an older `date_sent`, so days are asked for again, and SIDs tell what is new.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Self

from connectors.sms.twilio.client import Twilio
from connectors.sms.twilio.messages import moment

_PAGE_SIZE: Final = 200
# Fifty thousand a day is more than a number can receive; a list longer than that does not end.
_MOST_PAGES_A_DAY: Final = 250
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a number has been read. newest: the latest `date_sent` kept.  since: what came before is not ours."""

    newest: datetime
    since: datetime

    @classmethod
    def parse(cls, position: str) -> Self:
        """Read what `str` wrote. Zones are turned to UTC first: a day of Twilio's is a GMT day."""
        newest, _, since = position.partition(" ")
        return cls(datetime.fromisoformat(newest).astimezone(UTC), datetime.fromisoformat(since).astimezone(UTC))

    def __str__(self) -> str:
        return f"{self.newest.isoformat()} {self.since.isoformat()}"

    def days(self, *, until: datetime) -> list[date]:
        """Return the days to ask for: from the one before the newest message's on."""
        first = (self.newest.astimezone(UTC) - _DAY).date()
        last = until.astimezone(UTC).date()
        return [first + number * _DAY for number in range(max((last - first).days, 0) + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One record of the list. sid: empty if it has none that can be read.  at: when Twilio had it, aware UTC."""

    sid: str
    record: Mapping[str, Any]
    at: datetime

    @property
    def files(self) -> int:
        """How many files Twilio says it has."""
        stated = self.record.get("num_media")
        return int(stated) if isinstance(stated, str) and stated.isdigit() else 0


@dataclass(slots=True)
class Listing:
    """What a look found, newest first. trouble: what the operator should know; then the look was not complete."""

    messages: list[Listed]
    trouble: str = ""


def list_day(
    twilio: Twilio, *, to: str, day: date, known: Container[str], stop_at_known: bool, now: datetime
) -> Listing:
    """List one day's incoming messages that are not `known`.

    stop_at_known: a page of nothing but known ones ends it; a late message may hide behind.
    """
    listing, met = Listing([]), set[str]()
    for number, records in enumerate(_pages(twilio, to=to, day=day)):
        sids = {sid for record in records if (sid := _sid(record))}
        if number >= _MOST_PAGES_A_DAY or (number and sids <= met):
            listing.trouble = f"Twilio's list of {day.isoformat()} does not end; its first {number} pages were taken"
            break
        listing.messages += [
            each for each in (_listed(record, now=now) for record in records if _is_ours(record))
            if each.sid not in known and each.sid not in met
        ]  # fmt: skip
        met |= sids
        if stop_at_known and sids and all(sid in known for sid in sids):
            break
    return listing


def _pages(twilio: Twilio, *, to: str, day: date) -> Iterator[list[object]]:
    answer = twilio.get("/Messages.json", {"To": to, "DateSent": day.isoformat(), "PageSize": _PAGE_SIZE})
    while True:
        records = answer.get("messages")
        yield records if isinstance(records, list) else []
        following = answer.get("next_page_uri")
        if not isinstance(following, str) or not following:
            return
        answer = twilio.get_uri(following)


def _is_ours(record: object) -> bool:
    """Tell whether somebody wrote it to us, and Twilio has all of it. What is no record at all must be shown."""
    if not isinstance(record, dict):
        return True
    return record.get("direction", "inbound") == "inbound" and record.get("status") != "receiving"


def _sid(record: object) -> str:
    sid = record.get("sid") if isinstance(record, dict) else None
    return sid if isinstance(sid, str) else ""


def _listed(record: object, *, now: datetime) -> Listed:
    whole = record if isinstance(record, dict) else {"unreadable": record}
    at = moment(whole, "date_sent") or moment(whole, "date_created") or now
    return Listed(sid=_sid(record), record=whole, at=min(at, now))
