"""A run of `benchmarks.growth` leaves the desk as the load made it, so that the next one measures the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.growth.desk import GrowthDesk, Mail, open_database
from benchmarks.growth.measure import resolve_own
from benchmarks.growth.operations import look_at


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[GrowthDesk]:
    """The desk of the benchmark, on an empty database of each kind."""
    made = GrowthDesk(open_database(database_url), tmp_path)
    yield made
    made.close()


def test_what_the_mails_of_a_run_have_opened_is_closed(desk: GrowthDesk) -> None:
    loaded = [
        Mail(
            key=key, sender=f"{key}@customers.example", name="Ann Lee", subject="My card", text="It is lost 5551234567"
        )
        for key in ("945a5b36906808fe", "snt", "qzmida")
    ]
    desk.route(loaded)
    own = look_at(desk, prefix="s10000t1764460000n")
    desk.route(own.new_mails(4))
    waiting = "SELECT c.reference FROM conversation c WHERE status = 'open' ORDER BY c.id"
    assert len(desk.values(waiting)) == len(loaded) + 3

    resolve_own(desk.database)

    # One of the run's mails answered an older one, and so its conversation is closed, too.
    assert len(desk.values(waiting)) == len(loaded) - 1
    assert desk.values("SELECT count(*) FROM conversation WHERE status = 'resolved' AND due_at IS NOT NULL") == [0]
