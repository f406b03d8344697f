"""`/metrics`: the desk's state in Prometheus' format, read from the database on request.

Labels are channels, states, routes and methods: never ids or addresses.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from api.desk import Clock, Desk, DeskPart
from api.http.authentication import AccessRule, Bearer, Requires
from api.http.permissions import Actor, Verb
from api.http.problems import ProblemError, documented
from router.errors import TransientError
from router.settings import Settings
from router.settings.values import is_loopback
from store.calls.phone_calls import count_calls
from store.db.engine import Database
from store.desk.channel_status import DeskStatus, read_status
from store.desk.false_alarms import WINDOW, count_false_alarms
from store.desk.generated.model_days import ModelDay, spent_today
from store.events.webhook_deliveries import TargetCount, count_deliveries
from store.inbound.fetched_files import count_files
from store.inbound.quarantine import count_quarantined
from store.outbound.automatic_answers import tally_answers
from store.tables.messages import InboundState

# Counting reads whole indexes; the result is shared by several scrapers.
_DAY: Final = timedelta(days=1)
_KEPT_SECONDS: Final = 5.0
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "via")

routes: Final = APIRouter(tags=["health"])


class RequiresUnlessLocal(AccessRule):
    """Like `Requires`, except for requests from this machine to a desk without a proxy: a local Prometheus."""

    def __call__(self, request: Request, desk: DeskPart, bearer: Bearer) -> Actor | None:
        if _is_neighbour(request, desk):
            return None
        actor = Requires(self.verb)(request, desk, bearer)
        if actor.sees_only is not None:
            raise ProblemError("forbidden", "metrics count the whole desk, and you see some teams of it")
        return actor


@routes.get(
    "/metrics",
    dependencies=[Depends(RequiresUnlessLocal(Verb.READ_METRICS))],
    response_class=Response,
    responses={
        **documented(),
        200: {
            "description": "Prometheus' text format.",
            "content": {"text/plain": {"example": 'omniyard_rows{table="inbound",state="routed"} 117.0'}},
        },
    },
    summary="Metrics for Prometheus",
)
def metrics(desk: DeskPart) -> Response:
    """Return the metrics: without a token for this machine, with one for others."""
    return Response(generate_latest(desk.meter.registry), media_type=CONTENT_TYPE_LATEST)


def _is_neighbour(request: Request, desk: Desk) -> bool:
    # A proxy on this machine brings strangers. It says so in one of these headers, in the name that was asked for, or
    # not at all: so a desk that people reach through a proxy always wants a token.
    behind_proxy = desk.settings.omniyard.public_url is not None
    forwarded = any(name in request.headers for name in _FORWARDED)
    local = request.client is not None and is_loopback(request.client.host) and is_loopback(request.url.hostname or "")
    return local and not forwarded and not behind_proxy


class DeskCollector(Collector):
    """Makes metrics from the desk's state at each collection."""

    def __init__(self, database: Database, *, settings: Settings, now: Clock) -> None:
        self._database, self._settings, self._now = database, settings, now
        self._lock = threading.Lock()
        self._kept: tuple[float, list[Metric]] | None = None

    def describe(self) -> list[Metric]:
        """Return no names, so that registering does not query the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Return the metrics, at most some seconds old."""
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] > _KEPT_SECONDS:
                self._kept = (time.monotonic(), self._read())
            yield from self._kept[1]

    def _read(self) -> list[Metric]:
        try:
            found, is_up = list(self._ask()), 1
        except TransientError:
            # This process's own counters matter most when the database is unavailable.
            found, is_up = [], 0
        return [*found, _gauge("omniyard_database_up", "1 while the database answers.", is_up)]

    def _ask(self) -> Iterator[Metric]:
        with self._database.read() as connection:
            status = read_status(connection, channels=tuple(self._settings.channels))
            dead = count_quarantined(connection)
            deliveries = count_deliveries(connection)
            files = count_files(connection)
            calls = count_calls(connection, since=status.now - _DAY)
            answers = tally_answers(connection, since=status.now - _DAY)
            model = spent_today(connection) if self._settings.answers.model else None
            alarms = count_false_alarms(connection, since=status.now - WINDOW, until=status.now)
        yield _gauge("omniyard_dead_rows", "Quarantined messages that wait for a decision.", dead)
        unknown = status.outbound.get("unknown", 0)
        yield _gauge("omniyard_outbox_unknown_rows", "Sends with an unknown outcome.", unknown)
        failed = status.outbound.get("failed", 0)
        yield _gauge("omniyard_outbox_failed_rows", "Messages refused or not delivered, not dealt with yet.", failed)
        imbalance = status.strays + sum(abs(channel.unbalanced) for channel in status.channels)
        yield _gauge("omniyard_ledger_imbalance", "Accepted messages that are not accounted for.", imbalance)
        yield _gauge("omniyard_unpublished_events", "Events without a number yet.", status.unpublished)
        held = "Messages of the last 24 hours that wait because their channel was closed."
        yield _gauge("omniyard_gate_held", held, status.gate.held)
        released = "Messages of the last 24 hours that the second check released as emergencies."
        yield _gauge("omniyard_gate_released", released, status.gate.released)
        rate = "Emergencies of 7 days that were found false, for each thousand messages."
        yield _gauge("omniyard_false_pages_per_thousand", rate, alarms.per_thousand)
        yield _gauge("omniyard_pages_unjudged", "Emergencies of 7 days that no one judged.", alarms.unjudged)
        yield _gauge("omniyard_promises_broken", "Promises broken in the last 24 hours.", status.breaches)
        offset = (self._now() - status.now).total_seconds()
        yield _gauge("omniyard_clock_offset_seconds", "This clock minus the database's.", offset)
        yield _gauge("omniyard_oldest_due_seconds", "Age of the oldest message that waits.", _oldest(status))
        yield _of_webhooks(deliveries)
        yield _of_answers(answers)
        if model:
            yield _of_model(model)
        yield _of_calls(calls)
        yield from _of_channels(status)
        yield from _held_back(status)
        yield _rows(status, files)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=value)


