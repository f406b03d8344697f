"""Failed webhook deliveries: listed, and delivered again on demand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from store.db.engine import Database
from store.events.append import NewEvent, append_events
from store.events.feed import number_events
from store.events.webhook_deliveries import Failed, fan_out, next_deliveries, settle_deliveries
from tests.app_client import AppClient
from tests.desk import RECEIVED_AT


def test_what_was_given_up_is_listed_and_replayed_once(
    client: AppClient, client_of: Callable[[str], AppClient], database: Database
) -> None:
    # Given three events, two of which a target did not take
    with database.write() as connection:
        append_events(connection, [NewEvent(f"a.n{number}", at=RECEIVED_AT) for number in range(3)])
        number_events(connection, after=0, limit=10)
        fan_out(connection, after=0, wanted={"tool": lambda _: True})
        rows = next_deliveries(connection, target="tool", limit=10)
        failed = [Failed(id=row.id, error="it said no", again_in=None) for row in rows[:2]]
        wait = Failed(id=rows[2].id, error="it said no", again_in=timedelta(hours=1))
        settle_deliveries(connection, delivered=[], failed=[*failed, wait])
    # Then they are listed, in pages
    target = client.get("/api/v1/webhooks").json()["targets"][0]
    assert (target["name"], target["enabled"], target["queued"], target["dead"]) == ("tool", False, 1, 2)
    first = client.get("/api/v1/webhooks/deliveries", params={"limit": 1}).json()
    second = client.get("/api/v1/webhooks/deliveries", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert [page["deliveries"][0]["kind"] for page in (first, second)] == ["a.n1", "a.n0"]
    assert second["next_cursor"] is None
    # And a replay takes each once
    replay = "/api/v1/webhooks/replay"
    assert client.post(replay, json={}).status_code == 422
    assert client_of("auditor").post(replay, json={"target": "tool"}).status_code == 403
    assert client.post(replay, json={"ids": [first["deliveries"][0]["id"]]}).json() == {"replayed": 1}
    assert client.post(replay, json={"target": "tool"}).json() == {"replayed": 1}
    assert client.post(replay, json={"target": "tool"}).json() == {"replayed": 0}
