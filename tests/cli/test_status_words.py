"""What `omniyard status` says of the last day, in the singular and the plural."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cli.commands.status import _last_day
from store.desk.channel_status import DeskStatus
from store.desk.false_alarms import EmergencyTally

STATUS = DeskStatus(now=datetime(2026, 11, 29, tzinfo=UTC), channels=(), outbound={}, unpublished=0, strays=0)


@pytest.mark.parametrize(
    ("number", "called", "broken"),
    [
        (1, "people were called for 1 emergency: 1 confirmed", "1 promise was broken"),
        (2, "people were called for 2 emergencies: 2 confirmed", "2 promises were broken"),
    ],
)
def test_one_and_many_have_their_own_words(number: int, called: str, broken: str) -> None:
    tally = EmergencyTally(paged=number, confirmed=number, released=0)
    said = "\n".join(line.plain for line in _last_day(replace(STATUS, emergencies=tally, breaches=number)))
    assert called in said
    assert broken in said
