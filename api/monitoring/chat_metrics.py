"""Metrics of the chat in this process: open streams, and how many of them were woken."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.services.chats import Chats


class ChatCollector(Collector):
    """Reads the streams at each collection."""

    def __init__(self, chats: Chats) -> None:
        self._chats = chats

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        waker = self._chats.waker
        yield GaugeMetricFamily("omniyard_chat_streams", "Open streams of chat visitors.", value=waker.total)
        yield CounterMetricFamily("omniyard_chat_wakeups", "How often streams were woken.", value=waker.woken)
