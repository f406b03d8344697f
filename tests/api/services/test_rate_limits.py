"""The request limit of a token, and that it does not affect other tokens."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from anyio.from_thread import BlockingPortal

from api.app import create_app
from api.services.rate_limits import TokenBuckets
from store.db.engine import Database
from store.desk.agents import add_agent
from tests.api.conftest import settings_in
from tests.app_client import AppClient, started


def test_a_bucket_takes_a_burst_and_then_its_rate() -> None:
    now = [100.0]
    buckets, one, other = TokenBuckets(10, clock=lambda: now[0]), uuid4(), uuid4()
    assert [buckets.wait(one) for _ in range(20)] == [0.0] * 20
    assert 0 < buckets.wait(one) <= 0.1
    assert buckets.wait(other) == 0.0
    now[0] += 0.1
    assert buckets.wait(one) == 0.0
    assert buckets.wait(one) > 0
    now[0] += 3600
    assert [buckets.wait(one) > 0 for _ in range(21)] == [False] * 20 + [True]


def test_no_rate_is_no_limit() -> None:
    buckets, one = TokenBuckets(0), uuid4()
    assert {buckets.wait(one) for _ in range(10_000)} == {0.0}


def test_a_token_that_asks_too_often_gets_the_time_to_go_on(
    tmp_path: Path, database: Database, portal: BlockingPortal
) -> None:
    with database.write() as connection:
        tokens = [add_agent(connection, name=name, role="viewer")[1] for name in ("one", "other")]
    with started(create_app(settings_in(tmp_path / "data", rate=1), database=database), portal) as app:
        one, other = (AppClient(app, portal, headers={"Authorization": f"Bearer {token}"}) for token in tokens)

        answers = [one.get("/api/v1/conversations") for _ in range(4)]
        assert [answer.status_code for answer in answers[:2]] == [200, 200]
        refused = answers[-1]
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert refused.json()["type"] == "urn:omniyard:problem:too-many-requests"
        assert other.get("/api/v1/conversations").status_code == 200