def _oldest(status: DeskStatus) -> float:
    due = [channel.oldest_due_at for channel in status.channels if channel.oldest_due_at]
    return max(0.0, (status.now - min(due)).total_seconds()) if due else 0.0


def _of_channels(status: DeskStatus) -> Iterator[Metric]:
    accepted = CounterMetricFamily("omniyard_inbound_accepted", "Messages accepted.", labels=["channel"])
    duplicates = CounterMetricFamily("omniyard_inbound_duplicates", "Messages seen before.", labels=["channel"])
    polled = GaugeMetricFamily("omniyard_poll_last_success_timestamp_seconds", "Last good poll.", labels=["channel"])
    failing = GaugeMetricFamily("omniyard_channel_failing", "1 while it cannot be read.", labels=["channel"])
    waiting = GaugeMetricFamily("omniyard_mailbox_waiting", "Messages the server still holds.", labels=["channel"])
    for channel in status.channels:
        accepted.add_metric([channel.channel], channel.accepted)
        duplicates.add_metric([channel.channel], channel.duplicate)
        failing.add_metric([channel.channel], float(bool(channel.error)))
        if channel.polled_at:
            polled.add_metric([channel.channel], channel.polled_at.timestamp())
        if channel.waiting is not None:
            waiting.add_metric([channel.channel], channel.waiting)
    yield from (accepted, duplicates, polled, failing, waiting)


def _held_back(status: DeskStatus) -> Iterator[Metric]:
    held = GaugeMetricFamily(
        "omniyard_replies_held", "Automatic replies that the brake held in 24 hours.", labels=["channel"]
    )
    rests = GaugeMetricFamily("omniyard_replies_rest", "1 while the brake stops automatic replies.", labels=["channel"])
    refused = GaugeMetricFamily(
        "omniyard_smtp_refusals", "Refused or put off by a listener in 24 hours.", labels=["channel", "limit"]
    )
    for brake in status.brakes:
        held.add_metric([brake.channel], brake.held)
        rests.add_metric([brake.channel], float(brake.rests_until is not None))
    for each in status.refusals:
        refused.add_metric([each.channel, each.bound], each.refused)
    yield from (held, rests, refused)


def _of_answers(tally: Mapping[tuple[str, str, str], int]) -> Metric:
    help_text = "Questions of the last 24 hours by what the machine did, and what was said of it."
    asked = GaugeMetricFamily("omniyard_answers", help_text, labels=["channel", "state", "verdict"])
    for labels, number in tally.items():
        asked.add_metric(list(labels), number)
    return asked


def _of_model(day: ModelDay) -> Metric:
    spent = GaugeMetricFamily("omniyard_model", "What the model was used for today (UTC).", labels=["what"])
    for what in ("calls", "tokens", "texts", "refused", "failed"):
        spent.add_metric([what], getattr(day, what))
    return spent


def _of_calls(counted: Mapping[str, int]) -> Metric:
    calls = GaugeMetricFamily("omniyard_calls", "Calls of the last 24 hours by what came of them.", labels=["what"])
    for what, number in counted.items():
        calls.add_metric([what], number)
    return calls


def _of_webhooks(deliveries: Mapping[str, TargetCount]) -> Metric:
    events = GaugeMetricFamily("omniyard_webhook_events", "Events of webhooks.", labels=["target", "state"])
    for target, count in deliveries.items():
        events.add_metric([target, "queued"], count.queued)
        events.add_metric([target, "dead"], count.dead)
    return events


def _rows(status: DeskStatus, files: Mapping[str, int]) -> Metric:
    rows = GaugeMetricFamily("omniyard_rows", "Rows by table and state.", labels=["table", "state"])
    for state in InboundState:
        rows.add_metric(["inbound", state], sum(getattr(channel, state) for channel in status.channels))
    for outbound_state, number in status.outbound.items():
        rows.add_metric(["outbound", outbound_state], number)
    for file_state, number in files.items():
        rows.add_metric(["file", file_state], number)
    return rows
