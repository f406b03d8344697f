"""The urgent lane: a thread that routes what may be an emergency while the other threads work on their batches."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from router.errors import TransientError
from workers.routing.route import MessageRouter

_log = structlog.get_logger()


class UrgentLane:
    """Routes urgent messages when it is woken; without a broker nothing wakes it, and the sweep routes them first.

    routed: called after each batch.
    """

    def __init__(self, router: MessageRouter, *, routed: Callable[[], None] = lambda: None) -> None:
        self._router, self._routed = router, routed
        self._woken, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="urgent", daemon=True)

    def start(self) -> None:
        """Wait for work."""
        self._thread.start()

    def stop(self, *, seconds: float) -> None:
        """Finish the current batch."""
        self._stopped.set()
        self._woken.set()
        self._thread.join(seconds)

    def wake(self) -> None:
        """Look for urgent messages now; callable from any thread."""
        self._woken.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._woken.wait()
            self._woken.clear()
            try:
                # One batch: if hundreds come at once, the other threads claim them first too, in their own turn.
                if not self._stopped.is_set() and self._router.route_urgent():
                    self._routed()
            except TransientError as error:
                _log.warning("urgent.postponed", error=str(error))
            except Exception:  # noqa: BLE001  (the thread's outer loop: the sweep finds the rows)
                _log.exception("urgent.failed")
