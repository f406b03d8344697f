"""A proxy in front of several servers: a connection goes to the next one that is ready."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Sequence
from typing import Final

_ASK_EVERY_SECONDS: Final = 1.0
_ASK_SECONDS: Final = 4.0
_CHUNK: Final = 65_536


class Proxy:
    """Forwards TCP from a port of loopback, in a thread of its own.

    ready: the path that says by HTTP whether a server is ready; without one, that it accepts a connection is enough.
    """

    def __init__(self, port: int, servers: Sequence[tuple[str, int]], *, ready: str = "") -> None:
        self.port, self._servers, self._path = port, servers, ready
        self._good: set[tuple[str, int]] = set()
        self._turn = itertools.cycle(servers)
        self._watching: list[asyncio.Task[None]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"proxy-{port}", daemon=True)

    def start(self) -> None:
        """Start to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End, with every connection."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    @property
    def ready(self) -> int:
        """How many servers are ready."""
        return len(self._good)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port))
        for server in self._servers:
            self._watching.append(self._loop.create_task(self._watch(server)))
        self._loop.run_forever()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))

    async def _watch(self, server: tuple[str, int]) -> None:
        while True:
            if await self._is_ready(server):
                self._good.add(server)
            else:
                self._good.discard(server)
            await asyncio.sleep(_ASK_EVERY_SECONDS)

    async def _is_ready(self, server: tuple[str, int]) -> bool:
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                reader, writer = await asyncio.open_connection(*server)
                try:
                    if not self._path:
                        return (await reader.read(3)) == b"220"
                    writer.write(f"GET {self._path} HTTP/1.0\r\nHost: desk.example\r\n\r\n".encode())
                    return b" 200 " in await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in self._servers:
            server = next(self._turn)
            if server not in self._good:
                continue
            with contextlib.suppress(OSError, TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(_ASK_SECONDS):
                    theirs, ours = await asyncio.open_connection(*server)
                await asyncio.gather(_pump(reader, ours), _pump(theirs, writer), return_exceptions=True)
                return
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while content := await reader.read(_CHUNK):
            writer.write(content)
            await writer.drain()
    finally:
        writer.close()
