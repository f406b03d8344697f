"""One worker process: threads that answer the bell, one that sweeps under a watchdog, and those that send."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol
from uuid import UUID

import dramatiq
import structlog
from redis import RedisError

from connectors.watchdog import Watchdog
from workers.broker.doorbell import ACTOR, QUEUE, SENDING_ACTOR, SENDING_QUEUE, answers, listening_broker
from workers.chores.sweep import Chore, Sweep
from workers.routing.route import Router
from workers.sending.threads import Dispatch

# Routing is Python's own work: a second thread would only take turns with the first; a core more is a process more.
_BELL_THREADS: Final = 1
# Dramatiq's consumers sleep longer and longer while nobody rings, up to this; their default is a second.
_DEAF_MILLISECONDS: Final = 200
_STOP_MILLISECONDS: Final = 20_000
# While the broker is away its consumers sleep between attempts and hear no stop; a page that is cut is claimed again.
_STOP_WITHOUT_BROKER_MILLISECONDS: Final = 2_000
_LOOK_FOR_BROKER_SECONDS: Final = 5.0

_log = structlog.get_logger()


class Companion(Protocol):
    """Something with threads of its own that lives as long as the worker."""

    def start(self) -> None:
        """Begin."""

    def stop(self, *, seconds: float) -> None:
        """Finish what is in hand, but wait no longer than this."""


class Worker:
    """Runs until SIGTERM or SIGINT; a second signal ends the process at once."""

    def __init__(
        self,
        router: Router,
        *,
        find_url: Callable[[], str | None],
        dispatch: Dispatch,
        chores: Sequence[Chore] = (),
        companions: Sequence[Companion] = (),
    ) -> None:
        self._router, self._find_url, self._dispatch = router, find_url, dispatch
        self._companions: Sequence[Companion] = (dispatch, *companions)
        self._stopped = threading.Event()
        self._watchdog = Watchdog()
        self._sweep = Sweep(router, stopped=self._stopped, watchdog=self._watchdog, chores=chores)

    def run(self) -> None:
        """Work until told to stop; what is in hand is finished first."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        # What is loaded now stays; looking through it again for garbage would cost a tenth of all routing.
        gc.freeze()
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
        # Side by side: each may have something in hand that takes its time.
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
        """Consume bells while there is a broker; while there is none, look for one now and then."""
        while not self._stopped.is_set():
            url = self._find_url()
            listening = self._listen(url) if url else None
            self._stopped.wait(_LOOK_FOR_BROKER_SECONDS)
            if url and listening is not None:
                self._wait_while(url)
                listening.stop(timeout=_STOP_MILLISECONDS if answers(url) else _STOP_WITHOUT_BROKER_MILLISECONDS)

    def _wait_while(self, url: str) -> None:
        # An embedded broker that was started anew may have moved to another port.
        while not self._stopped.is_set() and self._find_url() == url:
            self._stopped.wait(_LOOK_FOR_BROKER_SECONDS)

    def _listen(self, url: str) -> dramatiq.Worker | None:
        try:
            broker = listening_broker(url)
            broker.client.ping()
        except (RedisError, OSError) as error:
            _log.warning("broker.away", error=type(error).__name__)
            return None
        dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=broker)(self._route_page)
        dramatiq.actor(actor_name=SENDING_ACTOR, queue_name=SENDING_QUEUE, broker=broker)(self._dispatch.nudge)
        queues = {QUEUE, SENDING_QUEUE}
        worker = dramatiq.Worker(broker, queues=queues, worker_threads=_BELL_THREADS, worker_timeout=_DEAF_MILLISECONDS)
        worker.start()
        return worker

    def _route_page(self, ids: list[str]) -> None:
        # An actor never raises: what failed is in a row, and the sweep is the one that tries again.
        try:
            routed = self._router.route_page([UUID(id_) for id_ in ids])
            # Whoever is awake goes on while there is more: the next bell may lie with a worker that is busy.
            while routed and not self._stopped.is_set():
                routed = self._router.route_oldest()
        except Exception:  # noqa: BLE001  (the outer loop of a bell)
            _log.warning("bell.failed", exc_info=True)
        # What was routed may have been answered by machine.
        self._dispatch.nudge()
