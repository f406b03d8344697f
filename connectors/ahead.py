"""The page that is fetched and read while the one before it is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from connectors.base import Arrival, Page


@dataclass(frozen=True, slots=True)
class Taken:
    """A page as the provider gave it, and its messages as the reader read them."""

    page: Page
    arrivals: Sequence[Arrival]


class Ahead:
    """One page that is on its way, in a thread of its own."""

    def __init__(self, take: Callable[[], Taken], *, name: str) -> None:
        self._future: Future[Taken] = Future()
        # No executor: its threads keep a process from ending, and a provider may be silent for long.
        threading.Thread(target=self._run, args=(take,), name=f"{name} ahead", daemon=True).start()

    def result(self) -> Taken:
        """Wait for the page. Raises what taking it raised."""
        return self._future.result()

    def wait(self) -> None:
        """Wait until the connector is nobody's again, whatever came of the page."""
        self._future.exception()

    def _run(self, take: Callable[[], Taken]) -> None:
        try:
            self._future.set_result(take())
        except BaseException as error:  # noqa: BLE001  (whoever waits for the page is told)
            self._future.set_exception(error)
