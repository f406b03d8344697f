"""Metrics of this process's requests. Each application has its own registry, so that tests do not mix."""

from __future__ import annotations

from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# Seconds. The inbox must answer within 50 ms in 95 of 100 cases; after 5 s a proxy gives up.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Meter:
    """The registry and the counters of requests. Labels are routes, methods and statuses: never ids or addresses."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "omniyard_http_requests", "Answered requests.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "omniyard_http_request_seconds", "Time to answer.", ["route"], buckets=_BUCKETS, registry=self.registry
        )
        self._refusals = Counter(
            "omniyard_refusals", "Refused for want of places or time.", ["limit"], registry=self.registry
        )
        self._calls = Counter(
            "omniyard_calls_without_database",
            "Steps of calls that were answered while the database was away.",
            ["channel"],
            registry=self.registry,
        )
        build = Gauge("omniyard_build_info", "1, labelled with the version.", ["version"], registry=self.registry)
        build.labels(version("omniyard")).set(1)

    def refused(self, limit: str) -> None:
        """Count one refusal. limit: which bound was reached."""
        self._refusals.labels(limit).inc()

    def call_without_database(self, channel: str) -> None:
        """Count a step of a call that was answered without the database."""
        self._calls.labels(channel).inc()

    def answered(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request. route: its template, such as `/api/v1/messages/{message_id}`."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
