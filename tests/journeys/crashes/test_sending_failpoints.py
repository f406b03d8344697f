"""Every step of sending is killed, failed and frozen in turn, in real processes: the API answers once, mail arrives.

Each place acts once in a run, over all restarts. Mail may come twice, under one Message-ID; nothing is missing.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from benchmarks.rig import wait_until
from tests.inbox_builder import Builder
from tests.journeys.crashes.conftest import House
from workers.runtime.failpoints import SENDING


def reached(marks: Path) -> set[str]:
    return {path.name for path in marks.iterdir()}


@pytest.mark.timeout(600)
# A lease of this desk is two seconds: a process that freezes for longer wakes when the other has taken over.
@pytest.mark.parametrize("action", ["kill", "raise", "hang:2.2"])
def test_whatever_fails_at_every_step_each_reply_arrives_and_none_is_posted_twice(
    house: House, tmp_path: Path, action: str
) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    armed = {
        "OMNIYARD_FAILPOINTS": ",".join(f"{name}={action}" for name in SENDING),
        "OMNIYARD_FAILPOINT_MARKS": str(marks),
    }
    with house.database.write() as connection:
        build = Builder(connection)
        cases = [build.conversation(handle=f"c{number}@customer.example") for number in range(8)]
        for number, case in enumerate(cases):
            build.message(case, sender_handle=f"c{number}@customer.example")
        # What a process was sending when it died; a frozen one may wake before its lease expires.
        now = datetime.now(UTC)
        moments = dict.fromkeys(("created_at", "dated_at", "due_at", "claimed_at", "unknown_at"), now)
        case = build.conversation(handle="before@customer.example")
        doubtful = build.outbound(case, kind="reply", state="unknown", attempts=1, lease_token=uuid4(), **moments)

    answered, end = 0, time.monotonic() + 300
    while (reached(marks) != set(SENDING) or answered < len(cases)) and time.monotonic() < end:
        house.keep_running(**armed)
        if answered < len(cases):
            status = house.answer(cases[answered], key=f"key-{answered:08}")
            assert status in {201, 500, None}
            answered += status == 201
        time.sleep(0.2)
    assert (reached(marks), answered) == (set(SENDING), len(cases))

    def states() -> dict[UUID, str]:
        return {row.id: row.state for row in house.rows()}

    def settled() -> bool:
        house.keep_running(**armed)
        now = states()
        # A message that met three places in a row needs a person, as it should.
        doubt = now.pop(doubtful)
        return len(now) == len(cases) and set(now.values()) == {"sent"} and doubt in {"sent", "needs_person"}

    wait_until(settled, seconds=180, every=0.3)
    taken = Counter(mail.mail["X-Omniyard"] for mail in house.sink.sink.taken)
    ids = {mail.mail["X-Omniyard"]: set[str]() for mail in house.sink.sink.taken}
    for mail in house.sink.sink.taken:
        ids[mail.mail["X-Omniyard"]].add(mail.mail["Message-ID"])
    assert set(taken) - {str(doubtful)} == {str(row) for row in states() if row != doubtful}
    assert {len(each) for each in ids.values()} == {1}
