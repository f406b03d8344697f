"""Sending: what becomes of a message at each answer, at none, and when something else moves first."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.base import Receipt, Verdict
from store.database import Database
from store.ledgers import Event
from tests.outgoing import SendingDesk, not_sent


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> SendingDesk:
    return SendingDesk(database, tmp_path)


def test_a_queued_message_leaves_once(desk: SendingDesk) -> None:
    outbound_id = desk.queue()
    deliverer = desk.deliverer()

    assert [deliverer.once(), deliverer.once()] == [1, 0]
    row = desk.row(outbound_id)
    assert (row.state, row.attempts, row.provider_id) == ("sent", 1, f"P{outbound_id.hex}")
    assert "outbound.sent" in desk.rows(Event, "kind")


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (not_sent(), "queued"),
        (Receipt(verdict=Verdict.REFUSED, why="no such number"), "failed"),
        ("dropped", "unknown"),
        (lambda: 1 / 0, "unknown"),
    ],
)
def test_each_answer_has_its_state(desk: SendingDesk, answer: object, state: str) -> None:
    outbound_id = desk.queue()
    desk.provider.answers = [answer]

    desk.deliverer().once()

    assert desk.row(outbound_id).state == state
    assert desk.provider.copies(outbound_id) == 0
