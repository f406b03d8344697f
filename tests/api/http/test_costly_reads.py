"""Each agent has a pace for searches, reports and other costly reads; another agent is not delayed by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from router.settings import Settings
from tests.api.conftest import MovingClock, settings_in
from tests.app_client import AppClient

LIMITS = "[limits]\nagent_reads_per_minute = 2\npages_per_minute = 3\n"
COSTLY = (
    *("/search?q=refund", "/?q=refund", "/supervisor", "/supervisor/report", "/settings/audit"),
    *("/api/v1/search?q=refund", "/api/v1/conversations?q=refund", "/api/v1/audit", "/api/v1/answers/gaps"),
    *(f"/api/v1/contacts/{uuid4()}/suggestions", f"/api/v1/contacts/{uuid4()}/export"),
    "/api/v1/conversations/K7QF2MXD4/similar",
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path / "data", more=LIMITS)


def test_every_costly_read_counts_and_cheap_ones_do_not(
    app: Any, client_of: Callable[[str], AppClient], clock: MovingClock
) -> None:
    admin, agent = client_of("admin"), client_of("agent")
    for path in COSTLY:
        clock.move(timedelta(minutes=1))
        assert 429 not in {admin.get("/?q=a").status_code, admin.get("/search?q=a").status_code}
        refused = admin.get(path)
        assert (refused.status_code, refused.headers.get("Retry-After")) == (429, "60"), path
        assert admin.get("/").status_code == admin.get("/api/v1/conversations").status_code == 200
    assert agent.get("/search?q=refund").status_code == 200
    counted = app.state.desk.meter.registry.get_sample_value("omniyard_refusals_total", {"limit": "agent_reads"})
    assert counted == len(COSTLY)
    said = admin.get("/search?q=a", headers={"Accept": "text/html", "Accept-Language": "zh"})
    assert (said.status_code, "查询过于频繁" in said.text) == (429, True)


@pytest.mark.parametrize("path", ["/case/nothing", "/sign-in/oidc", "/sign-in/oidc/return?state=x"])
def test_public_pages_that_cost_have_the_pace_of_their_address(app: Any, portal: Any, path: str) -> None:
    clients = [AppClient(app, portal, peer=f"203.0.113.{number}") for number in (1, 2)]
    answers = [clients[0].get(path).status_code for _ in range(4)]
    assert (429 in answers[:3], answers[3], clients[1].get(path).status_code) == (False, 429, answers[0])
