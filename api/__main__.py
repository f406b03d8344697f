"""`python -m api`: serve the desk on the configured address until a signal stops it."""

from __future__ import annotations

import asyncio
import contextlib
from types import FrameType
from typing import Final

import uvicorn

import workers.runtime.plain_tracebacks  # noqa: F401  (before whatever imports structlog)
from api.app import create_app
from api.desk import Desk
from api.http.connections import Connections, bounded_by
from api.services.chats import Chats
from api.services.event_stream import Tail
from connectors.freed_memory import return_freed
from workers.runtime.start import open_desk

# A response takes milliseconds; one that takes longer than this hangs.
_GRACE_SECONDS: Final = 20
_TICK_SECONDS: Final = 1.0


class _Server(uvicorn.Server):
    """Ends the streams first: otherwise they stay open as long as their clients."""

    def __init__(self, config: uvicorn.Config, *, tail: Tail, chats: Chats) -> None:
        super().__init__(config)
        self._tail, self._chats = tail, chats
        self._signalled = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop on a signal."""
        self._tail.stop()
        self._chats.stop()
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._signalled.set)

    async def main_loop(self) -> None:
        """Renew the date of the answers each second, until a signal; uvicorn's own loop wakes ten times as often."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._signalled.wait(), _TICK_SECONDS)


def main() -> None:
    """Serve; after the first SIGTERM or Ctrl-C running requests finish, a second one ends them."""
    settings, database = open_desk()
    host, _, port = settings.omniyard.listen.rpartition(":")
    app = create_app(settings, database=database)
    desk: Desk = app.state.desk
    # Each open chat holds a connection.
    more = settings.limits.chat_streams if desk.chats.pages else 0
    limits = settings.limits.model_copy(update={"connections": settings.limits.connections + more})
    places = Connections(limits, refusals=desk.refusals, proxies=settings.omniyard.trusted_proxies)
    config = uvicorn.Config(
        app,
        http=bounded_by(places),
        host=host.strip("[]"),
        port=int(port),
        log_config=None,
        access_log=False,
        server_header=False,
        # The application believes `trusted_proxies`, and nothing in the environment.
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return_freed()
    try:
        _Server(config, tail=desk.tail, chats=desk.chats).run()
    finally:
        database.close()


if __name__ == "__main__":
    main()
