"""One worker process: threads for the bell, for urgent messages, for the sweep under a watchdog, and for sending."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol
from uuid import UUID

import dramatiq
import structlog
from redis import RedisError

from connectors.freed_memory import return_freed, scan_seldom
from connectors.watchdog import Watchdog
from workers.broker.announcements import Announcements, AnnouncingBroker
from workers.broker.doorbell import ACTOR, QUEUE, SENDING_ACTOR, SENDING_QUEUE, answers, listening_broker
from workers.chores.chore_lane import Chore, ChoreLane
from workers.chores.sweep import Sweep
from workers.routing.route import MessageRouter
from workers.routing.urgent_lane import UrgentLane
from workers.sending.threads import Dispatch

# Routing is pure Python: a second thread would only alternate with the first; use one more process for one more core.
_BELL_THREADS: Final = 1
# How often Dramatiq's thread that does the work looks whether it is stopped.
_LOOK_MILLISECONDS: Final = 1000
_STOP_MILLISECONDS: Final = 20_000
# While the broker is unreachable its consumers sleep between attempts and ignore a stop, so do not wait for them: the
# sweep claims an interrupted batch again.
_STOP_WITHOUT_BROKER_MILLISECONDS: Final = 2_000
_LOOK_FOR_BROKER_SECONDS: Final = 5.0

_log = structlog.get_logger()


class Companion(Protocol):
    """An object with threads of its own that runs as long as the worker."""

    def start(self) -> None:
        """Start the threads."""

    def stop(self, *, seconds: float) -> None:
        """Finish the current work, but wait no longer than `seconds`."""


class Worker:
    """Runs until SIGTERM or SIGINT; a second signal ends the process at once.

    lanes: chores that may take long, by the name of their thread; they keep no other chore waiting.
    heard: called when any process of the desk has rung the bell.
    """

    def __init__(
        self,
        router: MessageRouter,
        *,
        find_url: Callable[[], str | None],
        dispatch: Dispatch,
        chores: Sequence[Chore] = (),
        lanes: Mapping[str, Sequence[Chore]] = MappingProxyType({}),
        companions: Sequence[Companion] = (),
        heard: Callable[[], None] = lambda: None,
    ) -> None:
        self._heard = heard
        self._router, self._find_url, self._dispatch = router, find_url, dispatch
        self._urgent = UrgentLane(router, routed=self._nudge)
        self._stopped = threading.Event()
        self._watchdog = Watchdog()
        slow = (ChoreLane(name, each, watchdog=self._watchdog) for name, each in lanes.items())
        self._companions: Sequence[Companion] = (dispatch, self._urgent, *slow, *companions)
        self._sweep = Sweep(router, stopped=self._stopped, watchdog=self._watchdog, chores=chores)

    def run(self) -> None:
        """Work until a signal arrives, then finish the current work."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        return_freed()
        scan_seldom()
        self._watchdog.start()
        sweeping = threading.Thread(target=self._sweep.run, name="sweep", daemon=True)
        sweeping.start()
        for companion in self._companions:
            companion.start()
        _log.info("worker.started")
        self._answer_the_bell()
        self._stop_companions()
        sweeping.join(_STOP_MILLISECONDS / 1000)
        self._watchdog.stop()
        _log.info("worker.stopped")

    def _stop_companions(self) -> None:
        # In parallel, because each may need time to finish its current work.
        seconds = _STOP_MILLISECONDS / 1000
        stopping = [threading.Thread(target=each.stop, kwargs={"seconds": seconds}) for each in self._companions]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()

    def _on_signal(self, number: int, _: object) -> None:
        if self._stopped.is_set():
            raise SystemExit(128 + number)
        self._stopped.set()

    def _answer_the_bell(self) -> None:
        """Consume bells while there is a broker; without one, look for one every few seconds."""
        while not self._stopped.is_set():
            url = self._find_url()
            broker = self._reach(url) if url else None
            if url and broker is not None:
                self._consume(url, broker)
            else:
                self._stopped.wait(_LOOK_FOR_BROKER_SECONDS)

    def _consume(self, url: str, broker: AnnouncingBroker) -> None:
        dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=broker)(self._route_batch)
        dramatiq.actor(actor_name=SENDING_ACTOR, queue_name=SENDING_QUEUE, broker=broker)(self._dispatch.nudge)
        queues = {QUEUE, SENDING_QUEUE}
        worker = dramatiq.Worker(broker, queues=queues, worker_threads=_BELL_THREADS, worker_timeout=_LOOK_MILLISECONDS)
        announcements = Announcements(broker, heard=self._heard, urgent=self._urgent.wake)
        announcements.start()
        worker.start()
        self._wait_while(url)
        announcements.stop()
        worker.stop(timeout=_STOP_MILLISECONDS if answers(url) else _STOP_WITHOUT_BROKER_MILLISECONDS)

    def _wait_while(self, url: str) -> None:
        # A restarted embedded broker may have another port.
        self._stopped.wait(_LOOK_FOR_BROKER_SECONDS)
        while not self._stopped.is_set() and self._find_url() == url:
            self._stopped.wait(_LOOK_FOR_BROKER_SECONDS)

    def _reach(self, url: str) -> AnnouncingBroker | None:
        try:
            broker = listening_broker(url)
            broker.client.ping()
        except (RedisError, OSError) as error:
            _log.warning("broker.away", error=type(error).__name__)
            return None
        return broker

    def _route_batch(self, ids: list[str]) -> None:
        # An actor never raises: a row records the failure, and the sweep tries again.
        try:
            routed = self._router.route_batch([UUID(id_) for id_ in ids])
            # Continue while rows are due: a busy worker may hold the next bell.
            while routed and not self._stopped.is_set():
                routed = self._router.route_oldest()
        except Exception:  # noqa: BLE001  (the outer loop of a bell)
            _log.warning("bell.failed", exc_info=True)
        self._nudge()

    def _nudge(self) -> None:
        # The routed messages may have automatic replies to send, and their events are to be published.
        self._dispatch.nudge()
        self._heard()
